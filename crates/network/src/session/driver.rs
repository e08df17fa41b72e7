//! What a driver brings, and what follows from it: connections, frames, time, news of the node.
//! Rules: docs/protocol.md#N1 to #N4

use tally_chain::UnixSecs;
use tally_node::ChainEvent;
use tokio::sync::broadcast::error::TryRecvError;

use super::name::PeerName;
use super::offence::Offence;
use super::peer::{Peer, Request};
use super::peers::range::Origin;
use super::state::{Output, Session};
use crate::wire::{Frame, Hello, Message, PROTOCOL_VERSION};

impl Session {
    /// A peer of unknown origin is connected: no limit per address applies to it.
    pub fn connected(&mut self, name: PeerName, outbound: bool, now: u64) {
        self.connected_from(name, outbound, Origin::default(), now);
    }

    /// A peer is connected; both sides send hello at once. `now` is in milliseconds on any clock that never goes back.
    pub fn connected_from(&mut self, name: PeerName, outbound: bool, origin: Origin, now: u64) {
        self.now = now;
        if let Some(reason) = self.ban_reason(&name, &origin, outbound) {
            let reason = format!("banned: {reason}");
            self.outputs.push_back(Output::Disconnect { peer: name, reason });
            return;
        }
        if !outbound && let Err(error) = self.admit(&origin) {
            let reason = error.to_string();
            self.outputs.push_back(Output::Disconnect { peer: name, reason });
            return;
        }
        let claim = self.own_claim();
        let hello = Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            genesis: self.node.identity().genesis,
            claim,
            first: self.first(),
            agent: self.agent.clone(),
        });
        let mut peer = Peer::new(outbound, claim.tip, claim.weight, now);
        peer.origin = origin;
        peer.score = self.scores.remove(&name).unwrap_or_default();
        peer.backoff = self.backoffs.remove(&name).unwrap_or_default();
        peer.rates = self.rates.take(&name, now);
        self.peers.insert(name.clone(), peer);
        self.send(&name, 0, hello);
    }

    /// The connection is closed, by either side.
    pub fn disconnected(&mut self, name: &PeerName, now: u64) {
        self.now = now;
        self.forget(name);
        self.after_input();
    }

    /// A whole frame came.
    pub fn received(&mut self, name: &PeerName, frame: &[u8], now: u64) {
        self.now = now;
        let block_bytes = self.node.spec().limits.block_bytes;
        let Some(peer) = self.peers.get_mut(name) else { return };
        peer.flow.frame(now);
        for traffic in [&mut peer.traffic, &mut self.counters.traffic] {
            traffic.messages_in += 1;
            traffic.bytes_in += frame.len() as u64;
        }
        match Frame::decode(frame, block_bytes) {
            Ok(Frame { request, message }) => self.handle_message(name, request, message),
            Err(error) => self.offend(name, error.into()),
        }
        self.after_input();
    }

    /// The driver could not take a frame whole: too long, or too slow.
    pub fn broken(&mut self, name: &PeerName, offence: Offence, now: u64) {
        self.now = now;
        self.offend(name, offence);
        self.after_input();
    }

    /// Time has gone on, or the node has news; to be called at least once a second.
    pub fn poll(&mut self, now: u64) {
        self.now = now;
        self.overdue();
        self.after_input();
    }

    /// What the driver has to do, in this order.
    pub fn outputs(&mut self) -> impl Iterator<Item = Output> + '_ {
        self.outgoing = 0;
        self.outputs.drain(..)
    }

    /// Whether [`Self::poll`] has work even without news.
    pub fn busy(&self) -> bool {
        self.has_next_body()
    }

    fn handle_message(&mut self, name: &PeerName, request: u64, message: Message) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if let Message::Hello(hello) = message {
            return self.hello(name, hello);
        }
        if !peer.ready() {
            return self.offend(name, Offence::NoHello);
        }
        if message.is_answer() {
            let open = peer.open.remove(&request).map(|open| open.request);
            // A late answer is not an unsolicited one, and a wrong one is wrong however late it comes.
            let Some(request) = open.or_else(|| peer.late.remove(&request)) else {
                return self.offend(name, Offence::Unrequested);
            };
            peer.silent = 0;
            return self.handle_response(name, request, message);
        }
        if !peer.rates.messages.spend(1, self.now) {
            return self.offend(name, Offence::Flood { what: "messages" });
        }
        match message {
            Message::Inventory(ids) => self.inventory(name, ids),
            Message::CompactBlock(block) => self.compact_block(name, *block),
            Message::Tip { claim, first } => {
                peer.first = first;
                self.taken(name, &claim.tip);
                self.claim(name, claim);
            }
            requested => self.handle_request(name, request, requested),
        }
    }

    fn handle_response(&mut self, name: &PeerName, request: Request, answer: Message) {
        match (request, answer) {
            (Request::Ping { sent, weight }, pong @ (Message::Pong | Message::TimedPong(_))) => {
                if let Some(peer) = self.peers.get_mut(name) {
                    peer.acknowledged = peer.acknowledged.max(weight);
                }
                let time = match pong {
                    Message::TimedPong(UnixSecs(time)) => Some(time),
                    _ => None,
                };
                self.ponged(name, sent, time);
            }
            (Request::Headers { attempt, locator }, Message::Headers(headers)) => {
                self.headers(name, attempt, &locator, &headers);
            }
            (Request::Blocks { ids }, Message::Blocks(blocks)) => self.bodies(name, &ids, blocks),
            (Request::Transactions { ids }, Message::Transactions(items)) => self.transactions(name, &ids, items),
            (Request::BlockTransactions(rebuild), Message::BlockTransactions(items)) => {
                self.missing_transactions(name, *rebuild, items);
            }
            (Request::WholeBlock { id, .. }, Message::Blocks(blocks)) => self.whole_block(name, id, blocks),
            (Request::Checkpoint { attempt }, Message::Checkpoint(offer)) => self.checkpoint(name, attempt, offer),
            (Request::CheckpointHeaders { attempt, locator }, Message::Headers(headers)) => {
                self.checkpoint_headers(name, attempt, &locator, &headers);
            }
            (Request::Manifests { attempt, ids }, Message::Manifests(manifests)) => {
                self.manifests(name, attempt, &ids, manifests);
            }
            (Request::Part { attempt, part }, Message::Part(bytes)) => self.part(name, attempt, part, &bytes),
            (request, _) => {
                self.request_failed(name, &request);
                self.offend(name, Offence::Unrequested);
            }
        }
    }

    /// What follows from each input: blocks to import, requests, announcements, pruning. The order matters: a block that is
    /// imported here is announced by the same call.
    fn after_input(&mut self) {
        self.advance_sync();
        self.handle_node_events();
        self.advance_sync();
        self.request_transactions();
        self.send_inventories();
        self.answer_waiting();
        self.prune_scores_and_bans();
    }

    /// Reads the node's events: blocks and transactions of all origins.
    fn handle_node_events(&mut self) {
        let mut tip_moved = false;
        let mut lagged = false;
        loop {
            match self.events.try_recv() {
                Ok(numbered) => match &numbered.event {
                    ChainEvent::Block { .. } => tip_moved = true,
                    ChainEvent::Reorg { transactions, .. } => self.offer_again(transactions),
                    ChainEvent::Transaction { id, .. } => self.offer(*id),
                    ChainEvent::Dropped { .. } | ChainEvent::Mining { .. } => {}
                },
                Err(TryRecvError::Lagged(_)) => (tip_moved, lagged) = (true, true),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if lagged {
            let names: Vec<_> = self.peers.keys().cloned().collect();
            names.iter().for_each(|name| self.offer_pool(name));
        }
        if tip_moved {
            self.announce_tip();
            // After the block that they waited for: peers look at them with its state.
            self.offer_returned();
        }
        if tip_moved || self.early.is_time(self.now) {
            self.retry_early();
        }
    }
}
