//! The wallet: phrases, keys, the encrypted vault, building and signing transactions.
//!
//! Pure: no I/O, no clock; time and randomness come as arguments. Builds natively and for wasm32.
//! Amounts as people write them are in [`tally_chain::Amount`]: `from_coins` and `to_coins`.

#![deny(clippy::unwrap_used)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")
)]

pub mod account;
#[cfg(test)]
mod corpora_tests;
pub mod discovery;
pub mod fees;
pub mod file_text;
pub mod hd;
pub mod keys;
pub mod keystore;
mod montgomery;
pub mod payment;
pub mod phrase;
mod prime;
pub mod proposal;
mod public_accounts;
pub mod replace;
pub mod request;
pub mod rsa_search;
mod sealed;
pub mod shared;
pub mod signers;
pub mod submission;
mod text;
pub mod vault;
pub mod warnings;

pub use account::{Account, Origin, usual_label};
pub use discovery::Discovery;
pub use fees::{Fee, FeeLevel, FeeSuggestions};
pub use keys::{KeyError, RsaBits, RsaKey, Secp256k1Key, SigningKey};
pub use payment::{Memo, Payment, PaymentError, Review, Signed};
pub use phrase::{Language, Phrase, PhraseError, PhraseLength};
pub use proposal::{Proposal, ProposalError};
pub use rand_core;
pub use replace::{ReplaceError, Replacement};
pub use request::{PaymentRequest, RequestError};
pub use rsa_search::{Progress, RsaSearch, Step};
pub use sealed::{ContainerError, KdfParams, MAX_CIPHERTEXT_BYTES, MAX_CONTAINER_BYTES, VaultKey, check_container};
pub use shared::{SharedAccount, SharedError};
pub use signers::Signers;
pub use submission::{Earlier, Outcome, Rejection, Uncertain};
pub use tally_chain::{KeyKind, PublicKey};
pub use vault::{ChainBinding, Changed, Contact, Settings, Vault, VaultError};
pub use warnings::{Warning, Warnings, Weight};

/// The system's random numbers (in a browser: `crypto.getRandomValues`), for functions that take an `rng`.
///
/// It panics when the system has none, because nothing secret may be made then.
pub fn system_rng() -> impl rand_core::CryptoRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}
