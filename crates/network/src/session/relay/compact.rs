//! Blocks by the names of what they hold: announced, put together from the pool, completed by the sender.
//! Rules: docs/protocol.md#N4, #N7, #N9

use std::collections::BTreeMap;
use std::time::Duration;

use tally_chain::hash::sha256;
use tally_chain::header_chain::check_alone;
use tally_chain::{B256, BlockError, BlockId, Bytes, CheckedTransaction, HeaderTip, RawTransaction, TxId, Weight};
use tally_node::Status;

use crate::session::name::PeerName;
use crate::session::offence::Offence;
use crate::session::peer::{Rebuild, Request};
use crate::session::state::Session;
use crate::session::whole::{belongs, blame, block_id, makes_root};
use crate::wire::limits::{MAX_REBUILDS, MAX_REBUILDS_OF_ONE};
use crate::wire::{Claim, CompactBlock, Message, SHORT_ID_BYTES, ShortId};

/// Blocks announced to a peer whose propagation is measured.
const MAX_ANNOUNCED: usize = 16;
/// Blocks below the tip from which an announcement counts as late.
const STALE_DEPTH: u64 = 6;

/// A transaction's name in the compact form of one block. Rule: docs/protocol.md#N4
pub fn short_id(block: &BlockId, transaction: &TxId) -> ShortId {
    let hash = sha256(&[b"tally/short", block.as_bytes(), transaction.as_bytes()]);
    let mut short = [0; SHORT_ID_BYTES];
    short.copy_from_slice(&hash[..SHORT_ID_BYTES]);
    short
}

impl Session {
    /// Announces our tip: to peers that have it, or a chain of more work, its id; to the others a compact block.
    pub(crate) fn announce_tip(&mut self) {
        let tip = self.node.tip();
        let (id, weight) = (tip.record.id, tip.record.weight);
        let (mut names, mut knowing) = (Vec::new(), Vec::new());
        for (name, peer) in self.peers.iter_mut().filter(|(_, peer)| peer.ready()) {
            let new = peer.weight() < weight && peer.known_blocks.insert(id);
            if new { &mut names } else { &mut knowing }.push(name.clone());
        }
        let claim = self.own_claim();
        if tip.record.status == Status::HeaderOnly {
            // Its transactions are not here: this node has just begun with it.
            knowing.append(&mut names);
        }
        for name in knowing {
            self.send_tip(&name, claim);
        }
        if names.is_empty() {
            return;
        }
        let ids = match &tip.transactions {
            Some(ids) => ids.clone(),
            None => match self.node.transactions_of(&tip.record) {
                Ok(checked) => checked.iter().map(CheckedTransaction::id).collect(),
                Err(error) => return tracing::error!(%error, "the tip cannot be announced"),
            },
        };
        let transactions: Vec<_> = ids.iter().map(|transaction| short_id(&id, transaction)).collect();
        let compact = CompactBlock {
            header: tip.record.header,
            manifest: tip.record.manifest.clone(),
            weight,
            transactions,
        };
        let now = self.now;
        for name in names {
            if let Some(peer) = self.peers.get_mut(&name) {
                peer.sent_weight = peer.sent_weight.max(weight);
                peer.announced_blocks.push_back((id, now));
                if peer.announced_blocks.len() > MAX_ANNOUNCED {
                    peer.announced_blocks.pop_front();
                }
            }
            self.send(&name, 0, Message::CompactBlock(Box::new(compact.clone())));
        }
    }

