//! What blocks do to a state, and what the rules of execution reject, on chains in memory.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod blocks;
mod contracts;
mod execution_gas;
mod parts;
mod properties;
mod refusals;
mod shared;
mod trees;
