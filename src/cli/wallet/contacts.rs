//! `tally wallet contacts add | list | rename | remove`: the address book of the vault.

use clap::Subcommand;
use serde_json::json;
use tally_chain::{Address, address};

use super::super::out::outln;
use super::file::VaultFile;

#[derive(Debug, Subcommand)]
pub enum ContactsCommand {
    /// Add an address under a name
    Add {
        /// The address, with or without its checksum
        #[arg(value_parser = address::parse)]
        address: Address,
        /// Its name in the book
        name: String,
    },
    /// Rename an address of the book
    Rename {
        /// The address, with or without its checksum
        #[arg(value_parser = address::parse)]
        address: Address,
        /// Its name in the book
        name: String,
    },
    /// Remove an address
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
    if let ContactsCommand::List { json } = command {
        return list(file, *json);
    }
    let (mut vault, change) = file.change()?;
    match command {
        ContactsCommand::Add { address, name } => vault.add_contact(*address, name)?,
        ContactsCommand::Rename { address, name } => vault.rename_contact(*address, name)?,
        ContactsCommand::Remove { address } => vault.remove_contact(*address)?,
        ContactsCommand::List { .. } => {}
    }
    change.keep(&vault)
}

fn list(file: &VaultFile, json: bool) -> anyhow::Result<()> {
    let (vault, _) = file.open()?;
    let contacts = vault.contacts();
    if json {
        // Addresses as people read them, with their checksum: docs/protocol.md#A1
        let shown: Vec<_> = contacts
            .iter()
            .map(|contact| json!({ "address": contact.address.to_string(), "label": contact.label }))
            .collect();
        outln!("{}", serde_json::to_string_pretty(&shown)?)?;
        return Ok(());
    }
    for contact in contacts {
        outln!("{}  {}", contact.address, contact.label)?;
    }
    Ok(())
}
