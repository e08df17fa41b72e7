//! `tally bench light`: forged and damaged proofs against the light client, and what true ones cost.
//!
//! The bench fails where anything forged or damaged is accepted. It fails as well where it would show nothing: where a verifier
//! without the bounds F7 and F8 rejects all but one kind of forgers, or one without a rule about the tail those with cheap tips.
//! Rules: docs/protocol.md#F1 to #F9

mod cheap;

use std::ops::Add;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use rayon::prelude::*;
use tally_chain::light::forge::{self, Chain, Forger, Numbers};
use tally_chain::light::{ALL_HEADERS_UP_TO, AllHeaders, Bounds, TailRules, Verifier, encode_headers, prove};
use tally_chain::spec::ConsensusSpec;
use tally_chain::{BlockId, ChainSpec, Height, UnixSecs, Weight};

use super::{Figure, Figures, percentile};

/// A reader's clock: later than every block here.
const NOW: UnixSecs = UnixSecs(4_000_000_000);
/// Kinds of forgers that have to succeed without the two bounds, or the bench shows nothing.
const LEAST_KINDS: usize = 2;
/// How often a proof is made and verified for its figures.
const ROUNDS: usize = 9;
/// Hashes of one header in a row, for the limit that headers are compared with.
const HASHES: u32 = 200_000;

#[derive(Debug, Args)]
pub struct LightArgs {
    /// Tries of each kind of forger; 10,000 of them take some 20 minutes on two cores
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Damaged proofs
    #[arg(long, default_value_t = 100_000)]
    damaged: u64,
    /// Blocks of the true chain whose proof is measured, more than 10,000
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(ALL_HEADERS_UP_TO + 1..))]
    blocks: u64,
}

pub fn run(args: &LightArgs) -> anyhow::Result<Figures> {
    let spec = spec()?;
    let honest = forge::honest(&spec, forge::least_height() + 1, 1);
    let reader = Reader {
        spec: &spec,
        genesis: forge::genesis_id(&spec),
        known: honest.weight(),
    };
    let mut figures = forged(&reader, &honest, args.runs)?;
    figures.extend(damaged(&reader, &honest, args.damaged)?);
    figures.extend(match args.blocks <= honest.height() {
        true => costs(&reader, &honest, args.blocks)?,
        false => costs(&reader, &forge::honest(&spec, args.blocks, 1), args.blocks)?,
    });
    Ok(Figures {
        bench: "light",
        figures,
    })
}

/// The built-in chain `local` with blocks of 256 hashes, which may become as easy as 2.
fn spec() -> anyhow::Result<ChainSpec> {
    let mut spec = ChainSpec::built_in("local")?;
    match &mut spec.consensus {
        ConsensusSpec::Pow(pow) => (pow.pow_limit_bits, pow.initial_bits) = (0x207f_ffff, 0x2000_ffff),
    }
    Ok(spec)
}

/// A reader that has seen the true chain before.
struct Reader<'a> {
    spec: &'a ChainSpec,
    genesis: BlockId,
    /// Total work of the best chain that was verified before. Rule: docs/protocol.md#F10
    known: Weight,
}

/// What a verifier checks.
#[derive(Debug, Clone, Copy)]
struct Rules {
    bounds: Bounds,
    tail: TailRules,
}

impl Rules {
    const ALL: Self = Self {
        bounds: Bounds::ALL,
        tail: TailRules::ALL,
    };
}

impl Reader<'_> {
    fn accepts(&self, rules: Rules, proof: &[u8]) -> bool {
        let verifier = Verifier::new(self.spec.clone(), self.genesis, NOW);
        verifier.is_ok_and(|verifier| {
            let verifier = verifier.knowing(self.known).with_bounds(rules.bounds);
            let mut verifier = verifier.with_tail_rules(rules.tail);
            verifier.push(proof).is_ok() && verifier.finish().is_ok()
        })
    }

    /// One proof before a verifier of all rules, and before one with fewer.
    fn try_both(&self, fewer: Rules, proof: &[u8]) -> Tries {
        Tries {
            proofs: 1,
            accepted: self.accepts(Rules::ALL, proof).into(),
            without: self.accepts(fewer, proof).into(),
        }
    }
}

/// What came of the tries of one kind of forger.
#[derive(Debug, Clone, Copy, Default)]
struct Tries {
    /// Tries in which he had the luck that he needs.
    proofs: u64,
    accepted: u64,
    /// Accepted by a verifier without the rules against him.
    without: u64,
}

impl Tries {
    fn ensure_rejected(self, forger: &str) -> anyhow::Result<()> {
        let Self { proofs, accepted, .. } = self;
        ensure!(
            accepted == 0,
            "{accepted} of {proofs} proofs of the forger \"{forger}\" were accepted"
        );
        Ok(())
    }
}

impl Add for Tries {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            proofs: self.proofs + other.proofs,
            accepted: self.accepted + other.accepted,
            without: self.without + other.without,
        }
    }
}

