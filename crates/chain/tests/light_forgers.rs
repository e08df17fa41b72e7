//! Forgers and damage: no forged or damaged proof is accepted, and without the bounds on what is not shown some forgers
//! succeed. `tally bench light` runs the same forgers 10,000 times each. Rules: docs/protocol.md#F5 to #F10

#[path = "light/naive.rs"]
mod naive;
#[path = "light/world.rs"]
mod world;

use tally_chain::light::forge::{self, Forger, Numbers};
use tally_chain::light::{Bounds, LightFault, TailRules, Verified, Verifier};
use world::{HONEST, NOW, SPEC, proof_at};

/// Tries of each forger.
const RUNS: u64 = 12;
/// Tries of those who need luck.
const LUCKY_RUNS: u64 = 24;

fn verifier(bounds: Bounds) -> Verifier {
    let verifier = Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();
    verifier.knowing(HONEST.weight()).with_bounds(bounds)
}

fn verdict(bounds: Bounds, proof: &[u8]) -> Result<Verified, LightFault> {
    verdict_of(verifier(bounds), proof)
}

fn verdict_of(mut verifier: Verifier, proof: &[u8]) -> Result<Verified, LightFault> {
    verifier.push(proof)?;
    verifier.finish()
}

/// The proofs of the tries in which the forger had luck.
fn proofs(forger: Forger, runs: u64) -> Vec<Vec<u8>> {
    (0..runs).filter_map(|run| forger.forge(&HONEST, run)).collect()
}

/// Rules by which they are rejected.
fn rejected(forger: Forger, proofs: &[Vec<u8>]) -> Vec<&'static str> {
    let rules = proofs.iter().map(|proof| {
        let fault = verdict(Bounds::ALL, proof).unwrap_err();
        if fault.rule != "F10" {
            assert!(naive::verify(&SPEC, NOW, proof).is_err(), "{}", forger.name());
        }
        fault.rule
    });
    rules.collect()
}

/// Rejected for one of these reasons, in all tries that led to a proof, which are at least so many.
fn assert_rejected(forger: Forger, least: usize, rules: &[&str]) {
    let found = rejected(forger, &proofs(forger, RUNS));
    assert_found(forger, least, rules, &found);
}

fn assert_found(forger: Forger, least: usize, rules: &[&str], found: &[&str]) {
    assert!(found.len() >= least, "{}: {found:?}", forger.name());
    assert!(
        found.iter().all(|rule| rules.contains(rule)),
        "{}: {found:?}",
        forger.name()
    );
}

#[test]
fn blocks_without_work_are_drawn() {
    assert_rejected(Forger::Grinding, RUNS as usize, &["H5"]);
    // A tail so easy requires more records than a chain of this height can have; where that is not looked at, they are drawn.
    for (forger, least) in [(Forger::EasyTail, 8), (Forger::WorthlessTail, RUNS as usize)] {
        assert_rejected(forger, least, &["H5", "F5"]);
        for proof in proofs(forger, RUNS) {
            let any_tail = TailRules {
                length: false,
                tip: false,
            };
            let fault = verdict_of(verifier(Bounds::ALL).with_tail_rules(any_tail), &proof).unwrap_err();
            assert_eq!(fault.rule, "H5", "{}", forger.name());
        }
    }
}

#[test]
fn honest_blocks_behind_forged_ones_do_not_lead_to_the_tip() {
    assert_rejected(Forger::Splice, RUNS as usize, &["F6", "H2", "H5"]);
}

#[test]
fn weights_that_are_no_work_are_found() {
    assert_rejected(Forger::Inflated, RUNS as usize, &["F7", "F6", "R3"]);
}

#[test]
fn an_older_tip_has_less_work() {
    assert_rejected(Forger::Stale, RUNS as usize, &["F10"]);
}

/// How many of these are accepted with these bounds.
fn accepted(bounds: Bounds, proofs: &[Vec<u8>]) -> usize {
    proofs.iter().filter(|proof| verdict(bounds, proof).is_ok()).count()
}

/// The two bounds are what keeps out luck with one block of much work: each forger here succeeds as soon as one of them is left out.
#[test]
fn without_the_bounds_lucky_forgers_succeed() {
    let (no_weights, no_times) = (
        Bounds {
            weights: false,
            ..Bounds::ALL
        },
        Bounds {
            times: false,
            ..Bounds::ALL
        },
    );
    let neither = Bounds {
        weights: false,
        times: false,
    };
    for (forger, rule, without) in [
        (Forger::FlatRun, "F7", no_weights),
        (Forger::HiddenRuns, "F8", no_times),
    ] {
        let proofs = proofs(forger, LUCKY_RUNS);
        let found = accepted(without, &proofs);
        assert!(found > 0, "{}: none of {}", forger.name(), proofs.len());
        assert!(accepted(neither, &proofs) >= found);
        // A worthless block may be drawn after all.
        let found = rejected(forger, &proofs);
        assert_found(forger, 1, &[rule, "D1"], &found);
        assert!(found.contains(&rule), "{}: {found:?}", forger.name());
    }
}

/// Every single byte that is changed, cut out or doubled makes a proof another one, and none of them is accepted.
#[test]
fn damaged_proofs_are_rejected() {
    let (_, proof) = proof_at(HONEST.height());
    let mut numbers = Numbers::new(2);
    for number in 0..400 {
        let damaged = forge::damage(&proof, &mut numbers);
        if damaged == proof {
            continue;
        }
        assert!(verdict(Bounds::ALL, &damaged).is_err(), "number {number}");
        assert!(naive::verify(&SPEC, NOW, &damaged).is_err(), "number {number}");
    }
}
