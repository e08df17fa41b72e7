//! Beginning with a checkpoint: the headers from genesis on, their work checked and none kept; then the state, part by part.
//! Rules: docs/protocol.md#Q1 to #Q4

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tally_chain::history::{History, Node as HistoryNode};
use tally_chain::{B256, BlockError, BlockId, Bytes, Header, HeaderTip, Height, Manifest, Work};
use tally_ledger::{ChangeSet, PartRoots};

use super::limits::{MAX_HEADERS, MAX_LOCATOR, MAX_PART_QUESTIONS, MAX_PARTS_ASKED};
use super::offence::Offence;
use super::peer::{Peer, Question};
use super::sync::SyncStatus;
use super::wire::Message;
use super::{Network, PeerName};
use crate::checkpoint::{Beginning, Checkpoint};
use crate::store::StoreError;

/// Blocks whose ids a contract can ask for: they come with the checkpoint. Rule: docs/protocol.md#Q4
const ANCESTORS: usize = 256;

/// A header with the weight of its branch.
type Weighed = (Header, Work);

/// The state of one checkpoint that is becoming ours.
pub(super) struct Join {
    /// Who offers the checkpoint and sends the headers, and answers for both.
    source: PeerName,
    /// What the source said its chain weighs.
    claimed: Work,
    started: u64,
    /// Whether the source is asked for something now.
    asking: bool,
    offer: Option<Checkpoint>,
    /// The end of the headers, and the range over the blocks up to it.
    end: HeaderTip,
    history: History,
    first: Option<Weighed>,
    /// The last headers up to the end.
    recent: VecDeque<Weighed>,
    /// What stood at the checkpoint's block.
    mark: Option<Mark>,
    all_headers: bool,
    manifests: BTreeMap<BlockId, Manifest>,
    state: Option<State>,
}

/// The chain as it was when the headers reached the checkpoint.
struct Mark {
    /// `history_root` of the checkpoint's block.
    history_root: B256,
    history: History,
    /// Block 1 and the last ones, as [`Beginning`] wants them.
    blocks: Vec<Weighed>,
}

/// The parts of the state: which are still to come, and from whom.
struct State {
    roots: PartRoots,
    missing: BTreeSet<u32>,
    asked: BTreeMap<u32, PeerName>,
    lacking: BTreeSet<PeerName>,
}

impl Join {
    pub(super) fn status(&self, now: u64) -> SyncStatus {
        let parts = self.state.as_ref();
        SyncStatus {
            source: self.source.clone(),
            headers: Some(self.end.height),
            blocks_left: 0,
            blocks_done: 0,
            transactions_done: 0,
            parts: parts.map(|state| (state.roots.len() - state.missing.len(), state.roots.len())),
            millis: now.saturating_sub(self.started),
        }
    }

    /// Ids that the next headers may continue, the newest first.
    fn locator(&self) -> Vec<BlockId> {
        let recent = self.recent.iter().rev().take(MAX_LOCATOR);
        let mut ids: Vec<_> = recent.map(|(header, _)| header.id()).collect();
        if ids.is_empty() {
            ids.push(self.end.id);
        }
        ids
    }

    /// Moves on to the next header; its work is checked.
    fn extend(&mut self, header: &Header, network: &Network) -> Result<(), BlockError> {
        let spec = network.node.spec();
        self.end.extend(header, spec, network.node.now())?;
        let before = self.history.root();
        self.history
            .push(HistoryNode::leaf(self.end.id, header, spec.engine().weight(header)));
        let weighed = (*header, self.end.weight);
        self.first.get_or_insert(weighed);
        self.recent.push_back(weighed);
        if self.recent.len() > ANCESTORS {
            self.recent.pop_front();
        }
        if self.offer.as_ref().is_some_and(|offer| offer.height == self.end.height) {
            let mut blocks: Vec<_> = self.recent.iter().copied().collect();
            if self.end.height.0 > ANCESTORS as u64 {
                blocks.splice(0..0, self.first);
            }
            self.mark = Some(Mark {
                history_root: before,
                history: self.history.clone(),
                blocks,
            });
        }
        Ok(())
    }
}

/// What ends an attempt: with an offence of the source, or without.
type Ended = Option<Offence>;

fn wrong(reason: impl ToString) -> Ended {
    let reason = reason.to_string();
    Some(Offence::InvalidCheckpoint { reason })
}

