//! Forgers whose tips cost little, and who try as many as they like. Each succeeds as soon as the rule against him is left out.
//! Rules: docs/protocol.md#F4, #F5

#[path = "light/naive.rs"]
mod naive;
#[path = "light/world.rs"]
mod world;

use std::sync::LazyLock;

use tally_chain::light::forge::{self, Budget, Chain, CheapTip, Next, SealMethod};
use tally_chain::light::{LightError, LightFault, TailRules, Unsampled, Verified, Verifier, prove};
use tally_chain::spec::ConsensusSpec;
use tally_chain::{ChainSpec, Height, U256};
use world::NOW;

/// Doublings of the difficulty on the true chain.
const DOUBLINGS: u32 = 17;

/// Blocks may become as easy as one hash, and are at first.
static SPEC: LazyLock<ChainSpec> = LazyLock::new(|| {
    let mut spec = ChainSpec::built_in("local").unwrap();
    let ConsensusSpec::Pow(pow) = &mut spec.consensus;
    (pow.half_life, pow.pow_limit_bits, pow.initial_bits) = (2_000, 0x2100_ffff, 0x2100_ffff);
    spec
});

/// A true chain whose miners had little power at first, and then so much that a block has 2^17 hashes.
static HONEST: LazyLock<Chain<'static>> = LazyLock::new(|| {
    let (mut chain, mut budget) = (Chain::new(&SPEC), Budget(u64::MAX));
    assert!(chain.push_many(10_000, 10, &mut budget));
    while chain.next_work().0 < U256::from(1u64 << DOUBLINGS) {
        let time = chain.median() + 1;
        assert!(chain.push(Next::at(time), SealMethod::Mined(&mut budget)));
    }
    chain
});

fn verdict(rules: TailRules, proof: &[u8]) -> Result<Verified, LightFault> {
    let verifier = Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();
    let mut verifier = verifier.knowing(HONEST.weight()).with_tail_rules(rules);
    verifier.push(proof)?;
    verifier.finish()
}

fn rejected(rules: TailRules, proof: &[u8]) -> (&'static str, LightError) {
    let fault = verdict(rules, proof).unwrap_err();
    (fault.rule, *fault.error)
}

const NO_TIP: TailRules = TailRules {
    tip: false,
    ..TailRules::ALL
};
const NO_LENGTH: TailRules = TailRules {
    length: false,
    ..TailRules::ALL
};

/// One test for both forgers, so that the true chain is mined once.
#[test]
fn forgers_with_cheap_tips_succeed_without_the_rule_against_them() {
    a_tip_that_costs_nothing();
    a_tail_that_costs_little();
}

/// Seven eighths of the work are real, and all of the tail. The tip costs 2^-17 of a usual block: thousands of them, of which one
/// hides what was made up, cost less than a block.
fn a_tip_that_costs_nothing() {
    let forger = CheapTip {
        made_up: 30,
        mined: 200,
        half_lives: DOUBLINGS + 1,
        cheap: 1,
        tries: 1 << DOUBLINGS,
    };
    let (chain, tried) = forger.forge(&HONEST, 0).unwrap();
    assert!(tried > 100, "{tried} tips: the draws hide it for nothing");
    let proof = forge::sample(&chain, Some(200), None).unwrap();
    let verified = verdict(NO_TIP, &proof).unwrap();
    assert_eq!(verified.tip, chain.tip().id());
    let tip = SPEC.engine().weight(&chain.tip()).0;
    let (rule, error) = rejected(TailRules::ALL, &proof);
    let LightError::Unsampled(Unsampled::LowWorkTip {
        tip: found,
        blocks: 200,
        ..
    }) = error
    else {
        panic!("{error}");
    };
    assert_eq!((rule, found, found), ("F1", tip, U256::from(1)));
    assert_eq!(rejected(NO_LENGTH, &proof), (rule, error));
    assert_eq!(naive::verify(&SPEC, NOW, &proof), Err("F1"));
    // Nor is there another sample of it, and all headers show what has no work.
    assert_eq!(forge::sample(&chain, None, None), None);
    let whole = prove(&SPEC, &chain, Height(chain.height())).unwrap();
    let fault = verdict(TailRules::ALL, &whole.bytes(&SPEC, &chain).unwrap()).unwrap_err();
    assert_eq!((fault.rule, fault.height), ("H5", Some(Height(HONEST.height() + 1))));
}

/// A tip of an eighth, so that the draws hide five blocks of 65 at the cost of some; and a tail with the work of 25.
fn a_tail_that_costs_little() {
    let forger = CheapTip {
        made_up: 5,
        mined: 40,
        half_lives: 3,
        cheap: 200,
        tries: 1 << 10,
    };
    let (chain, tried) = forger.forge(&HONEST, 0).unwrap();
    assert!(tried > 1, "the draws hide it for nothing");
    let proof = forge::sample(&chain, Some(200), None).unwrap();
    let verified = verdict(NO_LENGTH, &proof).unwrap();
    assert_eq!(verified.tip, chain.tip().id());
    // Measured by the mean of all blocks alone, tail and tip would have enough work: difficulty has grown.
    let (blocks, total) = (U256::from(chain.height() + 1), verified.weight.0);
    let tip = SPEC.engine().weight(&chain.tip()).0;
    assert!(verified.checked.tail_weight.0 * blocks >= U256::from(200) * total);
    assert!(U256::from(16) * tip * blocks >= total);
    let (rule, error) = rejected(TailRules::ALL, &proof);
    assert!(
        matches!(
            error,
            LightError::ShortTail {
                blocks: 200,
                window: 400,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!((rule, naive::verify(&SPEC, NOW, &proof)), ("F4", Err("F4")));
    assert_eq!(rejected(NO_TIP, &proof), (rule, error));
    // The tail that is due reaches back to what was made up.
    let proof = forge::sample(&chain, None, None).unwrap();
    let fault = verdict(NO_TIP, &proof).unwrap_err();
    assert_eq!((fault.rule, fault.height), ("H5", Some(Height(HONEST.height() + 1))));
    assert_eq!(naive::verify(&SPEC, NOW, &proof), Err("H5"));
}
