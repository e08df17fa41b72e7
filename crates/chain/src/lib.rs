//! The rules of Tally as pure functions: no clock, no I/O, no randomness.
//!
//! The same code runs in the node and, as WASM, in the browser. Every rule is numbered in `docs/protocol.md`;
//! bytes travel `RawBlock -> CheckedBlock -> LinkedBlock` and `RawTransaction -> CheckedTransaction`, and each stage
//! is a type whose only door is the check that earns it.

#![deny(clippy::unwrap_used, clippy::float_arithmetic, clippy::disallowed_types)]
// A number that a cast cuts off differs from the one that was checked.
#![deny(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::unwrap_used,
        reason = "a test ends where something is not as it should be"
    )
)]

pub mod address;
pub mod asert;
pub mod block;
pub mod calendar;
pub mod codec;
pub mod consensus;
pub mod document;
pub mod fees;
pub mod genesis;
pub mod hash;
pub mod header;
pub mod header_chain;
pub mod history;
pub mod keys;
pub mod light;
pub mod limits;
pub mod manifest;
mod median_time;
pub mod merkle;
pub mod multisig;
pub mod portable;
pub mod pow;
pub mod pow_lanes;
pub mod public_key;
pub mod receipt;
pub mod seal;
pub mod spec;
pub mod state_tree;
pub mod transaction;
pub mod units;
pub mod visible;
pub mod words;

pub use address::Address;
pub use alloy_primitives::{B256, Bytes, U256};
pub use block::{Ancestors, BlockError, CheckedBlock, LinkedBlock, RawBlock};
pub use codec::CodecError;
pub use hash::{BlockId, TxId};
pub use header::Header;
pub use header_chain::HeaderTip;
pub use keys::{ReferenceVerifier, SignatureVerifier};
pub use manifest::Manifest;
pub use portable::PortableReceipt;
pub use public_key::{KeyKind, PublicKey, RsaBits};
pub use receipt::{Log, Receipt};
pub use spec::ChainSpec;
pub use transaction::{CheckedTransaction, RawTransaction, TransactionError};
pub use units::{Amount, Height, UnixSecs, Weight};
