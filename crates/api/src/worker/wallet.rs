//! What a page and the wallet's worker send each other.
//!
//! Secrets live in the worker. Only these texts cross this line: a new phrase, once, to be written down;
//! a phrase that is being restored, with its passphrase;
//! a key file that is being read; and passwords. They travel as [`SecretText`].

#![allow(
    missing_docs,
    reason = "a message's docstring says what its fields hold, where their names do not"
)]

mod error;
mod keys;
mod shared;

use std::fmt;

use serde::{Deserialize, Serialize};
use tally_chain::{Amount, Bytes, KeyKind, words::Language};
use zeroize::Zeroizing;

pub use error::WalletError;
pub use keys::{FoundKey, KeyFormat, PublicKeyTexts};
pub use shared::{ProposalView, SharedRequest, SignerView};

/// A phrase or a password on its way between page and worker: wiped when dropped, never printed, and stored nowhere.
#[derive(Default)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one who uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(hidden)")
    }
}

impl Serialize for SecretText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The chain that the page shows: a vault is bound to its genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Genesis id as it is shown. Rule: docs/protocol.md#H2
    pub genesis: String,
    pub chain_id: u64,
    pub name: String,
}

/// A vault in this browser that belongs to another chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherVault {
    pub chain: Chain,
    /// Unix seconds.
    pub created_at: u64,
}

/// Where an account comes from. Rule: docs/protocol.md#W14
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccountOrigin {
    /// From the phrase, at this index. Rules: docs/protocol.md#W2, #W3
    Derived { index: u32 },
    /// Its key came from outside: the phrase does not bring it back.
    Imported,
    /// Looked at without a key.
    Watched,
    /// Several keys vouch for it. Rule: docs/protocol.md#W60
    Shared,
}

/// One account; nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountSummary {
    pub origin: AccountOrigin,
    /// None where only the address is known.
    pub kind: Option<KeyKind>,
    pub label: String,
    /// With its EIP-55 checksum.
    pub address: String,
    pub archived: bool,
}

impl AccountSummary {
    /// Whether the wallet can sign for it.
    pub fn can_sign(&self) -> bool {
        !matches!(self.origin, AccountOrigin::Watched | AccountOrigin::Shared)
    }
}

/// An entry of the address book.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContactSummary {
    /// With its EIP-55 checksum.
    pub address: String,
    pub label: String,
}

/// A change to what the vault keeps, by address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edit {
    Rename {
        address: String,
        label: String,
    },
    Archive {
        address: String,
        archived: bool,
    },
    /// To this place of the list, from 0.
    Move {
        address: String,
        position: usize,
    },
    Watch {
        address: String,
        label: String,
    },
    Unwatch {
        address: String,
    },
    AddContact {
        address: String,
        label: String,
    },
    RenameContact {
        address: String,
        label: String,
    },
    RemoveContact {
        address: String,
    },
}

/// Prices per gas, base units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    #[serde(with = "crate::text::per_gas")]
    pub max_fee: u128,
    #[serde(with = "crate::text::per_gas")]
    pub max_priority_fee: u128,
}

/// What is to be paid, before it is bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentDraft {
    pub from: String,
    pub to: String,
    pub value: Amount,
    pub memo: String,
    pub nonce: u64,
    /// Unix seconds.
    pub timestamp: u64,
    pub prices: Prices,
}

/// A memo as it may be shown. Rule: docs/protocol.md#W8
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemoText {
    None,
    Text(String),
    /// Not plain text: 0x-prefixed hex.
    Hex(String),
}

/// The content of the bytes that will be signed, read back from them. Rule: docs/protocol.md#W8
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewText {
    pub chain_id: u64,
    pub genesis: String,
    pub from: String,
    /// None creates a contract.
    pub to: Option<String>,
    pub value: Amount,
    pub memo: MemoText,
    /// The program of a new contract, in hex; none where there is a receiver.
    pub init_code: Option<String>,
    pub nonce: u64,
    pub timestamp: u64,
    pub gas_limit: u64,
    /// Base units per gas.
    pub max_fee_per_gas: Amount,
    pub max_priority_fee_per_gas: Amount,
    /// The most that the fee can become.
    pub max_fee: Amount,
    /// Value and highest fee together.
    pub max_total: Amount,
}

