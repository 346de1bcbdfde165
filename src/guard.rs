//! A panic is a miss: every entry point from Node catches it and logs one line without its message,
//! which may contain cached data.

use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::stopwatch_ns;

/// At most one line in this time.
const PAUSE_NS: u64 = 1_000_000_000;

/// Does `work`; `None` if it panicked.
#[inline]
pub fn guard<R>(work: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Replaces what this addon prints about a panic. Other addons and Node are not affected: each has
/// its own standard library.
pub fn be_brief() {
    static DONE: Once = Once::new();
    DONE.call_once(|| std::panic::set_hook(Box::new(|info| tell(info, &mut std::io::stderr()))));
}

/// Logs a line for the operator.
pub fn say(line: &str) {
    // A failed write to standard error cannot be reported anywhere.
    let _ = writeln!(std::io::stderr(), "tiercel: {line}");
}

fn tell(info: &PanicHookInfo<'_>, out: &mut impl Write) {
    static NEXT_NS: AtomicU64 = AtomicU64::new(0);
    let now = stopwatch_ns();
    let next = NEXT_NS.load(Ordering::Relaxed);
    let is_first = NEXT_NS.compare_exchange(
        next,
        now.saturating_add(PAUSE_NS),
        Ordering::Relaxed,
        Ordering::Relaxed,
    );
    if now < next || is_first.is_err() {
        return;
    }
    let place = info.location().map_or_else(String::new, |at| format!(" at {at}"));
    // A failed write to standard error cannot be reported anywhere.
    let _ = writeln!(out, "tiercel: a panic{place} was answered with a miss; please report it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_panic_is_nothing_and_its_message_is_not_logged() {
        static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|info| tell(info, &mut *LOGGED.lock().unwrap())));
        let results: Vec<_> = (0..3).map(|_| guard(|| panic!("a secret"))).collect();
        std::panic::set_hook(before);
        assert_eq!(results, [None::<()>, None, None]);
        let logged = String::from_utf8(LOGGED.lock().unwrap().clone()).unwrap();
        assert!(
            logged.starts_with("tiercel: a panic at src") && !logged.contains("secret"),
            "{logged}"
        );
        assert_eq!(logged.lines().count(), 1);
        assert_eq!(guard(|| 5), Some(5));
    }
}
