//! What this browser keeps beside the vault, which is its worker's.

pub mod journal;
