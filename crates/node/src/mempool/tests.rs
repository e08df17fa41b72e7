mod chain;

use tally_chain::fees::intrinsic_gas;
use tally_chain::transaction::{MAX_AHEAD, Payload};
use tally_chain::{Amount, B256, TransactionError, U256};

use super::*;
use crate::verifier::fixture::{NOW, Signer, payment};

const BASE_FEE: u128 = 1_000;

fn account(nonce: u64, balance: u64) -> Account {
    Account {
        nonce,
        balance: Amount(U256::from(balance)),
        ..Account::default()
    }
}

/// Enough for everything here.
fn rich() -> Account {
    account(0, u64::MAX)
}

fn pool(change: impl FnOnce(&mut MempoolConfig)) -> Mempool {
    let mut config = MempoolConfig::default();
    change(&mut config);
    Mempool::new(config, BASE_FEE)
}

fn insert(pool: &mut Mempool, transaction: &CheckedTransaction) -> Result<Inserted, MempoolError> {
    pool.insert(transaction.clone(), rich(), NOW, BASE_FEE)
}

fn taken(pending: bool) -> Result<Inserted, MempoolError> {
    Ok(Inserted {
        replaced: None,
        evicted: Vec::new(),
        pending,
    })
}

fn view(pool: &Mempool, base_fee: u128) -> PoolView {
    let lines = pool.lines(None, usize::MAX, base_fee, NOW);
    PoolView::of(&lines, pool.config().suggested_priority_fee)
}

fn best(pool: &Mempool) -> Vec<TxId> {
    pool.best(BASE_FEE, NOW).map(|transaction| transaction.id()).collect()
}

#[test]
fn an_account_is_served_in_the_order_of_its_nonces() {
    let mut pool = pool(|_| {});
    let signer = Signer::new(1);
    let [first, second, third] = [0, 1, 2].map(|nonce| signer.checked(payment(nonce, 5 + u128::from(nonce))));
    assert_eq!(insert(&mut pool, &third), taken(false));
    assert_eq!(insert(&mut pool, &first), taken(true));
    assert_eq!(best(&pool), [first.id()]);
    assert_eq!(pool.next_nonce(&signer.address), Some(1));
    assert_eq!(insert(&mut pool, &second), taken(true));
    assert_eq!(best(&pool), [first.id(), second.id(), third.id()]);
    assert_eq!(pool.next_nonce(&signer.address), Some(3));
    assert_eq!((pool.len(), pool.pending_len()), (3, 3));
    assert_eq!(pool.by_sender(&signer.address).count(), 3);
    assert_eq!(pool.count_of(&signer.address), 3);
    assert_eq!(pool.count_of(&Address::repeat_byte(7)), 0);
    let newest = pool.entries_of(&signer.address).next_back();
    assert_eq!(newest.map(Pooled::transaction), Some(&third));
    assert_eq!(
        insert(&mut pool, &second),
        Err(MempoolError::AlreadyKnown { id: second.id() })
    );
}

#[test]
fn the_best_payer_comes_first_and_then_the_earliest() {
    let mut pool = pool(|_| {});
    let signed = |signer, priority| Signer::new(signer).checked(payment(0, priority));
    let (low, high, also_low) = (signed(1, 5), signed(2, 9), signed(3, 5));
    // Offers most, but what is left over the base fee is least.
    let capped = Signer::new(4).checked(Payload {
        max_priority_fee: 1_001,
        max_fee: 1_001,
        ..payment(0, 0)
    });
    // Cannot pay the base fee at all.
    let poor = Signer::new(5).checked(payment(0, 500));
    for transaction in [&capped, &low, &high, &also_low, &poor] {
        assert_eq!(insert(&mut pool, transaction), taken(true));
    }
    assert_eq!(
        best(&pool),
        [poor.id(), high.id(), low.id(), also_low.id(), capped.id()]
    );
    let dearer: Vec<_> = pool.best(1_400, NOW).map(|transaction| transaction.id()).collect();
    assert_eq!(dearer, [poor.id()]);
}

#[test]
fn what_cannot_be_included_holds_up_only_its_own_account() {
    let mut pool = pool(|_| {});
    let (one, two) = (Signer::new(1), Signer::new(2));
    let early = one.checked(Payload {
        timestamp: NOW.saturating_add(MAX_AHEAD),
        ..payment(0, 9)
    });
    let (behind, other) = (one.checked(payment(1, 9)), two.checked(payment(0, 1)));
    for transaction in [&early, &behind, &other] {
        assert_eq!(insert(&mut pool, transaction), taken(true));
    }
    let at = |time| -> Vec<_> { pool.best(BASE_FEE, time).map(|tx| tx.id()).collect() };
    assert_eq!(at(NOW), [early.id(), behind.id(), other.id()]);
    assert_eq!(at(UnixSecs(NOW.0 - 1)), [other.id()]);
}

