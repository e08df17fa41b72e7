//! What time itself brings: requests that took too long, peers that never sent hello, bans that are over; pings.
//! Silence proves nothing, and costs no points: a slow line, or this node itself, does the same. Rule: docs/protocol.md#N9

use std::sync::atomic::Ordering::Relaxed;

use super::name::PeerName;
use super::offence::Offence;
use super::peer::{Open, Request};
use super::state::Session;
use crate::wire::Message;
use crate::wire::limits::{HELLO_MS, MAX_SILENT, MAX_UNANSWERED, PING_MS, STALL_MS};

impl Session {
    pub(crate) fn overdue(&mut self) {
        let now = self.now;
        self.bans.expire(now);
        self.allow_for_own_delay();
        let names: Vec<_> = self.peers.keys().cloned().collect();
        for name in names {
            let Some(peer) = self.peers.get(&name) else { continue };
            if !peer.ready() {
                if now >= peer.connected + HELLO_MS {
                    self.offend(&name, Offence::Timeout);
                }
                continue;
            }
            self.late_answers(&name);
            self.ping(&name);
        }
    }

    /// While this node stood still (a long import, a machine that slept) answers waited unread: they are not late for that.
    fn allow_for_own_delay(&mut self) {
        let now = self.now;
        let since = self.looked.replace(now).unwrap_or(now);
        let stood = now.saturating_sub(since);
        if stood < STALL_MS {
            return;
        }
        for peer in self.peers.values_mut() {
            if !peer.ready() {
                peer.connected = peer.connected.max((now + STALL_MS).saturating_sub(HELLO_MS));
            }
            for open in peer.open.values_mut() {
                // Once: a node that polls this rarely would wait for ever.
                if open.deadline <= now && !std::mem::replace(&mut open.extended, true) {
                    open.deadline = now + STALL_MS;
                }
            }
        }
    }

    fn late_answers(&mut self, name: &PeerName) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(name) else { return };
        peer.flow.look(now);
        for number in peer.late_requests(now) {
            let Some(peer) = self.peers.get_mut(name) else { return };
            let Some(Open { request, requested, .. }) = peer.open.remove(&number) else {
                continue;
            };
            // Behind frames that are still to be written it may not even have gone out; who takes none of them is let go (N8).
            let waits = peer.unread.load(Relaxed) > 0;
            peer.silent += match (waits, peer.flow.came_since(requested)) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => MAX_UNANSWERED / MAX_SILENT,
            };
            let silent = peer.silent;
            peer.too_late(number, request.clone());
            self.request_failed(name, &request);
            self.counters.unanswered += 1;
            if silent >= MAX_UNANSWERED {
                return self.offend(name, Offence::Timeout);
            }
        }
    }

    pub(crate) fn ping(&mut self, name: &PeerName) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(name).filter(|peer| now >= peer.next_ping) else {
            return;
        };
        peer.next_ping = now + PING_MS;
        let weight = peer.sent_weight;
        self.send_request(name, Request::Ping { sent: now, weight }, Message::Ping);
    }

    /// A request that is not waited for any more: its content is requested from others.
    pub(crate) fn request_failed(&mut self, name: &PeerName, request: &Request) {
        match request {
            Request::Ping { .. } => {}
            Request::Headers { attempt, .. } => self.headers_late(*attempt),
            Request::Checkpoint { attempt }
            | Request::CheckpointHeaders { attempt, .. }
            | Request::Manifests { attempt, .. } => self.checkpoint_late(*attempt),
            Request::Part { attempt, part } => self.part_missing(name, *attempt, *part),
            Request::Blocks { ids } => self.bodies_late(name, ids),
            Request::Transactions { ids } => self.wanted.missing(name, ids, self.now),
            // The sender's claim stands: a synchronisation follows it.
            Request::BlockTransactions(_) | Request::WholeBlock { .. } => {}
        }
    }
}
