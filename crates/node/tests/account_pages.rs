//! Pages of an account's history: whole however long it is, while blocks arrive, and across a reorg.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use proptest::prelude::*;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use support::*;
use tally_chain::{Address, Amount, Height};
use tally_node::{AccountPageError, BlockKey, HistoryCursor, HistoryEntry, Lines, Node};
use tempfile::tempdir;

const ALICE: usize = 0;
const BOB: usize = 1;

/// A line by its height and, of a transaction, its index.
type Line = (u64, Option<u32>);

fn line(entry: &HistoryEntry) -> Line {
    match entry {
        HistoryEntry::Reward(reward) => (reward.block.height().0, None),
        HistoryEntry::Transaction(located) => {
            let included = located.included.as_ref().unwrap();
            (included.block.height().0, Some(included.index))
        }
    }
}

/// What the blocks themselves hold of an account, newest first.
fn expected(node: &Node, account: &Address, lines: Lines) -> Vec<Line> {
    let tip = node.tip();
    let mut all = Vec::new();
    for height in (1..=tip.record.height().0).rev() {
        let block = node
            .full_block(&tip, BlockKey::Height(Height(height)))
            .unwrap()
            .unwrap();
        if lines == Lines::All && block.record.manifest.producer == *account {
            all.push((height, None));
        }
        for (index, transaction) in block.transactions.iter().enumerate().rev() {
            if transaction.sender() == *account || transaction.view().to == Some(*account) {
                all.push((height, Some(index as u32)));
            }
        }
    }
    all
}

/// All pages joined; `between` runs after each.
fn joined(node: &Node, account: &Address, lines: Lines, limit: usize, mut between: impl FnMut()) -> Vec<Line> {
    let (mut all, mut cursor) = (Vec::new(), None::<HistoryCursor>);
    loop {
        let page = node
            .account_page(&node.tip(), account, lines, cursor.as_ref(), limit)
            .unwrap();
        assert!(page.entries.len() <= limit);
        all.extend(page.entries.iter().map(line));
        between();
        // As text, the way it travels.
        cursor = match page.next {
            Some(next) => Some(next.to_string().parse().unwrap()),
            None => return all,
        };
    }
}

/// Adds a block by one of three producers, with payments of one of three kinds.
fn grow(node: &Node, clock: &HandClock, (producer, payments, kind): (usize, usize, usize)) {
    let producers = [address_of(BOB), address_of(ALICE), Address::repeat_byte(1)];
    let (from, to) = [
        (ALICE, address_of(BOB)),
        (BOB, address_of(ALICE)),
        (ALICE, Address::repeat_byte(9)),
    ][kind];
    let first = node.account(&node.tip(), &address_of(from)).unwrap().nonce;
    for nonce in (first..).take(payments) {
        submit(node, payment(node, from, nonce, to, 7));
    }
    mine(node, clock, producers[producer]);
}

#[test]
fn a_history_goes_on_beyond_ten_thousand_lines() {
    const BLOCKS: u64 = 6;
    const EACH: u64 = 1_700;
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let bob = address_of(BOB);
    for block in 0..BLOCKS {
        let nonces = (block * EACH..(block + 1) * EACH).into_par_iter();
        let envelopes = nonces.map(|nonce| payment(&node, ALICE, nonce, bob, 7)).collect();
        assert!(node.submit_batch(envelopes).iter().all(Result::is_ok));
        mine(&node, &clock, bob);
    }
    for (lines, count) in [(Lines::Transactions, BLOCKS * EACH), (Lines::All, BLOCKS * (EACH + 1))] {
        let all = joined(&node, &bob, lines, 1_000, || {});
        assert_eq!(all.len() as u64, count);
        assert_eq!(all, expected(&node, &bob, lines));
    }
}

