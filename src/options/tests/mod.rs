pub(super) mod pages;
mod shared;

use super::*;
use serde_json::json;

#[test]
fn without_anything_the_defaults_hold() {
    let options = Options::resolve(&Value::Null, &json!({})).unwrap();
    assert_eq!(options, Options::default());
    assert_eq!(options.memory_bytes, 64 * MIB);
    assert_eq!(options.entry_bytes, 16 << 20);
    assert_eq!(options.hot_bytes, 32 << 20);
    assert_eq!((options.fetch_wait_ms, options.wait_ms), (1_200, 2_200));
    assert!(options.prerendered && !options.debug);
}

#[test]
fn the_object_wins_over_the_environment() {
    let env = json!({ "TIERCEL_MEMORY_MB": "8", "TIERCEL_DEBUG": "1", "TIERCEL_WAIT_MS": "" });
    let options = Options::resolve(&json!({ "memoryMb": 16 }), &env).unwrap();
    assert_eq!(options.memory_bytes, 16 * MIB);
    assert!(options.debug);
}

#[test]
fn a_wrong_value_is_refused_with_its_name_and_what_is_allowed() {
    let error = Options::resolve(&json!({ "memoryMb": "lots" }), &json!({})).unwrap_err();
    assert_eq!(error.code(), "TIERCEL_INVALID_OPTION");
    assert_eq!(
        error.to_string(),
        "tiercel: option `memoryMb` must be a whole number from 0 to 1048576, but is \"lots\""
    );
    let env = json!({ "TIERCEL_PRERENDERED": "maybe" });
    let error = Options::resolve(&Value::Null, &env).unwrap_err();
    assert!(error.to_string().contains("`TIERCEL_PRERENDERED` must be 1, 0, true or false"));
    assert!(Options::resolve(&json!({ "memoryMb": -1 }), &json!({})).is_err());
    assert!(Options::resolve(&json!({ "memoryMb": 1.5 }), &json!({})).is_err());
    assert!(Options::resolve(&json!([]), &json!({})).is_err());
}

#[test]
fn a_misspelled_option_is_refused_with_the_list() {
    let error = Options::resolve(&json!({ "memoryMB": 1 }), &json!({})).unwrap_err();
    assert_eq!(error.code(), "TIERCEL_UNKNOWN_OPTION");
    assert!(
        error
            .to_string()
            .contains("`memoryMB`: did you mean `memoryMb`?; the options are memoryMb, max")
    );
}
