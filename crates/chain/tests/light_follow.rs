//! From a verified tip to newer ones, and back to older blocks. Rules: docs/protocol.md#F9 to #F11, #R4

#[path = "light/world.rs"]
mod world;

use std::sync::LazyLock;

use tally_chain::history::{self, HistoryError};
use tally_chain::light::forge::{self, Budget, Chain, honest};
use tally_chain::light::{
    ChainReader, Followed, Following, Level, LightError, LightFault, NotShown, TipClaim, Verifier, encode_headers,
    prove,
};
use tally_chain::{BlockId, Height, Weight};
use world::{NOW, SPEC};

/// Where the sampled part begins to be followed.
const SAMPLED: u64 = 10_040;

static CHAIN: LazyLock<Chain<'static>> = LazyLock::new(|| honest(&SPEC, SAMPLED + 30, 3));

fn followed(chain: &Chain<'_>, height: u64) -> Followed {
    let proof = prove(&SPEC, chain, Height(height)).unwrap();
    let bytes = proof.bytes(&SPEC, chain).unwrap();
    let mut verifier = Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();
    verifier.push(&bytes).unwrap();
    verifier.finish_followed().unwrap()
}

/// The claim of a block, with the weight up to it.
fn claim(chain: &Chain<'_>, height: u64) -> TipClaim {
    let weight = (0..=height).fold(Weight::default(), |sum, height| {
        sum.plus(SPEC.engine().weight(&chain.at(height)))
    });
    TipClaim {
        header: chain.at(height),
        manifest: chain.manifest(Height(height)).unwrap(),
        weight,
    }
}

fn headers(chain: &Chain<'_>, from: u64, to: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_headers(&SPEC, chain, from..=to, &mut bytes).unwrap();
    bytes
}

/// Follows byte by byte, as the network may bring them.
fn follow(mut following: Following, bytes: &[u8], claim: &TipClaim) -> Result<Followed, LightFault> {
    for part in bytes.chunks(23) {
        following.push(part)?;
    }
    following.finish(claim)
}

#[test]
fn what_follows_a_tip_is_what_a_new_proof_shows() {
    for (from, to, level) in [
        (0, 4, Level::AllHeaders),
        (9, 300, Level::AllHeaders),
        (SAMPLED, SAMPLED + 30, Level::Sampled),
    ] {
        let old = followed(&CHAIN, from);
        let new = follow(old.follow(NOW), &headers(&CHAIN, from + 1, to), &claim(&CHAIN, to)).unwrap();
        let (found, expected) = (new.verified(), followed(&CHAIN, to).into_verified());
        assert_eq!(
            (found.level, found.tip, found.weight, &found.manifest),
            (level, expected.tip, expected.weight, &expected.manifest)
        );
        let (before, after) = (old.verified().checked, found.checked);
        assert_eq!(
            (after.headers, after.tail),
            (before.headers + to - from, before.tail + to - from)
        );
        let grown = claim(&CHAIN, to).weight.0 - claim(&CHAIN, from).weight.0;
        assert_eq!(after.tail_weight, Weight(before.tail_weight.0 + grown));
        // It can be followed again, and saved where nothing was left out.
        assert_eq!(new.headers().is_some(), level == Level::AllHeaders);
        assert_eq!(
            new.headers().map(|headers| headers.id()).unwrap_or(expected.tip),
            expected.tip
        );
    }
}

#[test]
fn headers_that_were_saved_are_followed() {
    let genesis = forge::genesis_id(&SPEC);
    let from_genesis = Following::from_genesis(SPEC.clone(), genesis, NOW).unwrap();
    let first = follow(from_genesis, &headers(&CHAIN, 1, 40), &claim(&CHAIN, 40)).unwrap();
    let saved = first.headers().unwrap().saved();
    let resumed = tally_chain::light::AllHeaders::resume(SPEC.clone(), genesis, NOW, saved).unwrap();
    let following = Following::from_headers(&resumed, NOW);
    let second = follow(following, &headers(&CHAIN, 41, 60), &claim(&CHAIN, 60)).unwrap();
    let expected = followed(&CHAIN, 60).into_verified();
    assert_eq!(second.verified().checked.tail_weight, expected.checked.tail_weight);
    assert_eq!(second.verified().checked.headers, 60);
    assert_eq!(second.verified().weight, expected.weight);
}

