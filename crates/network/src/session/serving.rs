//! Answers to requests of peers, and what they may cost. Rule: docs/protocol.md#N8

pub(crate) mod answers;
pub(crate) mod cost;
pub(crate) mod serve;
pub(crate) mod waiting;
