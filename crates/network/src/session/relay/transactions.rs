//! Transactions by inventory; nothing goes on that this node has not taken itself. Rule: docs/protocol.md#N7

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use rayon::prelude::*;
use tally_chain::{Address, Bytes, CheckedTransaction, RawTransaction, TxId};
use tally_ledger::StateView;
use tally_node::mempool::Pooled;

use super::early::{Early, Holder, Waits, waits};
use crate::session::name::PeerName;
use crate::session::offence::Offence;
use crate::session::peer::{Offer, Request};
use crate::session::state::Session;
use crate::wire::Message;
use crate::wire::limits::{MAX_IDS, MAX_TRANSACTION_REQUESTS, OFFERED_A_TURN};

impl Session {
    /// Announces to a peer everything in the pool that it may not have, from the next turn on.
    pub(crate) fn offer_pool(&mut self, name: &PeerName) {
        if let Some(peer) = self.peers.get_mut(name).filter(|peer| peer.ready()) {
            peer.offer = Some(Offer::default());
        }
    }

    /// Looks at the next part of the pool for each peer that it is announced to. A peer that takes its announcements
    /// slowly, or has had too many, waits: what it would be sent is not even collected.
    fn go_on_offering(&mut self) {
        let node = &self.node;
        for peer in self.peers.values_mut().filter(|peer| peer.inventory.len() < MAX_IDS) {
            let Some(offer) = peer.offer else { continue };
            let part: Vec<_> = node.with_pool(|pool| {
                let next = pool.after(offer.after).take(OFFERED_A_TURN);
                next.map(|transaction| (transaction.id(), transaction.sender(), transaction.view().nonce))
                    .collect()
            });
            let last = part.last().filter(|_| part.len() == OFFERED_A_TURN);
            peer.offer = last.map(|(_, sender, nonce)| Offer {
                after: Some((*sender, *nonce)),
            });
            let ids = part.into_iter().map(|(id, ..)| id);
            let new = ids.filter(|id| peer.known_transactions.insert(*id));
            peer.inventory.extend(new);
        }
    }

    /// Announces transactions that left a block and are in the pool again: the other branch may never have had them, and a
    /// peer that requested them meanwhile got none.
    pub(crate) fn offer_again(&mut self, ids: &[TxId]) {
        let here: Vec<(TxId, bool)> = self.node.with_pool(|pool| {
            let entry = |id: &TxId| Some((*id, pool.entry(id)?.is_pending()));
            ids.iter().filter_map(entry).collect()
        });
        let waiting = here.iter().filter(|(_, pending)| !pending);
        self.returned.extend(waiting.map(|(id, _)| *id));
        let ids: Vec<_> = here.into_iter().map(|(id, _)| id).collect();
        self.announce_again(&ids);
    }

    /// Announces transactions that left a block, and waited since then for coins or a nonce, once more when they wait no more:
    /// peers may have rejected them meanwhile.
    pub(crate) fn offer_returned(&mut self) {
        let returned = std::mem::take(&mut self.returned);
        let (ready, waiting): (BTreeSet<TxId>, BTreeSet<TxId>) = self.node.with_pool(|pool| {
            let here = returned.into_iter().filter(|id| pool.contains(id));
            here.partition(|id| pool.entry(id).is_some_and(Pooled::is_pending))
        });
        self.returned = waiting;
        self.announce_again(&Vec::from_iter(ready));
    }

    fn announce_again(&mut self, ids: &[TxId]) {
        for peer in self.peers.values_mut().filter(|peer| peer.ready()) {
            for id in ids {
                peer.known_transactions.insert(*id);
            }
            peer.inventory.extend(ids);
        }
    }

    /// Announces a transaction of our pool to all.
    pub(crate) fn offer(&mut self, id: TxId) {
        self.wanted.remove(&id);
        self.early.remove(&id);
        for peer in self.peers.values_mut().filter(|peer| peer.ready()) {
            if peer.known_transactions.insert(id) {
                peer.inventory.push(id);
            }
        }
    }

    /// Sends announcements, no faster than any honest peer takes them: what is over that waits for a later turn.
    pub(crate) fn send_inventories(&mut self) {
        self.go_on_offering();
        let now = self.now;
        let names: Vec<_> = self.peers.keys().cloned().collect();
        for name in names {
            while let Some(peer) = self.peers.get_mut(&name) {
                let count = peer.inventory.len().min(MAX_IDS);
                if count == 0 || !peer.rates.may_announce(count as u64, now) {
                    break;
                }
                let ids = peer.inventory.drain(..count).collect();
                self.send(&name, 0, Message::Inventory(ids));
            }
        }
    }

