//! The protocol checked as a whole: several instances of the state machine that ships, against a
//! model of the store, under everything that may go wrong.
//!
//! `world` has the state and the steps that can happen next; `steps` takes them, `wires` carries
//! messages; `store` answers as the scripts do. `promise` keeps account of what gets may return.
//! `walk` explores at random, `exhaustive` along every path of small configurations. `rules` has
//! one test per rule: without it, a promise breaks.

mod config;
mod exhaustive;
mod promise;
mod rules;
mod steps;
pub(super) mod store;
mod walk;
mod wires;
mod world;
