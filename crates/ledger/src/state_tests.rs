//! Ethereum's own state tests through our EVM: fees, commits and all; roots by a small Merkle Patricia trie. Natively they run as
//! a test of this crate, in WASM by `cargo xtask wasm-tests`: nothing of it ships.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a test ends where something is not as it should be"
)]

use std::collections::BTreeMap;

use alloy_primitives::{hex, keccak256};
use alloy_rlp::Encodable;
use revm::context::TxEnv;
use revm::primitives::TxKind;
use revm::primitives::hardfork::SpecId;
use serde_json::Value;
use tally_chain::codec::wrap_list;
use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, B256, BlockId, Bytes, Height, Log, U256};

use crate::evm::Executor;
use crate::{BlockContext, ChangeSet, StateError, StateView};

/// Key nibbles and value of each leaf, ascending; `depth` nibbles are behind us.
fn trie_node(leaves: &[(Vec<u8>, Vec<u8>)], depth: usize) -> Vec<u8> {
    let compact = |nibbles: &[u8], leaf: bool| {
        let flag = if leaf { 2 } else { 0 };
        let mut packed = match nibbles.len() % 2 {
            0 => vec![flag << 4, 0],
            _ => vec![(flag + 1) << 4 | nibbles[0]],
        };
        packed.truncate(1);
        let rest = &nibbles[nibbles.len() % 2..];
        packed.extend(rest.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
        packed
    };
    let reference = |node: Vec<u8>| match node.len() {
        0..32 => node,
        _ => alloy_rlp::encode(keccak256(node)),
    };
    let mut out = Vec::new();
    match leaves {
        [] => return vec![0x80],
        [(key, value)] => {
            compact(&key[depth..], true)[..].encode(&mut out);
            value[..].encode(&mut out);
        }
        [(first, _), .., (last, _)] => {
            let common = first.iter().zip(last).skip(depth).take_while(|(a, b)| a == b).count();
            if common > 0 {
                compact(&first[depth..depth + common], false)[..].encode(&mut out);
                out.extend(reference(trie_node(leaves, depth + common)));
            } else {
                for nibble in 0..16 {
                    let from = leaves.partition_point(|(key, _)| key[depth] < nibble);
                    let to = leaves.partition_point(|(key, _)| key[depth] <= nibble);
                    out.extend(reference(trie_node(&leaves[from..to], depth + 1)));
                }
                out.push(0x80);
            }
        }
    }
    wrap_list(&out)
}

fn trie_root(leaves: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> B256 {
    let nibbles = |key: Vec<u8>| {
        keccak256(key)
            .iter()
            .flat_map(|b| [b >> 4, b & 15])
            .collect::<Vec<u8>>()
    };
    let leaves: BTreeMap<_, _> = leaves.map(|(key, value)| (nibbles(key), value)).collect();
    keccak256(trie_node(&leaves.into_iter().collect::<Vec<_>>(), 0))
}

fn ethereum_root(state: &View) -> B256 {
    trie_root(state.accounts.iter().map(|(address, account)| {
        let slots = state
            .storage
            .range((*address, B256::ZERO)..=(*address, B256::repeat_byte(0xff)));
        let slots = slots.map(|((_, slot), value)| (slot.to_vec(), alloy_rlp::encode(U256::from_be_bytes(value.0))));
        let mut fields = Vec::new();
        account.nonce.encode(&mut fields);
        account.balance.0.encode(&mut fields);
        trie_root(slots).encode(&mut fields);
        account.code_hash.encode(&mut fields);
        (address.to_vec(), wrap_list(&fields))
    }))
}

/// A state as the corpus has it. The chains of `tally-testkit` cannot be used here: this tests a part of the crate that is
/// private, so it is compiled into the crate, and the types of their states are those of another build of it.
#[derive(Clone, Default)]
struct View {
    accounts: BTreeMap<Address, Account>,
    storage: BTreeMap<(Address, B256), B256>,
    codes: BTreeMap<B256, Bytes>,
}

impl View {
    fn apply(&mut self, changes: &ChangeSet) {
        for (address, account) in &changes.accounts {
            match account {
                Some(account) => self.accounts.insert(*address, *account),
                None => self.accounts.remove(address),
            };
        }
        for (key, value) in &changes.storage {
            match value.is_zero() {
                true => self.storage.remove(key),
                false => self.storage.insert(*key, *value),
            };
        }
    }
}

impl StateView for View {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(address).copied())
    }

    fn storage(&self, address: &Address, slot: &B256) -> Result<B256, StateError> {
        Ok(self.storage.get(&(*address, *slot)).copied().unwrap_or_default())
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        let code = self.codes.get(hash).cloned();
        code.ok_or_else(|| StateError(format!("code {hash} is missing")))
    }

    /// The tests know the hash of block n as `keccak256` of its decimal number.
    fn block_id(&self, number: Height) -> Result<Option<BlockId>, StateError> {
        Ok(Some(BlockId(keccak256(number.to_string()))))
    }
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .expect("the vectors are well-formed, and memory can be read")
}

