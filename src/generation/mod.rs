//! Who generates: one instance of the fleet for each key, and one call of that instance.
//!
//! - A **leader** generates a value. **Followers** wait for it, or serve something stale meanwhile.
//! - [`flights`] is the **single-flight** of this process: callers of one key share one generation.
//! - [`leases`] is what this process knows of **leases**: the store grants one instance of the
//!   fleet the right to generate a key.
//! - **Hit-for-miss**: for a while no get waits for a key whose generations stored nothing.
//! - [`limits`] has every span, with its reason.
//!
//! `engine::coordinate` drives both for a get and a set. Nothing here knows the engine.

pub mod attempt;
pub mod flights;
pub mod leases;
pub mod limits;

/// How a generation ended here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its value is stored, or was found; or others may try again.
    Done,
    /// Nothing was stored, and nothing will be soon: the key is a hit-for-miss.
    Uncacheable,
}
