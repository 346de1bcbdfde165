//! What the app's own code asks for: values, tokens, codes, locks, limits, seats, sessions and counts.
//!
//! Each capability has a folder that says what is decided, without a clock, a lock or a server:
//! [`value`] (also of tokens), [`code`], [`lock`], [`limit`], [`seat`], [`session`],
//! [`count`]. [`store`] is what carries an
//! order out: [`memory`] in this process, bounded, and `redis` for all processes, by a script that
//! decides the same in one turn. [`label`] names what lies there, [`digest`] hides it. [`desk`] takes
//! the orders in, and answers by itself what needs no store. An answer becomes [`cells`], which lie among
//! the [`replies`] of a thread of JavaScript until it takes them.

pub mod cells;
pub mod code;
pub mod count;
pub mod desk;
pub mod digest;
pub mod label;
pub mod limit;
pub mod lock;
pub mod memory;
pub mod numbered;
pub mod replies;
pub mod seat;
pub mod session;
mod shelf;
pub mod store;
pub mod value;
