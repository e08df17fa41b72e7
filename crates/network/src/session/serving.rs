//! Answers to requests of peers, and what they may cost. Rule: docs/protocol.md#N8

/// What no request waits or is answered for, as a pattern: with the others beside it the compiler finds a new request that was
/// forgotten somewhere, and would be free. A ping costs nothing either.
macro_rules! no_request {
    () => {
        $crate::wire::Message::Hello(_)
            | $crate::wire::Message::Ping
            | $crate::wire::Message::Pong
            | $crate::wire::Message::TimedPong(_)
            | $crate::wire::Message::Headers(_)
            | $crate::wire::Message::Blocks(_)
            | $crate::wire::Message::Inventory(_)
            | $crate::wire::Message::Transactions(_)
            | $crate::wire::Message::CompactBlock(_)
            | $crate::wire::Message::BlockTransactions(_)
            | $crate::wire::Message::Tip { .. }
            | $crate::wire::Message::Checkpoint(_)
            | $crate::wire::Message::Part(_)
            | $crate::wire::Message::Manifests(_)
    };
}

pub(crate) mod answers;
pub(crate) mod cost;
pub(crate) mod serve;
pub(crate) mod waiting;
