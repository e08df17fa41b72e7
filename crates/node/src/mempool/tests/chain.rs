//! How the pool follows the chain and the clock.

use super::*;

#[test]
fn a_block_takes_out_what_it_includes_and_what_it_makes_stale() {
    let mut pool = pool(|_| {});
    let (one, two) = (Signer::new(1), Signer::new(2));
    let ones: Vec<_> = (0..4).map(|nonce| one.checked(payment(nonce, 1))).collect();
    let twos: Vec<_> = (0..2).map(|nonce| two.checked(payment(nonce, 1))).collect();
    for transaction in ones.iter().chain(&twos) {
        assert_eq!(insert(&mut pool, transaction), taken(true));
    }
    // Another wallet of the first account used nonce 1.
    let elsewhere = one.checked(payment(1, 7));
    let accounts = |address: &Address| {
        if *address == one.address {
            account(2, u64::MAX)
        } else {
            rich()
        }
    };
    let dropped = pool.on_block(&[ones[0].id(), elsewhere.id()].into(), accounts, BASE_FEE, NOW);
    assert_eq!(dropped, [ones[1].id()]);
    assert_eq!(best(&pool), [ones[2].id(), ones[3].id(), twos[0].id(), twos[1].id()]);
}

#[test]
fn lost_funds_make_transactions_wait_and_new_ones_bring_them_back() {
    let mut pool = pool(|_| {});
    let signer = Signer::new(1);
    let transactions: Vec<_> = (0..3).map(|nonce| signer.checked(payment(nonce, 0))).collect();
    for transaction in &transactions {
        assert_eq!(insert(&mut pool, transaction), taken(true));
    }
    let drop_to = |pool: &mut Mempool, balance| pool.on_block(&BTreeSet::new(), |_| account(0, balance), BASE_FEE, NOW);
    assert_eq!(drop_to(&mut pool, 20_000_002), []);
    assert_eq!(best(&pool), [transactions[0].id(), transactions[1].id()]);
    assert!(!pool.entry(&transactions[2].id()).unwrap().is_pending());
    assert_eq!(drop_to(&mut pool, 30_000_003), []);
    assert_eq!(pool.pending_len(), 3);
}

#[test]
fn what_was_acknowledged_comes_back_before_its_coins_do() {
    let mut pool = pool(|config| {
        config.max_gapped_per_sender = 1;
        config.max_nonce_gap = 1;
    });
    let signer = Signer::new(1);
    let transactions: Vec<_> = (0..4).map(|nonce| signer.checked(payment(nonce, 5))).collect();
    for transaction in &transactions {
        let waits = pool.bring_back(transaction.clone(), account(0, 0), NOW, BASE_FEE);
        assert_eq!(waits, taken(false));
    }
    assert_eq!((pool.len(), pool.pending_len()), (4, 0));
    let new = pool.insert(signer.checked(payment(4, 5)), account(0, 0), NOW, BASE_FEE);
    assert_eq!(
        new,
        Err(MempoolError::NonceGapTooLarge {
            found: 4,
            expected: 0,
            max: 1
        })
    );
    // The block that paid the account comes back.
    assert_eq!(pool.on_block(&BTreeSet::new(), |_| rich(), BASE_FEE, NOW), []);
    let ids: Vec<_> = transactions.iter().map(CheckedTransaction::id).collect();
    assert_eq!(best(&pool), ids);
    // What another transaction of its nonce has made void does not.
    let stale = pool.bring_back(Signer::new(2).checked(payment(0, 5)), account(1, 0), NOW, BASE_FEE);
    assert_eq!(stale, Err(MempoolError::NonceTooLow { found: 0, expected: 1 }));
}

#[test]
fn a_reorg_brings_transactions_back() {
    let mut pool = pool(|_| {});
    let signer = Signer::new(1);
    let transactions: Vec<_> = (0..200).map(|nonce| signer.checked(payment(nonce, 1))).collect();
    for transaction in &transactions {
        assert_eq!(insert(&mut pool, transaction), taken(true));
    }
    let (undone, waiting) = transactions.split_at(100);
    let ids = undone.iter().map(|transaction| transaction.id()).collect();
    assert_eq!(pool.on_block(&ids, |_| account(100, u64::MAX), BASE_FEE, NOW), []);
    assert_eq!(pool.len(), waiting.len());
    // The other branch has none of them.
    assert_eq!(pool.on_block(&BTreeSet::new(), |_| rich(), BASE_FEE, NOW), []);
    assert_eq!((pool.len(), pool.pending_len()), (100, 0));
    for transaction in undone {
        assert_eq!(insert(&mut pool, transaction), taken(true));
    }
    assert_eq!(best(&pool).len(), 200);
}

#[test]
fn time_takes_what_waits_too_long() {
    let mut pool = pool(|_| {});
    let signer = Signer::new(1);
    let [first, second] = [0, 1].map(|nonce| signer.checked(payment(nonce, 1)));
    insert(&mut pool, &first).unwrap();
    let later = NOW.saturating_add(60);
    pool.insert(second.clone(), rich(), later, BASE_FEE).unwrap();
    assert_eq!(pool.entry(&second.id()).unwrap().arrived(), later);
    let last = NOW.saturating_add(LIFETIME);
    assert_eq!(pool.expire(last), []);
    assert_eq!(pool.expire(last.saturating_add(1)), [first.id(), second.id()]);
    assert!(pool.is_empty());
}

#[test]
fn what_has_no_timestamp_waits_as_long_as_configured() {
    use crate::verifier::fixture::legacy;
    let mut pool = pool(|config| config.lifetime = 100);
    let transaction = legacy(&Signer::new(1), 0, 2_000);
    assert_eq!(insert(&mut pool, &transaction), taken(true));
    assert_eq!(pool.expire(NOW.saturating_add(100)), []);
    assert_eq!(pool.expire(NOW.saturating_add(101)), [transaction.id()]);
}

#[test]
fn a_snapshot_can_be_inserted_again() {
    let mut old = pool(|_| {});
    let signers = [Signer::new(1), Signer::new(2)];
    for signer in &signers {
        for nonce in [0, 1, 2, 9] {
            insert(&mut old, &signer.checked(payment(nonce, 1))).unwrap();
        }
        insert(&mut old, &signer.checked(payment(0, 200))).unwrap();
    }
    let mut new = pool(|_| {});
    for envelope in old.snapshot() {
        let raw = tally_chain::RawTransaction::decode(envelope).unwrap();
        let identity = crate::verifier::fixture::identity();
        let transaction = raw.check(&identity, &tally_chain::ReferenceVerifier).unwrap();
        assert_eq!(insert(&mut new, &transaction).map(|done| done.replaced), Ok(None));
    }
    assert!(new.iter().eq(old.iter()));
    assert_eq!((new.len(), new.pending_len()), (8, 6));
}
