//! The block around a transaction, as contracts and fees see it. Rule: docs/protocol.md#X1

use revm::context::BlockEnv;
use tally_chain::hash::sha256;
use tally_chain::{Address, Ancestors, B256, BlockId, ChainSpec, Height, LinkedBlock, U256};

/// What contracts and fees see of the block around a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockContext {
    /// What `CHAINID` returns.
    pub chain_id: u64,
    /// Height of the block.
    pub number: Height,
    /// Id of the block before.
    pub parent: BlockId,
    /// Unix seconds.
    pub time: u32,
    /// What `COINBASE` returns: receives the priority fees.
    pub producer: Address,
    /// Most gas of all transactions together.
    pub gas_limit: u64,
    /// Base units per gas.
    pub base_fee: u128,
}

impl BlockContext {
    /// That of a block that is executed.
    pub fn of(block: &LinkedBlock, spec: &ChainSpec) -> Self {
        let (header, manifest) = (block.header(), block.manifest());
        Self {
            chain_id: spec.chain_id,
            number: manifest.number,
            parent: header.parent,
            time: header.time,
            producer: manifest.producer,
            gas_limit: manifest.gas_limit,
            base_fee: manifest.base_fee,
        }
    }

    /// Of a block that continues these ancestors; `time` in Unix seconds.
    pub(crate) fn next(ancestors: &Ancestors, time: u32, producer: Address, spec: &ChainSpec) -> Self {
        Self {
            chain_id: spec.chain_id,
            number: ancestors.parent.manifest.number.next(),
            parent: ancestors.parent.id,
            time,
            producer,
            gas_limit: spec.limits.gas_limit,
            base_fee: ancestors.next_base_fee(spec),
        }
    }

    /// Rule: docs/protocol.md#X1
    pub(crate) fn env(&self) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number.0),
            beneficiary: self.producer,
            timestamp: U256::from(self.time),
            gas_limit: self.gas_limit,
            // The EVM's field has 64 bits. Only what `BASEFEE` shows is cut off: fees are reckoned in 128 (X1).
            basefee: self.base_fee.try_into().unwrap_or(u64::MAX),
            difficulty: U256::ZERO,
            prevrandao: Some(prevrandao(&self.parent)),
            ..BlockEnv::default()
        }
    }
}

/// Rule: docs/protocol.md#X1
pub(crate) fn prevrandao(parent: &BlockId) -> B256 {
    // Of the parent: the miner of a block cannot try nonces until its own transactions see a number that suits it.
    sha256(&[b"tally/randao", parent.as_bytes()])
}