#[test]
fn replacing_costs_a_tenth_more_of_both_fees() {
    let mut pool = pool(|_| {});
    let signer = Signer::new(1);
    let offer = |max_priority_fee, max_fee| {
        signer.checked(Payload {
            max_priority_fee,
            max_fee,
            ..payment(0, 0)
        })
    };
    let old = offer(11, 2_005);
    assert_eq!(insert(&mut pool, &old), taken(true));
    for (priority_fee, max_fee) in [(12, 2_206), (13, 2_205), (12, 9_999)] {
        let refused = MempoolError::ReplacementUnderpriced {
            replaced: old.id(),
            max_fee,
            required_max_fee: 2_206,
            priority_fee,
            required_priority_fee: 13,
        };
        assert_eq!(insert(&mut pool, &offer(priority_fee, max_fee)), Err(refused));
    }
    let new = offer(13, 2_206);
    let replaced = Inserted {
        replaced: Some(old.id()),
        evicted: Vec::new(),
        pending: true,
    };
    assert_eq!(insert(&mut pool, &new), Ok(replaced));
    assert_eq!(best(&pool), [new.id()]);
    assert_eq!((pool.len(), pool.bytes()), (1, new.envelope().len()));
    assert_eq!(pool.get(&old.id()), None);
}

#[test]
fn replacing_nothing_by_one_unit() {
    let mut pool = pool(|_| {});
    let signer = Signer::new(1);
    let old = signer.checked(payment(0, 0));
    assert_eq!(insert(&mut pool, &old), taken(true));
    let same_priority = signer.checked(Payload {
        max_fee: 9_999,
        ..payment(0, 0)
    });
    assert_eq!(
        insert(&mut pool, &same_priority),
        Err(MempoolError::ReplacementUnderpriced {
            replaced: old.id(),
            max_fee: 9_999,
            required_max_fee: 1_100,
            priority_fee: 0,
            required_priority_fee: 1,
        })
    );
}

#[test]
fn what_is_wrong_by_itself_is_named_exactly() {
    let mut pool = pool(|config| config.max_gas_limit = 1_000_000);
    let signer = Signer::new(1);
    let mut refused = |payload: Payload| insert(&mut pool, &signer.checked(payload)).unwrap_err();
    let late = UnixSecs(NOW.0 - LIFETIME - 1);
    assert_eq!(
        refused(Payload {
            timestamp: late,
            ..payment(0, 1)
        }),
        TransactionError::Expired {
            timestamp: late,
            time: NOW
        }
        .into()
    );
    let soon = NOW.saturating_add(MAX_AHEAD + 1);
    assert_eq!(
        refused(Payload {
            timestamp: soon,
            ..payment(0, 1)
        }),
        TransactionError::FromTheFuture {
            timestamp: soon,
            time: NOW
        }
        .into()
    );
    assert_eq!(
        refused(Payload {
            max_fee: 999,
            ..payment(0, 1)
        }),
        MempoolError::FeeTooLow {
            max_fee: 999,
            min: BASE_FEE
        }
    );
    assert_eq!(
        refused(Payload {
            gas_limit: 1_000_001,
            ..payment(0, 1)
        }),
        MempoolError::GasLimitTooHigh {
            gas_limit: 1_000_001,
            max: 1_000_000
        }
    );
    let tight = Payload {
        gas_limit: 3_600,
        ..payment(0, 1)
    };
    let required = intrinsic_gas(&signer.checked(tight.clone()));
    assert_eq!(
        refused(tight),
        MempoolError::GasLimitTooLow {
            gas_limit: 3_600,
            required
        }
    );
    assert_eq!(
        refused(Payload {
            to: None,
            data: vec![0; 49_153].into(),
            gas_limit: 1_000_000,
            ..payment(0, 1)
        }),
        MempoolError::InitCodeTooLong {
            len: 49_153,
            max: 49_152
        }
    );
}

