//! The wallet's words as the page takes them.

use tally_api::worker::wallet::{AccountOrigin, AccountSummary, ContactSummary, Trouble};
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

pub fn container(error: ContainerError) -> Trouble {
    match error {
        ContainerError::WrongPassword => Trouble::WrongPassword,
        other => Trouble::Vault(sentence(other)),
    }
}

pub fn vault_trouble(error: VaultError) -> Trouble {
    match error {
        VaultError::Container(error) => container(error),
        other => Trouble::Vault(sentence(other)),
    }
}

pub fn payment_trouble(error: tally_wallet::PaymentError) -> Trouble {
    Trouble::Payment(sentence(error))
}

/// A refusal of a change is the user's to correct; other troubles stay what they are.
pub fn edit_trouble(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Vault(why) => Trouble::Edit(why),
        other => other,
    }
}
