//! Transactions by inventory, blocks by the names of what they hold; nothing goes on that this node has not taken itself.
//! Rules: docs/protocol.md#N4, #N7

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rayon::prelude::*;
use tally_chain::codec::ListReader;
use tally_chain::hash::sha256;
use tally_chain::header::HEADER_BYTES;
use tally_chain::header_chain::check_alone;
use tally_chain::{
    B256, BlockError, BlockId, Bytes, CheckedTransaction, CodecError, Header, RawTransaction, TxId, Work,
};

use super::limits::{MAX_IDS, MAX_WANTED};
use super::offence::Offence;
use super::peer::{Question, Rebuild};
use super::sync::{blame, is_foreign};
use super::wire::{Claim, CompactBlock, Message, SHORT_ID_BYTES, ShortId};
use super::{Network, PeerName};
use crate::pipeline::ImportError;
use crate::store::Status;
use crate::submit::SubmitError;

/// Peers remembered of those who have a wanted transaction.
const MAX_HOLDERS: usize = 4;
/// Blocks that a peer was told of whose way is measured.
const MAX_TOLD: usize = 16;
/// Blocks below the tip from which an announcement counts as late.
const STALE_DEPTH: u64 = 6;

/// A transaction that is not here yet.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Who has it; the first is asked next.
    holders: VecDeque<PeerName>,
    asked: bool,
    /// When it was first heard of.
    since: u64,
    /// Transactions of one sender are asked for in the order in which they were told of: that of their nonces.
    turn: u64,
}

/// A transaction's name in the compact form of one block. Rule: docs/protocol.md#N4
pub fn short_id(block: &BlockId, transaction: &TxId) -> ShortId {
    let hash = sha256(&[b"tally/short", block.as_bytes(), transaction.as_bytes()]);
    let mut short = [0; SHORT_ID_BYTES];
    short.copy_from_slice(&hash[..SHORT_ID_BYTES]);
    short
}

/// The id of an encoded block, nothing else of it read.
pub(super) fn block_id(bytes: &[u8]) -> Result<BlockId, CodecError> {
    let header = ListReader::open("block", bytes)?.fixed::<HEADER_BYTES>("header")?;
    Ok(Header::decode(&header).id())
}

impl Network {
    /// Tells a peer of everything in the pool that it may not have.
    pub(super) fn offer_pool(&mut self, name: &PeerName) {
        let Some(peer) = self.peers.get_mut(name).filter(|peer| peer.ready()) else {
            return;
        };
        let ids: Vec<_> = self
            .node
            .with_pool(|pool| pool.iter().map(CheckedTransaction::id).collect());
        let new = ids.into_iter().filter(|id| peer.known_transactions.insert(*id));
        peer.inventory.extend(new);
    }

    /// Tells everybody of transactions that left a block and are in the pool again: the other branch may never have had
    /// them, and who asked for them meanwhile got none.
    pub(super) fn offer_again(&mut self, ids: &[TxId]) {
        let ids: Vec<_> = self
            .node
            .with_pool(|pool| ids.iter().filter(|id| pool.contains(id)).copied().collect());
        for peer in self.peers.values_mut().filter(|peer| peer.ready()) {
            for id in &ids {
                peer.known_transactions.insert(*id);
            }
            peer.inventory.extend(&ids);
        }
    }

    /// Tells everybody of a transaction of our pool.
    pub(super) fn offer(&mut self, id: TxId) {
        self.wanted.remove(&id);
        for peer in self.peers.values_mut().filter(|peer| peer.ready()) {
            if peer.known_transactions.insert(id) {
                peer.inventory.push(id);
            }
        }
    }

    pub(super) fn tell_inventory(&mut self) {
        let names: Vec<_> = self.peers.keys().cloned().collect();
        for name in names {
            let Some(peer) = self.peers.get_mut(&name) else {
                continue;
            };
            let ids = std::mem::take(&mut peer.inventory);
            for ids in ids.chunks(MAX_IDS) {
                self.send(&name, 0, Message::Inventory(ids.to_vec()));
            }
        }
    }

