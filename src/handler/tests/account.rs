//! What a process remembers about something.

use super::*;
use crate::account::{Account, MOST_DECISIONS};
use crate::handler::account::account;

fn watched(kind: ValueKind) -> Next {
    let next = Next::alone(kind, PLAIN());
    next.thread.open_journal(256);
    next
}

fn asked(next: &Next, text: &str) -> Account {
    let journals = [next.thread.journal().unwrap().clone()];
    let subject = |kind: &str, key: &str| {
        (kind == "FETCH" && key == "/a").then(|| "https://api.example/p?page=2".to_owned())
    };
    account(&next.engine, &journals, text, subject)
}

fn calls(account: &Account) -> Vec<String> {
    account.decisions.iter().map(|one| format!("{} {}", one.call, one.outcome)).collect()
}

#[test]
fn a_key_a_tag_and_a_url_find_the_decisions_about_them_and_no_others() {
    let next = watched(ValueKind::Fetch);
    next.get();
    next.set(&["posts"]);
    next.invalidate("authors", None);
    next.invalidate("posts", None);
    next.get();
    let all = ["get miss", "set stored", "get miss"];
    for text in ["a", "api.example/p", "https://api.example/p?page=2", "/p", "/p?page="] {
        assert_eq!(calls(&asked(&next, text)), all, "{text}");
    }
    assert_eq!(calls(&asked(&next, "posts")), ["get miss", "invalidate hard", "set stored"]);
    assert_eq!(calls(&asked(&next, "authors")), ["invalidate hard"]);
    for text in ["other", "/", "/a/b", "author", "post"] {
        assert_eq!(calls(&asked(&next, text)), [""; 0], "{text}");
    }
    let told = asked(&next, "posts");
    assert_eq!(told.decisions[0].subject.as_deref(), Some("https://api.example/p?page=2"));
    assert_eq!(told.found, 3);
}

#[test]
fn a_path_finds_the_invalidations_of_the_tags_that_it_had() {
    let next = watched(ValueKind::AppPage);
    next.set(&["posts", "a, tag"]);
    for tag in ["authors", "posts", "a, tag", "post"] {
        next.invalidate(tag, None);
    }
    let told = asked(&next, "/a");
    let keys: Vec<_> = told.decisions.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["a, tag", "posts", "/a"]);
    assert_eq!(told.found, 3);
    assert_eq!(calls(&asked(&next, "/b")), [""; 0], "another path had none of them");
    assert_eq!(calls(&asked(&next, "a, tag")), ["invalidate hard", "set stored"]);
}

#[test]
fn a_path_finds_its_tags_and_the_layouts_above_it() {
    let next = watched(ValueKind::AppPage);
    next.set(&["_N_T_/layout", "_N_T_/blog/layout", "_N_T_/blog/a/page", "_N_T_/blog/a"]);
    for tag in ["_N_T_/blog/layout", "_N_T_/blog/b", "_N_T_/blog/a", "_N_T_/blo/layout"] {
        next.invalidate(tag, None);
    }
    let of = |text| calls(&asked(&next, text)).len();
    assert_eq!(of("/blog/a"), 3, "the set, its own invalidation, and that of the layout");
    assert_eq!(of("/blog"), 1, "the layout; the page below has its tag, and is another one");
    assert_eq!(of("/blog/b"), 2);
    assert_eq!((of("/other"), of("/")), (0, 0));
    next.invalidate("_N_T_/layout", None);
    assert_eq!((of("/other"), of("/")), (1, 1), "everything is below the root");
}

#[test]
fn of_many_the_last_are_told_and_all_are_counted() {
    let next = watched(ValueKind::Fetch);
    next.set(&[]);
    for _ in 0..MOST_DECISIONS + 4 {
        next.get();
    }
    let told = asked(&next, "/a");
    assert_eq!((told.decisions.len(), told.found), (MOST_DECISIONS, MOST_DECISIONS as u64 + 5));
    assert!(told.decisions.is_sorted_by(|a, b| a.time >= b.time));
}
