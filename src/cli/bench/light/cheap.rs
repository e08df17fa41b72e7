//! Forgers whose tips cost little, on a chain whose miners have become stronger: they try as many tips as they like.
//! Rules: docs/protocol.md#F4, #F5

use anyhow::ensure;
use rayon::prelude::*;
use tally_chain::light::forge::{self, Budget, Chain, CheapTip, Next, SealMethod};
use tally_chain::light::{TAIL_BLOCKS, TailRules};
use tally_chain::spec::ConsensusSpec;
use tally_chain::{ChainSpec, U256};

use super::{Reader, Rules, Tries};
use crate::cli::bench::Figure;

/// Doublings of the difficulty on the true chain, whose first blocks have one hash.
const DOUBLINGS: u32 = 10;
/// Blocks before the difficulty rises: enough for a sample.
const EASY_BLOCKS: u64 = 10_000;
/// Seconds between these.
const SPACING: u32 = 10;

/// A forger, and the rule without which his proofs are accepted.
struct Kind {
    /// Figures: his proofs, and those that are accepted without the rule.
    names: (&'static str, &'static str),
    forger: CheapTip,
    without: TailRules,
}

const KINDS: [Kind; 2] = [
    // The tip has one hash, and the blocks of the tail before it what the true ones have.
    Kind {
        names: ("cheap_tip", "cheap_tip_without_rule"),
        forger: CheapTip {
            made_up: 15,
            mined: 200,
            half_lives: DOUBLINGS + 1,
            cheap: 1,
            tries: 1 << DOUBLINGS,
        },
        without: TailRules {
            tip: false,
            ..TailRules::ALL
        },
    },
    // Tip and tail have an eighth of what the true blocks have.
    Kind {
        names: ("cheap_tail", "cheap_tail_without_rule"),
        forger: CheapTip {
            made_up: 5,
            mined: 40,
            half_lives: 3,
            cheap: 200,
            tries: 1 << DOUBLINGS,
        },
        without: TailRules {
            length: false,
            ..TailRules::ALL
        },
    },
];

/// Each kind tries it so often; none may succeed, and each has to without the rule against it.
pub fn forged(runs: u64) -> anyhow::Result<(Vec<Figure>, Tries)> {
    let spec = spec()?;
    let honest = honest(&spec);
    let reader = Reader {
        spec: &spec,
        genesis: forge::genesis_id(&spec),
        known: honest.weight(),
    };
    let (mut figures, mut all) = (Vec::new(), Tries::default());
    for Kind { names, forger, without } in KINDS {
        let without = Rules {
            tail: without,
            ..Rules::ALL
        };
        let tries = (0..runs).into_par_iter().map(|run| {
            let chain = forger.forge(&honest, run).map(|(chain, _)| chain);
            let proof = chain.and_then(|chain| forge::sample(&chain, Some(TAIL_BLOCKS), None));
            proof.map_or_else(Tries::default, |proof| reader.try_both(without, &proof))
        });
        let tries = tries.reduce(Tries::default, |left, right| left + right);
        tries.ensure_rejected(names.0)?;
        ensure!(
            tries.without > 0,
            "{}: none of {} proofs is accepted without the rule against it, so that this forger shows nothing (more --runs give \
             it more luck)",
            names.0,
            tries.proofs
        );
        all = all + tries;
        figures.push((names.0, tries.proofs as f64, "proofs"));
        figures.push((names.1, tries.without as f64, "proofs"));
    }
    Ok((figures, all))
}

/// The built-in chain `local` with blocks that may become as easy as one hash, and are at first.
fn spec() -> anyhow::Result<ChainSpec> {
    let mut spec = ChainSpec::built_in("local")?;
    match &mut spec.consensus {
        ConsensusSpec::Pow(pow) => {
            (pow.half_life, pow.pow_limit_bits, pow.initial_bits) = (2_000, 0x2100_ffff, 0x2100_ffff);
        }
    }
    Ok(spec)
}

/// A true chain whose miners have little power at first, and then so much that a block has 2^10 hashes.
fn honest(spec: &ChainSpec) -> Chain<'_> {
    let (mut chain, mut budget) = (Chain::new(spec), Budget(u64::MAX));
    chain.push_many(EASY_BLOCKS, SPACING, &mut budget);
    while chain.next_work().0 < U256::from(1u64 << DOUBLINGS) {
        let time = chain.median() + 1;
        chain.push(Next::at(time), SealMethod::Mined(&mut budget));
    }
    chain
}
