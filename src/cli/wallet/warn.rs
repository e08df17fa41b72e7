//! What is said before a signature, on the command line. Rules: docs/protocol.md#W50, #W51

use anyhow::bail;
use serde::Deserialize;
use serde_json::{Value, json};
use tally_chain::{Address, Amount, address};
use tally_wallet::warnings::{Bond, Context, Warning, Weight};
use tally_wallet::{FeeSuggestions, Origin, Review, Vault, warnings};

use super::super::client::Client;
use super::super::out::errln;
use crate::config::PLAYGROUNDS;

/// Accounts of the wallet whose history is read.
const ACCOUNTS: usize = 16;

#[derive(Deserialize)]
struct Page {
    items: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    sender: String,
    to: Option<String>,
}

/// What the node says of a recipient.
#[derive(Deserialize)]
struct Recipient {
    contract: bool,
    label: Option<String>,
}

/// The warnings for these bytes, from what the vault knows and what the node tells.
pub fn of(
    client: &Client,
    vault: &Vault,
    review: &Review,
    balance: Amount,
    fees: FeeSuggestions,
) -> anyhow::Result<Vec<Warning>> {
    let known = known(client, vault)?;
    let recipient = match review.to {
        Some(to) => client.get::<Recipient>(&format!("accounts/{to}"))?,
        None => Recipient {
            contract: false,
            label: None,
        },
    };
    let context = Context {
        known: &known,
        balance,
        fees,
        contract: recipient.contract,
        public: recipient.label.is_some_and(|label| label.starts_with("PUBLIC")),
        playground: PLAYGROUNDS.contains(&vault.chain().name.as_str()),
        typed: None,
    };
    Ok(warnings(review, &context))
}

/// The wallet's accounts, its address book, and whom they met: the newest hundred transactions of each.
fn known(client: &Client, vault: &Vault) -> anyhow::Result<Vec<(Address, Bond)>> {
    let signing = vault.accounts().filter(|account| account.origin != Origin::Watched);
    let own: Vec<Address> = signing.map(|account| account.address).collect();
    let mut known: Vec<_> = own.iter().map(|own| (*own, Bond::Own)).collect();
    let others = vault.accounts().filter(|account| account.origin == Origin::Watched);
    known.extend(others.map(|account| (account.address, Bond::Contact)));
    known.extend(vault.contacts().iter().map(|contact| (contact.address, Bond::Contact)));
    for account in own.iter().take(ACCOUNTS) {
        let page: Page = client.get(&format!("accounts/{account}/transactions?limit=100"))?;
        for Row { sender, to } in page.items {
            let sender = address::parse(&sender)?;
            match to {
                Some(to) if sender == *account => known.push((address::parse(&to)?, Bond::Paid)),
                _ => known.push((sender, Bond::Seen)),
            }
        }
    }
    Ok(known)
}

/// Prints them; those that need an explicit yes need `despite` as well.
pub fn show(warnings: &[Warning], despite: bool) -> anyhow::Result<()> {
    for warning in warnings {
        let sign = if warning.weight() == Weight::Note {
            "note"
        } else {
            "warning"
        };
        errln!("{sign}: {}. {warning}", warning.title());
    }
    let grave = warnings.iter().find(|warning| warning.weight() == Weight::Stop);
    match grave {
        Some(grave) if !despite => {
            bail!(
                "nothing was signed: {}. Give --despite-warnings if it is meant so",
                grave.title()
            )
        }
        _ => Ok(()),
    }
}

/// As JSON.
pub fn json(warnings: &[Warning]) -> Value {
    let one = |warning: &Warning| json!({ "title": warning.title(), "text": warning.to_string() });
    warnings.iter().map(one).collect()
}
