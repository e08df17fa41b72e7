//! Requests to the node, and what its answers prove.

pub mod balances;
pub mod node;
