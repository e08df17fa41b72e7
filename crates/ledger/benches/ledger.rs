//! How fast blocks execute and the state tree follows. Run: `cargo bench -p tally-ledger --features testing`

use std::hint::black_box;
use std::time::Duration;

use alloy_primitives::keccak256;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tally_chain::fees::upfront_gas;
use tally_chain::hash::sha256;
use tally_chain::state_tree::Account;
use tally_chain::transaction::MAX_GAS_LIMIT;
use tally_chain::{Address, Amount, B256, LinkedBlock, U256};
use tally_ledger::testing::{TestChain, TestKey};
use tally_ledger::{BlockContext, CallRequest, ChangeSet, StateTree, call};

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

/// Code that calls a precompile with `input` until its gas is gone.
fn precompile_loop(address: u16, input: &[u8]) -> Vec<u8> {
    let len = (input.len() as u16).to_be_bytes();
    let [high, low] = address.to_be_bytes();
    // CODECOPY(0, 32, len); JUMPDEST; STATICCALL(GAS, address, 0, len, 0, 0); POP; JUMP
    let mut code = vec![0x61, len[0], len[1], 0x60, 32, 0x5f, 0x39, 0x5b];
    code.extend([
        0x5f, 0x5f, 0x61, len[0], len[1], 0x5f, 0x61, high, low, 0x5a, 0xfa, 0x50, 0x60, 7, 0x56,
    ]);
    code.resize(32, 0);
    code.extend(input);
    code
}

fn ecrecover_input() -> Vec<u8> {
    let digest = numbered(0);
    let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key in range");
    let (signature, id) = key.sign_prehash_recoverable(digest.as_slice());
    let v = U256::from(27 + u64::from(id.is_y_odd())).to_be_bytes::<32>();
    [digest.as_slice(), &v, &signature.to_bytes()].concat()
}

fn pairing_input() -> Vec<u8> {
    let g2 = alloy_primitives::hex!(
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
    );
    let one = U256::from(1).to_be_bytes::<32>();
    let two = U256::from(2).to_be_bytes::<32>();
    let minus_two = alloy_primitives::hex!("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45");
    [&one[..], &two, &g2, &one, &minus_two, &g2].concat()
}

fn p256_input() -> Vec<u8> {
    let generator = alloy_primitives::hex!(
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    );
    [&[0x55; 96][..], &generator].concat()
}

fn modexp_input() -> Vec<u8> {
    let len = |len: u64| U256::from(len).to_be_bytes::<32>();
    [&len(256)[..], &len(32), &len(256), &[0xff; 256 + 32 + 256]].concat()
}

/// Code that burns all its gas in one expensive thing, by name.
fn expensive() -> [(&'static str, Vec<u8>); 7] {
    let keccak = vec![0x5b, 0x61, 0x40, 0x00, 0x5f, 0x20, 0x50, 0x5f, 0x56];
    [
        ("jumps", vec![0x5b, 0x5f, 0x56]),
        ("keccak256 of 16 KiB", keccak),
        ("ecrecover", precompile_loop(1, &ecrecover_input())),
        ("sha256 of 16 KiB", precompile_loop(2, &[0x5a; 16_384])),
        ("modexp of 2048 bits", precompile_loop(5, &modexp_input())),
        ("bn254 pairing of 2", precompile_loop(8, &pairing_input())),
        ("p256verify", precompile_loop(0x100, &p256_input())),
    ]
}

/// What a unit of gas can cost at worst: one transaction's worth of each expensive thing.
fn worst(bench: &mut Criterion) {
    let mut chain = TestChain::default();
    let executed = chain.add(vec![]);
    let context = BlockContext::of(executed.block(), &chain.spec);
    let mut group = bench.benchmark_group("worst");
    group.sample_size(10);
    group.throughput(Throughput::Elements(MAX_GAS_LIMIT));
    for (name, code) in expensive() {
        let request = CallRequest {
            from: TestKey::public(0).address(),
            to: None,
            value: Amount::ZERO,
            data: code.into(),
            gas_limit: MAX_GAS_LIMIT,
        };
        group.bench_function(name, |b| {
            b.iter(|| {
                let outcome = call(&context, &chain.state, request.clone()).expect("the state is in memory");
                assert_eq!(outcome.gas_used(), MAX_GAS_LIMIT);
            });
        });
    }
    group.finish();
}

/// A chain with a contract of this code, and a block that calls it until rule X7 allows no more.
fn full_block(code: Vec<u8>) -> (TestChain, LinkedBlock) {
    let mut chain = TestChain::default();
    let contract = Address::repeat_byte(0xcc);
    let account = Account {
        nonce: 1,
        code_hash: keccak256(&code),
        ..Account::default()
    };
    chain.state.accounts.insert(contract, account);
    chain.state.codes.insert(account.code_hash, code.into());
    chain.tree = StateTree::from_leaves(chain.state.leaves());
    let key = TestKey::public(0);
    let call = |nonce, gas_limit| {
        let mut payload = chain.payload(&key, Some(contract), Amount::ZERO, []);
        (payload.nonce, payload.gas_limit) = (nonce, gas_limit);
        key.sign(&chain.identity, payload)
    };
    // Each call by its own envelope: what a longer nonce adds to the gas before execution is not left for execution.
    let initial = |nonce, gas_limit| upfront_gas(&call(nonce, gas_limit)).initial;
    let mut left = chain.spec.limits.gas_limit / 4;
    let mut calls = Vec::new();
    for nonce in 0.. {
        let each = MAX_GAS_LIMIT - initial(nonce, MAX_GAS_LIMIT);
        if each >= left {
            calls.push(call(nonce, left + initial(nonce, left)));
            break;
        }
        calls.push(call(nonce, MAX_GAS_LIMIT));
        left -= each;
    }
    let block = chain.mine(calls);
    (chain, block)
}

/// A whole block of each expensive thing: what one block can cost every node at most. Rule: docs/protocol.md#X7
fn worst_block(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("worst block");
    group.sample_size(10).warm_up_time(Duration::from_millis(1));
    group.throughput(Throughput::Elements(TestChain::default().spec.limits.gas_limit / 4));
    for (name, code) in expensive() {
        // Made only if it is measured: assembling one takes as long as executing it.
        let mut made = None;
        group.bench_function(name, |b| {
            let (chain, block) = made.get_or_insert_with(|| full_block(code.clone()));
            b.iter_batched(
                || block.clone(),
                |block| chain.execute(block).expect("a mined block executes"),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, tree, transfers, worst, worst_block);
criterion_main!(benches);
