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
pub(super) struct Waiting {
    pub(super) requests: VecDeque<WaitingRequest>,
    bytes: usize,
    /// Since when more than [`MAX_UNREAD`](crate::wire::limits::MAX_UNREAD) bytes are unread, milliseconds.
    pub(super) reading_since: Option<u64>,
    /// Since when only the room of all peers together keeps the first request waiting, milliseconds.
    pub(super) room_since: Option<u64>,
    /// When a request that had waited was last answered, milliseconds.
    pub(super) answered: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct WaitingRequest {
    pub(super) request: u64,
    pub(super) message: Message,
    /// Memory that the request takes, about.
    bytes: usize,
}

impl Waiting {
    /// Keeps a request; false if the peer has too many.
    pub(super) fn push(&mut self, request: u64, message: Message) -> bool {
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

    pub(super) fn pop(&mut self) -> Option<WaitingRequest> {
        let asked = self.requests.pop_front()?;
        self.bytes -= asked.bytes;
        self.room_since = None;
        Some(asked)
    }
}

/// Memory that a request takes, about.
fn request_bytes(message: &Message) -> usize {
    64 + match message {
        Message::GetHeaders { locator } => 32 * locator.len(),
        Message::GetBlocks(ids) | Message::GetManifests(ids) => 32 * ids.len(),
        Message::GetTransactions(ids) => 32 * ids.len(),
        Message::GetBlockTransactions { indexes, .. } => 4 * indexes.len(),
        _ => 0,
    }
}
