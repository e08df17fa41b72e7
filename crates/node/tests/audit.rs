//! The audit agrees with a sound store, and names exactly what was changed in any other.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "audit/bodies.rs"]
mod bodies;
#[path = "audit/fixture.rs"]
mod fixture;
#[path = "audit/rows.rs"]
mod rows;
mod support;
