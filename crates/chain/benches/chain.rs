//! `cargo bench -p tally-chain`: what a node does most.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tally_chain::pow::{Search, Target};
use tally_chain::transaction::EthereumKind;
use tally_chain::{RawBlock, RawTransaction, ReferenceVerifier, U256, merkle, state_tree};

#[path = "../tests/support/mod.rs"]
mod support;

use support::chain::{block_one, ethereum_payment, identity, payment};
use support::keys::{RSA_2048, RSA_3072, RSA_4096, SECP256K1, raw};

fn headers(c: &mut Criterion) {
    let header = block_one().header;
    c.bench_function("header id", |b| b.iter(|| black_box(&header).id()));
    let mut group = c.benchmark_group("nonce search");
    group.throughput(Throughput::Elements(10_000));
    let mut search = Search::new(&header, Target(U256::from(1)));
    group.bench_function("10,000 hashes", |b| b.iter(|| search.scan(black_box(0), 10_000)));
    group.finish();
}

fn signatures(c: &mut Criterion) {
    let chain = identity();
    let mut group = c.benchmark_group("check a transaction");
    let ethereum = SECP256K1.sign_ethereum(ethereum_payment(EthereumKind::DynamicFee));
    for (name, envelope) in [
        ("rsa 2048", RSA_2048.sign(payment(), &chain, 1).encode()),
        ("rsa 3072", RSA_3072.sign(payment(), &chain, 1).encode()),
        ("rsa 4096", RSA_4096.sign(payment(), &chain, 1).encode()),
        ("secp256k1", SECP256K1.sign(payment(), &chain).encode()),
        ("ethereum, recovered", ethereum.encode()),
    ] {
        let tx = raw(envelope);
        group.bench_function(name, |b| {
            b.iter_batched(
                || tx.clone(),
                |tx| tx.check(&chain, &ReferenceVerifier),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    let envelope = alloy_primitives::Bytes::from(RSA_2048.sign(payment(), &identity(), 1).encode());
    group.throughput(Throughput::Bytes(envelope.len() as u64));
    group.bench_function("rsa transaction", |b| {
        b.iter(|| RawTransaction::decode(black_box(envelope.clone())))
    });
    let mut block = block_one();
    block.transactions = vec![raw(envelope.to_vec()); 1_000];
    let bytes = block.encode();
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("block of 1,000", |b| {
        b.iter(|| RawBlock::decode(black_box(&bytes), u64::MAX))
    });
    group.finish();
}

fn trees(c: &mut Criterion) {
    let leaves: Vec<_> = (0..10_000u32).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect();
    c.bench_function("merkle root of 10,000", |b| b.iter(|| merkle::root(black_box(&leaves))));
    let mut state: Vec<_> = leaves.iter().map(|key| (*key, *key)).collect();
    state.sort_unstable();
    c.bench_function("state root of 10,000", |b| {
        b.iter(|| state_tree::root_of(black_box(&state)))
    });
}

criterion_group!(benches, headers, signatures, decoding, trees);
criterion_main!(benches);