    /// A peer has transactions.
    pub(crate) fn inventory(&mut self, name: &PeerName, ids: Vec<TxId>) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(name) else { return };
        if !peer.rates.ids.spend(ids.len() as u64, now) {
            return self.offend(name, Offence::Flood { what: "inventory" });
        }
        let proven = peer.outbound || peer.transactions_sent > 0;
        let tip = self.node.tip();
        for id in ids {
            peer.known_transactions.insert(id);
            let here = self.node.with_pool(|pool| pool.contains(&id));
            if !here && tip.snapshot.place(&id).is_ok_and(|place| place.is_none()) {
                self.wanted.announced(name, id, proven, now);
            }
        }
    }

    /// Requests what is wanted and not requested yet, of each peer no more than its link carries in time.
    pub(crate) fn request_transactions(&mut self) {
        if self.full {
            return;
        }
        let peers = &self.peers;
        let room = |name: &PeerName| {
            let open = peers.get(name)?.transaction_requests();
            Some(MAX_TRANSACTION_REQUESTS.saturating_sub(open) * MAX_IDS)
        };
        for (name, ids) in self.wanted.due(room, self.now) {
            for ids in ids.chunks(MAX_IDS) {
                let request = Request::Transactions { ids: ids.to_vec() };
                self.send_request(&name, request, Message::GetTransactions(ids.to_vec()));
            }
        }
    }

    /// Requested transactions came.
    pub(crate) fn transactions(&mut self, name: &PeerName, ids: &[TxId], envelopes: Vec<Bytes>) {
        let mut missing: Vec<_> = ids.to_vec();
        let mut sent = Vec::new();
        // On all cores, and once: the pool takes them as they are checked here.
        let checker = self.node.checker();
        let checked: Vec<_> = envelopes
            .into_par_iter()
            .map(|envelope| RawTransaction::decode(envelope).and_then(|raw| checker.check_one(raw)))
            .collect();
        let mut offence = None;
        for checked in checked {
            match checked {
                Ok(transaction) => match missing.iter().position(|wanted| *wanted == transaction.id()) {
                    Some(at) => {
                        missing.swap_remove(at);
                        sent.push(transaction);
                    }
                    None => offence = Some(Offence::Unrequested),
                },
                // Its id is unknown: it stays missing, and another peer may have a good one.
                Err(error) => offence = Some(Offence::InvalidTransaction(error)),
            }
        }
        if let Some(peer) = self.peers.get_mut(name) {
            peer.transactions_sent += sent.len() as u64;
        }
        if let Some(sender) = self.holder(name) {
            self.take_transactions(&sender, &sent, self.now);
        }
        // What left a pool between announcement and request is honestly missing: that is no offence, however much it is.
        self.wanted.missing(name, &missing, self.now);
        if let Some(offence) = offence {
            self.offend(name, offence);
        }
    }

    /// Looks again at transactions whose sender's account a block has changed since they were rejected for what it was, and at
    /// those that the store kept from being looked at.
    pub(crate) fn retry_early(&mut self) {
        if self.full {
            // The block that they waited for may be this one, and none may follow it.
            return self.early.look_again(self.now);
        }
        let tip = self.node.tip();
        let account = |address: &Address| tip.snapshot.account(address).ok().map(Option::unwrap_or_default);
        for early in self.early.due(account, self.now) {
            let Early {
                transaction,
                mut holders,
                since,
                ..
            } = early;
            let Some(first) = holders.pop_front() else { continue };
            self.take_transactions(&first, std::slice::from_ref(&transaction), since);
            // Where it has to wait once more.
            self.early.held(&transaction.id(), holders);
        }
    }

    /// A connected peer, as what it has sent counts.
    fn holder(&self, name: &PeerName) -> Option<Holder> {
        let peer = self.peers.get(name)?;
        Some(Holder::new(name, peer.outbound, &peer.origin))
    }

    /// Takes what a peer has sent into the pool, where it may be there; `since`: when it came first, milliseconds.
    fn take_transactions(&mut self, sender: &Holder, sent: &[CheckedTransaction], since: u64) {
        let mut brought = false;
        // Before they are looked at: should a block come in between, what it changes shows.
        let tip = self.node.tip();
        let results = self.node.submit_relayed(sent);
        for (transaction, result) in sent.iter().zip(results) {
            let wanted = self.wanted.remove(&transaction.id());
            if let Some((announced, _)) = &wanted {
                let hop = Duration::from_millis(self.now.saturating_sub(*announced));
                self.node.stats().transaction_hop.record(hop);
            }
            let Err(error) = result else {
                brought = true;
                continue;
            };
            // What does not fit into the pool now is no fault of the peer: its pool may be another one.
            let Some(reason) = waits(&error) else { continue };
            let account = match reason {
                // Where it cannot be read, a change would not show.
                Waits::ForABlock => tip
                    .snapshot
                    .account(&transaction.sender())
                    .ok()
                    .map(Option::unwrap_or_default),
                Waits::ForTheStore => {
                    if self.lines.is_due("transactions", self.now) {
                        tracing::error!(%error, "a transaction could not be looked at: it is tried again");
                    }
                    None
                }
            };
            let mut early = Early {
                transaction: transaction.clone(),
                holders: VecDeque::from([sender.clone()]),
                account,
                since,
            };
            // Those that are gone are left out: of them is not known whose share it would be.
            let announced = wanted.map(|(_, holders)| holders).unwrap_or_default();
            early.held(announced.iter().filter_map(|other| self.holder(other)));
            self.early.put(early, self.now);
        }
        if brought && let Some(peer) = self.peers.get_mut(&sender.name) {
            peer.brought_transaction = Some(self.now);
        }
    }
}
