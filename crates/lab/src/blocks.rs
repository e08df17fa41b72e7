//! Blocks that a miner or a peer has tampered with. Rules: docs/protocol.md#B1 to #B8, #H5, #I1
//!
//! Each is mined properly where its attacker would do that, so that only the rule in question stands in its way.

use tally_chain::consensus::{SealError, WorkSealError};
use tally_chain::hash::sha256;
use tally_chain::transaction::Transaction;
use tally_chain::{Address, Amount, B256, BlockError, Bytes, RawTransaction, TransactionError, U256, UnixSecs};
use tally_ledger::{ChangeSet, ExecutionError, InclusionError};

use crate::branch::{Branch, BranchError, Draft, Sealed};
use crate::keys::{Secp256k1Signer, Signer as _};
use crate::world::{Bench, coins};

/// Who mines in the laboratory.
pub const PRODUCER: Address = Address::repeat_byte(0x1a);

/// How a node has to take a tampered block that a peer shows as part of its chain. Rule: docs/protocol.md#N9
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Its header alone shows it: the offence `invalid_header`, with this reason.
    Header(String),
    /// It is found once the block is here: the offence `invalid_block`, with this reason.
    Block(String),
    /// Its header continues nothing: the offence `unconnected_headers`.
    Unconnected,
}

impl Fault {
    fn execution(block: &Sealed, error: &ExecutionError) -> Self {
        let (id, height) = (block.id(), block.height());
        Self::Block(format!("block {id} at height {height} does not execute: {error}"))
    }

    /// The node's own words for what the peer has done.
    pub fn offence(&self, block: &Sealed) -> String {
        match self {
            Self::Header(reason) => format!("sent a header that breaks a rule: {reason}"),
            Self::Block(reason) => format!("led to the invalid block {}: {reason}", block.id()),
            Self::Unconnected => "sent headers that continue nothing that our request named".to_owned(),
        }
    }
}

/// A tampered block.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What is wrong with it.
    pub what: String,
    /// The block.
    pub block: Sealed,
    /// How it has to be taken.
    pub fault: Fault,
}

/// The tampered blocks of a scenario, beside the honest one that they were made from.
#[derive(Debug, Clone)]
pub struct BlockAttack {
    /// The same block as it was before: a node takes it at the same place.
    pub honest: Sealed,
    /// In order.
    pub attempts: Vec<Attempt>,
}

/// What a scenario shows to a node whose tip is that of `branch`; nothing for scenarios of another kind.
///
/// # Errors
/// If the honest block cannot be made.
pub fn attack(scenario: &str, bench: &Bench, branch: &Branch) -> Result<Option<BlockAttack>, BranchError> {
    let forge: Forge = match scenario {
        "block-amount" => amount,
        "block-swapped" => swapped,
        "block-missing" => missing,
        "block-doubled" => doubled,
        "block-state-root" => state_root,
        "block-reward" => reward,
        "block-history" => history,
        "block-base-fee" => base_fee,
        "block-easy-bits" | "old-forged-chain" => easy_bits,
        "block-orphan" => orphan,
        _ => return Ok(None),
    };
    let draft = branch.draft(PRODUCER, bench.now, &payments(scenario, bench))?;
    let honest = draft.seal(branch.spec())?;
    let made = Made {
        scenario,
        branch,
        draft,
        honest,
    };
    let attempts = forge(&made)?;
    Ok(Some(BlockAttack {
        honest: made.honest,
        attempts,
    }))
}

/// Two payments of Alice to Bob.
pub fn payments(scenario: &str, bench: &Bench) -> Vec<Bytes> {
    let (alice, bob) = (
        Secp256k1Signer::of(scenario, 0),
        Secp256k1Signer::of(scenario, 1).address(),
    );
    let paid = |nonce| alice.envelope(&bench.identity, &bench.ten(nonce, bob));
    vec![paid(0), paid(1)]
}

/// An honest block, and what it is made from.
struct Made<'a> {
    scenario: &'a str,
    branch: &'a Branch,
    draft: Draft,
    honest: Sealed,
}

