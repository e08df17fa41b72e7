//! Types of the wallet as messages to the page.

use tally_api::worker::wallet::{AccountOrigin, AccountSummary, ContactSummary, WalletError};
use tally_wallet::vault::VaultError;
use tally_wallet::{Account, Contact, ContainerError, Origin};

pub fn account(account: &Account) -> AccountSummary {
    AccountSummary {
        origin: match account.origin {
            Origin::Derived { index } => AccountOrigin::Derived { index },
            Origin::Imported => AccountOrigin::Imported,
            Origin::Watched => AccountOrigin::Watched,
            Origin::Shared => AccountOrigin::Shared,
        },
        kind: account.kind(),
        label: account.label.clone(),
        address: account.address.to_string(),
        archived: account.archived,
    }
}

pub fn contact(contact: &Contact) -> ContactSummary {
    ContactSummary {
        address: contact.address.to_string(),
        label: contact.label.clone(),
    }
}

/// An error's own words as a sentence.
pub fn sentence(error: impl ToString) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

pub fn container(error: ContainerError) -> WalletError {
    match error {
        ContainerError::WrongPassword => WalletError::WrongPassword,
        other => WalletError::Vault(sentence(other)),
    }
}

pub fn vault_error(error: VaultError) -> WalletError {
    match error {
        VaultError::Container(error) => container(error),
        other => WalletError::Vault(sentence(other)),
    }
}

pub fn payment_error(error: tally_wallet::PaymentError) -> WalletError {
    WalletError::Payment(sentence(error))
}

/// A rejected change is the user's to correct; other errors stay what they are.
pub fn edit_error(error: WalletError) -> WalletError {
    match error {
        WalletError::Vault(why) => WalletError::Edit(why),
        other => other,
    }
}
