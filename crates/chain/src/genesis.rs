//! Block 0. Rule: docs/protocol.md#C3

use alloy_primitives::{Address, B256, Bytes};

use crate::block::RawBlock;
use crate::hash::BlockId;
use crate::manifest::Manifest;
use crate::merkle;
use crate::spec::ChainSpec;
use crate::state_tree::{self, Account};
use crate::transaction::ChainIdentity;
use crate::units::Height;

/// Accounts that exist from genesis on.
pub fn accounts(spec: &ChainSpec) -> Vec<(Address, Account)> {
    spec.allocations
        .iter()
        .map(|a| {
            (
                a.address,
                Account {
                    balance: a.balance,
                    ..Account::default()
                },
            )
        })
        .filter(|(_, account)| !account.is_empty())
        .collect()
}

/// The genesis block of a spec.
pub fn block(spec: &ChainSpec) -> RawBlock {
    let mut leaves: Vec<_> = accounts(spec)
        .iter()
        .map(|(address, account)| {
            (
                state_tree::account_key(address),
                state_tree::value_hash(&account.encode()),
            )
        })
        .collect();
    leaves.sort_unstable();
    let engine = spec.engine();
    let manifest = Manifest {
        number: Height::GENESIS,
        producer: Address::ZERO,
        state_root: state_tree::root_of(&leaves),
        transactions_root: merkle::root(&[]),
        receipts_root: merkle::root(&[]),
        history_root: B256::ZERO,
        gas_limit: spec.limits.gas_limit,
        gas_used: 0,
        base_fee: spec.fees.initial_base_fee.into(),
        // With the spec's hash in it, the genesis id names this chain alone; nodes and signatures distinguish chains by it.
        extra: Bytes::copy_from_slice(spec.hash().as_slice()),
        seal: engine.manifest_seal(),
    };
    let header = engine
        .genesis_seal()
        .header(BlockId::ZERO, manifest.root(), spec.genesis_time);
    RawBlock {
        header,
        manifest,
        transactions: Vec::new(),
    }
}

/// What signatures on this chain are bound to.
pub fn identity(spec: &ChainSpec) -> ChainIdentity {
    ChainIdentity {
        chain_id: spec.chain_id,
        genesis: block(spec).header.id(),
    }
}
