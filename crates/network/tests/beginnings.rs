//! New nodes that begin with a checkpoint: what they take, what they reject, and what they are afterwards. The frames are
//! those of real conversations; those of misbehaving peers are changed on the way. Rules: docs/protocol.md#Q1 to #Q4

#[path = "beginnings/misbehaving.rs"]
mod misbehaving;
#[path = "beginnings/newcomers.rs"]
mod newcomers;
mod support;
#[path = "beginnings/town.rs"]
mod town;