#[test]
fn what_the_account_forbids_is_named_exactly() {
    let mut pool = pool(|config| config.max_nonce_gap = 3);
    let signer = Signer::new(1);
    let mut refused = |nonce, account| {
        let transaction = signer.checked(payment(nonce, 0));
        pool.insert(transaction, account, NOW, BASE_FEE).unwrap_err()
    };
    assert_eq!(
        refused(4, account(5, u64::MAX)),
        MempoolError::NonceTooLow { found: 4, expected: 5 }
    );
    assert_eq!(
        refused(9, account(5, u64::MAX)),
        MempoolError::NonceGapTooLarge {
            found: 9,
            expected: 5,
            max: 3
        }
    );
    let contract = Account {
        code_hash: B256::repeat_byte(1),
        ..rich()
    };
    let sender = signer.address;
    assert_eq!(refused(0, contract), MempoolError::SenderHasCode { sender });
    // 10,000 gas at up to 1,000 and one base unit of value.
    assert_eq!(
        refused(0, account(0, 10_000_000)),
        MempoolError::InsufficientFunds {
            balance: Amount(U256::from(10_000_000)),
            required: Amount(U256::from(10_000_001)),
        }
    );
}

#[test]
fn a_sender_cannot_promise_more_than_it_has() {
    let mut pool = pool(|_| {});
    let signer = Signer::new(1);
    let funds = account(0, 25_000_002);
    let mut insert = |payload| pool.insert(signer.checked(payload), funds, NOW, BASE_FEE);
    assert_eq!(insert(payment(0, 0)), taken(true));
    assert_eq!(insert(payment(1, 0)), taken(true));
    let short = |required: u64| {
        Err(MempoolError::InsufficientFunds {
            balance: funds.balance,
            required: Amount(U256::from(required)),
        })
    };
    assert_eq!(insert(payment(2, 0)), short(30_000_003));
    assert_eq!(insert(payment(3, 0)), short(30_000_003));
    // A replacement counts instead of what it replaces: 10,000 * 1,500 + 1 beside 10,000,001.
    assert_eq!(insert(payment(1, 500)).map(|inserted| inserted.pending), Ok(true));
    assert_eq!(insert(payment(0, 500)), short(30_000_002));
}

#[test]
fn a_sender_has_limits() {
    let mut pool = pool(|config| {
        config.max_count_per_sender = 3;
        config.max_gapped_per_sender = 2;
        config.max_bytes_per_sender = 1_000;
    });
    let signer = Signer::new(1);
    for nonce in [5, 6] {
        assert_eq!(insert(&mut pool, &signer.checked(payment(nonce, 1))), taken(false));
    }
    let limit = |what, found, max| Err(MempoolError::SenderLimit { what, found, max });
    assert_eq!(
        insert(&mut pool, &signer.checked(payment(7, 1))),
        limit("gapped transactions", 3, 2)
    );
    assert_eq!(insert(&mut pool, &signer.checked(payment(0, 1))), taken(true));
    assert_eq!(
        insert(&mut pool, &signer.checked(payment(1, 1))),
        limit("transactions", 4, 3)
    );
    let long = Signer::new(2).checked(Payload {
        data: vec![0; 1_000].into(),
        gas_limit: 100_000,
        ..payment(0, 1)
    });
    assert_eq!(
        insert(&mut pool, &long),
        limit("envelope bytes", long.envelope().len(), 1_000)
    );
}

#[test]
fn a_full_pool_lets_go_of_what_pays_least() {
    let mut pool = pool(|config| config.max_count = 4);
    let (one, two, three) = (Signer::new(1), Signer::new(2), Signer::new(3));
    // The second waits for one that pays 2, so it is worth no more, though it pays 50.
    let (a, b) = (one.checked(payment(0, 2)), one.checked(payment(1, 50)));
    let (c, gapped) = (two.checked(payment(0, 3)), three.checked(payment(1, 90)));
    for transaction in [&a, &b, &c, &gapped] {
        insert(&mut pool, transaction).unwrap();
    }
    let evicting = |victims: &[&CheckedTransaction]| {
        Ok(Inserted {
            replaced: None,
            evicted: victims.iter().map(|transaction| transaction.id()).collect(),
            pending: true,
        })
    };
    let cheap = Signer::new(4).checked(payment(0, 1));
    assert_eq!(insert(&mut pool, &cheap), evicting(&[&gapped]));
    let full = Err(MempoolError::Full {
        count: 4,
        max_count: 4,
        bytes: pool.bytes(),
        max_bytes: pool.config().max_bytes,
    });
    assert_eq!(insert(&mut pool, &Signer::new(5).checked(payment(0, 1))), full);
    assert_eq!(insert(&mut pool, &gapped), full);
    assert_eq!(
        insert(&mut pool, &Signer::new(5).checked(payment(0, 3))),
        evicting(&[&cheap])
    );
    assert_eq!(
        insert(&mut pool, &Signer::new(6).checked(payment(0, 3))),
        evicting(&[&b])
    );
    assert_eq!(
        insert(&mut pool, &Signer::new(7).checked(payment(0, 3))),
        evicting(&[&a])
    );
    assert_eq!(insert(&mut pool, &Signer::new(8).checked(payment(0, 3))), full);
    // What follows a poor payer of its own account cannot push it out.
    assert_eq!(insert(&mut pool, &two.checked(payment(1, 99))), full);
}

