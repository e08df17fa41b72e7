//! Which transactions wait for a block, for whom they count, and which go first.

use std::path::Path;
use std::sync::Arc;

use tally_chain::transaction::{ChainIdentity, Payload};
use tally_chain::{Amount, B256, BlockId, Bytes, ChainSpec, U256, UnixSecs};
use tally_node::{Node, NodeConfig, StateError, StoreError};
use tally_testkit::keys::{self, TestKey};

use super::*;
use crate::session::Session;

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
        max_priority_fee: 1,
        max_fee: 1_001,
        gas_limit: 10_000,
        ..keys::payment(&CHAIN, nonce, UnixSecs(1_800_000_000), Address::repeat_byte(7), 1)
    }
}

/// A node of the test chain, on which the PUBLIC accounts have coins.
fn node(dir: &Path) -> Node {
    let spec = ChainSpec::built_in("test").unwrap();
    let now = UnixSecs(u64::from(spec.genesis_time) + 1_000);
    Node::open(NodeConfig::new(dir.to_owned(), spec), Arc::new(move || now)).unwrap()
}

/// A payment with a fee that a node's pool takes.
fn funded_payment(node: &Node, nonce: u64) -> Payload {
    keys::payment(&node.identity(), nonce, node.now(), Address::repeat_byte(7), 1)
}

fn account(balance: u64) -> Account {
    Account {
        balance: Amount(U256::from(balance)),
        ..Account::default()
    }
}

/// A peer with a share of its own.
fn holder(name: &str) -> Holder {
    Holder::new(&name.into(), true, &Origin::default())
}

/// A peer that came by itself from this address.
fn inbound(name: &str, host: [u8; 4]) -> Holder {
    let origin = Origin {
        host: Some(host.into()),
        ..Origin::default()
    };
    Holder::new(&name.into(), false, &origin)
}

fn early(signer: &TestKey, nonce: u64, from: &str, since: u64) -> Early {
    Early {
        transaction: signer.sign(&CHAIN, payment(nonce)),
        holders: VecDeque::from([holder(from)]),
        account: Some(account(0)),
        since,
    }
}

/// One of 100,000 bytes and some.
fn long(signer: &TestKey, nonce: u64, from: &str) -> Early {
    let payload = Payload {
        data: Bytes::from(vec![7; 100_000]),
        ..payment(nonce)
    };
    Early {
        transaction: signer.sign(&CHAIN, payload),
        ..early(signer, nonce, from, 0)
    }
}

