//! What Next.js stores and what it expects back.
//!
//! [`value`] lays a cached value out as bytes, [`own`] reads what values of the app's own code say to
//! the engine, and [`tags`] are those that an entry has of its own; [`signal`] expresses for each minor
//! of Next.js whether a value is fresh, and [`trace`] marks values made of something stale; [`seed`] reads the
//! files of a build and [`prerendered`] turns them into values, and [`functions`] the names of what is cached.

pub mod functions;
pub mod own;
pub mod prerendered;
pub mod seed;
pub mod signal;
pub mod tags;
pub mod trace;
pub mod value;
