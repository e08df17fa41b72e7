//! Ethereum's own state tests through our EVM: fees, commits and all; roots by a small Merkle Patricia trie. Natively they run as
//! a test of this crate, in WASM by `cargo xtask wasm-tests`: nothing of it ships.
#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
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
    value.as_str().unwrap()
}

fn number(value: &Value) -> U256 {
    U256::from_str_radix(text(value).trim_start_matches("0x"), 16).unwrap()
}

fn bytes(value: &Value) -> Bytes {
    Bytes::from(hex::decode(text(value)).unwrap())
}

fn address(value: &str) -> Address {
    value.parse().unwrap()
}

fn state(pre: &Value) -> View {
    let mut state = View::default();
    for (name, entry) in pre.as_object().unwrap() {
        let (address, code) = (address(name), bytes(&entry["code"]));
        let code_hash = keccak256(&code);
        let account = Account {
            nonce: number(&entry["nonce"]).to(),
            balance: Amount(number(&entry["balance"])),
            code_hash,
        };
        state.accounts.insert(address, account);
        state.codes.insert(code_hash, code);
        for (slot, value) in entry["storage"].as_object().unwrap() {
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
    let pick = |field: &str, index: &str| &tx[field][case["indexes"][index].as_u64().unwrap() as usize];
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
        .unwrap();
    let result = executor.transact(21_000, price, env).unwrap();
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
    let file: Value = serde_json::from_slice(file).unwrap();
    let (mut cases, mut wrong) = (0, Vec::new());
    for (name, test) in file.as_object().unwrap() {
        for case in test["post"]["Cancun"].as_array().unwrap() {
            let (root, logs) = run(test, case);
            cases += 1;
            if B256::from(number(&case["hash"])) != root || B256::from(number(&case["logs"])) != logs {
                wrong.push(format!("{name} {}", case["indexes"]));
            }
        }
    }
    (cases, wrong)
}