/// What a page may request.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Which chain this is; the answer is whether there is a vault for it.
    Look {
        chain: Chain,
    },
    /// Makes a phrase of 12 or 24 words, shown once.
    NewPhrase {
        words: u8,
        language: Language,
    },
    /// Checks words of the new phrase back: positions count from 1.
    CheckWords {
        words: Vec<(u8, SecretText)>,
    },
    /// Takes a phrase that the user already has; without a language it is found out.
    TakePhrase {
        phrase: SecretText,
        language: Option<Language>,
    },
    /// Wipes the phrase that was made or taken and has no vault yet: the user has left the pages that make one of it.
    DropPhrase,
    /// Finds the first keys of the phrase, and keeps them in a new vault under this password.
    Create {
        password: SecretText,
        /// BIP-39's, empty for none.
        passphrase: SecretText,
    },
    Unlock {
        password: SecretText,
    },
    AddAccount {
        kind: KeyKind,
    },
    /// Begins to look for used accounts of a kind; the usual gap where none is given. Rule: docs/protocol.md#W15
    Discover {
        kind: KeyKind,
        gap: Option<u32>,
    },
    /// Which of the addresses that were answered are used, in order.
    Discovered {
        used: Vec<bool>,
    },
    /// Reads the vault again: another tab has written it.
    Refresh,
    /// Changes a label, the order, the address book and the like.
    Edit {
        edit: Edit,
    },
    /// Seals the vault under another password.
    ChangePassword {
        current: SecretText,
        new: SecretText,
    },
    /// The sealed vault, to be kept elsewhere.
    Backup,
    /// Finds out whether a file is a whole sealed vault, before the prompt for a password.
    CheckBackup {
        file: Bytes,
    },
    /// Keeps a sealed vault in this browser, and opens it.
    RestoreBackup {
        file: Bytes,
        password: SecretText,
    },
    /// Reads a key file, whose text may itself be secret, and answers what it holds.
    ReadKey {
        file: SecretText,
        password: SecretText,
    },
    /// Keeps the key that was read last.
    KeepKey {
        label: String,
    },
    /// Forgets it.
    DropKey,
    /// A private key as an encrypted file; the vault's password is required.
    ExportKey {
        address: String,
        format: KeyFormat,
        vault_password: SecretText,
        file_password: SecretText,
    },
    PublicKey {
        address: String,
    },
    /// Builds the bytes of a payment, and reads them back.
    Prepare {
        draft: PaymentDraft,
    },
    /// Builds the bytes that take the place of a waiting transaction: the same payment for more, or nothing at all.
    Replace {
        from: String,
        /// The waiting one, as it was signed.
        envelope: Bytes,
        cancel: bool,
        /// Unix seconds.
        timestamp: u64,
        /// At least; and a tenth more than the waiting one's.
        prices: Prices,
    },
    /// Signs bytes that were prepared and read back before.
    Sign {
        from: String,
        payload: Bytes,
    },
    /// Builds the bytes of a transfer from the first account of the phrase that everyone knows, and reads them back.
    /// Rule: docs/protocol.md#W6
    PrepareTestCoins {
        draft: PaymentDraft,
    },
    /// Shared accounts, and proposals that collect signatures.
    Shared(SharedRequest),
    /// Deletes the vault of this chain.
    Forget,
}

impl Request {
    /// Whether it writes the vault, so that other tabs have to read it again.
    pub fn writes(&self) -> bool {
        if let Self::Shared(request) = self {
            return request.writes();
        }
        matches!(
            self,
            Self::Create { .. }
                | Self::AddAccount { .. }
                | Self::Discovered { .. }
                | Self::Edit { .. }
                | Self::KeepKey { .. }
                | Self::ChangePassword { .. }
                | Self::RestoreBackup { .. }
                | Self::Forget
        )
    }
}