#[test]
fn bytes_count_too_and_several_may_have_to_leave() {
    let payload = |len: usize, priority| Payload {
        data: vec![1; len].into(),
        gas_limit: 100_000,
        ..payment(0, priority)
    };
    let mut pool = pool(|config| config.max_bytes = 2_000);
    let small: Vec<_> = (0..5)
        .map(|i| Signer::new(i).checked(payload(200, u128::from(i) + 1)))
        .collect();
    for transaction in &small {
        assert_eq!(insert(&mut pool, transaction), taken(true));
    }
    let large = Signer::new(9).checked(payload(900, 4));
    let inserted = insert(&mut pool, &large).unwrap();
    assert_eq!(inserted.evicted, [small[0].id(), small[1].id(), small[2].id()]);
    assert_eq!(pool.bytes(), pool.iter().map(|tx| tx.envelope().len()).sum::<usize>());
    // Nothing left pays less than 4.
    let bytes = pool.bytes();
    assert_eq!(
        insert(&mut pool, &Signer::new(10).checked(payload(900, 4))),
        Err(MempoolError::Full {
            count: 3,
            max_count: 100_000,
            bytes,
            max_bytes: 2_000
        })
    );
    assert_eq!(pool.len(), 3, "a refusal changes nothing");
}

#[test]
fn fee_levels_follow_from_what_waits() {
    let mut pool = pool(|config| config.suggested_priority_fee = 3);
    let levels = |low, normal, high| FeeLevels { low, normal, high };
    assert_eq!(view(&pool, BASE_FEE).fee_levels(), levels(3, 3, 3));
    for i in 0..10u8 {
        let transaction = Signer::new(i).checked(payment(0, u128::from(i)));
        assert_eq!(insert(&mut pool, &transaction), taken(true));
    }
    assert_eq!(view(&pool, BASE_FEE).fee_levels(), levels(3, 5, 9));
    // At this base fee only two of them pay anything.
    assert_eq!(view(&pool, 1_008).fee_levels(), levels(3, 3, 3));
    let buckets: Vec<_> = view(&pool, BASE_FEE)
        .fee_histogram()
        .iter()
        .map(|b| (b.from, b.count, b.gas))
        .collect();
    assert_eq!(
        buckets,
        [
            (0, 1, 10_000),
            (1, 1, 10_000),
            (2, 2, 20_000),
            (4, 4, 40_000),
            (8, 2, 20_000)
        ]
    );
}

#[test]
fn a_view_shows_what_a_block_would_take_and_then_the_rest() {
    let mut pool = pool(|_| {});
    let (first, second) = (Signer::new(1), Signer::new(2));
    let cheap = first.checked(payment(0, 5));
    let dear = second.checked(payment(0, 9));
    // It waits for another of its sender's.
    let gapped = first.checked(payment(2, 50));
    for (transaction, pending) in [(&cheap, true), (&dear, true), (&gapped, false)] {
        assert_eq!(insert(&mut pool, transaction), taken(pending));
    }
    let seen = view(&pool, BASE_FEE);
    let ids = [dear.id(), cheap.id(), gapped.id()];
    assert_eq!(seen.page(0, 9), ids);
    assert_eq!((seen.page(1, 1), seen.page(3, 1)), (&ids[1..2], &ids[..0]));
    assert_eq!(
        (seen.best(0, 9), seen.best(1, 9), seen.best(2, 9)),
        (&ids[..2], &ids[1..2], &ids[..0])
    );
    assert_eq!((seen.len(), seen.pending_len(), seen.bytes()), (3, 2, pool.bytes()));
    // At this base fee one of them pays nothing, and no block takes it.
    let seen = view(&pool, 1_006);
    assert_eq!((seen.best(0, 9), seen.len()), (&ids[..1], 3));
    // What is seen stays as it was, whatever becomes of the pool.
    assert_eq!(pool.remove(&dear.id()), Some(dear.id()));
    assert_eq!(seen.best(0, 9), &ids[..1]);
    assert_eq!(view(&pool, 1_006).best(0, 9), &ids[..0]);
}
