//! What peers can do to each other: one hostile peer against two honest nodes, and stories of many on simulated links.
//! Rules: docs/protocol.md#N6, #N7, #N9, #Q1 to #Q5

#[path = "misbehaving_peers/blocks.rs"]
mod blocks;
#[path = "misbehaving_peers/bodies.rs"]
mod bodies;
#[path = "misbehaving_peers/checkpoints.rs"]
mod checkpoints;
#[path = "misbehaving_peers/claims.rs"]
mod claims;
#[path = "misbehaving_peers/clocks.rs"]
mod clocks;
#[path = "misbehaving_peers/costs.rs"]
mod costs;
#[path = "misbehaving_peers/full.rs"]
mod full;
#[path = "misbehaving_peers/hostile.rs"]
mod hostile;
#[path = "misbehaving_peers/rivals.rs"]
mod rivals;
#[path = "misbehaving_peers/slow.rs"]
mod slow;
mod support;
#[path = "misbehaving_peers/town.rs"]
mod town;
#[path = "misbehaving_peers/world.rs"]
mod world;
