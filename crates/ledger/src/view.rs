//! What execution may read: the state after some block.

use tally_chain::state_tree::Account;
use tally_chain::{Address, B256, BlockId, Bytes, Height};

/// The state cannot be read; nothing is known about the block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state cannot be read: {0}")]
pub struct StateError(pub String);

/// The state after some block, and that block's ancestors by number.
pub trait StateView {
    /// `None` for an account that does not exist.
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError>;
    /// Zero for a slot that was never written.
    fn storage(&self, address: &Address, slot: &B256) -> Result<B256, StateError>;
    /// The code whose `keccak256` is `hash`.
    fn code(&self, hash: &B256) -> Result<Bytes, StateError>;
    /// Id of the block of this number on this branch, up to the block whose state this is; for `BLOCKHASH`.
    fn block_id(&self, number: Height) -> Result<Option<BlockId>, StateError>;
}

impl<V: StateView + ?Sized> StateView for &V {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        (**self).account(address)
    }

    fn storage(&self, address: &Address, slot: &B256) -> Result<B256, StateError> {
        (**self).storage(address, slot)
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        (**self).code(hash)
    }

    fn block_id(&self, number: Height) -> Result<Option<BlockId>, StateError> {
        (**self).block_id(number)
    }
}
