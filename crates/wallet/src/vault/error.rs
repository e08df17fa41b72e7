//! Why an operation on a vault fails.

use tally_chain::{Address, BlockId, KeyKind};
use thiserror::Error;

use crate::hd::HdError;
use crate::sealed::ContainerError;

/// Why an operation on a vault fails.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum VaultError {
    #[error(transparent)]
    Container(#[from] ContainerError),
    #[error("the vault opened, but its {field} is not valid")]
    Contents { field: &'static str },
    #[error("this vault is bound to the chain with genesis {expected}, not {found}")]
    OtherChain { found: BlockId, expected: BlockId },
    #[error("the vault already has the account {kind} {index}")]
    Exists { kind: KeyKind, index: u32 },
    #[error("the vault already has the account {address}")]
    HasAccount { address: Address },
    #[error(
        "{address} and {other} have a prime number in common: anyone can take the coins of both. Keep neither, and move what they hold to a new account"
    )]
    SharedPrime { address: Address, other: Address },
    #[error("the vault is full: it has {max} accounts")]
    Full { max: usize },
    #[error("label has {len} bytes, at most {max} are allowed")]
    LabelTooLong { len: usize, max: usize },
    #[error("label has the character U+{code:04X}, which cannot be seen or changes how the rest is seen")]
    LabelCharacter { code: u32 },
    #[error("a name is needed")]
    LabelEmpty,
    #[error("passphrase has {len} bytes, at most {max} are allowed")]
    PassphraseTooLong { len: usize, max: usize },
    #[error("the vault has no account {address}")]
    NoAccount { address: Address },
    #[error("the list has {len} accounts; there is no place {position} in it")]
    NoPlace { position: usize, len: usize },
    #[error("{kind} has no prime search; only RSA accounts need one")]
    NotRsa { kind: KeyKind },
    #[error("the vault has no private key of {address}: it only watches this account")]
    WatchOnly { address: Address },
    #[error("{address} is not only watched; its key stays in the vault, so it can be archived but not removed")]
    NotWatched { address: Address },
    #[error("the public key belongs to {key}, not to {address}")]
    OtherKey { address: Address, key: Address },
    #[error("the address book already has {address}")]
    HasContact { address: Address },
    #[error("the address book has no {address}")]
    NoContact { address: Address },
    #[error("the address book is full: it has {max} entries")]
    ContactsFull { max: usize },
    #[error("the vault's secrets do not give the key of {address}")]
    Inconsistent { address: Address },
    #[error(transparent)]
    Hd(#[from] HdError),
}
