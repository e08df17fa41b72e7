//! What an audit finds in a good chain and in damaged ones, with signatures checked at once and by claims.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use tally_audit::claims::{decode, encode};
use tally_audit::{Answers, Broken as _, Replay, Report, RuleFault};
use tally_chain::{Address, Amount, BlockId, CheckedTransaction, RawBlock, ReferenceVerifier, UnixSecs};
use tally_testkit::chain::TestChain;
use tally_testkit::keys::TestKey;

const LATE: UnixSecs = UnixSecs(4_000_000_000);

/// Six blocks; every second one has payments and a contract. Their bytes.
fn chain() -> (TestChain, Vec<Vec<u8>>) {
    let (mut chain, key) = (TestChain::default(), TestKey::public(0));
    let mut blocks = Vec::new();
    for round in 0..6_u64 {
        let transactions = match round % 2 {
            0 => Vec::new(),
            _ => {
                let to = Some(Address::repeat_byte(7));
                let code = [0x60, 1, 0x60, 0, 0x55, 0x60, 1, 0x60, 0, 0xf3];
                let one = chain.transaction(&key, to, Amount::from_coins("1").unwrap(), vec![]);
                let mut payload = chain.payload(&TestKey::public(1), None, Amount::ZERO, code.to_vec());
                payload.gas_limit = 200_000;
                vec![one, TestKey::public(1).sign(&chain.identity, payload)]
            }
        };
        blocks.push(chain.add(transactions).block().encode());
    }
    (chain, blocks)
}

/// How signatures are checked.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Signatures {
    AtOnce,
    /// By workers that answer.
    Answered,
    /// By workers that answer no to everything.
    Denied,
    /// By none.
    Lost,
}

fn audit(chain: &TestChain, blocks: &[Vec<u8>], tip: BlockId, how: Signatures) -> Report<RuleFault> {
    let mut replay = Replay::new(&chain.spec, LATE);
    let mut run = || {
        for bytes in blocks {
            let height = replay.height().next();
            let raw = replay.decode(height, bytes)?;
            let claims = replay.claims(height, &raw)?;
            let identity = *replay.identity();
            let linked = if how == Signatures::AtOnce {
                replay.link(raw, |transactions| {
                    let each = transactions.into_iter().enumerate();
                    each.map(|(index, raw)| raw.check(&identity, &ReferenceVerifier).map_err(|error| (index, error)))
                        .collect::<Result<Vec<CheckedTransaction>, _>>()
                })?
            } else {
                let sent = decode(&encode(claims.list())).unwrap();
                assert_eq!(sent, claims.list());
                let answer = match how {
                    Signatures::Denied => Some(vec![0; sent.len()]),
                    Signatures::Lost => None,
                    _ => Some(sent.iter().flat_map(|claim| claim.answer()).collect()),
                };
                let mut answers = Answers::default();
                answers.add(claims.list(), answer.as_deref());
                replay.link(raw, |transactions| claims.check(&identity, answers, transactions))?
            };
            let executed = replay.execute(linked)?;
            replay.advance(&executed);
        }
        replay.check_end(tip)
    };
    let faults = run().err().into_iter().collect();
    replay.report(tip, chain.ancestors.parent.manifest.number, faults)
}

const HOW: [Signatures; 4] = [
    Signatures::AtOnce,
    Signatures::Answered,
    Signatures::Denied,
    Signatures::Lost,
];

#[test]
fn a_good_chain_agrees_however_its_signatures_are_checked() {
    let (chain, blocks) = chain();
    for how in HOW {
        let report = audit(&chain, &blocks, chain.ancestors.parent.id, how);
        assert_eq!(report.faults, [], "{how:?}");
        assert_eq!((report.blocks, report.transactions), (6, 6));
        assert_eq!(report.state_root, chain.tree.root());
        assert_eq!(report.totals.balances, chain.state.supply());
        let json = report.to_json("test", 0.into());
        assert_eq!(
            (&json["level"], &json["first_fault"]),
            (&"executed".into(), &serde_json::Value::Null)
        );
    }
}

#[test]
fn every_damaged_chain_is_found_at_its_block_with_its_rule() {
    let (chain, blocks) = chain();
    let tip = chain.ancestors.parent.id;
    let found = |blocks: &[Vec<u8>], how| {
        let report = audit(&chain, blocks, tip, how);
        let fault = report.faults.first().expect("a fault");
        (fault.height().map(|height| height.0), fault.rule())
    };
    for how in HOW {
        // One byte anywhere in a block: whatever rule it breaks, the block is rejected; or the next one, which names another
        // parent, where the work still holds: at this difficulty every second nonce is right.
        for at in (0..blocks[3].len()).step_by(if how == Signatures::AtOnce { 1 } else { 97 }) {
            let mut damaged = blocks.clone();
            damaged[3][at] ^= 1;
            let (height, rule) = found(&damaged, how);
            let found = (height, rule.expect("every fault of a block has a rule"));
            assert!(height == Some(4) || found == (Some(5), "B1"), "byte {at}: {found:?}");
        }
        // The last one is missing.
        assert_eq!(found(&blocks[..5], how), (Some(5), Some("B1")));
        // One in the middle is missing, two are exchanged.
        let without: Vec<_> = [&blocks[..2], &blocks[3..]].concat();
        assert_eq!(found(&without, how), (Some(3), Some("B1")));
        let mut exchanged = blocks.clone();
        exchanged.swap(0, 1);
        assert_eq!(found(&exchanged, how), (Some(1), Some("B1")));
    }
}

#[test]
fn a_sealed_block_that_does_otherwise_breaks_b2_or_a_signature_rule() {
    let (chain, blocks) = chain();
    let (mut before, mut made) = (TestChain::default(), blocks[..3].to_vec());
    for bytes in &made {
        let raw = RawBlock::decode(bytes, u64::MAX).unwrap();
        let checked = raw
            .check(&before.spec, LATE, |transactions| {
                let each = transactions.into_iter().enumerate();
                each.map(|(index, raw)| {
                    raw.check(&before.identity, &ReferenceVerifier)
                        .map_err(|error| (index, error))
                })
                .collect()
            })
            .unwrap();
        let linked = checked.link(&before.ancestors, &before.spec).unwrap();
        let executed = before.execute(linked).unwrap();
        before.commit(&executed);
    }
    let key = TestKey::public(0);
    let payment = before.transaction(
        &key,
        Some(Address::repeat_byte(9)),
        Amount::from_coins("1").unwrap(),
        vec![],
    );
    let mut assembled = before.assemble([payment]);
    assembled.manifest.state_root.0[7] ^= 1;
    let forged = before.seal(assembled.manifest, assembled.seal, assembled.transactions);
    made.push(forged.encode());
    for how in HOW {
        let report = audit(&chain, &made, forged.id(), how);
        let fault = report.faults.first().unwrap();
        assert_eq!(
            (fault.height().map(|height| height.0), fault.rule()),
            (Some(4), Some("B2"))
        );
        assert!(fault.to_string().contains("state_root is"), "{fault}");
    }
}