    /// A peer announces a block.
    pub(crate) fn compact_block(&mut self, name: &PeerName, block: CompactBlock) {
        let id = block.header.id();
        let digest = sha256(&[block.transactions.as_flattened()]);
        let Some(peer) = self.peers.get_mut(name) else { return };
        let (low, high) = ((id, B256::ZERO), (id, B256::repeat_byte(0xff)));
        if peer
            .compact
            .range(&low, &high)
            .is_some_and(|(_, other)| *other != digest)
        {
            return self.offend(name, Offence::Equivocation { id });
        }
        let first_time = peer.compact.insert((id, digest));
        peer.known_blocks.insert(id);
        match check_alone(&block.header, self.node.spec(), self.node.now()) {
            Ok(()) => {}
            // One of the two clocks is wrong, and it may be ours: a synchronisation takes what it can, and the rest later.
            Err(BlockError::FromTheFuture { .. }) => return self.claim(name, claim_of(&block)),
            Err(error) => return self.offend(name, invalid(&error)),
        }
        if block.header.manifest_root != block.manifest.root() {
            let reason = "its manifest is another one".to_owned();
            return self.offend(name, Offence::InvalidHeader { reason });
        }
        match self.place_of(&block) {
            Ok(Place::Known {
                status: Status::Invalid,
                ..
            }) => {
                let reason = "it was found invalid before".to_owned();
                self.offend(name, Offence::InvalidBlock { id, reason });
            }
            Ok(Place::Known { claim, .. }) => {
                self.claim(name, claim);
                self.light_block(name, &claim);
            }
            Ok(Place::After(parent)) => self.connected_block(name, block, parent, first_time),
            Ok(Place::Nowhere) => {
                // Nothing of it is kept: headers from where we stand will show whether the claim is true.
                self.claim(name, claim_of(&block));
                if self.knows_more_work(name, block.weight) {
                    self.offend(name, Offence::Orphan { id });
                }
            }
            Err(error) => {
                if self.lines.is_due("announced block", self.now) {
                    tracing::error!(%error, "a block could not be looked up");
                }
            }
        }
    }

    /// Where a block stands on what this node has.
    fn place_of(&self, block: &CompactBlock) -> Result<Place, tally_node::StoreError> {
        let known = self.node.sound_record(&self.node.snapshot(), &block.header.id())?;
        if let Some(record) = known {
            let claim = Claim {
                tip: record.id,
                height: record.height(),
                weight: record.weight,
            };
            let status = record.status;
            return Ok(Place::Known { claim, status });
        }
        let parent = self.node.header_tip(&block.header.parent)?;
        Ok(parent.map_or(Place::Nowhere, Place::After))
    }

    /// A block after one that is here: put together if it has more total work than our tip.
    fn connected_block(&mut self, name: &PeerName, block: CompactBlock, mut end: HeaderTip, first_time: bool) {
        match end.extend(&block.header, self.node.spec(), self.node.now()) {
            Ok(()) => {}
            Err(BlockError::FromTheFuture { .. }) => return self.claim(name, claim_of(&block)),
            Err(error) => return self.offend(name, invalid(&error)),
        }
        let claim = Claim {
            tip: end.id,
            height: end.height,
            weight: end.weight,
        };
        self.claim(name, claim);
        // With a block a node begins with no state any more (Q4), and any peer has the first one of a chain. A chain that is
        // too short for a state is fetched by its headers.
        if self.node.awaits_checkpoint() {
            return;
        }
        if end.weight <= self.node.tip().record.weight {
            return self.light_block(name, &claim);
        }
        if first_time && self.may_rebuild(name, &end.id) {
            self.rebuild(name, block, end.weight);
        }
    }

    /// An announcement of a block with no more total work than our tip, long after the peer had read of one with more.
    fn light_block(&mut self, name: &PeerName, claim: &Claim) {
        let late = claim.height.0 + STALE_DEPTH < self.node.tip().record.height().0;
        if late && self.knows_more_work(name, claim.weight) {
            self.offend(name, Offence::StaleBlock { id: claim.tip });
        }
    }

    /// Whether the peer has certainly read that our chain has as much total work as this, or more: by N7 it announces no such
    /// block.
    fn knows_more_work(&self, name: &PeerName, weight: Weight) -> bool {
        self.peers.get(name).is_some_and(|peer| weight <= peer.acknowledged)
    }

    /// Total work that a peer has shown or claims; a claim only grows.
    pub(crate) fn claim(&mut self, name: &PeerName, claim: Claim) {
        if let Some(known) = self.peers.get_mut(name).and_then(|peer| peer.claim.as_mut())
            && claim.weight > known.weight
        {
            *known = claim;
        }
    }

