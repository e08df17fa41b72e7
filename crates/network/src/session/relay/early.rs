//! Transactions that came before the block on which they build: their sender's account did not allow them, and they are
//! looked at again once a block has changed it. Rule: docs/protocol.md#N7
//!
//! The peer that sent one does not announce it a second time, for its own pool has had it all along: what is rejected for the
//! state of this moment and forgotten would not come again. One that another peer announces meanwhile is fetched again: the pool
//! of now may take it, and that peer has it, too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tally_chain::state_tree::Account;
use tally_chain::{Address, CheckedTransaction, TxId};
use tally_node::mempool::MempoolError;

use super::wanted::MAX_HOLDERS;
use crate::session::name::PeerName;
use crate::wire::limits::{EARLY_MS, MAX_EARLY, MAX_EARLY_BYTES};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Early {
    pub(crate) transaction: CheckedTransaction,
    /// Who sent or announced it; it counts against the first.
    pub(crate) holders: VecDeque<PeerName>,
    /// Its sender's account, as it was when it was rejected last.
    pub(crate) account: Account,
    /// When it came last, milliseconds.
    pub(crate) since: u64,
}

impl Early {
    fn bytes(&self) -> usize {
        self.transaction.envelope().len()
    }

    /// Others have it, too.
    fn held(&mut self, holders: impl IntoIterator<Item = PeerName>) {
        for holder in holders {
            if self.holders.len() < MAX_HOLDERS && !self.holders.contains(&holder) {
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
}

impl EarlyTransactions {
    #[cfg(test)]
    fn contains(&self, id: &TxId) -> bool {
        self.ids.contains(id)
    }

    /// Keeps one; one that is here already is kept from now on, and by all who have it. Where there are too many, the peer that
    /// sent most loses its oldest, unless another has that, too: one that makes up many keeps out no other's, and takes no
    /// other's with its own.
    pub(crate) fn put(&mut self, early: Early) {
        if let Some(here) = self.get_mut(&early.transaction.id()) {
            (here.account, here.since) = (early.account, early.since);
            here.held(early.holders);
            return;
        }
        self.ids.insert(early.transaction.id());
        self.bytes += early.bytes();
        self.waiting.push_back(early);
        while self.waiting.len() > MAX_EARLY || self.bytes > MAX_EARLY_BYTES {
            let Some(at) = self.oldest_of_most() else { return };
            self.let_go(at);
        }
    }

    /// Peers have one, too, if it is still here.
    pub(super) fn held(&mut self, id: &TxId, holders: impl IntoIterator<Item = PeerName>) {
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

    /// Where the oldest one is of the peer that sent the most bytes.
    fn oldest_of_most(&self) -> Option<usize> {
        let mut sent = BTreeMap::<&PeerName, usize>::new();
        for early in &self.waiting {
            if let Some(first) = early.holders.front() {
                *sent.entry(first).or_default() += early.bytes();
            }
        }
        let (most, _) = sent.into_iter().max_by_key(|(_, bytes)| *bytes)?;
        self.waiting
            .iter()
            .position(|early| early.holders.front() == Some(most))
    }

    /// Takes out those whose sender's account is another one now, and drops those that have waited too long. `account_of` gives
    /// none where the account cannot be read now: that is no change.
    pub(crate) fn due(&mut self, account_of: impl Fn(&Address) -> Option<Account>, now: u64) -> Vec<Early> {
        let mut due = Vec::new();
        for early in std::mem::take(&mut self.waiting) {
            let over = early.since + EARLY_MS <= now;
            let changed = || account_of(&early.transaction.sender()).is_some_and(|account| account != early.account);
            if !over && !changed() {
                self.waiting.push_back(early);
                continue;
            }
            self.uncount(&early);
            if !over {
                due.push(early);
            }
        }
        due
    }
}

/// Whether a block may change what a transaction was rejected for: its sender's balance, nonce or code. A fee, a form or a time
/// that is not allowed stays so, and a full pool shows nothing of the chain.
pub(crate) fn waits_for_a_block(error: &MempoolError) -> bool {
    match error {
        MempoolError::NonceTooLow { .. }
        | MempoolError::NonceGapTooLarge { .. }
        | MempoolError::InsufficientFunds { .. }
        | MempoolError::SenderHasCode { .. } => true,
        MempoolError::AlreadyKnown { .. }
        | MempoolError::Transaction(_)
        | MempoolError::FeeTooLow { .. }
        | MempoolError::GasLimitTooLow { .. }
        | MempoolError::GasLimitTooHigh { .. }
        | MempoolError::InitCodeTooLong { .. }
        | MempoolError::ReplacementUnderpriced { .. }
        | MempoolError::SenderLimit { .. }
        | MempoolError::Full { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::transaction::{ChainIdentity, Payload};
    use tally_chain::{Amount, B256, BlockId, Bytes, U256, UnixSecs};
    use tally_testkit::keys::TestKey;

    use super::*;

    const CHAIN: ChainIdentity = ChainIdentity {
        chain_id: 8548,
        genesis: BlockId(B256::repeat_byte(1)),
    };

    /// The key of a number.
    fn key(number: u8) -> TestKey {
        TestKey::from_bytes(&[number; 32])
    }

    /// A payment of one base unit.
    fn payment(nonce: u64) -> Payload {
        Payload {
            chain_id: CHAIN.chain_id,
            nonce,
            timestamp: UnixSecs(1_800_000_000),
            max_priority_fee: 1,
            max_fee: 1_001,
            gas_limit: 10_000,
            to: Some(Address::repeat_byte(7)),
            value: Amount(U256::from(1)),
            data: Bytes::new(),
        }
    }

    fn account(balance: u64) -> Account {
        Account {
            balance: Amount(U256::from(balance)),
            ..Account::default()
        }
    }

    fn early(signer: &TestKey, nonce: u64, from: &str, since: u64) -> Early {
        Early {
            transaction: signer.sign(&CHAIN, payment(nonce)),
            holders: VecDeque::from([from.into()]),
            account: account(0),
            since,
        }
    }

    #[test]
    fn those_are_due_whose_account_has_changed_in_the_order_in_which_they_came() {
        let (mut all, rich, poor) = (EarlyTransactions::default(), key(1), key(2));
        let [first, other, second] =
            [(&rich, 1), (&poor, 0), (&rich, 0)].map(|(of, nonce)| early(of, nonce, "peer", 7));
        for one in [&first, &other, &second, &first] {
            all.put(one.clone());
        }
        assert_eq!(all.due(|_| Some(account(0)), 8), []);
        assert_eq!(all.due(|_| None, 8), [], "it cannot be read");
        let changed = |address: &Address| Some(account(u64::from(*address == rich.address())));
        assert_eq!(all.due(changed, 8), [first, second.clone()]);
        assert!(!all.contains(&second.transaction.id()) && all.contains(&other.transaction.id()));
        let late = all.due(|_| Some(account(9)), 7 + EARLY_MS);
        assert_eq!(
            (late, all.waiting.len(), all.ids.len(), all.bytes),
            (Vec::new(), 0, 0, 0)
        );
    }

    #[test]
    fn one_peer_that_sends_many_keeps_out_nobodys() {
        let (mut all, signer) = (EarlyTransactions::default(), key(1));
        let honest = early(&key(2), 0, "honest", 0);
        all.put(honest.clone());
        for nonce in 0..MAX_EARLY as u64 + 10 {
            all.put(early(&signer, nonce, "greedy", 0));
        }
        assert_eq!(all.waiting.len(), MAX_EARLY);
        assert!(all.contains(&honest.transaction.id()));
        let last = early(&signer, MAX_EARLY as u64 + 9, "greedy", 0);
        assert!(all.contains(&last.transaction.id()), "its oldest went");
    }

    /// The greedy one has sent first what an honest peer announces, and makes it go with its own.
    #[test]
    fn what_another_peer_has_too_stays_where_the_first_sends_many() {
        let signer = key(1);
        let [announced, sent] = [2, 3].map(|number| early(&key(number), 0, "greedy", 0));
        let mut all = EarlyTransactions::default();
        all.put(Early {
            holders: ["greedy", "honest"].map(PeerName::from).into(),
            ..announced.clone()
        });
        all.put(sent.clone());
        // The same from another: fetched again, at a later moment.
        let again = Early {
            holders: VecDeque::from(["other".into()]),
            account: account(5),
            since: 9,
            ..sent
        };
        all.put(again.clone());
        assert_eq!((all.waiting.len(), all.ids.len()), (2, 2));
        for nonce in 0..MAX_EARLY as u64 + 10 {
            all.put(early(&signer, nonce, "greedy", 0));
        }
        assert_eq!((all.waiting.len(), all.ids.len()), (MAX_EARLY, MAX_EARLY));
        let honest = Early {
            holders: VecDeque::from(["honest".into()]),
            ..announced
        };
        let kept: Vec<_> = all.waiting.iter().take(2).collect();
        assert_eq!(kept, [&honest, &again]);
    }

    #[test]
    fn long_ones_take_no_more_than_their_room() {
        let (mut all, signer) = (EarlyTransactions::default(), key(1));
        for nonce in 0..60 {
            let payload = Payload {
                data: Bytes::from(vec![7; 100_000]),
                ..payment(nonce)
            };
            let transaction = signer.sign(&CHAIN, payload);
            all.put(Early {
                transaction,
                ..early(&signer, nonce, "peer", 0)
            });
        }
        let bytes: usize = all.waiting.iter().map(Early::bytes).sum();
        assert!(
            (MAX_EARLY_BYTES - 200_000..=MAX_EARLY_BYTES).contains(&bytes),
            "{bytes}"
        );
    }

    #[test]
    fn only_what_a_block_may_change_is_kept() {
        let (balance, required) = (Amount::ZERO, Amount(U256::from(1)));
        let (id, sender) = (TxId::default(), Address::ZERO);
        for (error, waits) in [
            (MempoolError::InsufficientFunds { balance, required }, true),
            (MempoolError::NonceTooLow { found: 1, expected: 2 }, true),
            (
                MempoolError::NonceGapTooLarge {
                    found: 999,
                    expected: 2,
                    max: 256,
                },
                true,
            ),
            (MempoolError::SenderHasCode { sender }, true),
            (MempoolError::AlreadyKnown { id }, false),
            (MempoolError::FeeTooLow { max_fee: 1, min: 2 }, false),
            (MempoolError::GasLimitTooHigh { gas_limit: 2, max: 1 }, false),
            (
                MempoolError::SenderLimit {
                    what: "transactions",
                    found: 2,
                    max: 1,
                },
                false,
            ),
            (
                MempoolError::Full {
                    count: 1,
                    max_count: 1,
                    bytes: 1,
                    max_bytes: 1,
                },
                false,
            ),
        ] {
            assert_eq!(waits_for_a_block(&error), waits, "{error}");
        }
    }
}
