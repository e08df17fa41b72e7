//! New blocks and transactions: announced, fetched, passed on. Rules: docs/protocol.md#N4, #N7

pub(crate) mod compact;
pub(crate) mod early;
pub(crate) mod transactions;
pub(crate) mod wanted;