/// What the worker answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Looked {
        vault: bool,
        others: Vec<OtherVault>,
    },
    /// The words joined by spaces, and the positions (from 1) that the user has to type again.
    NewPhrase {
        phrase: SecretText,
        check_words: Vec<u8>,
    },
    Done,
    Open {
        accounts: Vec<AccountSummary>,
        contacts: Vec<ContactSummary>,
    },
    /// Whether these were ever used is to be found out, and sent with `Discovered`.
    Wanted {
        addresses: Vec<String>,
    },
    /// Encrypted: it opens with the password only.
    Backup {
        file: Bytes,
    },
    KeyFound(FoundKey),
    /// Encrypted: it opens with its own password only.
    KeyFile {
        name: String,
        text: String,
    },
    PublicKey(PublicKeyTexts),
    /// A shared account, to be handed on.
    SharedText {
        text: String,
    },
    Proposal(Box<ProposalView>),
    Prepared {
        payload: Bytes,
        review: Box<ReviewText>,
    },
    /// Id of the transaction and the envelope to send.
    Signed {
        id: String,
        envelope: Bytes,
    },
}

/// How far the search for an RSA key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchProgress {
    /// Primes found: 0 or 1.
    pub primes: u8,
    /// Candidates drawn so far.
    pub drawn: u32,
    /// Candidates that such a search draws on average.
    pub expected: u32,
}

impl SearchProgress {
    /// Permille for a bar: grows always, half of it belongs to each prime, full only at the end.
    pub fn permille(self) -> u32 {
        let share = f64::from(self.drawn) / f64::from(self.expected.max(1));
        let guess = 1.0 - (-1.6 * share).exp();
        let floor = f64::from(self.primes.min(1)) * 0.5;
        let ceiling = if self.primes == 0 { 0.6 } else { 0.99 };
        (guess.clamp(floor, ceiling) * 1_000.0) as u32
    }
}

/// From the page to the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToWorker {
    Request {
        number: u32,
        request: Request,
    },
    /// Stops the search that is under way.
    Cancel,
}

/// From the worker to the page.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// It listens now.
    Ready,
    Answer {
        number: u32,
        outcome: Result<Answer, WalletError>,
    },
    Progress(SearchProgress),
}

#[cfg(test)]
mod tests {
    use tally_chain::U256;

    use super::*;

    #[test]
    fn progress_grows_and_is_never_full() {
        let at = |primes, drawn| {
            SearchProgress {
                primes,
                drawn,
                expected: 1_420,
            }
            .permille()
        };
        assert_eq!(at(0, 0), 0);
        assert!(at(0, 300) < at(0, 600));
        assert_eq!(at(0, 9_000), 600);
        assert_eq!(at(1, 1), 500);
        assert_eq!(at(1, 90_000), 990);
    }

    #[test]
    fn amounts_and_prices_travel_exactly() {
        let draft = PaymentDraft {
            from: "0x01".to_owned(),
            to: "0x02".to_owned(),
            value: Amount(U256::MAX),
            memo: String::new(),
            nonce: 0,
            timestamp: 0,
            prices: Prices {
                max_fee: u128::MAX,
                max_priority_fee: 1,
            },
        };
        let sent = serde_json::to_value(&draft).unwrap();
        assert_eq!(sent["value"], U256::MAX.to_string());
        assert_eq!(sent["prices"]["max_fee"], u128::MAX.to_string());
        assert_eq!(serde_json::from_value::<PaymentDraft>(sent.clone()).unwrap(), draft);

        let mut typed = sent;
        typed["value"] = "0.5".into();
        let refused = serde_json::from_value::<PaymentDraft>(typed).unwrap_err().to_string();
        assert_eq!(
            refused,
            "amount has the character '.'; only digits and one decimal point are allowed"
        );
    }

    #[test]
    fn secrets_do_not_print() {
        let request = Request::Unlock {
            password: SecretText::new("hunter2".to_owned()),
        };
        assert_eq!(format!("{request:?}"), "Unlock { password: SecretText(hidden) }");
    }
}