#[test]
fn a_reward_is_what_its_producer_received() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let miner = Address::repeat_byte(5);
    submit(&node, payment(&node, ALICE, 0, address_of(BOB), 7));
    for height in [1, 2] {
        let before = balance(&node, &miner);
        mine(&node, &clock, miner);
        let page = node.account_page(&node.tip(), &miner, Lines::All, None, 1).unwrap();
        let [HistoryEntry::Reward(reward)] = &page.entries[..] else {
            panic!("one reward: {page:?}")
        };
        assert_eq!(
            balance(&node, &miner).checked_sub(before).unwrap(),
            reward.value(),
            "block {height}"
        );
        assert_eq!(reward.block.height(), Height(height));
        assert_eq!(reward.subsidy, node.spec().subsidy(Height(height)));
        assert_eq!(
            reward.fees == Amount::ZERO,
            height == 2,
            "only block 1 has a transaction"
        );
    }
    // Genesis names this producer, and pays no one.
    let none = node
        .account_page(&node.tip(), &Address::ZERO, Lines::All, None, 1)
        .unwrap();
    assert!(none.entries.is_empty() && none.next.is_none(), "{none:?}");
}

#[test]
fn a_cursor_goes_on_unless_what_was_shown_has_been_undone() {
    let (left_dir, right_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let left = open(left_dir.path(), &clock).unwrap();
    let right = open(right_dir.path(), &clock).unwrap();
    let (deep, bob) = (Address::repeat_byte(7), address_of(BOB));
    mine(&left, &clock, deep);
    mine(&left, &clock, deep);
    for block in blocks(&left) {
        right.import_block(&block).unwrap();
    }
    mine(&left, &clock, bob);
    mine(&left, &clock, bob);
    let gone = left.tip().record.id;
    let first = |account| left.account_page(&left.tip(), account, Lines::All, None, 1).unwrap();
    let (of_deep, of_bob) = (first(&deep).next.unwrap(), first(&bob).next.unwrap());

    let other = [
        left.account_page(&left.tip(), &deep, Lines::All, Some(&of_bob), 1),
        left.account_page(&left.tip(), &bob, Lines::Transactions, Some(&of_bob), 1),
    ];
    for page in other {
        let error = page.unwrap_err();
        assert!(matches!(error, AccountPageError::ForeignCursor), "{error}");
    }

    for _ in 0..4 {
        mine(&right, &clock, Address::repeat_byte(2));
    }
    for block in blocks(&right) {
        left.import_block(&block).unwrap();
    }
    assert_eq!(left.tip().record.id, right.tip().record.id);
    let error = left
        .account_page(&left.tip(), &bob, Lines::All, Some(&of_bob), 1)
        .unwrap_err();
    assert!(
        matches!(error, AccountPageError::Gone { height: Height(4), block } if block == gone),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        format!("block {gone} at height 4, the newest that was shown, is no longer on the chain")
    );
    // What was shown of this account stands below the fork.
    let page = left
        .account_page(&left.tip(), &deep, Lines::All, Some(&of_deep), 1)
        .unwrap();
    assert_eq!(page.entries.iter().map(line).collect::<Vec<_>>(), [(1, None)]);
    assert_eq!(page.next, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Without a duplicate and without a gap, of either list, while blocks arrive.
    #[test]
    fn pages_joined_are_the_whole_history(
        script in prop::collection::vec((0usize..3, 0usize..4, 0usize..3), 4..12),
        later in 1usize..4,
        limit in 1usize..6,
        rewards in any::<bool>(),
    ) {
        let (dir, clock) = (tempdir().unwrap(), clock());
        let node = open(dir.path(), &clock).unwrap();
        script.iter().for_each(|step| grow(&node, &clock, *step));
        let (account, lines) = (address_of(BOB), if rewards { Lines::All } else { Lines::Transactions });
        let whole = expected(&node, &account, lines);
        let mut arriving = script.iter().take(later);
        let pages = joined(&node, &account, lines, limit, || {
            if let Some(step) = arriving.next() {
                grow(&node, &clock, *step);
            }
        });
        prop_assert_eq!(pages, whole);
    }
}
