//! `cargo bench -p tally-chain --bench light`: proofs of long chains, their sizes and times.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tally_chain::light::forge::{Chain, genesis_id, honest};
use tally_chain::light::{AllHeaders, Verified, Verifier, encode_headers, prove};
use tally_chain::spec::ConsensusSpec;
use tally_chain::{ChainSpec, Height, UnixSecs};

const NOW: UnixSecs = UnixSecs(4_000_000_000);

/// The built-in chain `local` with work that costs little.
fn spec() -> ChainSpec {
    let mut spec = ChainSpec::built_in("local").expect("it is built in");
    match &mut spec.consensus {
        ConsensusSpec::Pow(pow) => (pow.pow_limit_bits, pow.initial_bits) = (0x207f_ffff, 0x200f_ffff),
    }
    spec
}

fn verify(spec: &ChainSpec, proof: &[u8]) -> Verified {
    let mut verifier = Verifier::new(spec.clone(), genesis_id(spec), NOW).expect("the spec makes this genesis");
    verifier.push(proof).expect("the chain is true");
    verifier.finish().expect("the chain is true")
}

fn follow(spec: &ChainSpec, headers: &[u8]) -> Height {
    let mut all = AllHeaders::new(spec.clone(), genesis_id(spec), NOW).expect("the spec makes this genesis");
    for piece in headers.chunks(65_536) {
        all.push(piece).expect("the chain is true");
    }
    all.height()
}

fn of_height(c: &mut Criterion, spec: &ChainSpec, chain: &Chain<'_>, height: u64) {
    let made = || prove(spec, chain, Height(height)).and_then(|proof| proof.bytes(spec, chain));
    let proof = made().expect("the chain is all there");
    let mut headers = Vec::new();
    encode_headers(spec, chain, 1..=height, &mut headers).expect("the chain is all there");
    println!(
        "{height} blocks: all headers {} bytes, {:?}",
        headers.len(),
        verify(spec, &proof).checked
    );
    let mut group = c.benchmark_group(format!("{height} blocks"));
    group.sample_size(10);
    group.bench_function("prove", |b| b.iter(|| made().map(black_box)));
    group.bench_function("verify", |b| b.iter(|| verify(spec, black_box(&proof))));
    group.throughput(Throughput::Elements(height));
    group.bench_function("all headers", |b| b.iter(|| follow(spec, black_box(&headers))));
    group.finish();
}

fn proofs(c: &mut Criterion) {
    let spec = spec();
    let chain = honest(&spec, 1_000_000, 1);
    for height in [10_001, 100_000, 1_000_000] {
        of_height(c, &spec, &chain, height);
    }
}

criterion_group!(benches, proofs);
criterion_main!(benches);
