//! What a node's interface, its pages, their workers and its clients send each other, as types: each once.
//!
//! - [`accounts`] to [`transactions`]: requests and answers of REST under `/api/v1`, one module for each noun. The server
//!   writes them, its OpenAPI document describes them (feature `openapi`), and the pages and the command line read them.
//! - [`events`]: the stream of events; [`problem`]: errors (RFC 9457); [`health`]: what supervisors read.
//! - [`worker`]: the messages between a page and its workers.
//!
//! Amounts are decimal strings in base units (10^-18 of a coin); bytes are 0x-prefixed hex; times are Unix seconds.
//!
//! Within `/api/v1` fields are added and never renamed or removed. So an answer is read by clients that do not know all of
//! its fields: answers never have `deny_unknown_fields`. Requests have it: a member that the node does not know is a
//! mistake of the client, and the node names it. A field that is added to an answer later has a default for those who read
//! it (`Option`, or `#[serde(default)]` where that holds): a new client reads from older nodes, too, and they do not send it.
//! An enum in an answer has a variant `Unknown`: a word of a later version costs its own row, not the whole answer.

#![deny(clippy::unwrap_used)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")
)]

pub mod accounts;
pub mod blocks;
pub mod events;
pub mod fees;
pub mod health;
pub mod light;
pub mod mempool;
pub mod mining;
pub mod page;
pub mod peers;
pub mod problem;
pub mod spec;
pub mod status;
pub mod submit;
mod text;
pub mod tokens;
pub mod transactions;
pub mod units;
pub mod worker;

pub use problem::ProblemBody;
pub use units::BaseUnits;
