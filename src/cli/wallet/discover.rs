//! `tally wallet find`, and what `restore` does after the phrase: looking for accounts that were used before.

use std::collections::BTreeMap;

use clap::Args;
use tally_api::transactions::TransactionPage;
use tally_chain::{Address, KeyKind};
use tally_node::counted::counted;
use tally_wallet::{Discovery, RsaKey, Vault, usual_label};

use super::super::client::Client;
use super::super::out::{After as _, outln};
use super::add::find_key;
use super::file::VaultFile;

/// Where accounts are looked for: who misses one of another path would take it for lost. Rule: docs/protocol.md#W15
const PATHS: &str = "secp256k1 was looked for along m/44'/60'/0'/0/i (i = 0, 1, 2 and so on); an account of another path is brought \
                     with its key: tally wallet import";

#[derive(Debug, Args)]
pub struct FindArgs {
    /// Kinds to look for; each RSA account costs a search for its key
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        default_value = "secp256k1,rsa-2048"
    )]
    kinds: Vec<KeyKind>,
    /// Unused accounts in a row after which to stop [default: 20 for secp256k1, 2 for rsa-2048, 1 for larger RSA]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    gap: Option<u32>,
}

pub fn run(file: &VaultFile, client: &Client, args: &FindArgs) -> anyhow::Result<()> {
    let (mut vault, change) = file.change()?;
    vault.check_chain(client.status()?.genesis_id)?;
    let before = vault.accounts().len();
    find(&mut vault, client, args)?;
    let added = vault.accounts().len() - before;
    if added > 0 {
        change.keep(&vault)?;
    }
    let printed = outln!(
        "{} used before",
        counted(added, "more account was", "more accounts were")
    );
    Ok(printed.after(|| format!("{} added", counted(added, "account was", "accounts were")))?)
}

/// Adds the accounts that were used, as the node reports. Rule: docs/protocol.md#W15
pub fn find(vault: &mut Vault, client: &Client, args: &FindArgs) -> anyhow::Result<()> {
    for kind in &args.kinds {
        let discovery = match args.gap {
            Some(gap) => Discovery::with_gap(*kind, gap),
            None => Discovery::new(*kind),
        };
        look(vault, client, discovery)?;
    }
    if args.kinds.contains(&KeyKind::Secp256k1) {
        outln!("{PATHS}")?;
    }
    Ok(())
}

fn look(vault: &mut Vault, client: &Client, mut discovery: Discovery) -> anyhow::Result<()> {
    let kind = discovery.kind();
    let mut keys: BTreeMap<u32, RsaKey> = BTreeMap::new();
    while let Some(index) = discovery.wanted().next() {
        let address = address_of(vault, kind, index, &mut keys)?;
        discovery.report(&[is_used(client, address)?])?;
        while vault.next_index(kind) < discovery.found() {
            let index = vault.next_index(kind);
            let label = usual_label(kind, index);
            let added = match keys.remove(&index) {
                Some(key) => vault.add_rsa(index, key, &label)?,
                None if kind.is_rsa() => break,
                None => vault.add_secp256k1(&label)?,
            };
            outln!("{}  {kind}", added.address)?;
        }
    }
    Ok(())
}

/// The address at an index; a key that had to be searched for it is kept.
fn address_of(vault: &Vault, kind: KeyKind, index: u32, keys: &mut BTreeMap<u32, RsaKey>) -> anyhow::Result<Address> {
    if !kind.is_rsa() {
        return Ok(vault.secp256k1_address(index)?);
    }
    let held = vault
        .accounts()
        .find(|account| account.kind() == Some(kind) && account.index() == Some(index));
    if let Some(account) = held {
        return Ok(account.address);
    }
    let key = find_key(vault.search_at(kind, index)?);
    let address = key.public().address();
    keys.insert(index, key);
    Ok(address)
}

fn is_used(client: &Client, address: Address) -> anyhow::Result<bool> {
    let account = client.account(address)?;
    if account.next_nonce > 0 || !account.balance.is_zero() {
        return Ok(true);
    }
    let history: TransactionPage = client.get(&format!("accounts/{address}/transactions?limit=1"))?;
    Ok(!history.items.is_empty())
}
