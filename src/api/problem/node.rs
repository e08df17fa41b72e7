//! What the node itself could not do.

use tally_node::{AccountPageError, LightReadError, StateError, StoreError, SubmitError, TemplateError, WorkError};

use super::{Problem, kinds};

impl From<&SubmitError> for Problem {
    fn from(error: &SubmitError) -> Self {
        match error {
            SubmitError::Transaction(source) => source.into(),
            SubmitError::Mempool(source) => source.into(),
            SubmitError::AlreadyIncluded { id, block } => Self::new(&kinds::ALREADY_INCLUDED, error)
                .with("id", id.to_string())
                .with("block", block.to_string()),
            SubmitError::NotStored(source) => Self::from(&**source),
            SubmitError::State(source) => source.into(),
            SubmitError::Store(source) => source.into(),
        }
    }
}

impl From<&WorkError> for Problem {
    fn from(error: &WorkError) -> Self {
        match error {
            WorkError::UnknownTemplate { template } | WorkError::StaleTemplate { template, .. } => {
                Self::new(&kinds::UNKNOWN_TEMPLATE, error)
                    .field("template")
                    .with("found", *template)
            }
            WorkError::TimeTooLate { time, latest } => Self::new(&kinds::TIME_TOO_LATE, error)
                .field("time")
                .above(*time, *latest),
            WorkError::Template(source) => source.into(),
            WorkError::Import(source) => source.into(),
        }
    }
}

impl From<&TemplateError> for Problem {
    fn from(error: &TemplateError) -> Self {
        match error {
            TemplateError::State(source) => source.into(),
            TemplateError::Seal(source) => source.into(),
            TemplateError::NotBegun { begins } => Self::new(&kinds::NOT_BEGUN, error).with("begins", begins.0),
            TemplateError::AwaitsState => Self::new(&kinds::AWAITS_STATE, error),
            TemplateError::ClockOff { reading } => {
                Self::new(&kinds::CLOCK_OFF, error).with("offset_secs", reading.offset_secs)
            }
            TemplateError::NothingStored => Self::new(&kinds::NOTHING_STORED, error),
            TemplateError::ClockBehindChain { secs } => {
                Self::new(&kinds::CLOCK_BEHIND_CHAIN, error).with("secs", *secs)
            }
            TemplateError::TooManyProducers { max } => Self::new(&kinds::TOO_MANY_PRODUCERS, error)
                .field("address")
                .with("limit", *max),
        }
    }
}

impl From<&StateError> for Problem {
    fn from(error: &StateError) -> Self {
        failed(error)
    }
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::State(source) => source.into(),
            StoreError::NotKept { height, base } => Self::new(&kinds::NOT_KEPT, error)
                .field("height")
                .with("found", height.0)
                .with("base", base.0),
            // Logged where it is known, once for each change of the state; the path stays there.
            StoreError::NoRoom { free, needed, .. } => Self::new(
                &kinds::NOTHING_STORED,
                "the node's disk is full: nothing was stored, and nothing will be until there is room",
            )
            .with("free", *free)
            .with("needed", *needed),
            StoreError::Broken { .. } => Self::new(
                &kinds::NOTHING_STORED,
                "the node's store is broken: nothing was stored, and the node starts anew",
            ),
            StoreError::CannotWrite { .. }
            | StoreError::Locked { .. }
            | StoreError::WrongFormat { .. }
            | StoreError::WrongChain { .. }
            | StoreError::Database(_)
            | StoreError::Damaged { .. }
            | StoreError::Missing { .. }
            | StoreError::Altered { .. }
            | StoreError::Unfit { .. } => failed(error),
            StoreError::Closing => Self::new(&kinds::SHUTTING_DOWN, error),
        }
    }
}

impl From<&AccountPageError> for Problem {
    fn from(error: &AccountPageError) -> Self {
        match error {
            AccountPageError::ForeignCursor => crate::api::cursor::foreign(),
            AccountPageError::Gone { height, block } => Self::new(&kinds::HISTORY_CHANGED, error)
                .field("cursor")
                .with("block", block.to_string())
                .with("height", height.0),
            AccountPageError::Store(source) => source.into(),
        }
    }
}

impl From<&LightReadError> for Problem {
    fn from(error: &LightReadError) -> Self {
        match error {
            LightReadError::NotInChain { id } => Self::new(&kinds::UNKNOWN_BLOCK, error)
                .field("tip")
                .with("found", id.to_string()),
            LightReadError::TooOld { height, oldest, .. } => Self::new(&kinds::TIP_TOO_OLD, error)
                .field("tip")
                .above(height.0, oldest.0),
            LightReadError::OutOfRange { from, last } => Self::new(&kinds::UNKNOWN_BLOCK, error)
                .field("from")
                .above(*from, *last),
            LightReadError::NoAncestor { height, tip } => Self::new(&kinds::UNKNOWN_BLOCK, error)
                .field("height")
                .above(height.0, tip.0.saturating_sub(1)),
            LightReadError::TooLongForReceipt { len, max } => Self::new(&kinds::PROOF_TOO_LONG, error)
                .field("version")
                .above(*len as u64, *max as u64),
            LightReadError::Store(source) => source.into(),
        }
    }
}

/// The cause may name paths of this machine: it goes to the log, not to the client.
fn failed(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the store failed");
    Problem::new(
        &kinds::STORE_FAILED,
        "the node could not read or write its store; its log has the cause",
    )
}

macro_rules! by_value {
    ($($error:ty),*) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::from(&error)
            }
        }
    )*};
}
by_value!(
    SubmitError,
    WorkError,
    TemplateError,
    StateError,
    StoreError,
    AccountPageError,
    tally_node::ImportError
);
