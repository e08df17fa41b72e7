//! What holds for the pool after any sequence of operations.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tally_chain::transaction::Payload;
use tally_chain::{Amount, U256};

use super::sender::tip;
use super::*;
use crate::verifier::fixture::{NOW, Signer, payment};

const SIGNERS: u8 = 5;

#[derive(Debug, Clone)]
enum Step {
    Insert {
        signer: u8,
        /// Added to the account's nonce; what is below it is rejected.
        ahead: u64,
        below: bool,
        priority: u128,
        max_fee: u128,
        value: u64,
        memo: usize,
    },
    /// A block takes the best few.
    Block {
        count: usize,
        base_fee: u128,
    },
    /// Something outside the pool moves an account.
    Account {
        signer: u8,
        used: u64,
        balance: u64,
    },
    /// A reorg takes nonces back.
    Undo {
        signer: u8,
        nonces: u64,
    },
    Remove {
        index: usize,
    },
    Wait {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let signer = 0..SIGNERS;
    prop_oneof![
        12 => (signer.clone(), 0u64..7, prop::bool::weighted(0.05), 0u128..40, 0u128..200, 0u64..40_000_000, 0usize..300)
            .prop_map(|(signer, ahead, below, priority, over, value, memo)| Step::Insert {
                signer, ahead, below, priority, max_fee: 1_000 + priority + over, value, memo,
            }),
        2 => (0usize..6, 1_000u128..1_200).prop_map(|(count, base_fee)| Step::Block { count, base_fee }),
        1 => (signer.clone(), 0u64..3, 0u64..150_000_000)
            .prop_map(|(signer, used, balance)| Step::Account { signer, used, balance }),
        1 => (signer, 0u64..4).prop_map(|(signer, nonces)| Step::Undo { signer, nonces }),
        1 => (0usize..30).prop_map(|index| Step::Remove { index }),
        1 => (0u64..20_000).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

struct World {
    pool: Mempool,
    signers: Vec<Signer>,
    accounts: BTreeMap<Address, Account>,
    now: UnixSecs,
    base_fee: u128,
}

impl World {
    fn new() -> Self {
        let config = MempoolConfig {
            max_count: 12,
            max_bytes: 4_000,
            max_count_per_sender: 6,
            max_bytes_per_sender: 2_500,
            max_gapped_per_sender: 3,
            max_nonce_gap: 5,
            ..MempoolConfig::default()
        };
        let signers: Vec<_> = (0..SIGNERS).map(Signer::new).collect();
        let account = Account {
            balance: Amount(U256::from(100_000_000)),
            ..Account::default()
        };
        Self {
            pool: Mempool::new(config, 1_000),
            accounts: signers.iter().map(|signer| (signer.address, account)).collect(),
            signers,
            now: NOW,
            base_fee: 1_000,
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Insert {
                signer,
                ahead,
                below,
                priority,
                max_fee,
                value,
                memo,
            } => {
                let signer = &self.signers[usize::from(*signer)];
                let account = self.accounts[&signer.address];
                let nonce = if *below {
                    account.nonce.saturating_sub(1)
                } else {
                    account.nonce + ahead
                };
                let transaction = signer.checked(Payload {
                    max_priority_fee: *priority,
                    max_fee: *max_fee,
                    value: Amount(U256::from(*value)),
                    data: vec![1; *memo].into(),
                    gas_limit: 20_000,
                    timestamp: self.now,
                    ..payment(nonce, 0)
                });
                let before: Vec<_> = self.pool.iter().map(CheckedTransaction::id).collect();
                match self.pool.insert(transaction.clone(), account, self.now, self.base_fee) {
                    Ok(inserted) => {
                        assert!(self.pool.contains(&transaction.id()));
                        let gone = before.iter().filter(|id| !self.pool.contains(id)).count();
                        assert_eq!(gone, inserted.evicted.len() + usize::from(inserted.replaced.is_some()));
                    }
                    Err(_) => assert!(before.into_iter().eq(self.pool.iter().map(CheckedTransaction::id))),
                }
            }
            Step::Block { count, base_fee } => {
                let included: Vec<_> = self.pool.best(self.base_fee, self.now).take(*count).collect();
                for transaction in &included {
                    let account = self.accounts.get_mut(&transaction.sender()).unwrap();
                    assert_eq!(transaction.view().nonce, account.nonce);
                    account.nonce += 1;
                    account.balance = account
                        .balance
                        .checked_sub(transaction.max_cost())
                        .expect("it is affordable");
                }
                self.base_fee = *base_fee;
                self.follow(&included);
            }
            Step::Account { signer, used, balance } => {
                let address = self.signers[usize::from(*signer)].address;
                let account = self.accounts.get_mut(&address).unwrap();
                account.nonce += used;
                account.balance = Amount(U256::from(*balance));
                self.follow(&[]);
            }
            Step::Undo { signer, nonces } => {
                let address = self.signers[usize::from(*signer)].address;
                let account = self.accounts.get_mut(&address).unwrap();
                account.nonce = account.nonce.saturating_sub(*nonces);
                self.follow(&[]);
            }
            Step::Remove { index } => {
                let id = self.pool.iter().nth(*index).map(CheckedTransaction::id);
                assert_eq!(id.and_then(|id| self.pool.remove(&id)), id);
            }
            Step::Wait { seconds } => {
                self.now = self.now.saturating_add(*seconds);
                self.pool.expire(self.now);
            }
        }
    }

    fn follow(&mut self, included: &[CheckedTransaction]) {
        let accounts = &self.accounts;
        let ids = included.iter().map(CheckedTransaction::id).collect();
        self.pool
            .on_block(&ids, |address| accounts[address], self.base_fee, self.now);
        assert!(
            included
                .iter()
                .all(|transaction| !self.pool.contains(&transaction.id()))
        );
    }

    fn check(&self) {
        let (pool, config) = (&self.pool, self.pool.config());
        assert!(pool.len() <= config.max_count && pool.bytes() <= config.max_bytes);
        assert_eq!(pool.bytes(), pool.iter().map(|tx| tx.envelope().len()).sum::<usize>());
        assert_eq!(pool.len(), pool.iter().count());
        let pending = pool.entries().filter(|pooled| pooled.is_pending()).count();
        assert_eq!(pool.pending_len(), pending);
        for transaction in pool.iter() {
            assert_eq!(pool.get(&transaction.id()), Some(transaction));
        }
        assert_eq!(pool.expiries.len(), pool.len());
        assert_eq!(pool.tails.len(), pool.senders.len());
        for (address, sender) in &pool.senders {
            self.check_sender(address, sender);
        }
        self.check_best();
    }

    /// The queue against its definition, computed from the beginning.
    fn check_sender(&self, address: &Address, sender: &Sender) {
        let (config, account) = (self.pool.config(), self.accounts[address]);
        assert_eq!(sender.account, account);
        assert!(sender.queue.len() <= config.max_count_per_sender && !sender.queue.is_empty());
        assert!(sender.bytes <= config.max_bytes_per_sender);
        let lens = sender.queue.values().map(|pooled| pooled.transaction.envelope().len());
        assert_eq!(sender.bytes, lens.sum::<usize>());
        let (mut next, mut spent, mut lowest, mut broken) = (account.nonce, Amount::ZERO, None, false);
        for (nonce, pooled) in &sender.queue {
            let view = pooled.transaction.view();
            assert_eq!((pooled.transaction.sender(), view.nonce), (*address, *nonce));
            assert!(*nonce >= account.nonce && pooled.expires() >= self.now);
            let cost = spent.checked_add(pooled.transaction.max_cost()).unwrap();
            broken |= *nonce != next || cost > account.balance;
            let mut rank = Rank::of(&view, self.pool.base_fee);
            if broken {
                rank = Rank::Gapped(tip(&view, self.pool.base_fee).unwrap_or(0));
            } else {
                (next, spent) = (next + 1, cost);
            }
            let rank = lowest.map_or(rank, |lowest: Rank| lowest.min(rank));
            assert_eq!((pooled.is_pending(), pooled.rank), (!broken, rank));
            lowest = Some(rank);
        }
        assert_eq!((sender.ready, sender.spent()), (next, spent));
        let (_, last) = sender.queue.last_key_value().unwrap();
        let tail = (last.rank, Reverse(last.sequence));
        assert_eq!(sender.tail, Some(tail));
        assert!(self.pool.tails.contains(&(tail.0, tail.1, *address)));
    }

    /// The order against its definition: again and again the best of what is next.
    fn check_best(&self) {
        let mut next: BTreeMap<Address, u64> = self.accounts.iter().map(|(at, account)| (*at, account.nonce)).collect();
        let mut expected = Vec::new();
        loop {
            let candidates = next.iter().filter_map(|(address, nonce)| {
                let pooled = self.pool.senders.get(address)?.queue.get(nonce)?;
                let transaction = &pooled.transaction;
                transaction.check_includable(self.now, self.base_fee).ok()?;
                let tip = tip(&transaction.view(), self.base_fee)?;
                pooled
                    .is_pending()
                    .then_some((tip, Reverse(pooled.sequence), *address, transaction.id()))
            });
            let Some((_, _, address, id)) = candidates.max() else {
                break;
            };
            expected.push(id);
            *next.get_mut(&address).unwrap() += 1;
        }
        let best: Vec<_> = self.pool.best(self.base_fee, self.now).map(|tx| tx.id()).collect();
        assert_eq!(best, expected);
        self.check_view(&best);
    }

    /// What readers see, read in parts, against the pool itself.
    fn check_view(&self, best: &[TxId]) {
        let pool = &self.pool;
        let lines = gather(3, |after| pool.lines(after, 3, self.base_fee, self.now));
        let view = PoolView::of(&lines, pool.config().suggested_priority_fee);
        assert_eq!(view.best(0, usize::MAX), best);
        assert_eq!(
            (view.len(), view.pending_len(), view.bytes()),
            (pool.len(), pool.pending_len(), pool.bytes())
        );
        let all: BTreeSet<_> = view.page(0, usize::MAX).iter().copied().collect();
        assert!(all.into_iter().eq(pool.by_id.keys().copied()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_is_right_after_every_step(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.apply(step);
            world.check();
        }
    }
}