type Forge = fn(&Made<'_>) -> Result<Vec<Attempt>, BranchError>;

impl Made<'_> {
    /// The honest block with a change before its work is done.
    fn sealed(&self, change: impl FnOnce(&mut Draft)) -> Result<Sealed, BranchError> {
        let mut draft = self.draft.clone();
        change(&mut draft);
        draft.seal(self.branch.spec())
    }
}

fn one(what: &str, block: Sealed, fault: Fault) -> Vec<Attempt> {
    vec![Attempt {
        what: what.to_owned(),
        block,
        fault,
    }]
}

/// The first payment with another amount, its signature kept.
fn richer(envelope: &Bytes) -> Result<Bytes, TransactionError> {
    let raw = RawTransaction::decode(envelope.clone())?;
    let Transaction::Tally(transaction) = raw.transaction() else {
        return Ok(envelope.clone());
    };
    let mut transaction = transaction.clone();
    transaction.payload.value = coins(999);
    Ok(transaction.encode().into())
}

fn amount(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let changed = richer(&made.draft.envelopes[0])?;
    let mut found = made.honest.clone();
    found.envelopes[0] = changed.clone();
    let mined = made.sealed(|draft| {
        draft.envelopes[0] = changed;
        draft.list_transactions();
    })?;
    let (index, source) = (0, TransactionError::BadSignature);
    Ok(vec![
        Attempt {
            what: "the mined block, 999 coins in place of 10, all else as it was".to_owned(),
            block: found,
            fault: Fault::Block("its parts are not those that its header names".to_owned()),
        },
        Attempt {
            what: "the same change, with the Merkle root of the changed list and new work".to_owned(),
            block: mined,
            fault: Fault::Block(BlockError::Transaction { index, source }.to_string()),
        },
    ])
}

fn swapped(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let block = made.sealed(|draft| {
        draft.envelopes.swap(0, 1);
        draft.list_transactions();
    })?;
    let (found, expected) = (1, 0);
    let error = ExecutionError::Transaction {
        index: 0,
        source: InclusionError::NonceTooHigh { found, expected },
    };
    let fault = Fault::execution(&block, &error);
    Ok(one(
        "nonce 1 before nonce 0, Merkle root and work as they should be",
        block,
        fault,
    ))
}

fn missing(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let block = made.sealed(|draft| {
        draft.envelopes.truncate(1);
        draft.list_transactions();
    })?;
    let alone = made
        .branch
        .draft(PRODUCER, UnixSecs(made.honest.header.time.into()), &block.envelopes)?;
    let error = ExecutionError::WrongGasUsed {
        found: made.honest.manifest.gas_used,
        expected: alone.manifest.gas_used,
    };
    let fault = Fault::execution(&block, &error);
    Ok(one(
        "one of two payments, with the gas and the state of both",
        block,
        fault,
    ))
}

fn doubled(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let first = made.draft.envelopes[0].clone();
    let id = RawTransaction::decode(first.clone())?
        .check(
            &tally_chain::genesis::identity(made.branch.spec()),
            &tally_chain::ReferenceVerifier,
        )?
        .id();
    let block = made.sealed(|draft| {
        draft.envelopes.push(first);
        draft.list_transactions();
    })?;
    let fault = Fault::Block(BlockError::DuplicateTransaction { id }.to_string());
    Ok(one(
        "the first payment once more at the end, Merkle root and work as they should be",
        block,
        fault,
    ))
}

/// The root of the state after the honest block, in which an account holds so much more.
fn root_with(made: &Made<'_>, account: Address, more: Amount) -> Result<B256, BranchError> {
    let executed = made.branch.execute(&made.honest.bytes())?;
    let mut changes: ChangeSet = executed.changes().clone();
    let before = made.branch.state().accounts().get(&account).copied();
    let mut holder = match changes.accounts.get(&account) {
        Some(changed) => changed.unwrap_or_default(),
        None => before.unwrap_or_default(),
    };
    holder.balance = holder.balance.checked_add(more).unwrap_or(Amount(U256::MAX));
    changes.accounts.insert(account, Some(holder));
    Ok(made.branch.state().tree().update(&changes).root())
}

