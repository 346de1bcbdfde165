//! A panic is a miss: every entry point from Node catches it and logs one line without its message,
//! which may contain cached data.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::stopwatch_ns;
use crate::notice::{Code, say};

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
    DONE.call_once(|| {
        std::panic::set_hook(Box::new(|info| tell(info, |line| say(Code::Panic, line))));
    });
}

fn tell(info: &PanicHookInfo<'_>, say: impl FnOnce(&str)) {
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
    say(&format!("a panic{place} was answered with a miss; please report it"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_panic_is_nothing_and_its_message_is_not_logged() {
        static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|info| {
            tell(info, |line| LOGGED.lock().unwrap().push(line.to_owned()));
        }));
        let results: Vec<_> = (0..3).map(|_| guard(|| panic!("a secret"))).collect();
        std::panic::set_hook(before);
        assert_eq!(results, [None::<()>, None, None]);
        let logged = LOGGED.lock().unwrap().clone();
        assert!(
            logged[0].starts_with("a panic at src") && !logged[0].contains("secret"),
            "{logged:?}"
        );
        assert_eq!(logged.len(), 1);
        assert_eq!(guard(|| 5), Some(5));
    }
}