fn number(value: &Value) -> U256 {
    U256::from_str_radix(text(value).trim_start_matches("0x"), 16)
        .expect("the vectors are well-formed, and memory can be read")
}

fn bytes(value: &Value) -> Bytes {
    Bytes::from(hex::decode(text(value)).expect("the vectors are well-formed, and memory can be read"))
}

fn address(value: &str) -> Address {
    value
        .parse()
        .expect("the vectors are well-formed, and memory can be read")
}

fn state(pre: &Value) -> View {
    let mut state = View::default();
    for (name, entry) in pre
        .as_object()
        .expect("the vectors are well-formed, and memory can be read")
    {
        let (address, code) = (address(name), bytes(&entry["code"]));
        let code_hash = keccak256(&code);
        let account = Account {
            nonce: number(&entry["nonce"]).to(),
            balance: Amount(number(&entry["balance"])),
            code_hash,
        };
        state.accounts.insert(address, account);
        state.codes.insert(code_hash, code);
        for (slot, value) in entry["storage"]
            .as_object()
            .expect("the vectors are well-formed, and memory can be read")
        {
            let slot = number(&Value::from(slot.as_str()));
            let value = number(value);
            if !value.is_zero() {
                state.storage.insert((address, slot.into()), value.into());
            }
        }
    }
    state
}

/// Runs one case and returns the state root and the hash of the logs, both as Ethereum computes them.
fn run(test: &Value, case: &Value) -> (B256, B256) {
    let (env, tx) = (&test["env"], &test["transaction"]);
    let base_fee: u128 = number(&env["currentBaseFee"]).to();
    let context = BlockContext {
        chain_id: 1,
        number: Height(number(&env["currentNumber"]).to()),
        parent: BlockId::ZERO,
        time: number(&env["currentTimestamp"]).to(),
        producer: address(text(&env["currentCoinbase"])),
        gas_limit: number(&env["currentGasLimit"]).to(),
        base_fee,
    };
    let view = state(&test["pre"]);
    let mut executor = Executor::with_fork(context, &view, SpecId::CANCUN);
    executor.block_env().prevrandao = Some(number(&env["currentRandom"]).into());
    let pick = |field: &str, index: &str| {
        &tx[field][case["indexes"][index]
            .as_u64()
            .expect("the vectors are well-formed, and memory can be read") as usize]
    };
    let price: u128 = match tx.get("gasPrice") {
        Some(price) => number(price).to(),
        None => {
            let most: u128 = number(&tx["maxFeePerGas"]).to();
            most.min(base_fee + number(&tx["maxPriorityFeePerGas"]).to::<u128>())
        }
    };
    let env = TxEnv::builder()
        .caller(address(text(&tx["sender"])))
        .gas_limit(number(pick("gasLimit", "gas")).to())
        .gas_price(price)
        .kind(match text(&tx["to"]) {
            "" => TxKind::Create,
            to => TxKind::Call(address(to)),
        })
        .value(number(pick("value", "value")))
        .data(bytes(pick("data", "data")))
        .nonce(number(&tx["nonce"]).to())
        .chain_id(Some(1))
        .build()
        .expect("the vectors are well-formed, and memory can be read");
    let result = executor
        .transact(21_000, price, env)
        .expect("the vectors are well-formed, and memory can be read");
    let mut logs = Vec::new();
    if result.is_success() {
        for log in result.into_logs() {
            let (topics, data) = log.data.split();
            let address = log.address;
            Log { address, topics, data }.encode(&mut logs);
        }
    }
    let mut state = view.clone();
    state.apply(&executor.finish().changes);
    (ethereum_root(&state), keccak256(wrap_list(&logs)))
}

/// Runs the cases of one file of the corpus, JSON: their number, and the names of those that come to another root or other logs
/// than Ethereum's.
///
/// # Panics
/// Where the file is no state test.
pub fn run_file(file: &[u8]) -> (usize, Vec<String>) {
    let file: Value = serde_json::from_slice(file).expect("the vectors are well-formed, and memory can be read");
    let (mut cases, mut wrong) = (0, Vec::new());
    for (name, test) in file
        .as_object()
        .expect("the vectors are well-formed, and memory can be read")
    {
        for case in test["post"]["Cancun"]
            .as_array()
            .expect("the vectors are well-formed, and memory can be read")
        {
            let (root, logs) = run(test, case);
            cases += 1;
            if B256::from(number(&case["hash"])) != root || B256::from(number(&case["logs"])) != logs {
                wrong.push(format!("{name} {}", case["indexes"]));
            }
        }
    }
    (cases, wrong)
}

