//! App Router pages of 16.0 to 16.3.7.

use serde_json::json;

use super::Build;
use crate::next::seed::Kind;

#[test]
fn a_plain_page_is_found_by_its_path() {
    let seed = Build::plain_page().read(Kind::AppPage, "/blog/a").unwrap();
    assert_eq!(seed.html, "<p>a</p>");
    assert_eq!(seed.rsc.unwrap(), b"rsc");
}

#[test]
fn a_plain_page_without_ppr_needs_its_rsc() {
    let build = Build::plain_page();
    build.remove("app/blog/a.rsc");
    assert_eq!(build.read(Kind::AppPage, "/blog/a"), None);
    assert!(build.ask(Kind::AppPage, "/blog/a", true, false).is_some());
}

#[test]
fn ppr_output_of_16_0_has_its_rsc_in_the_prefetch_file() {
    let build = Build::plain_page();
    build.remove("app/blog/a.rsc").write("app/blog/a.prefetch.rsc", "prefetch");
    let seed = build.ask(Kind::AppPage, "/blog/a", false, true).unwrap();
    assert_eq!(seed.rsc.unwrap(), b"prefetch");
    build.meta("app/blog/a", &json!({ "headers": {}, "postponed": "state" }));
    let seed = build.ask(Kind::AppPage, "/blog/a", false, true).unwrap();
    assert_eq!(seed.rsc.unwrap(), b"prefetch");
    assert_eq!(build.ask(Kind::AppPage, "/blog/a", true, true).unwrap().rsc, None);
}

#[test]
fn ppr_output_of_16_1_has_no_rsc() {
    let build = Build::plain_page();
    build.remove("app/blog/a.rsc");
    assert_eq!(build.ask(Kind::AppPage, "/blog/a", false, true).unwrap().rsc, None);
}

#[test]
fn ppr_output_of_16_2_has_its_rsc_unless_postponed() {
    let build = Build::plain_page();
    let seed = build.ask(Kind::AppPage, "/blog/a", false, true).unwrap();
    assert_eq!(seed.rsc.unwrap(), b"rsc");
    build.meta("app/blog/a", &json!({ "headers": {}, "postponed": "state" }));
    assert_eq!(build.ask(Kind::AppPage, "/blog/a", false, true).unwrap().rsc, None);
}

#[test]
fn the_rsc_of_a_page_named_like_a_prefetch_file_is_not_borrowed() {
    let build = Build::plain_page();
    build.remove("app/blog/a.rsc");
    build.write("app/blog/a.prefetch.html", "other").write("app/blog/a.prefetch.rsc", "other");
    assert_eq!(build.ask(Kind::AppPage, "/blog/a", false, true).unwrap().rsc, None);
}

#[test]
fn a_page_whose_tags_are_unknown_is_not_served() {
    let build = Build::plain_page();
    build.meta("app/blog/a", &json!({}));
    assert_eq!(build.read(Kind::AppPage, "/blog/a"), None);
    build.remove("app/blog/a.meta");
    assert_eq!(build.read(Kind::AppPage, "/blog/a"), None);
}
