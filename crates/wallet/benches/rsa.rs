//! How fast RSA keys are found, made from their primes, and sign. Run: `cargo bench -p tally-wallet`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Amount, BlockId, UnixSecs};
use tally_wallet::{Account, Fee, Origin, Payment, Phrase, RsaBits, RsaKey, SigningKey, payment, system_rng};

/// Those of the figures in docs/benchmarks.md: the PUBLIC phrase fixes how many candidates each takes.
const INDEXES: std::ops::RangeInclusive<u32> = 1..=16;

fn find(bits: RsaBits, index: u32) -> RsaKey {
    let phrase = Phrase::parse(tally_testkit::PUBLIC_PHRASE).expect("the PUBLIC phrase is one");
    let search = phrase.seed("").rsa(bits, index).expect("the index is below 2^31");
    search.finish()
}

fn search(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("RSA search");
    group.sample_size(10);
    group.throughput(Throughput::Elements(INDEXES.count() as u64));
    group.bench_function("2048, indexes 1 to 16", |b| {
        b.iter(|| INDEXES.for_each(|index| drop(black_box(find(RsaBits::B2048, index)))));
    });
    group.throughput(Throughput::Elements(1));
    for bits in [RsaBits::B3072, RsaBits::B4096] {
        group.bench_function(format!("{}, index 0", bits.get()), |b| b.iter(|| find(bits, 0)));
    }
    group.finish();
}

fn signature(bench: &mut Criterion) {
    let chain = ChainIdentity {
        chain_id: 1,
        genesis: BlockId::default(),
    };
    let key = SigningKey::Rsa(find(RsaBits::B2048, 0));
    let account = Account {
        origin: Origin::Derived { index: 0 },
        label: String::new(),
        address: key.address(),
        key: Some(key.public_key()),
        policy: None,
        archived: false,
    };
    let payment = Payment {
        to: account.address,
        value: Amount::ZERO,
        memo: String::new(),
        nonce: 0,
        timestamp: UnixSecs(1_800_000_000),
        fee: Fee {
            max_priority_fee: 1,
            max_fee: 2,
        },
    };
    let payload = payment::build(&chain, &account, &payment).expect("a payment of nothing");
    let mut group = bench.benchmark_group("RSA-2048 signature");
    group.bench_function("blinded, checked as a node does", |b| {
        b.iter(|| payment::sign(&chain, account.address, &key, &payload, &mut system_rng()).expect("the key is right"));
    });
    group.finish();
}

criterion_group!(benches, search, signature);
criterion_main!(benches);
