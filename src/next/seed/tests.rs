//! One build output per promise, written into a fresh folder.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use super::{Kind, Seed, Wanted, read};

mod faults;
mod fetches;
mod hostile;
mod manifest;
mod others;
mod owned;
mod plain;

const HASH: &str = "598124ea42a7fa20b1ca4e05fb72834de73e98d2ec5bfb5863d326020e1250db";

/// A `.next/server` that disappears with the test.
struct Build {
    dir: PathBuf,
}

impl Build {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("seed-{}-{number}", std::process::id()));
        fs::create_dir_all(dir.join(".next/server")).unwrap();
        Self { dir }
    }

    fn server(&self) -> PathBuf {
        self.dir.join(".next/server")
    }

    fn write(&self, name: &str, body: impl AsRef<[u8]>) -> &Self {
        let path = self.server().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, body).unwrap();
        self
    }

    fn remove(&self, name: &str) -> &Self {
        fs::remove_file(self.server().join(name)).unwrap();
        self
    }

    fn meta(&self, base: &str, meta: &Value) -> &Self {
        self.write(&format!("{base}.meta"), meta.to_string())
    }

    fn read(&self, kind: Kind, key: &str) -> Option<Seed> {
        self.ask(kind, key, false, false)
    }

    fn ask(&self, kind: Kind, key: &str, is_fallback: bool, is_ppr: bool) -> Option<Seed> {
        read(&Wanted { server_dir: &self.server(), key, kind, is_fallback, is_ppr })
    }

    /// `/blog/a` as 16.3.8 and later write it.
    fn owned_page() -> Self {
        let build = Self::new();
        build.write("app/blog/a.html", "<p>é</p>").write("app/blog/a.rsc", [0, 255]);
        build.meta("app/blog/a", &owned_meta("APP_PAGE", "/blog/a", false));
        build
    }

    /// `/blog/a` as 16.0 to 16.3.7 write it, without PPR.
    fn plain_page() -> Self {
        let build = Self::new();
        build.write("app/blog/a.html", "<p>a</p>").write("app/blog/a.rsc", "rsc");
        build.meta("app/blog/a", &json!({ "headers": headers() }));
        build
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn headers() -> Value {
    json!({ "x-nextjs-prerender": "1", "x-next-cache-tags": "_N_T_/layout,_N_T_/blog/a" })
}

fn owned_key(kind: &str, path: &str) -> String {
    format!("/route-cache/{kind}/{HASH}/${path}")
}

fn owned_meta(kind: &str, path: &str, is_fallback: bool) -> Value {
    json!({
        "headers": headers(),
        "routeCache": {
            "key": owned_key(kind, path),
            "owner": { "kind": kind, "sourceRoute": "/blog/[slug]/page" },
            "isFallback": is_fallback,
        },
    })
}

fn with(mut meta: Value, field: &str, value: Value) -> Value {
    meta[field] = value;
    meta
}
