//! A chain checked again from genesis on: every block decoded, checked, linked and executed over a state in memory.
//!
//! [`Replay`] takes the bytes of one block after the other, and has no I/O and no clock: `tally audit` gives it those of a store,
//! the browser's audit those that a node sends. [`Report`] is what both print. [`Claims`] are the signatures of a block, for
//! workers that check them beside the one that executes. Decision: docs/adr/0025-an-audit-in-the-tab.md

#![deny(clippy::unwrap_used, clippy::float_arithmetic, clippy::disallowed_types)]
#![deny(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")
)]

pub mod claims;
mod fault;
mod replay;
mod report;
pub mod rules;
mod state;
mod stream;

pub use claims::{Answers, Claim, Claims};
pub use fault::{Broken, RuleFault};
pub use replay::{ANY_TIME, Replay};
pub use report::{Ahead, Report, Totals};
pub use state::MemoryState;
pub use stream::{Blocks, FramesError, MAX_BLOCKS, PART_BYTES, longest_part, push_block};
