//! Checkpoint sync: what new nodes accept and reject, and what they are afterwards. The frames are
//! those of real conversations; those of misbehaving peers are changed on the way. Rules: docs/protocol.md#Q1 to #Q4

#[path = "checkpoint_sync/misbehaving.rs"]
mod misbehaving;
#[path = "checkpoint_sync/newcomers.rs"]
mod newcomers;
mod support;
#[path = "checkpoint_sync/town.rs"]
mod town;