#[test]
fn those_are_due_whose_account_has_changed_in_the_order_in_which_they_came() {
    let (mut all, rich, poor) = (EarlyTransactions::default(), key(1), key(2));
    let [first, other, second] = [(&rich, 1), (&poor, 0), (&rich, 0)].map(|(of, nonce)| early(of, nonce, "peer", 7));
    for one in [&first, &other, &second, &first] {
        all.put(one.clone(), 7);
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
fn one_peer_that_sends_many_keeps_out_no_other() {
    let (mut all, signer) = (EarlyTransactions::default(), key(1));
    let honest = early(&key(2), 0, "honest", 0);
    all.put(honest.clone(), 0);
    for nonce in 0..MAX_EARLY as u64 + 10 {
        all.put(early(&signer, nonce, "greedy", 0), 0);
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
    let both = Early {
        holders: ["greedy", "honest"].map(holder).into(),
        ..announced.clone()
    };
    all.put(both, 0);
    all.put(sent.clone(), 0);
    // The same from another: fetched again, at a later moment.
    let again = Early {
        holders: VecDeque::from([holder("other")]),
        account: Some(account(5)),
        since: 9,
        ..sent
    };
    all.put(again.clone(), 9);
    assert_eq!((all.waiting.len(), all.ids.len()), (2, 2));
    for nonce in 0..MAX_EARLY as u64 + 10 {
        all.put(early(&signer, nonce, "greedy", 0), 0);
    }
    assert_eq!((all.waiting.len(), all.ids.len()), (MAX_EARLY, MAX_EARLY));
    let honest = Early {
        holders: VecDeque::from([holder("honest")]),
        ..announced
    };
    let kept: Vec<_> = all.waiting.iter().take(2).collect();
    assert_eq!(kept, [&honest, &again]);
}

#[test]
fn long_ones_take_no_more_than_their_room() {
    let (mut all, signer) = (EarlyTransactions::default(), key(1));
    for nonce in 0..60 {
        all.put(long(&signer, nonce, "peer"), 0);
    }
    let bytes: usize = all.waiting.iter().map(Early::bytes).sum();
    assert!(
        (MAX_EARLY_BYTES - 200_000..=MAX_EARLY_BYTES).contains(&bytes),
        "{bytes}"
    );
}

/// The limit of their number is not that of their bytes: the share that has used up one of them yields.
#[test]
fn many_short_ones_take_no_place_of_a_long_one_and_long_ones_none_of_many_short_ones() {
    let (honest, greedy) = (key(1), key(2));
    let mut all = EarlyTransactions::default();
    let kept = long(&honest, 0, "honest");
    all.put(kept.clone(), 0);
    for at in 0..MAX_EARLY as u64 + 10 {
        let name = format!("name-{at}");
        let one = Early {
            holders: VecDeque::from([inbound(&name, [66, 6, (at / 256) as u8, (at % 256) as u8])]),
            ..early(&greedy, at, "", 0)
        };
        all.put(one, 0);
    }
    assert_eq!(all.waiting.len(), MAX_EARLY);
    assert!(all.contains(&kept.transaction.id()));

    let mut all = EarlyTransactions::default();
    let kept: Vec<_> = (0..300).map(|nonce| early(&honest, nonce, "honest", 0)).collect();
    for one in &kept {
        all.put(one.clone(), 0);
    }
    for nonce in 0..60 {
        all.put(long(&greedy, nonce, "greedy"), 0);
    }
    assert!(all.bytes <= MAX_EARLY_BYTES);
    let stayed: Vec<_> = all.waiting.iter().take(kept.len()).collect();
    assert_eq!(stayed, kept.iter().collect::<Vec<_>>());
}

#[test]
fn what_a_block_may_change_and_what_the_store_did_is_kept() {
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
        let expected = waits.then_some(Waits::ForABlock);
        assert_eq!(super::waits(&SubmitError::from(error.clone())), expected, "{error}");
    }
    let (path, free, needed) = ("store".into(), 1, 2);
    for error in [
        SubmitError::from(StoreError::NoRoom { path, free, needed }),
        SubmitError::from(StateError("unreadable".to_owned())),
    ] {
        assert_eq!(super::waits(&error), Some(Waits::ForTheStore), "{error}");
    }
}

/// What has expired goes with the next block only: until then it counts for nobody and takes no place.
#[test]
fn what_has_waited_too_long_goes_before_all_others() {
    let mut all = EarlyTransactions::default();
    let (old, honest) = (key(1), key(2));
    for nonce in 0..200 {
        all.put(early(&old, nonce, "old", 0), 0);
    }
    // Of all that are here the honest peer has most bytes, and of all that still wait as well.
    let waiting: Vec<_> = (0..MAX_EARLY as u64 - 200)
        .map(|nonce| early(&honest, nonce, "honest", EARLY_MS))
        .collect();
    for one in &waiting {
        all.put(one.clone(), EARLY_MS);
    }
    assert_eq!(all.waiting.len(), MAX_EARLY, "nothing had to go so far");
    let last = early(&key(3), 0, "other", EARLY_MS);
    all.put(last.clone(), EARLY_MS);
    let kept: Vec<_> = all.waiting.iter().collect();
    let expected: Vec<_> = waiting.iter().chain([&last]).collect();
    assert_eq!(kept, expected);
    assert_eq!(all.ids.len(), expected.len());
    assert_eq!(all.bytes, expected.iter().map(|early| early.bytes()).sum::<usize>());
}

/// A pool takes without any block what it has rejected for its nonce, once those before it are there.
#[test]
fn what_the_pool_has_waits_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut session = Session::new(node.clone(), "own");
    let [taken, waiting] = [0, 900].map(|nonce| Early {
        transaction: TestKey::public(0).sign(&node.identity(), funded_payment(&node, nonce)),
        ..early(&key(1), nonce, "peer", 0)
    });
    for one in [&taken, &waiting] {
        session.early.put(one.clone(), 0);
    }
    let id = node.submit(taken.transaction.envelope().clone()).unwrap().id;
    assert_eq!(id, taken.transaction.id());
    session.poll(1_000);
    assert_eq!(session.early.waiting, [waiting]);
}

/// Each name of the other range sends one: of all peers the honest ones are those that sent most.
#[test]
fn many_names_of_one_range_take_no_place_of_another_peer() {
    let mut all = EarlyTransactions::default();
    let of = |signer: &TestKey, nonce, holder| Early {
        holders: VecDeque::from([holder]),
        ..early(signer, nonce, "", 0)
    };
    let kept: Vec<_> = (0..8)
        .flat_map(|nonce| {
            [
                of(&key(1), nonce, inbound("came", [9, 9, 9, 9])),
                of(&key(2), nonce, holder("dialled")),
            ]
        })
        .collect();
    for one in &kept {
        all.put(one.clone(), 0);
    }
    let many = key(3);
    for at in 0..MAX_EARLY as u64 + 100 {
        let host = [66, 6, (at / 256) as u8, (at % 256) as u8];
        all.put(of(&many, at, inbound(&format!("name-{at}"), host)), 0);
    }
    assert_eq!(all.waiting.len(), MAX_EARLY);
    let stayed: Vec<_> = all.waiting.iter().take(kept.len()).collect();
    assert_eq!(stayed, kept.iter().collect::<Vec<_>>());
}

/// As many ranges as there are places: a new one finds none of a range that has no more than it has itself.
#[test]
fn a_range_that_has_no_more_than_the_newest_yields_nothing() {
    let mut all = EarlyTransactions::default();
    let signer = key(1);
    let of = |nonce: u64, holder| Early {
        holders: VecDeque::from([holder]),
        ..early(&signer, nonce, "", 0)
    };
    for nonce in 0..MAX_EARLY as u64 {
        let host = [20 + (nonce / 200) as u8, (nonce % 200) as u8, 1, 1];
        // Nonces of two bytes, so that all envelopes are of one length.
        all.put(of(1_000 + nonce, inbound(&format!("name-{nonce}"), host)), 0);
    }
    let before = all.waiting.clone();
    all.put(of(9_000, inbound("last", [5, 1, 1, 1])), 0);
    assert_eq!(all.waiting, before);
}

/// Names of one range announce what an honest peer announces after them.
#[test]
fn many_names_that_have_a_payment_leave_a_place_for_another_holder() {
    let mut all = EarlyTransactions::default();
    let mut announced = early(&key(1), 0, "", 0);
    announced.holders = VecDeque::from([inbound("name", [66, 6, 6, 6])]);
    let names = (0..=MAX_HOLDERS as u8).map(|at| inbound(&format!("name-{at}"), [66, 6, 7, at]));
    announced.held(names.chain([holder("honest")]));
    let names: Vec<_> = announced.holders.iter().map(|holder| holder.name.0.as_str()).collect();
    assert_eq!(names, ["name", "honest"]);
    all.put(announced.clone(), 0);
    let greedy = key(2);
    for nonce in 0..MAX_EARLY as u64 {
        let one = Early {
            holders: VecDeque::from([inbound("name", [66, 6, 6, 6])]),
            ..early(&greedy, nonce, "", 0)
        };
        all.put(one, 0);
    }
    assert_eq!(all.waiting.len(), MAX_EARLY);
    assert!(
        all.contains(&announced.transaction.id()),
        "it counts against another now"
    );
}

#[test]
fn what_the_store_kept_from_being_looked_at_is_due_again_without_a_block() {
    let mut all = EarlyTransactions::default();
    let unread = Early {
        account: None,
        ..early(&key(1), 0, "peer", 0)
    };
    let waiting = early(&key(2), 0, "peer", 0);
    all.put(unread.clone(), 0);
    all.put(waiting.clone(), 0);
    assert!(!all.is_time(AGAIN_MS - 1) && all.is_time(AGAIN_MS));
    let same = |_: &Address| Some(account(0));
    assert_eq!(all.due(same, AGAIN_MS), [unread]);
    assert!(!all.is_time(u64::MAX), "once is enough where it was looked at");
    // As long as nothing can be stored, the time of none of them passes.
    all.put_off(2 * EARLY_MS, 2 * EARLY_MS);
    assert_eq!(all.due(same, 2 * EARLY_MS), []);
    assert!(all.contains(&waiting.transaction.id()));
    assert_eq!(all.due(|_| Some(account(9)), 3 * EARLY_MS), []);
    assert!(all.waiting.is_empty(), "then it was over");
}

/// The disk has no room when its block comes, and for longer than a payment is kept. No other block follows.
#[test]
fn a_payment_whose_block_comes_while_the_disk_is_full_is_taken_once_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut session = Session::new(node.clone(), "own");
    let transaction = TestKey::public(0).sign(&node.identity(), funded_payment(&node, 0));
    let id = transaction.id();
    // Its account was another one when it came.
    let one = Early {
        transaction,
        ..early(&key(1), 0, "peer", 0)
    };
    session.early.put(one, 0);
    let has = || node.with_pool(|pool| pool.contains(&id));
    // So much is never free.
    session.needs_room = Some(u64::MAX);
    session.poll(1_000);
    assert!(session.full);
    // What its block makes the session do.
    session.retry_early();
    session.poll(10_000);
    assert!(!has());
    session.needs_room = None;
    session.poll(2 * EARLY_MS);
    assert!(has());
    assert!(!session.early.contains(&id));
}
