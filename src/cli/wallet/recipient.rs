//! Who is paid: an address, or a name that the wallet knows.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::bail;
use tally_chain::{Address, address};
use tally_wallet::Vault;

use super::super::hidden::{looks_like_key, looks_secret};

/// A recipient as it was typed. What looks like an address has to be one, so that a slip in it is never taken for a name.
#[derive(Debug, Clone)]
pub struct Recipient {
    typed: String,
    address: Option<Address>,
}

impl FromStr for Recipient {
    type Err = address::AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Rejected later, by words that do not repeat it: an error here would be printed with the text.
        if looks_like_key(text) {
            return Ok(Self {
                typed: text.to_owned(),
                address: None,
            });
        }
        let digits = text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit());
        let address = match digits || text.starts_with("0x") || text.starts_with("0X") {
            true => Some(address::parse(text)?),
            false => None,
        };
        Ok(Self {
            typed: text.to_owned(),
            address,
        })
    }
}

impl Recipient {
    /// The text of an address; names carry no checksum that could be missing.
    pub fn typed(&self) -> Option<&str> {
        self.address.map(|_| self.typed.as_str())
    }

    /// The address, by the address book or the labels of accounts where it is a name.
    pub fn resolve(&self, vault: &Vault) -> anyhow::Result<Address> {
        if let Some(address) = self.address {
            return Ok(address);
        }
        let name = &self.typed;
        let contacts = vault.contacts().iter().filter(|contact| contact.label == *name);
        let accounts = vault.accounts().filter(|account| account.label == *name);
        let found: BTreeSet<Address> = contacts
            .map(|contact| contact.address)
            .chain(accounts.map(|account| account.address))
            .collect();
        match (found.first(), found.len()) {
            (Some(address), 1) => Ok(*address),
            (Some(_), _) => bail!("several addresses have the name {name:?}; give the address"),
            (None, _) if looks_secret(name) => bail!("a key or a phrase is no recipient, and is not repeated here"),
            (None, _) => bail!("neither the address book nor an account has the name {name:?}, and it is no address"),
        }
    }
}