fn wrong_state(made: &Made<'_>, what: &str, root: B256) -> Result<Vec<Attempt>, BranchError> {
    let block = made.sealed(|draft| draft.manifest.state_root = root)?;
    let error = ExecutionError::WrongStateRoot {
        found: root,
        expected: made.honest.manifest.state_root,
    };
    let fault = Fault::execution(&block, &error);
    Ok(one(what, block, fault))
}

fn state_root(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let mallory = Secp256k1Signer::of(made.scenario, 2).address();
    let root = root_with(made, mallory, coins(1_000_000))?;
    wrong_state(
        made,
        "the right payments, and a state in which Mallory holds a million more",
        root,
    )
}

fn reward(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let root = root_with(made, PRODUCER, made.branch.spec().issuance.reward)?;
    wrong_state(made, "the state after a reward of 100 coins, where 50 are due", root)
}

fn history(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let found = sha256(&[b"another past"]);
    let block = made.sealed(|draft| draft.manifest.history_root = found)?;
    let expected = made.honest.manifest.history_root;
    let fault = Fault::Block(BlockError::WrongHistoryRoot { found, expected }.to_string());
    Ok(one("a root of a history that never was", block, fault))
}

fn base_fee(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let block = made.sealed(|draft| draft.manifest.base_fee = 0)?;
    let expected = made.honest.manifest.base_fee;
    let fault = Fault::Block(BlockError::WrongBaseFee { found: 0, expected }.to_string());
    Ok(one("a base fee of 0", block, fault))
}

fn easy_bits(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let (found, expected) = (0x207f_ffff, made.draft.seal.bits);
    let block = made.sealed(|draft| draft.seal.bits = found)?;
    let error = BlockError::Seal(SealError::Work(WorkSealError::WrongBits { found, expected }));
    Ok(one(
        "a target that two hashes meet, where sixteen are required, and the work for that",
        block,
        Fault::Header(error.to_string()),
    ))
}

fn orphan(made: &Made<'_>) -> Result<Vec<Attempt>, BranchError> {
    let nowhere = tally_chain::BlockId(sha256(&[b"a block that nobody has"]));
    let block = made.sealed(|draft| draft.parent = nowhere)?;
    Ok(one(
        "a sealed header whose parent nobody knows",
        block,
        Fault::Unconnected,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CATALOGUE;
    use crate::scenario::Group;

    #[test]
    fn tampered_blocks_break_the_rule_that_they_are_about_and_the_honest_ones_none() {
        let now = UnixSecs(1_800_000_000);
        let bench = Bench::new(crate::world::spec(now), now);
        let mut branch = Branch::new(bench.spec.clone());
        branch.mine(PRODUCER, now, &[]).unwrap();
        let mut attacks = 0;
        for scenario in CATALOGUE.iter().filter(|scenario| scenario.group == Group::Blocks) {
            let Some(attack) = attack(scenario.id, &bench, &branch).unwrap() else {
                continue;
            };
            attacks += 1;
            assert!(!attack.attempts.is_empty());
            for attempt in &attack.attempts {
                let error = branch.execute(&attempt.block.bytes()).unwrap_err().to_string();
                let why = match &attempt.fault {
                    Fault::Block(reason) if reason.starts_with("its parts") => "transactions_root is",
                    Fault::Header(reason) | Fault::Block(reason) => reason,
                    Fault::Unconnected => "parent is",
                };
                let why = why.split_once("does not execute: ").map_or(why, |(_, why)| why);
                assert!(error.starts_with(why), "{}: {error}, expected {why}", scenario.id);
            }
            branch.import(&attack.honest.bytes()).unwrap();
            assert_eq!(branch.tip(), attack.honest.id());
        }
        assert_eq!(attacks, 10);
    }
}
