//! What blocks do to a state, and what the rules of execution reject, on chains in memory.
#![allow(clippy::unwrap_used)]

mod blocks;
mod contracts;
mod execution_gas;
mod parts;
mod properties;
mod refusals;
mod shared;
mod trees;