/// What each precompile answers to some inputs, valid and not: `address gas success output`, a line each. The native arithmetic and
/// that of browsers have to give the same lines.
///
/// # Panics
/// Where the EVM does not run.
pub fn precompiles() -> Vec<String> {
    let mut lines = Vec::new();
    let mut call = |address: u16, input: Vec<u8>| {
        let (gas, output) = call_precompile(address, &input);
        let shown = output.as_ref().map_or_else(|| "fails".to_owned(), hex::encode);
        lines.push(format!("{address:#x} {gas} {shown}"));
        output.unwrap_or_default()
    };
    let word = |number: u64| U256::from(number).to_be_bytes::<32>().to_vec();
    let bytes = |text: &str| hex::decode(text).expect("the vectors are well-formed, and memory can be read");
    // A signature that is right, and one that is not.
    let mut signed = bytes("18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c");
    signed.extend(word(28));
    signed.extend(bytes(
        "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f",
    ));
    signed.extend(bytes(
        "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549",
    ));
    call(1, signed.clone());
    signed[63] = 29;
    call(1, signed);
    for address in 2..=4 {
        call(address, b"abc".to_vec());
        call(address, vec![7; 1_000]);
    }
    // 3^(p - 1) mod p, p of secp256k1; and an even modulus.
    let prime = bytes("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f");
    let mut exponent = prime.clone();
    exponent[31] -= 1;
    let lengths = [word(1), word(32), word(32)].concat();
    call(5, [&lengths[..], &[3], &exponent, &prime].concat());
    call(5, [&lengths[..], &[3], &prime, &exponent].concat());
    // The pairing of the generators, and of the first one's negative.
    let one = [word(1), word(2)].concat();
    let minus = [
        word(1),
        bytes("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45"),
    ]
    .concat();
    let two = bytes(concat!(
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2",
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed",
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b",
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa",
    ));
    call(6, [&one[..], &one].concat());
    call(6, [&one[..], &minus].concat());
    call(6, [word(1), word(1), one.clone()].concat());
    call(7, [&one[..], &prime].concat());
    call(8, [&one[..], &two, &minus, &two].concat());
    call(8, [&one[..], &two, &one, &two].concat());
    call(8, [word(1), word(1), two].concat());
    let mut blake = vec![0; 213];
    (blake[3], blake[4], blake[212]) = (12, 0x48, 1);
    call(9, blake.clone());
    blake[212] = 2;
    call(9, blake);
    // The commitment to zero, at any point, and its proof.
    let mut infinity = vec![0; 48];
    infinity[0] = 0xc0;
    let mut versioned = tally_chain::hash::sha256(&[&infinity]).to_vec();
    versioned[0] = 1;
    for value in [0, 1] {
        call(
            10,
            [&versioned[..], &word(5), &word(value), &infinity, &infinity].concat(),
        );
    }
    // Points of BLS12-381, from the maps to them.
    let field = |number: u8| [&[0; 63][..], &[number]].concat();
    let (g1, other) = (call(16, field(3)), call(16, field(4)));
    let (g2, more) = (
        call(17, [field(3), field(5)].concat()),
        call(17, [field(1), field(2)].concat()),
    );
    call(11, [&g1[..], &other].concat());
    call(12, [&g1[..], &prime, &other, &word(9)].concat());
    call(13, [&g2[..], &more].concat());
    call(14, [&g2[..], &prime, &more, &word(9)].concat());
    call(15, [&g1[..], &g2].concat());
    call(15, [&[0; 128][..], &g2].concat());
    call(11, [&g1[..], &field(1), &field(1)].concat());
    let mut p256 = bytes(concat!(
        "bb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023",
        "2ba3a8be6b94d5ec80a6d9d1190a436effe50d85a1eee859b8cc6af9bd5c2e18",
        "4cd60b855d442f5b3c7b11eb6c4e0ae7525fe710fab9aa7c77a67f79e6fadd76",
        "2927b10512bae3eddcfe467828128bad2903269919f7086069c8c4df6c732838",
        "c7787964eaac00e5921fb1498a60f4606766b3d9685001558d1a974e7341513e",
    ));
    call(0x100, p256.clone());
    p256[0] ^= 1;
    call(0x100, p256);
    lines
}

/// Gas and output of a call; no output where the precompile fails.
fn call_precompile(address: u16, input: &[u8]) -> (u64, Option<Vec<u8>>) {
    let sender = Address::repeat_byte(0x51);
    let mut view = View::default();
    let account = Account {
        balance: Amount(U256::from(u128::MAX)),
        ..Account::default()
    };
    view.accounts.insert(sender, account);
    let context = BlockContext {
        chain_id: 1,
        number: Height(1),
        parent: BlockId::ZERO,
        time: 1,
        producer: Address::repeat_byte(0x50),
        gas_limit: 16_000_000,
        base_fee: 0,
    };
    let mut to = [0; 20];
    to[18..].copy_from_slice(&address.to_be_bytes());
    let env = TxEnv::builder()
        .caller(sender)
        .gas_limit(10_000_000)
        .gas_price(1)
        .kind(TxKind::Call(Address::from(to)))
        .data(Bytes::copy_from_slice(input))
        .chain_id(Some(1))
        .build()
        .expect("the vectors are well-formed, and memory can be read");
    let result = Executor::new(context, &view)
        .transact(21_000, 1, env)
        .expect("the vectors are well-formed, and memory can be read");
    let output = result
        .is_success()
        .then(|| result.output().map(|output| output.to_vec()).unwrap_or_default());
    (result.tx_gas_used(), output)
}
