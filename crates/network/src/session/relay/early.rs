//! Transactions that came before the block on which they build: their sender's account did not allow them, and they are
//! looked at again once a block has changed it. Those that the store kept from being looked at wait beside them, until it works.
//! Rule: docs/protocol.md#N7
//!
//! The peer that sent one does not announce it a second time, for its own pool has had it all along: what is rejected for the
//! state of this moment and forgotten would not come again. One that another peer announces meanwhile is fetched again: the pool
//! of now may take it, and that peer has it, too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tally_chain::state_tree::Account;
use tally_chain::{Address, CheckedTransaction, TxId};
use tally_node::SubmitError;
use tally_node::mempool::MempoolError;

use super::wanted::MAX_HOLDERS;
use crate::session::name::PeerName;
use crate::session::peers::range::{Host, Origin, Range};
use crate::wire::limits::{EARLY_MS, MAX_EARLY, MAX_EARLY_BYTES};

/// Milliseconds until another look at what the store kept from being looked at.
const AGAIN_MS: u64 = 1_000;

/// Who shares one part of the room: names cost nothing, and addresses of one range cost little, so that no number of names
/// makes an honest peer of another range the one that has sent most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    /// All peers of one address range that came by themselves.
    Range(Range),
    /// The same behind an exempt address, which may be a gateway.
    Host(Host),
    /// A peer that this node dialled, that its operator named, or whose address is unknown.
    Peer(PeerName),
}

/// A peer that has sent or announced a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) name: PeerName,
    share: Share,
}

