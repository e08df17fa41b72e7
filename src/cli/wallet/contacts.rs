//! `tally wallet contacts add | list | rename | remove`: the address book of the vault.

use clap::Subcommand;
use serde_json::json;
use tally_chain::{Address, address};

use super::file::VaultFile;

#[derive(Debug, Subcommand)]
pub enum ContactsCommand {
    /// Add an address under a name
    Add {
        /// The address, with or without its checksum
        #[arg(value_parser = address::parse)]
        address: Address,
        /// What it is called in the book
        name: String,
    },
    /// Give an address of the book another name
    Rename {
        /// The address, with or without its checksum
        #[arg(value_parser = address::parse)]
        address: Address,
        /// What it is called in the book
        name: String,
    },
    /// Take an address out
    Remove {
        /// The address, with or without its checksum
        #[arg(value_parser = address::parse)]
        address: Address,
    },
    /// List the address book
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(file: &VaultFile, command: &ContactsCommand) -> anyhow::Result<()> {
    let (mut vault, key) = file.open()?;
    match command {
        ContactsCommand::Add { address, name } => vault.add_contact(*address, name)?,
        ContactsCommand::Rename { address, name } => vault.rename_contact(*address, name)?,
        ContactsCommand::Remove { address } => vault.remove_contact(*address)?,
        ContactsCommand::List { json } => {
            let contacts = vault.contacts();
            if *json {
                // Addresses as people read them, with their checksum: docs/protocol.md#A1
                let shown: Vec<_> = contacts
                    .iter()
                    .map(|contact| json!({ "address": contact.address.to_string(), "label": contact.label }))
                    .collect();
                println!("{}", serde_json::to_string_pretty(&shown)?);
            } else {
                for contact in contacts {
                    println!("{}  {}", contact.address, contact.label);
                }
            }
            return Ok(());
        }
    }
    file.replace(&vault, &key)
}
