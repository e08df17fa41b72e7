//! A block that many miners share: assembled once, and then paid out to any producer by changing one account.
//!
//! Nothing in it depends on who is paid: code that looks at the producer is left out, and an account that code has
//! looked at cannot be the producer. So a template for another address costs one read and one path of the state tree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tally_chain::consensus::HeaderSeal;
use tally_chain::hash::sha256;
use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, Ancestors, Bytes, ChainSpec, CheckedTransaction, Manifest, TxId};

use crate::assemble::{latest_time, select, unclosed};
use crate::changes::ChangeSet;
use crate::context::BlockContext;
use crate::evm::{Executor, InclusionError};
use crate::execute::close_shared;
use crate::tree::StateTree;
use crate::view::{StateError, StateView};
use crate::watch::Sharing;

/// Where a shared block stands.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The blocks that it continues.
    pub ancestors: &'a Ancestors,
    /// Unix seconds; at least the ancestors' earliest time for a block. Rule: docs/protocol.md#B3
    pub time: u32,
    /// Whether it may hold transactions that run code.
    pub code: bool,
}

/// A block without a producer.
#[derive(Debug, Clone)]
pub struct SharedBlock {
    manifest: Manifest,
    /// Fields of the header that the engine decides. Rule: docs/protocol.md#D1
    pub seal: HeaderSeal,
    /// Unix seconds; what code sees as the block's time.
    pub time: u32,
    /// The last time, in Unix seconds, that the header may have: a later one would change what the block does.
    pub latest_time: u32,
    /// What it holds, in the order in which it executes.
    pub transactions: Arc<Vec<CheckedTransaction>>,
    /// What was left out, and why.
    pub refused: Vec<(TxId, InclusionError)>,
    /// What the producer earns: subsidy and priority fees.
    reward: Amount,
    accounts: BTreeMap<Address, Option<Account>>,
    tree: StateTree,
    looked_at: BTreeSet<Address>,
}

/// The account in the place of the producer while a shared block is assembled. No key for it is known.
fn stand_in() -> Address {
    Address::from_slice(&sha256(&[b"tally/any-producer"])[12..])
}

impl SharedBlock {
    /// Takes transactions in the given order while they fit and do not look at the producer.
    pub fn assemble<V: StateView + ?Sized>(
        draft: Draft<'_>,
        transactions: impl IntoIterator<Item = CheckedTransaction>,
        view: &V,
        tree: &StateTree,
        spec: &ChainSpec,
    ) -> Result<Self, StateError> {
        let Draft { ancestors, time, code } = draft;
        let context = BlockContext::next(ancestors, time, stand_in(), spec);
        let sharing = if code { Sharing::AnyCode } else { Sharing::NoCode };
        let mut executor = Executor::shared(context.clone(), view, sharing);
        let selected = select(&mut executor, &context, transactions, spec)?;
        let (gas_used, fees) = (executor.gas_used(), executor.tips());
        let latest_time = latest_time(time, executor.time_seen(), &selected.taken);
        let looked_at = executor.take_looked_at();
        let closed = close_shared(executor, &context, spec).map_err(unclosed)?;
        let manifest = selected.manifest(&context, ancestors, gas_used, spec);
        Ok(Self {
            manifest,
            seal: spec.engine().next_seal(ancestors),
            time,
            latest_time,
            transactions: Arc::new(selected.taken),
            refused: selected.refused,
            reward: fees.checked_add(closed.subsidy).ok_or_else(overflow)?,
            tree: tree.update(&closed.changes),
            accounts: closed.changes.accounts,
            looked_at,
        })
    }

    /// Whether a transaction was left out because it looks at the producer.
    pub fn left_out_for_sharing(&self) -> bool {
        let dependent = |(_, error): &(TxId, InclusionError)| *error == InclusionError::DependsOnProducer;
        self.refused.iter().any(dependent)
    }

    /// Whether this block may be this producer's: code in it has not looked at the account.
    pub fn suits(&self, producer: Address) -> bool {
        !self.looked_at.contains(&producer)
    }

    /// The manifest of this block for a producer; none if code in it has looked at this very account.
    ///
    /// `view` is that of the parent's state, as when it was assembled.
    pub fn manifest_for<V: StateView + ?Sized>(
        &self,
        producer: Address,
        extra: Bytes,
        view: &V,
    ) -> Result<Option<Manifest>, StateError> {
        if !self.suits(producer) {
            return Ok(None);
        }
        let mut account = match self.accounts.get(&producer) {
            Some(account) => *account,
            // The block has not changed it: it is as the parent left it.
            None => view.account(&producer)?,
        }
        .unwrap_or_default();
        account.balance = account.balance.checked_add(self.reward).ok_or_else(overflow)?;
        let mut paid = ChangeSet::default();
        if !self.reward.is_zero() {
            paid.accounts.insert(producer, Some(account));
        }
        Ok(Some(Manifest {
            producer,
            extra,
            state_root: self.tree.update(&paid).root(),
            ..self.manifest.clone()
        }))
    }
}

fn overflow() -> StateError {
    StateError("the producer's balance would be 2^256 base units or more".to_owned())
}
