//! How fast blocks execute and the state tree follows. Run: `cargo bench -p tally-ledger --features testing`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tally_chain::hash::sha256;
use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, B256, U256};
use tally_ledger::testing::{TestChain, TestKey};
use tally_ledger::{ChangeSet, StateTree};

const TRANSFERS: u64 = 2_000;
const LEAVES: u64 = 1_000_000;
const UPDATES: u64 = 10_000;

fn numbered(number: u64) -> B256 {
    sha256(&[&number.to_be_bytes()])
}

fn tree(bench: &mut Criterion) {
    let leaves: Vec<_> = (0..LEAVES).map(|n| (numbered(n), numbered(n + LEAVES))).collect();
    let tree = StateTree::from_leaves(leaves.clone());
    let mut changes = ChangeSet::default();
    for n in 0..UPDATES {
        let account = Account {
            nonce: n + 1,
            balance: Amount(U256::from(n)),
            ..Account::default()
        };
        let address = Address::from_slice(&numbered(n)[..20]);
        changes.accounts.insert(address, Some(account));
    }
    let mut group = bench.benchmark_group("tree");
    group.sample_size(10);
    group.throughput(Throughput::Elements(UPDATES));
    group.bench_function("10,000 updates of 1,000,000", |b| {
        b.iter(|| black_box(tree.update(&changes).root()));
    });
    group.throughput(Throughput::Elements(LEAVES));
    group.bench_function("rebuild of 1,000,000", |b| {
        b.iter_batched(|| leaves.clone(), StateTree::from_leaves, BatchSize::LargeInput);
    });
    group.finish();
}

/// Signatures are checked before; this is execution, receipts and the state root.
fn transfers(bench: &mut Criterion) {
    let chain = TestChain::default();
    let key = TestKey::public(0);
    let transactions = (0..TRANSFERS).map(|n| {
        let to = Address::from_slice(&numbered(n)[..20]);
        let mut payload = chain.payload(&key, Some(to), Amount(U256::from(n + 1)), []);
        payload.nonce = n;
        payload.gas_limit = 10_000;
        key.sign(&chain.identity, payload)
    });
    let block = chain.mine(transactions.collect());
    let mut group = bench.benchmark_group("execute");
    group.throughput(Throughput::Elements(TRANSFERS));
    group.bench_function("transfers to new accounts", |b| {
        b.iter_batched(
            || block.clone(),
            |block| chain.execute(block).expect("a mined block executes"),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, tree, transfers);
criterion_main!(benches);
