//! Answers to peers' requests, and how much memory they may take: a request waits while the peer has not read the
//! answers before it, or while unread answers of all peers fill their room. Rule: docs/protocol.md#N8
//!
//! The driver counts what is still to be written; this module only reads those counters. Without a driver that counts,
//! as in simulations, everything is answered at once.

use std::sync::atomic::Ordering::Relaxed;

use tally_node::{MAX_PART_BYTES, Node, StoreError};

use super::cost::Payer;
use super::serve;
use super::waiting::{Unread, WaitingRequest};
use crate::session::flow::Arrived;
use crate::session::name::PeerName;
use crate::session::peer::Peer;
use crate::session::state::Session;
use crate::wire::limits::{
    MAX_BODY_BYTES, MAX_HEADERS, MAX_POOLED_BYTES, MAX_UNREAD, MAX_UNREAD_ALL, READING_MS, ROOM_MS,
};
use crate::wire::{Message, TIMED_PONGS};

/// What keeps a request from being answered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The peer has not read the answers to its earlier requests.
    Reader,
    /// All peers together have not.
    Room,
    /// Answers to its host have cost too much.
    Cost,
}

impl Session {
    /// Counters of the bytes that the driver has still to write: to this peer, and to all peers.
    pub fn count_unread(&mut self, name: &PeerName, own: Unread, all: Unread) {
        self.unread = all;
        if let Some(peer) = self.peers.get_mut(name) {
            peer.unread = own;
        }
    }

