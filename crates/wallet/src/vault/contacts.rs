//! The address book of a vault. Rule: docs/protocol.md#W14

use serde::{Deserialize, Serialize};
use tally_chain::Address;

use super::{MAX_CONTACTS, Vault, VaultError, check_label};

/// A person whose address the user has named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The address that the label is for.
    pub address: Address,
    /// Never empty, at most [`MAX_LABEL_BYTES`](super::MAX_LABEL_BYTES) bytes.
    pub label: String,
}

impl Vault {
    /// In the order in which they were added.
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Adds an address under a name.
    pub fn add_contact(&mut self, address: Address, label: &str) -> Result<(), VaultError> {
        check_name(label)?;
        if self.contacts.iter().any(|contact| contact.address == address) {
            return Err(VaultError::HasContact { address });
        }
        if self.contacts.len() >= MAX_CONTACTS {
            return Err(VaultError::ContactsFull { max: MAX_CONTACTS });
        }
        self.contacts.push(Contact {
            address,
            label: label.to_owned(),
        });
        Ok(())
    }

    /// Gives an address of the book another name.
    pub fn rename_contact(&mut self, address: Address, label: &str) -> Result<(), VaultError> {
        check_name(label)?;
        let place = self.contact_place(address)?;
        self.contacts[place].label = label.to_owned();
        Ok(())
    }

    /// Takes an address out of the book.
    pub fn remove_contact(&mut self, address: Address) -> Result<(), VaultError> {
        let place = self.contact_place(address)?;
        self.contacts.remove(place);
        Ok(())
    }

    fn contact_place(&self, address: Address) -> Result<usize, VaultError> {
        let place = self.contacts.iter().position(|contact| contact.address == address);
        place.ok_or(VaultError::NoContact { address })
    }
}

fn check_name(label: &str) -> Result<(), VaultError> {
    if label.trim().is_empty() {
        return Err(VaultError::LabelEmpty);
    }
    check_label(label)
}
