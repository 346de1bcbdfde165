//! The protocol checked as a whole: the state machine that ships, several times, against a model of
//! the store, under everything that may go wrong.
//!
//! `world` is what there is and what can happen next; `steps` does it, `wires` carries it; `store`
//! answers as the scripts do. `promise` keeps account of what gets may return. `walk` goes through
//! it at random, `exhaustive` along every path of small configurations. `rules` has one test per rule: left out, it breaks a promise.

mod config;
mod exhaustive;
mod promise;
mod rules;
mod steps;
pub(super) mod store;
mod walk;
mod wires;
mod world;
