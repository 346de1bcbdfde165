//! Values that must not be printed.

use std::fmt;

use zeroize::Zeroize;

/// A password or a key. It prints as three dots, alone or as part of another value. It is wiped
/// when dropped, so that reused memory does not hold it; the environment still does.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize = String>(T);

impl<T: Zeroize> Secret<T> {
    /// Keeps `value` out of all output.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("Secret(...)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn a_secret_is_wiped_when_it_goes() {
        struct Seen(Rc<Cell<bool>>);
        impl Zeroize for Seen {
            fn zeroize(&mut self) {
                self.0.set(true);
            }
        }
        let is_wiped = Rc::new(Cell::new(false));
        drop(Secret::new(Seen(is_wiped.clone())));
        assert!(is_wiped.get());
    }
}
