//! The functions behind the keys of `'use cache'`: Next.js writes in which file each of them is
//! (`server-reference-manifest.json`, 16.0 to 16.4). `js/subjects.js` reads the same for its process.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// A manifest that is larger is none.
const MOST_BYTES: u64 = 16 << 20;
/// The name that the compiler gives a function which is not exported, in front of its number.
const NAMELESS: &str = "$$RSC_SERVER_CACHE_";
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
    let file = server_dir.join("server-reference-manifest.json");
    let is_read = fs::metadata(&file).is_ok_and(|about| about.len() <= MOST_BYTES);
    let text = is_read.then(|| fs::read_to_string(file).ok()).flatten().unwrap_or_default();
    named(&text)
}

fn named(text: &str) -> HashMap<String, String> {
    let Manifest { node, edge } = serde_json::from_str(text).unwrap_or_default();
    let all = node.into_iter().chain(edge);
    let name = |(id, Function { filename, exported_name }): (String, Function)| {
        let (file, name) = (filename?, exported_name.unwrap_or_default());
        // The compiler counts from 0.
        let number = name.strip_prefix(NAMELESS).and_then(|number| number.parse::<u32>().ok());
        let said = match number {
            Some(number) => format!("{file} function {}", u64::from(number) + 1),
            None if name.is_empty() => file,
            None => format!("{file} {name}"),
        };
        Some((id, said))
    };
    all.filter_map(name).collect()
}

/// The id in a key.
pub fn id(key: &str) -> Option<&str> {
    let front = key.get(..FRONT).unwrap_or(key);
    let is_id = |part: &&str| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        part.len() >= LEAST_DIGITS && part.bytes().all(is_digit)
    };
    // What stands between quotes.
    let mut parts: Vec<&str> = front.split('"').skip(1).collect();
    parts.pop();
    parts.into_iter().find(is_id)
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
        let mut all: Vec<_> = named(text).into_iter().collect();
        all.sort();
        let told = [
            ("80ab", "app/page.tsx getPosts"),
            ("c0de", "app/page.tsx function 1"),
            ("e0", "app/b.ts"),
        ];
        assert_eq!(all, told.map(|(id, name)| (id.to_owned(), name.to_owned())));
        for none in ["", "{", "[]", r#"{"node":7}"#] {
            assert!(named(none).is_empty(), "{none}");
        }
        assert!(functions(Path::new("/nowhere")).is_empty());
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
