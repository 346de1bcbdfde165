//! The functions behind the keys of `'use cache'`: Next.js writes in which file each of them is
//! (`server-reference-manifest.json`, 16.0 to 16.4). A function that has the directive inside is only
//! numbered there; its name stands in the compiled code, where the compiler gives it back:
//! `registerServerReference(o,"<id>",null),Object.defineProperty(o,"name",{value:"getPosts"})`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// A manifest that is larger is none.
const MOST_BYTES: u64 = 16 << 20;
/// The name that the compiler gives a function which is not exported, in front of its number.
const NAMELESS: &str = "$$RSC_SERVER_CACHE_";
/// Folders with compiled code, how deep it lies, and the longest name there.
const FOLDERS: [&str; 3] = ["chunks", "app", "pages"];
const MOST_DEPTH: u32 = 12;
const MOST_NAME: usize = 128;
/// The digits of an id, at least.
const LEAST_DIGITS: usize = 40;
/// The id stands near the front of a key.
const FRONT: usize = 256;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    node: HashMap<String, Function>,
    edge: HashMap<String, Function>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Function {
    filename: Option<String>,
    exported_name: Option<String>,
}

/// The functions of an app by id, as people know them; none in development. Blocks.
pub fn functions(server_dir: &Path) -> HashMap<String, String> {
    let text = read(&server_dir.join("server-reference-manifest.json"), MOST_BYTES);
    let Some(text) = text else { return HashMap::new() };
    let mut code = Code { left: MOST_BYTES * 4, names: HashMap::new() };
    if text.contains(NAMELESS) {
        for folder in FOLDERS {
            code.read(&server_dir.join(folder), MOST_DEPTH);
        }
    }
    named(&text, &code.names)
}

fn read(file: &Path, most: u64) -> Option<String> {
    let about = fs::metadata(file).ok()?;
    (about.is_file() && about.len() <= most).then(|| fs::read_to_string(file).ok())?
}

/// The names of functions in compiled code.
struct Code {
    /// Bytes that are still read.
    left: u64,
    names: HashMap<String, String>,
}