    /// The counter of the bytes that come from a peer, which the driver adds to.
    pub fn count_arrived(&mut self, name: &PeerName, arrived: Arrived) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.flow.arrived = arrived;
        }
    }

    /// Bytes of frames to all peers that are still to be written.
    pub fn unread_bytes(&self) -> usize {
        self.unread.load(Relaxed)
    }

    /// Answers a request, now or when there is room for the answer.
    pub(crate) fn handle_request(&mut self, name: &PeerName, request: u64, message: Message) {
        let Some(peer) = self.peers.get(name) else { return };
        if matches!(message, Message::Ping) {
            // At once: behind a long answer this node would seem far away, or gone.
            let pong = match peer.version {
                ..TIMED_PONGS => Message::Pong,
                _ => Message::TimedPong(self.node.now()),
            };
            return self.send(name, request, pong);
        }
        if peer.waiting.requests.is_empty() && self.wait(name, &message).is_none() {
            return self.answer(name, request, &message);
        }
        let kept = self
            .peers
            .get_mut(name)
            .is_some_and(|peer| peer.waiting.push(request, message));
        if !kept {
            // No offence: its link may only be slow.
            self.end(name, "requests more than it reads".to_owned());
        }
    }

    fn payer(&self, name: &PeerName) -> Payer {
        let host = self.peers.get(name).and_then(|peer| peer.origin.host());
        host.map_or_else(|| Payer::Peer(name.clone()), Payer::Host)
    }

    fn answer(&mut self, name: &PeerName, request: u64, message: &Message) {
        let payer = self.payer(name);
        match serve::answer(&self.node, message) {
            Ok(Some(answer)) => {
                self.costs.charge(payer, answer.cost, self.now);
                self.send(name, request, answer.message);
            }
            Ok(None) => {}
            Err(error) => {
                // It was looked for all the same.
                self.costs.charge(payer, serve::request_cost(message), self.now);
                if self.lines.is_due("request", self.now) {
                    tracing::error!(%error, "a peer's request could not be answered");
                }
            }
        }
    }

    /// Why a request has to wait, if it has to.
    fn wait(&self, name: &PeerName, message: &Message) -> Option<Wait> {
        let own = self.peers.get(name)?.unread.load(Relaxed);
        if own > MAX_UNREAD {
            return Some(Wait::Reader);
        }
        if self.costs.has_used_up(&self.payer(name), self.now) {
            return Some(Wait::Cost);
        }
        // An answer that could not be measured will fail for the same reason when it is made.
        let bytes = answer_bytes(&self.node, message).unwrap_or(0);
        let all = self.unread.load(Relaxed) + self.outgoing;
        // Short answers always go, so that slow readers of long ones keep no other peer waiting for them.
        (own + bytes > MAX_UNREAD && all + bytes > MAX_UNREAD_ALL).then_some(Wait::Room)
    }

    /// Answers what waited and need not wait any more, one request of each peer at most.
    pub(crate) fn answer_waiting(&mut self) {
        let now = self.now;
        let mut waiting = Vec::new();
        for (name, peer) in &mut self.peers {
            let slow = peer.unread.load(Relaxed) > MAX_UNREAD;
            peer.waiting.reading_since = slow.then(|| peer.waiting.reading_since.unwrap_or(now));
            if !peer.waiting.requests.is_empty() {
                // Who waits longest comes first, and of one host the peers in turn, however much each requests; peers that this
                // node chose come before all others.
                let since = peer.waiting.room_since.unwrap_or(now);
                waiting.push((!peer.outbound, since, peer.waiting.answered, name.clone()));
            }
        }
        waiting.sort();
        for (_, _, _, name) in waiting {
            self.answer_first(&name);
        }
    }

    fn answer_first(&mut self, name: &PeerName) {
        let Some(peer) = self.peers.get(name) else { return };
        let Some(first) = peer.waiting.requests.front() else {
            return;
        };
        let wait = self.wait(name, &first.message);
        let now = self.now;
        let Some(peer) = self.peers.get_mut(name) else { return };
        match wait {
            None => {
                peer.waiting.answered = now;
                if let Some(WaitingRequest { request, message, .. }) = peer.waiting.pop() {
                    self.answer(name, request, &message);
                }
            }
            Some(Wait::Reader | Wait::Cost) => peer.waiting.room_since = None,
            Some(Wait::Room) => {
                let since = *peer.waiting.room_since.get_or_insert(now);
                if now >= since + ROOM_MS {
                    self.end_slowest_reader();
                }
            }
        }
    }

    /// Makes room for others: ends the peer that came to us and has left a long answer unread for longest.
    fn end_slowest_reader(&mut self) {
        let slow = |peer: &Peer| {
            let since = peer.waiting.reading_since.filter(|_| !peer.outbound)?;
            (self.now >= since + READING_MS).then_some(since)
        };
        let slowest = self
            .peers
            .iter()
            .filter_map(|(name, peer)| Some((slow(peer)?, name.clone())))
            .min();
        if let Some((_, name)) = slowest {
            // No offence: its link may only be slow.
            self.end(&name, "does not read what it requested".to_owned());
        }
    }
}

/// Bytes that an answer can have, before it is made.
fn answer_bytes(node: &Node, request: &Message) -> Result<usize, StoreError> {
    let snapshot = &node.tip().snapshot;
    let stored = |id| {
        let record = node.sound_record(snapshot, id)?;
        Ok::<_, StoreError>(record.map_or(0, |record| usize::try_from(record.bytes).unwrap_or(usize::MAX)))
    };
    Ok(match request {
        Message::GetBlocks(ids) => {
            let mut total = 0_usize;
            for id in ids {
                let more = total.saturating_add(stored(id)?);
                // As the answer does: the first block goes regardless of its size.
                if total > 0 && more > MAX_BODY_BYTES {
                    break;
                }
                total = more;
            }
            total
        }
        Message::GetBlockTransactions { block, .. } => stored(block)?,
        Message::GetTransactions(_) => MAX_POOLED_BYTES,
        Message::GetPart { .. } => MAX_PART_BYTES,
        Message::GetHeaders { .. } => MAX_HEADERS * tally_chain::header::HEADER_BYTES,
        // Manifests and checkpoints are shorter than what always goes.
        Message::GetManifests(_) | Message::GetCheckpoint => 0,
        no_request!() => 0,
    })
}