impl Holder {
    /// `outbound`: whether this node dialled the peer.
    pub(crate) fn new(name: &PeerName, outbound: bool, origin: &Origin) -> Self {
        let share = match origin.host.filter(|_| !outbound && !origin.configured) {
            Some(host) if origin.exempt => Share::Host(Host::of(host)),
            Some(host) => Share::Range(Range::of(host)),
            None => Share::Peer(name.clone()),
        };
        let name = name.clone();
        Self { name, share }
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Early {
    pub(crate) transaction: CheckedTransaction,
    /// Who sent or announced it, one of each share; it counts against the first.
    pub(crate) holders: VecDeque<Holder>,
    /// Its sender's account, as it was when it was rejected last; none where the store failed then, and nothing is known.
    pub(crate) account: Option<Account>,
    /// When it came last, milliseconds.
    pub(crate) since: u64,
}

impl Early {
    fn bytes(&self) -> usize {
        self.transaction.envelope().len()
    }

    /// Whether it has waited too long.
    fn is_expired(&self, now: u64) -> bool {
        self.since.saturating_add(EARLY_MS) <= now
    }

    /// Others have it, too. Of one share the first is enough: many names would leave no place for a peer of another one.
    pub(crate) fn held(&mut self, holders: impl IntoIterator<Item = Holder>) {
        for holder in holders {
            let known = self.holders.iter().any(|other| other.share == holder.share);
            if self.holders.len() < MAX_HOLDERS && !known {
                self.holders.push_back(holder);
            }
        }
    }
}

/// At most [`MAX_EARLY`] of them and [`MAX_EARLY_BYTES`], each for [`EARLY_MS`].
#[derive(Debug, Default)]
pub(crate) struct EarlyTransactions {
    /// In the order in which they came.
    waiting: VecDeque<Early>,
    /// Their ids: every one that is rejected is looked for here.
    ids: BTreeSet<TxId>,
    bytes: usize,
    /// When they are looked at again without a block, milliseconds, where the store kept them from being looked at.
    again: Option<u64>,
}

impl EarlyTransactions {
    #[cfg(test)]
    fn contains(&self, id: &TxId) -> bool {
        self.ids.contains(id)
    }

    /// Keeps one; one that is here already is kept from now on, and by all who have it. Where there are too many, those that
    /// have waited too long at `now` go first; then, of the share that has most of the others, the peer that sent most loses its
    /// oldest, unless another has that, too: one that makes up many keeps out no other's, and takes no other's with its own.
    pub(crate) fn put(&mut self, early: Early, now: u64) {
        if early.account.is_none() {
            self.look_again(now);
        }
        if let Some(here) = self.get_mut(&early.transaction.id()) {
            (here.account, here.since) = (early.account, early.since);
            here.held(early.holders);
            return;
        }
        self.ids.insert(early.transaction.id());
        self.bytes += early.bytes();
        self.waiting.push_back(early);
        if self.is_over() {
            // They only wait to be dropped: no peer has fewer places for them, and none counts as the one with most.
            self.drop_expired(now);
        }
        while self.is_over() {
            let Some(at) = self.oldest_of_most() else { return };
            self.let_go(at);
        }
    }

    /// What is due could not be looked at, for the store failed or had no room: no block may come once it works.
    pub(crate) fn look_again(&mut self, now: u64) {
        self.again = Some(now.saturating_add(AGAIN_MS));
    }

    /// Whether it is time for that.
    pub(crate) fn is_time(&self, now: u64) -> bool {
        self.again.is_some_and(|again| again <= now)
    }

    /// For so many milliseconds up to `now` nothing could be stored: all of them are kept for as much longer.
    pub(crate) fn put_off(&mut self, millis: u64, now: u64) {
        for early in &mut self.waiting {
            early.since = early.since.saturating_add(millis).min(now);
        }
    }

    /// Whether there are too many.
    fn is_over(&self) -> bool {
        self.waiting.len() > MAX_EARLY || self.bytes > MAX_EARLY_BYTES
    }

    fn drop_expired(&mut self, now: u64) {
        for early in std::mem::take(&mut self.waiting) {
            if early.is_expired(now) {
                self.uncount(&early);
            } else {
                self.waiting.push_back(early);
            }
        }
    }

    /// One is in the pool, whichever way it came there: it waits no more.
    pub(crate) fn remove(&mut self, id: &TxId) {
        if !self.ids.contains(id) {
            return;
        }
        let at = self.waiting.iter().position(|early| early.transaction.id() == *id);
        if let Some(gone) = at.and_then(|at| self.waiting.remove(at)) {
            self.uncount(&gone);
        }
    }

    /// Peers have one, too, if it is still here.
    pub(super) fn held(&mut self, id: &TxId, holders: impl IntoIterator<Item = Holder>) {
        if let Some(early) = self.get_mut(id) {
            early.held(holders);
        }
    }

    fn get_mut(&mut self, id: &TxId) -> Option<&mut Early> {
        if !self.ids.contains(id) {
            return None;
        }
        self.waiting.iter_mut().find(|early| early.transaction.id() == *id)
    }

    /// One counts against the next peer that has it, or is dropped where there is none.
    fn let_go(&mut self, at: usize) {
        if let Some(early) = self.waiting.get_mut(at).filter(|early| early.holders.len() > 1) {
            early.holders.pop_front();
        } else if let Some(gone) = self.waiting.remove(at) {
            self.uncount(&gone);
        }
    }

    fn uncount(&mut self, gone: &Early) {
        self.ids.remove(&gone.transaction.id());
        self.bytes -= gone.bytes();
    }

    /// Where the oldest one is of the peer that sent the most, in the share that has the most. Where several shares have as much,
    /// the newest one's yields: what comes takes no place of a share that has no more than its own. The limit that is exceeded
    /// measures: by bytes one long transaction would yield to hundreds of short ones that have used up their number.
    fn oldest_of_most(&self) -> Option<usize> {
        let measure: fn(&Early) -> usize = match self.waiting.len() > MAX_EARLY {
            true => |_| 1,
            false => Early::bytes,
        };
        let newest = &self.waiting.back()?.holders.front()?.share;
        let shares = self.sums_by(|holder| Some(&holder.share), measure);
        let (share, _) = shares.into_iter().max_by_key(|(share, sum)| (*sum, *share == newest))?;
        let peers = self.sums_by(|holder| (holder.share == *share).then_some(&holder.name), measure);
        let (most, _) = peers.into_iter().max_by_key(|(_, sum)| *sum)?;
        let theirs = |holder: &Holder| holder.share == *share && holder.name == *most;
        self.waiting
            .iter()
            .position(|early| early.holders.front().is_some_and(theirs))
    }

    /// What counts against each key, by `measure`; `key` gives that of the holder against which an entry counts, if it has one.
    fn sums_by<'a, K: Ord>(
        &'a self,
        key: impl Fn(&'a Holder) -> Option<K>,
        measure: fn(&Early) -> usize,
    ) -> BTreeMap<K, usize> {
        let mut sent = BTreeMap::<K, usize>::new();
        for early in &self.waiting {
            if let Some(key) = early.holders.front().and_then(&key) {
                *sent.entry(key).or_default() += measure(early);
            }
        }
        sent
    }

    /// Takes out those whose sender's account is another one now, or was not known, and drops those that have waited too long.
    /// `account_of` gives none where the account cannot be read now: that is no change.
    pub(crate) fn due(&mut self, account_of: impl Fn(&Address) -> Option<Account>, now: u64) -> Vec<Early> {
        self.again = None;
        self.drop_expired(now);
        let changed = |early: &Early| match early.account {
            Some(before) => account_of(&early.transaction.sender()).is_some_and(|account| account != before),
            None => true,
        };
        let mut due = Vec::new();
        for early in std::mem::take(&mut self.waiting) {
            if changed(&early) {
                self.uncount(&early);
                due.push(early);
            } else {
                self.waiting.push_back(early);
            }
        }
        due
    }
}

/// What a transaction waits for that the pool did not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// A block that changes its sender's account.
    ForABlock,
    /// The store, which failed or had no room: nothing is known against the transaction.
    ForTheStore,
}

/// Whether a transaction may be accepted later that is not accepted now, and what that needs. A block may change its sender's balance,
/// nonce or code. A fee, a form or a time that is not allowed stays so, and a full pool shows nothing of the chain.
pub(crate) fn waits(error: &SubmitError) -> Option<Waits> {
    match error {
        SubmitError::State(_) | SubmitError::Store(_) | SubmitError::NotStored(_) => Some(Waits::ForTheStore),
        SubmitError::Mempool(
            MempoolError::NonceTooLow { .. }
            | MempoolError::NonceGapTooLarge { .. }
            | MempoolError::InsufficientFunds { .. }
            | MempoolError::SenderHasCode { .. },
        ) => Some(Waits::ForABlock),
        SubmitError::Mempool(
            MempoolError::AlreadyKnown { .. }
            | MempoolError::Transaction(_)
            | MempoolError::FeeTooLow { .. }
            | MempoolError::GasLimitTooLow { .. }
            | MempoolError::GasLimitTooHigh { .. }
            | MempoolError::InitCodeTooLong { .. }
            | MempoolError::ReplacementUnderpriced { .. }
            | MempoolError::SenderLimit { .. }
            | MempoolError::Full { .. },
        )
        | SubmitError::Transaction(_)
        | SubmitError::AlreadyIncluded { .. } => None,
    }
}

#[cfg(test)]
mod tests;