#[test]
fn what_does_not_follow_is_a_fault_and_the_old_tip_stays() {
    let old = followed(&CHAIN, 20);
    let mut fork = CHAIN.fork(15, 9);
    assert!(fork.push_many(8, 10, &mut Budget(u64::MAX)));
    // Headers of another branch hang on another parent: their seals do not hold.
    let fault = follow(old.follow(NOW), &headers(&fork, 21, 23), &claim(&fork, 23)).unwrap_err();
    assert_eq!((fault.rule, fault.height, fault.at), ("H5", Some(Height(21)), 0));
    // Fewer headers, more, other weights, another manifest.
    let all = headers(&CHAIN, 21, 30);
    let wrong = |rule, error| LightFault {
        rule,
        height: Some(Height(30)),
        at: all.len() as u64,
        error: Box::new(error),
    };
    let fault = follow(old.follow(NOW), &headers(&CHAIN, 21, 29), &claim(&CHAIN, 30)).unwrap_err();
    let (found, expected) = (CHAIN.at(29).id(), CHAIN.at(30).id());
    assert_eq!(
        (fault.rule, *fault.error),
        ("F3", LightError::WrongTip { found, expected })
    );
    let fault = follow(old.follow(NOW), &all[..all.len() - 1], &claim(&CHAIN, 30)).unwrap_err();
    assert_eq!(
        *fault.error,
        LightError::Truncated {
            missing: "within a header"
        }
    );
    let mut overstated = claim(&CHAIN, 30);
    let found = overstated.weight;
    overstated.weight = found.plus(found);
    let claimed = overstated.weight;
    let fault = follow(old.follow(NOW), &all, &overstated).unwrap_err();
    assert_eq!(fault, wrong("F11", LightError::OtherWeight { found, claimed }));
    let mut other = claim(&CHAIN, 30);
    let expected = other.manifest.history_root;
    other.manifest.history_root = tally_chain::B256::repeat_byte(1);
    let found = other.manifest.history_root;
    let fault = follow(old.follow(NOW), &all, &other).unwrap_err();
    assert_eq!(fault, wrong("R3", LightError::WrongHistoryRoot { found, expected }));
    assert!(
        follow(old.follow(NOW), &all, &claim(&CHAIN, 30)).is_ok(),
        "the tip is what it was"
    );
}

#[test]
fn a_block_is_shown_to_be_the_tip_or_an_ancestor() {
    let tip = followed(&CHAIN, 100);
    let nodes = |number| {
        history::prove(100, number, &|position| CHAIN.node(position))
            .unwrap()
            .nodes
    };
    let (header, manifest) = (
        |height| CHAIN.at(height),
        |height| CHAIN.manifest(Height(height)).unwrap(),
    );
    assert_eq!(tip.check_ancestor(&header(100), &manifest(100), Vec::new()), Ok(()));
    for number in [0, 1, 63, 64, 99] {
        assert_eq!(
            tip.check_ancestor(&header(number), &manifest(number), nodes(number)),
            Ok(())
        );
    }
    let wrong = |found, number: u64| {
        let Err(NotShown::History { number: at, error }) = found else {
            panic!("{found:?}")
        };
        assert_eq!(at, Height(number));
        error
    };
    // Nodes of another place, too few, of a fork.
    let other = tip.check_ancestor(&header(7), &manifest(7), nodes(9));
    assert!(matches!(
        wrong(other, 7),
        HistoryError::WrongRoot { .. } | HistoryError::Malformed
    ));
    let mut fewer = nodes(7);
    fewer.pop();
    assert_eq!(
        wrong(tip.check_ancestor(&header(7), &manifest(7), fewer), 7),
        HistoryError::Malformed
    );
    let mut fork = CHAIN.fork(50, 4);
    assert!(fork.push_many(60, 10, &mut Budget(u64::MAX)));
    let forked = fork.manifest(Height(51)).unwrap();
    let beside = tip.check_ancestor(&fork.at(51), &forked, nodes(51));
    assert!(matches!(wrong(beside, 51), HistoryError::WrongRoot { .. }));
    // A header with the manifest of another, a height above, a sibling of the tip.
    assert_eq!(
        tip.check_ancestor(&header(7), &manifest(8), nodes(7)),
        Err(NotShown::OtherManifest)
    );
    let above = NotShown::AboveTip {
        number: Height(101),
        tip: Height(100),
    };
    assert_eq!(tip.check_ancestor(&header(101), &manifest(101), Vec::new()), Err(above));
    let sibling = NotShown::OtherTip {
        number: Height(100),
        tip: CHAIN.at(100).id(),
    };
    let forked = fork.manifest(Height(100)).unwrap();
    assert_eq!(tip.check_ancestor(&fork.at(100), &forked, Vec::new()), Err(sibling));
    assert_ne!(CHAIN.at(100).id(), BlockId::ZERO);
}