fn broken(error: &StoreError) -> Ended {
    tracing::error!(%error, "a checkpoint cannot be kept");
    None
}

impl Network {
    /// Goes on with beginning at a checkpoint; says whether that is what this node is about.
    pub(super) fn advance_join(&mut self) -> bool {
        let config = self.node.checkpoints();
        if !self.node.awaits_checkpoint() {
            self.join = None;
            return false;
        }
        let best = self
            .peers
            .values()
            .filter_map(|peer| peer.claim)
            .map(|claim| claim.height.0);
        if best.max().unwrap_or(0) < config.every + config.depth {
            // A chain that is too short to have one is simply fetched.
            return self.join.is_some();
        }
        if self.join.is_none() {
            self.begin_join();
        }
        if let Some(mut join) = self.join.take() {
            match self.step(&mut join) {
                Ok(false) => self.join = Some(join),
                Ok(true) => {}
                Err(ended) => self.end_join(&join.source, ended),
            }
        }
        // Without one that offers a checkpoint nothing begins: this node was told to begin with one.
        self.node.awaits_checkpoint()
    }

    fn begin_join(&mut self) {
        let (ours, now) = (self.node.tip().record.weight, self.now);
        // Headers are asked for from genesis on.
        let whole = |peer: &Peer| peer.first <= Height(1);
        let able = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.weight() > ours && peer.sync_after <= now && peer.offers && whole(peer));
        let Some((name, peer)) = able.max_by_key(|(_, peer)| peer.weight()) else {
            return;
        };
        let genesis = self.node.tip().record.clone();
        let end = match self.node.header_tip(&genesis.id) {
            Ok(Some(end)) => end,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "genesis cannot be read"),
        };
        let mut history = History::default();
        let weight = self.node.spec().engine().weight(&genesis.header);
        history.push(HistoryNode::leaf(genesis.id, &genesis.header, weight));
        self.join = Some(Join {
            source: name.clone(),
            claimed: peer.weight(),
            started: now,
            asking: false,
            offer: None,
            end,
            history,
            first: None,
            recent: VecDeque::new(),
            mark: None,
            all_headers: false,
            manifests: BTreeMap::new(),
            state: None,
        });
    }

    /// Asks for what is missing next; says whether all is done.
    fn step(&mut self, join: &mut Join) -> Result<bool, Ended> {
        let source = join.source.clone();
        let Some(offer) = &join.offer else {
            if !std::mem::replace(&mut join.asking, true) {
                self.ask(&source, Question::Checkpoint, Message::GetCheckpoint);
            }
            return Ok(false);
        };
        if !join.all_headers {
            if !std::mem::replace(&mut join.asking, true) {
                let locator = join.locator();
                self.ask(&source, Question::JoinHeaders, Message::GetHeaders { locator });
            }
            return Ok(false);
        }
        let Some(mark) = &join.mark else {
            return Err(wrong("its chain does not reach so far"));
        };
        let Some(state) = &mut join.state else {
            let ids = mark.blocks.iter().map(|(header, _)| header.id());
            let ids: Vec<_> = ids.filter(|id| !join.manifests.contains_key(id)).collect();
            if !ids.is_empty() {
                if !std::mem::replace(&mut join.asking, true) {
                    let question = Question::Manifests { ids: ids.clone() };
                    self.ask(&source, question, Message::GetManifests(ids));
                }
                return Ok(false);
            }
            join.state = Some(self.expect(offer, mark, &join.manifests)?);
            return Ok(false);
        };
        if !state.missing.is_empty() {
            let (block, asked) = (offer.block, self.part_questions(state));
            for (name, part) in asked {
                self.ask(&name, Question::Part { part }, Message::GetPart { block, part });
            }
            return Ok(false);
        }
        self.finish_join(join)?;
        Ok(true)
    }

    /// Checks what the source offers against the checkpoint's block, and sees which parts are here already.
    fn expect(&self, offer: &Checkpoint, mark: &Mark, manifests: &BTreeMap<BlockId, Manifest>) -> Result<State, Ended> {
        let manifest = manifests
            .get(&offer.block)
            .ok_or_else(|| wrong("its block is not in its chain"))?;
        if manifest.history_root != mark.history_root {
            return Err(wrong("its block names other ancestors"));
        }
        let roots = PartRoots::check(offer.roots.clone(), manifest.state_root).map_err(wrong)?;
        let store = self.node.store();
        store.expect_checkpoint(offer).map_err(|error| broken(&error))?;
        let snapshot = store.snapshot();
        let mut missing = BTreeSet::new();
        for number in (0..).take(roots.len()) {
            let part = snapshot.part(offer.height, number).map_err(|error| broken(&error))?;
            let content = part.and_then(|part| ChangeSet::decode(&part).ok());
            if content.is_none_or(|content| roots.check_part(number as usize, &content).is_err()) {
                missing.insert(number);
            }
        }
        Ok(State {
            roots,
            missing,
            asked: BTreeMap::new(),
            lacking: BTreeSet::new(),
        })
    }

    /// Whom to ask for which parts.
    fn part_questions(&self, state: &mut State) -> Vec<(PeerName, u32)> {
        let mut questions = Vec::new();
        for (name, peer) in &self.peers {
            if !peer.ready() || state.lacking.contains(name) {
                continue;
            }
            let open = state.asked.values().filter(|asked| *asked == name).count();
            for _ in open..MAX_PART_QUESTIONS {
                let mut wanted = state.missing.iter().filter(|part| !state.asked.contains_key(*part));
                let Some(part) = wanted.next().copied().filter(|_| state.asked.len() < MAX_PARTS_ASKED) else {
                    return questions;
                };
                state.asked.insert(part, name.clone());
                questions.push((name.clone(), part));
            }
        }
        questions
    }

    /// Puts everything together and begins with it.
    fn finish_join(&mut self, join: &mut Join) -> Result<(), Ended> {
        let (Some(checkpoint), Some(mark), Some(parts)) = (join.offer.take(), join.mark.take(), join.state.take())
        else {
            return Err(None);
        };
        let snapshot = self.node.store().snapshot();
        let mut state = ChangeSet::default();
        for number in (0..).take(parts.roots.len()) {
            let missing = || StoreError::Missing {
                what: format!("part {number} of the checkpoint"),
            };
            let part = snapshot
                .part(checkpoint.height, number)
                .and_then(|part| part.ok_or_else(missing));
            let part = part.map_err(|error| broken(&error))?;
            state.merge(ChangeSet::decode(&part).map_err(|error| {
                broken(&StoreError::Damaged {
                    what: "part of the checkpoint",
                    source: error,
                })
            })?);
        }
        let manifest = |id: &BlockId| join.manifests.get(id).cloned();
        let blocks = mark.blocks.iter();
        let blocks = blocks.filter_map(|(header, weight)| Some((*header, manifest(&header.id())?, *weight)));
        let beginning = Beginning {
            blocks: blocks.collect(),
            history: mark.history,
            state,
            checkpoint,
        };
        self.node.begin_at(&beginning).map_err(|error| broken(&error))?;
        let (height, millis) = (beginning.checkpoint.height, self.now.saturating_sub(join.started));
        tracing::info!(source = %join.source, %height, parts = parts.roots.len(), millis, "began with a checkpoint");
        Ok(())
    }

    fn end_join(&mut self, source: &PeerName, ended: Ended) {
        self.pause(source);
        if let Some(offence) = ended {
            self.offend(source, offence);
        }
    }

    /// Lets an answer of the source change the attempt.
    fn answer_join(&mut self, name: &PeerName, take: impl FnOnce(&mut Self, &mut Join) -> Result<(), Ended>) {
        let Some(mut join) = self.join.take_if(|join| join.source == *name) else {
            return;
        };
        join.asking = false;
        match take(self, &mut join) {
            Ok(()) => self.join = Some(join),
            Err(ended) => self.end_join(name, ended),
        }
    }

    /// A peer says what it can show.
    pub(super) fn checkpoint(&mut self, name: &PeerName, offer: Option<Checkpoint>) {
        self.answer_join(name, |network, join| {
            let Some(offer) = offer else {
                tracing::info!(peer = %name, "offers no checkpoint");
                if let Some(peer) = network.peers.get_mut(name) {
                    peer.offers = false;
                }
                return Err(None);
            };
            if offer.height == Height::GENESIS {
                return Err(wrong("genesis is none"));
            }
            join.offer = Some(offer);
            Ok(())
        });
    }

    /// Headers of the chain with the checkpoint.
    pub(super) fn join_headers(&mut self, name: &PeerName, headers: &[Header]) {
        self.answer_join(name, |network, join| {
            // Its chain may have changed its end meanwhile: then it is looked at again from the beginning.
            if headers.first().is_some_and(|header| header.parent != join.end.id) {
                let known = headers
                    .first()
                    .is_some_and(|header| join.locator().contains(&header.parent));
                return Err((!known).then_some(Offence::UnconnectedHeaders));
            }
            for header in headers {
                match join.extend(header, network) {
                    Ok(()) => {}
                    // Our clock may be the one that is wrong.
                    Err(BlockError::FromTheFuture { .. }) => return Err(None),
                    Err(BlockError::WrongParent { .. }) => return Err(Some(Offence::UnconnectedHeaders)),
                    Err(error) => {
                        let reason = error.to_string();
                        return Err(Some(Offence::InvalidHeader { reason }));
                    }
                }
                let offer = join.offer.as_ref().filter(|offer| offer.height == join.end.height);
                if offer.is_some_and(|offer| offer.block != join.end.id) {
                    return Err(wrong("its block is not in its chain"));
                }
            }
            join.all_headers = headers.len() < MAX_HEADERS;
            if !join.all_headers {
                return Ok(());
            }
            if join.end.weight < join.claimed {
                return Err(Some(Offence::LowWork {
                    shown: join.end.weight.to_string(),
                    claimed: join.claimed.to_string(),
                }));
            }
            let (height, depth) = (
                join.offer.as_ref().map_or(0, |offer| offer.height.0),
                network.node.checkpoints().depth,
            );
            let above = join.end.height.0.saturating_sub(height);
            match above < depth {
                true => Err(wrong(format!("{above} blocks stand on it, {depth} are asked for"))),
                false => Ok(()),
            }
        });
    }

    /// Manifests of the blocks around the checkpoint.
    pub(super) fn manifests(&mut self, name: &PeerName, ids: &[BlockId], manifests: Vec<Manifest>) {
        self.answer_join(name, |_, join| {
            let blocks = join.mark.iter().flat_map(|mark| &mark.blocks);
            let by_root: BTreeMap<B256, BlockId> =
                blocks.map(|(header, _)| (header.manifest_root, header.id())).collect();
            for manifest in manifests {
                let id = by_root.get(&manifest.root()).filter(|id| ids.contains(id));
                let id = id.ok_or(Some(Offence::Unrequested))?;
                join.manifests.insert(*id, manifest);
            }
            match ids.iter().find(|id| !join.manifests.contains_key(*id)) {
                Some(id) => Err(Some(Offence::WithheldBlock { id: *id })),
                None => Ok(()),
            }
        });
    }

    /// A part of the state.
    pub(super) fn part(&mut self, name: &PeerName, number: u32, bytes: &Bytes) {
        let Some(join) = &mut self.join else { return };
        let (Some(offer), Some(state)) = (&join.offer, &mut join.state) else {
            return;
        };
        if state.asked.get(&number) != Some(name) {
            return;
        }
        state.asked.remove(&number);
        if bytes.is_empty() {
            return self.part_missing(name, number);
        }
        let checked = ChangeSet::decode(bytes).map_err(|error| error.to_string());
        let checked = checked.and_then(|content| {
            let part = state.roots.check_part(number as usize, &content);
            part.map_err(|error| error.to_string())
        });
        if let Err(reason) = checked {
            state.lacking.insert(name.clone());
            return self.offend(name, Offence::InvalidCheckpoint { reason });
        }
        match self.node.store().keep_part(offer.height, number, bytes) {
            Ok(()) => {
                state.missing.remove(&number);
            }
            Err(error) => tracing::error!(%error, "a part of the state cannot be kept"),
        }
    }

    /// A peer does not keep a part, or does not say so.
    pub(super) fn part_missing(&mut self, name: &PeerName, number: u32) {
        let Some(join) = &mut self.join else { return };
        let (Some(offer), Some(state)) = (&join.offer, &mut join.state) else {
            return;
        };
        state.asked.remove(&number);
        state.lacking.insert(name.clone());
        if join.source == *name {
            let id = offer.block;
            self.join = None;
            self.end_join(name, Some(Offence::WithheldBlock { id }));
        }
    }

    /// A peer is gone or silent: another source is looked for. Parts that came are kept.
    pub(super) fn join_lost(&mut self, name: &PeerName) {
        if self.join.as_ref().is_some_and(|join| join.source == *name) {
            self.join = None;
            self.pause(name);
        } else if let Some(state) = self.join.as_mut().and_then(|join| join.state.as_mut()) {
            state.asked.retain(|_, asked| asked != name);
        }
    }
}