impl Code {
    fn read(&mut self, folder: &Path, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Of no link: that may lead anywhere.
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() {
                self.read(&path, depth);
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "js") {
                let text = read(&path, self.left).unwrap_or_default();
                self.left -= text.len() as u64;
                self.learn(&text);
            }
        }
    }

    fn learn(&mut self, text: &str) {
        for part in text.split("registerServerReference").skip(1) {
            let end = part.char_indices().nth(FRONT * 2).map_or(part.len(), |(at, _)| at);
            // What stands between quotes, and what follows it: the id, `name`, perhaps `value` as a
            // property, and the name.
            let mut parts = part.get(..end).unwrap_or_default().split('"').skip(1);
            let quoted = std::iter::from_fn(|| Some((parts.next()?, parts.next()?)));
            let is_property = |next: &str| next.trim_start().starts_with(':');
            let mut words = quoted
                .filter(|(word, next)| !(*word == "value" && is_property(next)))
                .map(|(word, _)| word);
            let (Some(id), Some("name"), Some(name)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            if is_id(id) && is_name(name) {
                self.names.insert(id.to_owned(), name.to_owned());
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_of_name = |one: char| one.is_alphanumeric() || "_$".contains(one);
    !name.is_empty() && name.len() <= MOST_NAME && name.chars().all(is_of_name)
}

fn named(text: &str, names: &HashMap<String, String>) -> HashMap<String, String> {
    let Manifest { node, edge } = serde_json::from_str(text).unwrap_or_default();
    let all = node.into_iter().chain(edge);
    let name = |(id, Function { filename, exported_name }): (String, Function)| {
        let (file, name) = (filename?, exported_name.unwrap_or_default());
        // The compiler counts from 0.
        let number = name.strip_prefix(NAMELESS).and_then(|number| number.parse::<u32>().ok());
        let said = match (number, names.get(&id)) {
            (Some(_), Some(name)) => format!("{file} {name}"),
            (Some(number), None) => format!("{file} function {}", u64::from(number) + 1),
            (None, _) if name.is_empty() => file,
            (None, _) => format!("{file} {name}"),
        };
        Some((id, said))
    };
    all.filter_map(name).collect()
}

/// The id in a key.
pub fn id(key: &str) -> Option<&str> {
    let front = key.get(..FRONT).unwrap_or(key);
    // What stands between quotes.
    let mut parts: Vec<&str> = front.split('"').skip(1).collect();
    parts.pop();
    parts.into_iter().find(|part| is_id(part))
}

fn is_id(part: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    part.len() >= LEAST_DIGITS && part.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_as_people_know_them() {
        let text = r#"{
            "node": {
                "80ab": { "filename": "app/page.tsx", "exportedName": "getPosts", "workers": {} },
                "c0de": { "filename": "app/page.tsx", "exportedName": "$$RSC_SERVER_CACHE_0" },
                "aaaa": { "exportedName": "nowhere" }
            },
            "edge": { "e0": { "filename": "app/b.ts" } }, "encryptionKey": "x"
        }"#;
        let mut all: Vec<_> = named(text, &HashMap::new()).into_iter().collect();
        all.sort();
        let told = [
            ("80ab", "app/page.tsx getPosts"),
            ("c0de", "app/page.tsx function 1"),
            ("e0", "app/b.ts"),
        ];
        assert_eq!(all, told.map(|(id, name)| (id.to_owned(), name.to_owned())));
        for none in ["", "{", "[]", r#"{"node":7}"#] {
            assert!(named(none, &HashMap::new()).is_empty(), "{none}");
        }
        assert!(functions(Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn a_name_that_the_manifest_has_not_is_found_in_the_compiled_code() {
        let dir = std::env::temp_dir().join(format!("functions-{}", std::process::id()));
        let ids = ["c0", "c1", "c2", "c3", "c4", "c5"].map(|front| front.repeat(21));
        let write = |path: &str, text: &str| {
            let file = dir.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        let function = |id: &str, number: u32| {
            let name = format!("{NAMELESS}{number}");
            (id.to_owned(), serde_json::json!({ "filename": "lib/a.js", "exportedName": name }))
        };
        let node: serde_json::Map<_, _> =
            ids.iter().zip(0..).map(|(id, number)| function(id, number)).collect();
        write("server-reference-manifest.json", &serde_json::json!({ "node": node }).to_string());
        let minified = |id: &str, name: &str| {
            format!(
                r#"(0,r.registerServerReference)(o,"{id}",null),Object.defineProperty(o,"name",{{value:"{name}"}});"#
            )
        };
        write(
            "chunks/a/b.js",
            &format!("{}{}", minified(&ids[0], "plain"), minified(&ids[1], "größe")),
        );
        write("chunks/value.js", &format!("{}f(\"later\")", minified(&ids[4], "value")));
        let spread = |id: &str, name: &str| {
            format!(
                "registerServerReference($$RSC, \"{id}\", null);\nObject.defineProperty($$RSC, \"name\", {{\n  \"value\": \"{name}\" }});",
            )
        };
        write("app/page.js", &(spread(&ids[2], "spread") + &spread(&ids[5], "value")));
        write("chunks/forged.js", &minified(&ids[3], "a b\u{1b}"));
        write("chunks/c.txt", &minified(&ids[3], "text"));
        let names = functions(&dir);
        fs::remove_dir_all(&dir).unwrap();
        let told = ids.each_ref().map(|id| names[id].as_str());
        let all = ["plain", "größe", "spread", "function 4", "value", "value"];
        let all = all.map(|name| format!("lib/a.js {name}"));
        assert_eq!(told, all);
    }

    #[test]
    fn the_id_is_found_in_a_key() {
        let id_of = "80".repeat(21);
        assert_eq!(id(&format!(r#"["build","{id_of}",[]]"#)), Some(&*id_of));
        let short = "80".repeat(19);
        for none in ["", "\"", &id_of, &format!(r#"["{short}"]"#), &format!(r#"["{id_of}"#)] {
            assert_eq!(id(none), None, "{none}");
        }
        let late = format!(r#"["{}","{id_of}"]"#, "é".repeat(300));
        assert!(id(&late).is_none_or(|found| found == id_of));
    }
}