    /// A peer announces that it has a block.
    pub(crate) fn taken(&mut self, name: &PeerName, id: &BlockId) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if let Some(at) = peer.announced_blocks.iter().position(|(sent, _)| sent == id) {
            let (_, sent) = peer.announced_blocks[at];
            peer.announced_blocks.drain(..=at);
            let hop = Duration::from_millis(self.now.saturating_sub(sent));
            self.node.stats().block_hop.record(hop);
        }
    }

    /// Whether a block is put together from what this peer sends, too: several peers at once, for the first may never send
    /// what is missing; one place is kept for an outbound peer, for inbound ones cost an attacker nothing.
    fn may_rebuild(&self, name: &PeerName, id: &BlockId) -> bool {
        let Some(own) = self.peers.get(name) else { return false };
        let others: Vec<_> = self.peers.values().filter(|peer| peer.rebuilding(id)).collect();
        let inbound = others.iter().filter(|peer| !peer.outbound).count();
        let outbound = self.peers.values().any(|peer| peer.outbound && peer.ready());
        let place = own.outbound || !outbound || inbound + 1 < MAX_REBUILDS;
        !self.full && place && others.len() < MAX_REBUILDS && own.rebuild_count() < MAX_REBUILDS_OF_ONE
    }

    /// Puts a block together from the pool, or requests what the pool lacks.
    fn rebuild(&mut self, name: &PeerName, block: CompactBlock, weight: Weight) {
        let transactions = self.parts_pool(&block);
        let places = || (0..).zip(&transactions);
        let missing = places().filter(|(_, transaction)| transaction.is_none());
        let pooled = places().filter(|(_, transaction)| transaction.is_some());
        let rebuild = Rebuild {
            missing: missing.map(|(index, _)| index).collect(),
            pooled: pooled.map(|(index, _)| index).collect(),
            block,
            weight,
            transactions,
        };
        if rebuild.missing.is_empty() {
            self.counters.compact_whole += 1;
            return self.rebuilt(name, rebuild);
        }
        self.counters.compact_partly += 1;
        self.request_missing(name, rebuild);
    }

    fn parts_pool(&self, block: &CompactBlock) -> Vec<Option<CheckedTransaction>> {
        let id = block.header.id();
        let mut transactions = vec![None; block.transactions.len()];
        if transactions.is_empty() {
            return transactions;
        }
        let names = block.transactions.iter().zip(0..);
        let wanted: BTreeMap<ShortId, usize> = names.map(|(short, index)| (*short, index)).collect();
        self.node.with_pool(|pool| {
            for transaction in pool.iter() {
                if let Some(index) = wanted.get(&short_id(&id, &transaction.id())) {
                    transactions[*index] = Some(transaction.clone());
                }
            }
        });
        transactions
    }

    fn request_missing(&mut self, name: &PeerName, rebuild: Rebuild) {
        let (block, indexes) = (rebuild.block.header.id(), rebuild.missing.clone());
        let request = Request::BlockTransactions(Box::new(rebuild));
        self.send_request(name, request, Message::GetBlockTransactions { block, indexes });
    }

    fn request_whole(&mut self, name: &PeerName, id: BlockId, weight: Weight) {
        self.send_request(name, Request::WholeBlock { id, weight }, Message::GetBlocks(vec![id]));
    }

    /// The requested transactions of a block came.
    pub(crate) fn missing_transactions(&mut self, name: &PeerName, mut rebuild: Rebuild, items: Vec<Bytes>) {
        let id = rebuild.block.header.id();
        if items.is_empty() {
            // Its chain may have gone on meanwhile (N8): it can still send the block.
            if !self.has_block(&id) {
                self.request_whole(name, id, rebuild.weight);
            }
            return;
        }
        if items.len() != rebuild.missing.len() {
            return self.offend(name, Offence::WithheldBlock { id });
        }
        for (index, envelope) in rebuild.missing.iter().zip(items) {
            let checked = RawTransaction::decode(envelope).and_then(|raw| self.node.checker().check_one(raw));
            let named = |transaction: &CheckedTransaction| {
                short_id(&id, &transaction.id()) == rebuild.block.transactions[*index as usize]
            };
            match checked {
                Ok(transaction) if named(&transaction) => {
                    rebuild.transactions[*index as usize] = Some(transaction);
                }
                // The peer sent both the short id and its transaction.
                Ok(_) | Err(_) => return self.offend(name, Offence::BadCompactBlock { id }),
            }
        }
        self.rebuilt(name, rebuild);
    }

    fn rebuilt(&mut self, name: &PeerName, rebuild: Rebuild) {
        let envelopes = rebuild.transactions.iter().flatten().map(CheckedTransaction::envelope);
        if !makes_root(&rebuild.block.manifest, envelopes) {
            return self.not_rebuilt(name, rebuild);
        }
        let Rebuild {
            block, transactions, ..
        } = rebuild;
        let id = block.header.id();
        let transactions = transactions.into_iter().flatten().collect();
        match self.node.import_parts(block.header, block.manifest, transactions) {
            Ok(_) => {
                self.gave_block(name);
                self.brought_block(name);
            }
            Err(error) => {
                if let Some(offence) = blame(id, &error) {
                    self.offend(name, offence);
                }
            }
        }
    }

    /// The parts are not those of the block. Where some came from our own pool that shows nothing of the peer: those are
    /// requested, or the whole block where they are many. Where all came from the peer, it made them up.
    fn not_rebuilt(&mut self, name: &PeerName, mut rebuild: Rebuild) {
        let (id, weight) = (rebuild.block.header.id(), rebuild.weight);
        if rebuild.pooled.is_empty() {
            return self.offend(name, Offence::BadCompactBlock { id });
        }
        if self.has_block(&id) {
            return;
        }
        self.counters.compact_failed += 1;
        if rebuild.pooled.len() * 2 > rebuild.transactions.len() {
            return self.request_whole(name, id, weight);
        }
        rebuild.missing = std::mem::take(&mut rebuild.pooled);
        for index in &rebuild.missing {
            rebuild.transactions[*index as usize] = None;
        }
        self.request_missing(name, rebuild);
    }

    /// Whether a block came another way meanwhile.
    pub(crate) fn has_block(&self, id: &BlockId) -> bool {
        let record = self.node.snapshot().record(id);
        record.is_ok_and(|record| record.is_some())
    }

    /// A block came whole, whose compact form did not fit together.
    pub(crate) fn whole_block(&mut self, name: &PeerName, id: BlockId, blocks: Vec<Bytes>) {
        let Some(bytes) = blocks.first() else {
            return self.offend(name, Offence::WithheldBlock { id });
        };
        match block_id(bytes) {
            Ok(found) if found == id => {}
            Ok(_) => return self.offend(name, Offence::Unrequested),
            Err(error) => return self.offend(name, error.into()),
        }
        if !belongs(bytes) {
            let reason = "its parts are not those that its header names".to_owned();
            return self.offend(name, Offence::InvalidBlock { id, reason });
        }
        match self.node.import_block(bytes) {
            Ok(_) => {
                self.gave_block(name);
                self.brought_block(name);
            }
            Err(error) => {
                if let Some(offence) = blame(id, &error) {
                    self.offend(name, offence);
                }
            }
        }
    }

    /// A peer sent a good block.
    pub(crate) fn gave_block(&mut self, name: &PeerName) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.blocks_sent += 1;
            peer.bodies.succeeded();
        }
    }
}

/// Where an announced block stands.
enum Place {
    Known { claim: Claim, status: Status },
    After(HeaderTip),
    Nowhere,
}

/// The claim of an announcement about its sender's chain.
fn claim_of(block: &CompactBlock) -> Claim {
    Claim {
        tip: block.header.id(),
        height: block.manifest.number,
        weight: block.weight,
    }
}

fn invalid(error: &BlockError) -> Offence {
    let reason = error.to_string();
    Offence::InvalidHeader { reason }
}
