//! What the wallet has: its accounts, their balances.

use anyhow::bail;
use clap::Args;
use serde_json::json;
use tally_chain::{Address, address};
use tally_wallet::{Account, KeyKind, PublicKey};

use super::super::client::Client;
use super::super::out::outln;
use super::file::VaultFile;

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct BalanceArgs {
    /// Addresses; without any, the wallet's own
    addresses: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn list(file: &VaultFile, args: &ListArgs) -> anyhow::Result<()> {
    let (vault, _) = file.open()?;
    if args.json {
        // Addresses as people read them, with their checksum: docs/protocol.md#A1
        let shown = |account: &Account| {
            json!({
                "origin": account.origin.name(),
                "kind": account.kind(),
                "index": account.index(),
                "label": account.label,
                "address": account.address.to_string(),
                "public_key": account.key.as_ref().map(PublicKey::bytes),
                "archived": account.archived,
            })
        };
        let accounts: Vec<_> = vault.accounts().map(shown).collect();
        let shown = json!({ "chain": vault.chain(), "accounts": accounts });
        outln!("{}", serde_json::to_string_pretty(&shown)?)?;
        return Ok(());
    }
    outln!("chain {} (genesis {})", vault.chain().name, vault.chain().genesis)?;
    for account in vault.accounts() {
        let kind = account.kind().map_or("?", KeyKind::name);
        let origin = match account.index() {
            Some(index) => index.to_string(),
            None => account.origin.name().to_owned(),
        };
        let archived = if account.archived { "  (archived)" } else { "" };
        outln!(
            "{}  {kind:<9} {origin:>8}  {}{archived}",
            account.address,
            account.label
        )?;
    }
    Ok(())
}

pub fn balance(file: &VaultFile, client: &Client, args: &BalanceArgs) -> anyhow::Result<()> {
    let status = client.status()?;
    let addresses: Vec<Address> = match &args.addresses[..] {
        [] => {
            let (vault, _) = file.open()?;
            vault.check_chain(status.genesis_id)?;
            vault.accounts().map(|account| account.address).collect()
        }
        given => given
            .iter()
            .map(|text| address::parse(text))
            .collect::<Result<_, _>>()?,
    };
    let mut rows = Vec::new();
    for address in addresses {
        let account = client.account(address)?;
        if !args.json {
            let pending = if account.pending > 0 {
                format!("  ({} pending)", account.pending)
            } else {
                String::new()
            };
            outln!("{address}  {} {}{pending}", account.balance.to_coins(), status.symbol)?;
        }
        rows.push(json!({ "address": address.to_string(), "balance": account.balance, "coins": account.balance.to_coins(), "pending": account.pending }));
    }
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&rows)?)?;
    }
    if rows.is_empty() {
        bail!("the wallet has no account");
    }
    Ok(())
}
