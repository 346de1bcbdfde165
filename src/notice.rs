//! What the operator is told: lines on standard error, each of a kind that the documentation lists.
//!
//! A line leaves through JavaScript, so that a program sees it which watches `process.stderr`, or
//! receives it by the option `onNotice`. Only without a thread of JavaScript it is printed here.

mod kinds;

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;

pub use self::kinds::Code;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It is as it should be.
    Info,
    /// Something works worse than it could.
    Warn,
    /// Something does not work.
    Error,
}

impl Level {
    /// `info`, `warn` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its kind.
    pub code: Code,
    /// Its text, without what it begins with.
    pub text: String,
}

impl Notice {
    /// The whole line. The first one of a process says which version speaks.
    pub fn line(&self) -> String {
        let version =
            if self.code == Code::Started { concat!(" ", env!("CARGO_PKG_VERSION")) } else { "" };
        format!("tiercel{version}: {}", self.text)
    }

    /// Prints it from here.
    pub fn print(&self) {
        // A failed write to standard error cannot be reported anywhere.
        let _ = writeln!(std::io::stderr(), "{}", self.line());
    }
}

/// Somebody who passes lines on.
pub trait Ear: Send + Sync {
    /// Takes a line. False if it cannot.
    fn hear(&self, notice: &Notice) -> bool;
}

/// Those who pass lines on; the first one that can does.
static EARS: Mutex<Vec<Arc<dyn Ear>>> = Mutex::new(Vec::new());

/// From now on `ear` passes lines on.
pub fn attach(ear: Arc<dyn Ear>) {
    let mut ears = EARS.lock();
    if !ears.iter().any(|other| Arc::ptr_eq(other, &ear)) {
        ears.push(ear);
    }
}

/// From now on `ear` passes no lines on.
pub fn detach(ear: &Arc<dyn Ear>) {
    EARS.lock().retain(|other| !Arc::ptr_eq(other, ear));
}

/// Tells the operator something. A line remains one line whatever the text holds.
pub fn say(code: Code, text: &str) {
    debug_assert!(code.fits(text), "{text:?} is not documented for {}", code.as_str());
    let text = text.chars().map(|letter| if letter.is_control() { '·' } else { letter }).collect();
    pass_on(&Notice { code, text });
}

/// Has somebody pass a line on.
pub fn pass_on(notice: &Notice) {
    let ears = EARS.lock().clone();
    if !ears.iter().any(|ear| ear.hear(notice)) {
        notice.print();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>, bool);

    impl Ear for Heard {
        fn hear(&self, notice: &Notice) -> bool {
            self.0.lock().push(notice.line());
            self.1
        }
    }

    #[test]
    fn the_first_that_can_passes_a_line_on_and_it_stays_one_line() {
        let all = [false, true, true].map(|can| Arc::new(Heard(Mutex::default(), can)));
        let ears = all.clone().map(|ear| ear as Arc<dyn Ear>);
        for ear in &ears {
            attach(ear.clone());
            attach(ear.clone());
        }
        say(Code::Back, "redis\nx is back");
        ears.iter().for_each(detach);
        let told = "tiercel: redis·x is back";
        let heard =
            all.each_ref().map(|ear| ear.0.lock().iter().filter(|line| *line == told).count());
        assert_eq!(heard, [1, 1, 0]);
    }

    #[test]
    fn only_the_first_line_says_the_version() {
        let line = |code| Notice { code, text: "x".into() }.line();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(line(Code::Started), format!("tiercel {version}: x"));
        assert_eq!(line(Code::Away), "tiercel: x");
    }
}
