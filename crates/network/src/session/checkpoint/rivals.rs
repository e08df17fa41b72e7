//! A chain that leaves ours below the lowest block to which this node goes back. It cannot be followed; if it has more total
//! work, the log and `/readyz` report that, for the operator to decide. Rules: docs/protocol.md#B9, #Q5

use tally_chain::{BlockId, Header, Height, Weight};

use super::heavier_fork::HeavierFork;
use super::walk::{Offer, Walk};
use crate::session::name::PeerName;
use crate::session::peer::{Peer, Request};
use crate::session::serving::serve::lowest_fork;
use crate::session::state::Session;
use crate::session::sync::attempt::Ended;
use crate::wire::Message;
use crate::wire::limits::{CHECKPOINT_MS, MAX_CHECKPOINT_DOUBLINGS, MAX_SYNCS};

/// Milliseconds between two looks at such chains: each look takes all headers.
const LOOK_MS: u64 = 600_000;

impl Session {
    /// A chain with more total work than ours that this node can only follow by starting again.
    pub fn heavier_fork(&self) -> Option<&HeavierFork> {
        self.heavier_fork.as_ref().filter(|fork| fork.weight > self.weight())
    }

    /// A peer's chain leaves ours deeper than this node goes back: the work of its headers is checked, several such chains
    /// beside each other.
    pub(crate) fn leaves_too_deep(&mut self, name: &PeerName) {
        let whole = self.peers.get(name).filter(|peer| peer.first <= Height(1));
        let Some(claimed) = whole.map(Peer::weight) else { return };
        let runs = self.rivals.iter().any(|walk| walk.source == *name);
        if runs || self.now < self.rival_after || claimed <= self.weight() {
            return;
        }
        if !self.has_rival_place(name) {
            self.end_slow_rival(name);
        }
        let lowest = self.lowest_block();
        if self.has_rival_place(name)
            && lowest.is_some()
            && let Ok(mut walk) = self.new_walk((name.clone(), claimed))
        {
            walk.offer = Offer::None;
            walk.trusted = true;
            walk.sought = lowest;
            self.rivals.push(walk);
        }
    }

    /// The lowest block that another branch may leave; none where that cannot be read now.
    fn lowest_block(&self) -> Option<BlockId> {
        let tip = self.node.tip();
        let height = lowest_fork(&self.node, &tip).ok()?;
        tip.snapshot.id_at(height).ok().flatten()
    }

    /// Whether another chain may be checked: several at once, for the first may never show what it claims, and one place is
    /// for a peer that this node dialled, for inbound peers cost an attacker nothing.
    fn has_rival_place(&self, name: &PeerName) -> bool {
        let inbound = self.rivals.iter().filter(|walk| !self.is_outbound(&walk.source));
        let place = self.is_outbound(name) || inbound.count() + 1 < MAX_SYNCS;
        place && self.rivals.len() < MAX_SYNCS
    }

    /// Makes room for a peer: of the chains that have taken longer than they may, the one that began first gives way. A long
    /// chain on a slow link gets there in the end, for the time doubles each time.
    fn end_slow_rival(&mut self, newcomer: &PeerName) {
        let most = CHECKPOINT_MS << self.slow_rivals.min(MAX_CHECKPOINT_DOUBLINGS);
        let (now, outbound) = (self.now, self.is_outbound(newcomer));
        let slow = self.rivals.iter().filter(|walk| {
            let yields = outbound || !self.is_outbound(&walk.source);
            yields && now >= walk.started.saturating_add(most)
        });
        let Some(number) = slow.min_by_key(|walk| walk.started).map(|walk| walk.number) else {
            return;
        };
        self.slow_rivals = self.slow_rivals.saturating_add(1);
        self.rival_late(number);
    }

    pub(crate) fn advance_rivals(&mut self) {
        for at in 0..self.rivals.len() {
            let walk = &mut self.rivals[at];
            if std::mem::replace(&mut walk.requesting, true) {
                continue;
            }
            let (source, attempt, locator) = (walk.source.clone(), walk.number, walk.locator());
            let request = Request::CheckpointHeaders {
                attempt,
                locator: locator.clone(),
            };
            self.send_request(&source, request, Message::GetHeaders { locator });
        }
    }

    /// Takes out the chain that an attempt checks.
    pub(crate) fn take_rival(&mut self, attempt: u64) -> Option<Walk> {
        let at = self.rivals.iter().position(|walk| walk.number == attempt)?;
        let mut walk = self.rivals.remove(at);
        walk.requesting = false;
        Some(walk)
    }

    /// A chain was not shown in time: others are looked at, and its source is left alone for a while.
    pub(crate) fn rival_late(&mut self, attempt: u64) {
        if let Some(walk) = self.take_rival(attempt) {
            self.conclude(&walk.source, Ended::Failed(None));
        }
    }

    pub(crate) fn rival_headers(&mut self, mut walk: Walk, locator: &[BlockId], headers: &[Header]) {
        let taken = walk.take(locator, headers, &self.node);
        if walk.has_sought && taken.is_ok() {
            // It can be followed, whatever its source answered before: what it showed is no reason to warn of it, nor to look
            // at no other for a while.
            return self.conclude(&walk.source, Ended::Failed(None));
        }
        match taken {
            Ok(false) => self.rivals.push(walk),
            Ok(true) => match walk.ahead {
                // It has not shown what it claims, and need not yet: others are looked at meanwhile.
                Some(at) if walk.end.weight <= self.weight() => {
                    self.conclude(&walk.source, Ended::AheadOfClock { at });
                }
                _ => {
                    self.rival_after = self.now + LOOK_MS;
                    self.slow_rivals = 0;
                    if walk.end.weight > self.weight() {
                        self.warn_of(walk.source, walk.end.id, walk.end.height, walk.end.weight);
                    }
                }
            },
            Err(ended) => self.conclude(&walk.source, ended),
        }
    }

    fn warn_of(&mut self, peer: PeerName, tip: BlockId, height: Height, weight: Weight) {
        if self.heavier_fork.as_ref().is_some_and(|fork| fork.weight > weight) {
            // Of several that were checked beside each other the one with the most total work is named.
            return;
        }
        let base = lowest_fork(&self.node, &self.node.tip()).unwrap_or_default();
        tracing::error!(
            %peer, %tip, %height, %weight, %base,
            "a chain with more total work forks deeper than this node goes back: it cannot be followed. To follow it, stop this \
             node, move its data directory away, and start it with --from-checkpoint --checkpoint ID of a block that you trust"
        );
        self.heavier_fork = Some(HeavierFork {
            peer,
            tip,
            height,
            weight,
            base,
        });
    }
}
