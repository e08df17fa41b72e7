//! Requests of one peer that wait for their answers, and the bytes that it has not read yet. Rule: docs/protocol.md#N8

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::wire::Message;
use crate::wire::limits::{MAX_WAITING_BYTES, MAX_WAITING_REQUESTS};

/// Bytes of frames that are still to be written: the driver adds and subtracts, the session reads.
pub type Unread = Arc<AtomicUsize>;

/// Requests of one peer that are not answered yet, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) requests: VecDeque<WaitingRequest>,
    bytes: usize,
    /// Since when more than [`MAX_UNREAD`](crate::wire::limits::MAX_UNREAD) bytes are unread, milliseconds.
    pub(crate) reading_since: Option<u64>,
    /// Since when only the room of all peers together keeps the first request waiting, milliseconds.
    pub(crate) room_since: Option<u64>,
    /// When a request that had waited was last answered, milliseconds.
    pub(crate) answered: u64,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct WaitingRequest {
    pub(crate) request: u64,
    pub(crate) message: Message,
    /// Memory that the request takes, about.
    bytes: usize,
}

impl Waiting {
    /// Keeps a request; false if the peer has too many.
    pub(crate) fn push(&mut self, request: u64, message: Message) -> bool {
        let bytes = request_bytes(&message);
        if self.requests.len() >= MAX_WAITING_REQUESTS || self.bytes + bytes > MAX_WAITING_BYTES {
            return false;
        }
        self.bytes += bytes;
        self.requests.push_back(WaitingRequest {
            request,
            message,
            bytes,
        });
        true
    }

    pub(crate) fn pop(&mut self) -> Option<WaitingRequest> {
        let requested = self.requests.pop_front()?;
        self.bytes -= requested.bytes;
        self.room_since = None;
        Some(requested)
    }
}

/// Memory that a request takes, about.
fn request_bytes(message: &Message) -> usize {
    64 + match message {
        Message::GetHeaders { locator } => 32 * locator.len(),
        Message::GetBlocks(ids) | Message::GetManifests(ids) => 32 * ids.len(),
        Message::GetTransactions(ids) => 32 * ids.len(),
        Message::GetBlockTransactions { indexes, .. } => 4 * indexes.len(),
        Message::GetCheckpoint | Message::GetPart { .. } => 0,
        no_request!() => 0,
    }
}
