//! Checkpoint sync, and chains whose total work is checked as a whole. Rules: docs/protocol.md#Q1 to
//! #Q5

pub(crate) mod choice;
pub(crate) mod heavier_fork;
pub(crate) mod parts;
pub(crate) mod rivals;
pub(crate) mod taken;
pub(crate) mod walk;
