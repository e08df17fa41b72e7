//! Executes blocks over a state: pure, deterministic, no clock, no I/O.
//!
//! [`execute`] takes a linked block, a [`StateView`] of its parent's state and the parent's [`StateTree`], and returns an
//! [`ExecutedBlock`]: data that one writer commits. [`assemble()`] goes the other way and makes a block that will execute.
//! Rules: docs/protocol.md, sections S, X and I.

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

pub mod assemble;
pub mod call;
pub mod changes;
mod context;
mod evm;
pub mod execute;
pub mod parts;
pub mod shared;
mod state;
#[cfg(any(test, feature = "state-tests"))]
pub mod state_tests;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod view;
mod watch;

pub use assemble::{Assembled, Candidate, assemble};
pub use call::{CallError, CallOutcome, CallRequest, call};
pub use changes::{ChangeSet, Overlay};
pub use context::BlockContext;
pub use evm::InclusionError;
pub use execute::{ExecutedBlock, ExecutionError, execute};
pub use parts::{PartError, PartRoot, PartRoots};
pub use shared::{Draft, SharedBlock};
pub use tally_chain::fees::intrinsic_gas;
pub use tree::StateTree;
pub use view::{StateError, StateView};