    /// A peer has transactions.
    pub(super) fn inventory(&mut self, name: &PeerName, ids: Vec<TxId>) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if !peer.ids.spend(ids.len() as u64, self.now) {
            return self.offend(name, Offence::Flood { what: "inventory" });
        }
        let tip = self.node.tip();
        for id in ids {
            peer.known_transactions.insert(id);
            let here = self.node.with_pool(|pool| pool.contains(&id));
            if here || tip.snapshot.place(&id).is_ok_and(|place| place.is_some()) {
                continue;
            }
            if self.wanted.len() >= MAX_WANTED && !self.wanted.contains_key(&id) {
                continue;
            }
            self.heard += 1;
            let turn = self.heard;
            let since = self.now;
            let wanted = self.wanted.entry(id).or_insert_with(|| Wanted {
                turn,
                since,
                ..Wanted::default()
            });
            if wanted.holders.len() < MAX_HOLDERS && !wanted.holders.contains(name) {
                wanted.holders.push_back(name.clone());
            }
        }
    }

    /// Asks for what is wanted and not asked for; each transaction of one peer at a time.
    pub(super) fn ask_for_transactions(&mut self) {
        let mut questions: BTreeMap<PeerName, Vec<(u64, TxId)>> = BTreeMap::new();
        let peers = &self.peers;
        self.wanted.retain(|id, wanted| {
            if wanted.asked {
                return true;
            }
            wanted.holders.retain(|holder| peers.contains_key(holder));
            let Some(holder) = wanted.holders.pop_front() else {
                return false;
            };
            wanted.asked = true;
            questions.entry(holder).or_default().push((wanted.turn, *id));
            true
        });
        for (name, mut ids) in questions {
            ids.sort_unstable();
            for ids in ids.chunks(MAX_IDS) {
                let ids: Vec<_> = ids.iter().map(|(_, id)| *id).collect();
                self.ask(
                    &name,
                    Question::Transactions { ids: ids.clone() },
                    Message::GetTransactions(ids),
                );
            }
        }
    }

    /// A peer does not have these: somebody else may.
    pub(super) fn transactions_missing(&mut self, ids: &[TxId]) {
        for id in ids {
            if let Some(wanted) = self.wanted.get_mut(id) {
                wanted.asked = false;
            }
        }
    }

    /// Transactions came that were asked for.
    pub(super) fn transactions(&mut self, name: &PeerName, ids: &[TxId], envelopes: Vec<Bytes>) {
        let mut missing: Vec<_> = ids.to_vec();
        let mut sent = Vec::new();
        // What is checked here is remembered: taking it into the pool checks nothing twice.
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
        let mut brought = false;
        let results = self
            .node
            .submit_relayed(sent.iter().map(|transaction| transaction.envelope().clone()).collect());
        for (transaction, result) in sent.iter().zip(results) {
            if let Some(wanted) = self.wanted.remove(&transaction.id()) {
                let hop = Duration::from_millis(self.now.saturating_sub(wanted.since));
                self.node.stats().transaction_hop.record(hop);
            }
            match result {
                Err(SubmitError::State(error)) => tracing::error!(%error, "a transaction could not be looked at"),
                Err(SubmitError::Store(error)) => tracing::error!(%error, "a transaction could not be looked at"),
                Ok(_) => brought = true,
                // What does not fit into the pool now says nothing of the peer: its pool may be another one.
                Err(_) => {}
            }
        }
        if brought && let Some(peer) = self.peers.get_mut(name) {
            peer.brought_transaction = Some(self.now);
        }
        self.transactions_missing(&missing);
        if let Some(offence) = offence {
            self.offend(name, offence);
        }
    }

    /// Tells everybody of our tip: those who have it or something heavier what it is, the others what it holds.
    pub(super) fn tell_tip(&mut self) {
        let tip = self.node.tip();
        let (id, weight) = (tip.record.id, tip.record.weight);
        let (mut names, mut knowing) = (Vec::new(), Vec::new());
        for (name, peer) in self.peers.iter_mut().filter(|(_, peer)| peer.ready()) {
            let new = peer.weight() < weight && peer.known_blocks.insert(id);
            if new { &mut names } else { &mut knowing }.push(name.clone());
        }
        let claim = self.own_claim();
        if tip.record.status == Status::Given {
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
                Err(error) => return tracing::error!(%error, "the tip cannot be told of"),
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
                peer.told_blocks.push_back((id, now));
                if peer.told_blocks.len() > MAX_TOLD {
                    peer.told_blocks.pop_front();
                }
            }
            self.send(&name, 0, Message::CompactBlock(Box::new(compact.clone())));
        }
    }

    /// A peer has a block.
    pub(super) fn compact_block(&mut self, name: &PeerName, block: CompactBlock) {
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
        peer.compact.insert((id, digest));
        peer.known_blocks.insert(id);
        if let Err(error) = check_alone(&block.header, self.node.spec(), self.node.now()) {
            if !matches!(error, BlockError::FromTheFuture { .. }) {
                let reason = error.to_string();
                self.offend(name, Offence::InvalidHeader { reason });
            }
            return;
        }
        if block.header.manifest_root != block.manifest.root() {
            let reason = "its manifest is another one".to_owned();
            return self.offend(name, Offence::InvalidHeader { reason });
        }
        let (store, tip) = (self.node.store().snapshot(), self.node.tip());
        let claim = |height, weight| Claim {
            tip: id,
            height,
            weight,
        };
        let known = match store.record(&id) {
            Ok(known) => known,
            Err(error) => return tracing::error!(%error, "a block could not be looked up"),
        };
        if let Some(record) = known {
            if record.status == Status::Invalid {
                let reason = "it was found invalid before".to_owned();
                return self.offend(name, Offence::InvalidBlock { id, reason });
            }
            self.claim(name, claim(record.height(), record.weight));
            if record.height().0 + STALE_DEPTH < tip.record.height().0 {
                self.offend(name, Offence::StaleBlock { id });
            }
            return;
        }
        let parent = match self.node.header_tip(&block.header.parent) {
            Ok(parent) => parent,
            Err(error) => return tracing::error!(%error, "a parent could not be looked up"),
        };
        let Some(mut end) = parent else {
            // Nothing of it is kept: headers from where we stand will show whether the claim is true.
            self.claim(name, claim(block.manifest.number, block.weight));
            if block.weight <= tip.record.weight {
                self.offend(name, Offence::Orphan { id });
            }
            return;
        };
        if let Err(error) = end.extend(&block.header, self.node.spec(), self.node.now()) {
            let reason = error.to_string();
            return self.offend(name, Offence::InvalidHeader { reason });
        }
        self.claim(name, claim(end.height, end.weight));
        if end.weight <= tip.record.weight {
            if end.height.0 + STALE_DEPTH < tip.record.height().0 {
                self.offend(name, Offence::StaleBlock { id });
            }
            return;
        }
        self.rebuild(name, block, end.weight);
    }

    /// What a peer has shown or says of its chain; a claim only grows.
    pub(super) fn claim(&mut self, name: &PeerName, claim: Claim) {
        if let Some(known) = self.peers.get_mut(name).and_then(|peer| peer.claim.as_mut())
            && claim.weight > known.weight
        {
            *known = claim;
        }
    }

    /// A peer says that it has a block.
    pub(super) fn taken(&mut self, name: &PeerName, id: &BlockId) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if let Some(at) = peer.told_blocks.iter().position(|(told, _)| told == id) {
            let (_, told) = peer.told_blocks[at];
            peer.told_blocks.drain(..=at);
            let hop = Duration::from_millis(self.now.saturating_sub(told));
            self.node.stats().block_hop.record(hop);
        }
    }

    /// Puts a block together from the pool, or asks for what the pool lacks.
    fn rebuild(&mut self, name: &PeerName, block: CompactBlock, weight: Work) {
        let id = block.header.id();
        if self.peers.values().any(|peer| peer.rebuilding(&id)) {
            return; // should that fail, the claim stands, and a synchronisation follows it
        }
        let mut transactions: Vec<Option<CheckedTransaction>> = vec![None; block.transactions.len()];
        if !transactions.is_empty() {
            let names = block.transactions.iter().zip(0..);
            let wanted: BTreeMap<ShortId, usize> = names.map(|(short, index)| (*short, index)).collect();
            self.node.with_pool(|pool| {
                for transaction in pool.iter() {
                    if let Some(index) = wanted.get(&short_id(&id, &transaction.id())) {
                        transactions[*index] = Some(transaction.clone());
                    }
                }
            });
        }
        let places = (0..).zip(&transactions);
        let missing = places
            .filter(|(_, transaction)| transaction.is_none())
            .map(|(index, _)| index);
        let rebuild = Rebuild {
            missing: missing.collect(),
            block,
            weight,
            transactions,
        };
        if rebuild.missing.is_empty() {
            self.counters.compact_whole += 1;
            return self.rebuilt(name, rebuild);
        }
        self.counters.compact_partly += 1;
        let indexes = rebuild.missing.clone();
        let question = Question::BlockTransactions(Box::new(rebuild));
        self.ask(name, question, Message::GetBlockTransactions { block: id, indexes });
    }

    /// The transactions of a block came that the pool lacked.
    pub(super) fn missing_transactions(&mut self, name: &PeerName, mut rebuild: Rebuild, items: Vec<Bytes>) {
        let id = rebuild.block.header.id();
        if items.len() != rebuild.missing.len() {
            return self.offend(name, Offence::WithheldBlock { id });
        }
        for (index, envelope) in rebuild.missing.iter().zip(items) {
            let checked = RawTransaction::decode(envelope).and_then(|raw| self.node.checker().check_one(raw));
            match checked {
                Ok(transaction) => rebuild.transactions[*index as usize] = Some(transaction),
                Err(_) => return self.not_rebuilt(name, id, rebuild.weight),
            }
        }
        self.rebuilt(name, rebuild);
    }

    fn rebuilt(&mut self, name: &PeerName, rebuild: Rebuild) {
        let Rebuild {
            block,
            weight,
            transactions,
            ..
        } = rebuild;
        let id = block.header.id();
        let transactions = transactions.into_iter().flatten().collect();
        match self.node.import_parts(block.header, block.manifest, transactions) {
            Ok(_) => self.brought_block(name),
            Err(ImportError::Block(error)) if is_foreign(&error) || of_a_transaction(&error) => {
                self.not_rebuilt(name, id, weight);
            }
            Err(error) => {
                if let Some(offence) = blame(id, &error) {
                    self.offend(name, offence);
                }
            }
        }
    }

    /// A name that two share, or a false one: the whole block will tell.
    fn not_rebuilt(&mut self, name: &PeerName, id: BlockId, weight: Work) {
        self.counters.compact_failed += 1;
        self.offend(name, Offence::BadCompactBlock { id });
        self.ask(name, Question::WholeBlock { id, weight }, Message::GetBlocks(vec![id]));
    }

    /// A block came whole, whose compact form did not fit together.
    pub(super) fn whole_block(&mut self, name: &PeerName, id: BlockId, blocks: Vec<Bytes>) {
        let Some(bytes) = blocks.first() else {
            return self.offend(name, Offence::WithheldBlock { id });
        };
        match block_id(bytes) {
            Ok(found) if found == id => {}
            Ok(_) => return self.offend(name, Offence::Unrequested),
            Err(error) => return self.offend(name, error.into()),
        }
        if let Err(error) = self.node.import_block(bytes)
            && let Some(offence) = blame(id, &error)
        {
            self.offend(name, offence);
        }
    }
}

/// Whether a block fails by one of its transactions, before its root was compared or after: a wrong guess may have put it there.
fn of_a_transaction(error: &BlockError) -> bool {
    matches!(
        error,
        BlockError::Transaction { .. } | BlockError::DuplicateTransaction { .. }
    )
}
