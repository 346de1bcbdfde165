//! What Next.js stores and what it expects back.
//!
//! [`value`] lays a cached value out as bytes; [`signal`] says in the words of each minor of
//! Next.js whether a value is fresh, and [`trace`] marks values made of something stale; [`seed`]
//! reads the files of a build and [`prerendered`] makes values of them.

pub mod prerendered;
pub mod seed;
pub mod signal;
pub mod trace;
pub mod value;
