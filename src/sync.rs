//! The locks that the threads of one process may take in any order.
//!
//! They are those of `parking_lot`. In a test that explores thread orders, each is also a point
//! where another thread may run.

#[cfg(not(test))]
pub(crate) use parking_lot::Mutex;

#[cfg(test)]
pub(crate) use self::explored::Mutex;

#[cfg(test)]
pub(crate) mod explored;
