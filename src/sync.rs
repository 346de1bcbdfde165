//! The locks between which the threads of one process may come in any order.
//!
//! They are those of `parking_lot`. In tests they are that too, and where a test has every order
//! tried, each is also a place where another thread may go on.

#[cfg(not(test))]
pub(crate) use parking_lot::Mutex;

#[cfg(test)]
pub(crate) use self::explored::Mutex;

#[cfg(test)]
pub(crate) mod explored;