fn forged(reader: &Reader<'_>, honest: &Chain<'_>, runs: u64) -> anyhow::Result<Vec<Figure>> {
    let neither = Rules {
        bounds: Bounds {
            weights: false,
            times: false,
        },
        ..Rules::ALL
    };
    let begun = Instant::now();
    let (mut figures, mut all, mut kinds) = (Vec::new(), Tries::default(), 0);
    for forger in Forger::ALL {
        let tries = (0..runs).into_par_iter().map(|run| {
            let proof = forger.forge(honest, run);
            proof.map_or_else(Tries::default, |proof| reader.try_both(neither, &proof))
        });
        let tries = tries.reduce(Tries::default, |left, right| left + right);
        tries.ensure_rejected(forger.name())?;
        kinds += usize::from(tries.without > 0);
        all = all + tries;
        let (made, without) = names(forger);
        figures.push((made, tries.proofs as f64, "proofs"));
        figures.push((without, tries.without as f64, "proofs"));
    }
    ensure!(
        kinds >= LEAST_KINDS,
        "without the bounds F7 and F8 only {kinds} kinds of forgers succeed, expected {LEAST_KINDS} or more: these forgers show \
         nothing (more --runs give them more luck)"
    );
    let (cheap, tries) = cheap::forged(runs)?;
    figures.extend(cheap);
    all = all + tries;
    figures.push(("forged_proofs", all.proofs as f64, "proofs"));
    figures.push(("forged_accepted", all.accepted as f64, "proofs"));
    figures.push(("kinds_accepted_without_bounds", kinds as f64, "kinds"));
    figures.push((
        "forged_and_judged",
        all.proofs as f64 / begun.elapsed().as_secs_f64(),
        "/s on all cores",
    ));
    Ok(figures)
}

/// Figures of a kind: its proofs, and those that were accepted without the bounds.
fn names(forger: Forger) -> (&'static str, &'static str) {
    match forger {
        Forger::EasyTail => ("easy_tail", "easy_tail_without_bounds"),
        Forger::FlatRun => ("flat_run", "flat_run_without_bounds"),
        Forger::HiddenRuns => ("hidden_runs", "hidden_runs_without_bounds"),
        Forger::Splice => ("splice", "splice_without_bounds"),
        Forger::Inflated => ("inflated", "inflated_without_bounds"),
        Forger::Grinding => ("grinding", "grinding_without_bounds"),
        Forger::WorthlessTail => ("worthless_tail", "worthless_tail_without_bounds"),
        Forger::Stale => ("stale", "stale_without_bounds"),
    }
}

fn damaged(reader: &Reader<'_>, honest: &Chain<'_>, count: u64) -> anyhow::Result<Vec<Figure>> {
    let proof = proof_of(reader.spec, honest, honest.height())?;
    ensure!(reader.accepts(Rules::ALL, &proof), "the true proof is rejected");
    let begun = Instant::now();
    let found = (0..count).into_par_iter().map(|number| {
        let other = forge::damage(&proof, &mut Numbers::new(number));
        // Two equal parts may have changed places.
        let changed = other != proof;
        (
            u64::from(changed),
            u64::from(changed && reader.accepts(Rules::ALL, &other)),
        )
    });
    let (changed, accepted) = found.reduce(|| (0, 0), |left, right| (left.0 + right.0, left.1 + right.1));
    ensure!(accepted == 0, "{accepted} of {changed} damaged proofs were accepted");
    let rate = changed as f64 / begun.elapsed().as_secs_f64();
    Ok(vec![
        ("damaged_proofs", changed as f64, "proofs"),
        ("damaged_accepted", accepted as f64, "proofs"),
        ("damaged_and_judged", rate, "/s on all cores"),
    ])
}

fn proof_of(spec: &ChainSpec, chain: &Chain<'_>, height: u64) -> anyhow::Result<Vec<u8>> {
    let proof = prove(spec, chain, Height(height))?;
    Ok(proof.bytes(spec, chain)?)
}

/// What the proof of a true chain costs, beside all of its headers, and those beside bare hashes of headers.
fn costs(reader: &Reader<'_>, chain: &Chain<'_>, height: u64) -> anyhow::Result<Vec<Figure>> {
    let spec = reader.spec;
    let newcomer = Reader {
        known: Weight::default(),
        ..*reader
    };
    let proof = proof_of(spec, chain, height)?;
    let prove = times(|| proof_of(spec, chain, height).map(drop))?;
    let verify = times(|| {
        ensure!(newcomer.accepts(Rules::ALL, &proof), "the true proof is rejected");
        Ok(())
    })?;
    let mut headers = Vec::new();
    encode_headers(spec, chain, 1..=height, &mut headers)?;
    let follow = times(|| {
        let mut all = AllHeaders::new(spec.clone(), reader.genesis, NOW)?;
        for part in headers.chunks(1 << 16) {
            all.push(part).context("the true headers are rejected")?;
        }
        ensure!(all.height() == Height(height), "headers are missing");
        Ok(())
    })?;
    let per_second = |count: f64, times: &[Duration]| count * 1_000.0 / percentile(times, 50);
    let mut header = chain.tip();
    let hash = times(|| {
        for number in 0..HASHES {
            header.time = number;
            std::hint::black_box(header.id());
        }
        Ok(())
    })?;
    Ok(vec![
        ("blocks", height as f64, "blocks"),
        ("proof_size", proof.len() as f64 / 1_000.0, "kB"),
        ("prove_median", percentile(&prove, 50), "ms"),
        ("verify_median", percentile(&verify, 50), "ms"),
        ("all_headers_size", headers.len() as f64 / 1_000.0, "kB"),
        (
            "all_headers_per_second",
            per_second(height as f64, &follow),
            "/s on one core",
        ),
        (
            "bare_header_hashes_per_second",
            per_second(f64::from(HASHES), &hash),
            "/s on one core",
        ),
    ])
}

fn times(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Vec<Duration>> {
    (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work()?;
            Ok(begun.elapsed())
        })
        .collect()
}
