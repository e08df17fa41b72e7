//! Requests of one peer that wait for their answers, and the bytes that it has not read yet. Rule: docs/protocol.md#N8

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::wire::Message;
use crate::wire::limits::{MAX_WAITING_BYTES, MAX_WAITING_QUESTIONS};

/// Bytes of frames that are still to be written: the driver adds and subtracts, the session reads.
pub type Unread = Arc<AtomicUsize>;

/// Questions of one peer that are not answered yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) questions: VecDeque<Asked>,
    bytes: usize,
    /// Since when more than [`MAX_UNREAD`](crate::wire::limits::MAX_UNREAD) bytes are unread, milliseconds.
    pub(super) reading_since: Option<u64>,
    /// Since when only the room of all peers together keeps the first question waiting, milliseconds.
    pub(super) room_since: Option<u64>,
    /// When a question that had waited was last answered, milliseconds.
    pub(super) answered: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) question: u64,
    pub(super) message: Message,
    /// Memory that the question takes, about.
    bytes: usize,
}

impl Waiting {
    /// Keeps a question; false if the peer has too many.
    pub(super) fn push(&mut self, question: u64, message: Message) -> bool {
        let bytes = question_bytes(&message);
        if self.questions.len() >= MAX_WAITING_QUESTIONS || self.bytes + bytes > MAX_WAITING_BYTES {
            return false;
        }
        self.bytes += bytes;
        self.questions.push_back(Asked {
            question,
            message,
            bytes,
        });
        true
    }

    pub(super) fn pop(&mut self) -> Option<Asked> {
        let asked = self.questions.pop_front()?;
        self.bytes -= asked.bytes;
        self.room_since = None;
        Some(asked)
    }
}

/// Memory that a question takes, about.
fn question_bytes(message: &Message) -> usize {
    64 + match message {
        Message::GetHeaders { locator } => 32 * locator.len(),
        Message::GetBlocks(ids) | Message::GetManifests(ids) => 32 * ids.len(),
        Message::GetTransactions(ids) => 32 * ids.len(),
        Message::GetBlockTransactions { indexes, .. } => 4 * indexes.len(),
        _ => 0,
    }
}
