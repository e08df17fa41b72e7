//! The security laboratory without its nodes: a catalogue of attacks, and what an attacker makes for each of them.
//!
//! [`CATALOGUE`] has the scenarios with their texts and rules. [`transactions`] and [`blocks`] make what is sent to a node: the
//! honest version, the tampered ones, and how each has to be rejected. [`race`] has the mathematics of hash power, [`old`] a small
//! simulator of the chain that Tally replaces. Everything is pure: no clock, no I/O; randomness comes from a seed. So the same code
//! runs behind `tally lab` and, as WASM, in a page. Keys and accounts of this crate are PUBLIC.

#![deny(clippy::unwrap_used, clippy::disallowed_types)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")
)]

mod act;
pub mod blocks;
mod branch;
mod catalogue;
mod forgery;
mod keys;
mod numbers;
pub mod old;
pub mod race;
mod random;
pub mod report;
mod scenario;
pub mod transactions;
mod world;

pub use branch::{Branch, BranchError, Sealed};
pub use catalogue::CATALOGUE;
pub use keys::{RsaSigner, Secp256k1Signer, Signer};
pub use random::Seeded;
pub use scenario::{Group, Scenario, rule_link};
pub use world::{BALANCE, Bench, spec};
