//! Chains of other peers: their headers, then their blocks, and which peers these come from. Rules: docs/protocol.md#N5, #N6

pub(crate) mod attempt;
pub(crate) mod backoff;
pub(crate) mod bodies;
pub(crate) mod headers;
pub(crate) mod held;
pub(crate) mod sources;
pub(crate) mod storing;
