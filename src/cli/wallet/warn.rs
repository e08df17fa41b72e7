//! What is said before a signature, on the command line. Rules: docs/protocol.md#W50, #W51

use anyhow::bail;
use serde::Deserialize;
use serde_json::{Value, json};
use tally_chain::{Address, Amount, address};
use tally_wallet::warnings::{Bond, Local, NodeView, Warning, Warnings, Weight};
use tally_wallet::{FeeSuggestions, Origin, Review, Vault};

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

/// The warnings for these bytes: what the vault knows stands in them whatever the node answers.
pub fn of(client: &Client, vault: &Vault, review: &Review, balance: Amount, fees: FeeSuggestions) -> Vec<Warning> {
    let known = known(vault);
    let local = Local {
        known: &known,
        playground: PLAYGROUNDS.contains(&vault.chain().name.as_str()),
        typed: None,
    };
    let asked = ask(client, vault, review).map_err(|error| format!("{error:#}"));
    let node = asked
        .as_ref()
        .map_err(String::clone)
        .map(|(history, recipient)| NodeView {
            history,
            balance,
            fees,
            contract: recipient.contract,
            public: recipient
                .label
                .as_ref()
                .is_some_and(|label| label.starts_with("PUBLIC")),
        });
    Warnings::of(review, &local, node).all()
}

/// The warnings where no node is asked: what its part of them is, nobody knows.
pub fn offline(vault: &Vault, review: &Review) -> Vec<Warning> {
    let known = known(vault);
    let local = Local {
        known: &known,
        playground: PLAYGROUNDS.contains(&vault.chain().name.as_str()),
        typed: None,
    };
    Warnings::of(review, &local, Err("--offline".to_owned())).all()
}

/// The wallet's accounts and its address book.
fn known(vault: &Vault) -> Vec<(Address, Bond)> {
    let bond = |origin: &Origin| match origin {
        Origin::Watched => Bond::Contact,
        _ => Bond::Own,
    };
    let accounts = vault.accounts().map(|account| (account.address, bond(&account.origin)));
    let contacts = vault.contacts().iter().map(|contact| (contact.address, Bond::Contact));
    accounts.chain(contacts).collect()
}

/// Whom the wallet's accounts met, in the newest hundred transactions of each, and what the recipient is.
fn ask(client: &Client, vault: &Vault, review: &Review) -> anyhow::Result<(Vec<(Address, Bond)>, Recipient)> {
    let recipient = match review.to {
        Some(to) => client.get::<Recipient>(&format!("accounts/{to}"))?,
        None => Recipient {
            contract: false,
            label: None,
        },
    };
    let own = vault.accounts().filter(|account| account.origin != Origin::Watched);
    let own: Vec<Address> = own.map(|account| account.address).collect();
    let mut met = Vec::new();
    for account in own.iter().take(ACCOUNTS) {
        let page: Page = client.get(&format!("accounts/{account}/transactions?limit=100"))?;
        for Row { sender, to } in page.items {
            let sender = address::parse(&sender)?;
            match to {
                Some(to) if sender == *account => met.push((address::parse(&to)?, Bond::Paid)),
                _ => met.push((sender, Bond::Seen)),
            }
        }
    }
    Ok((met, recipient))
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
    let one =
        |warning: &Warning| json!({ "name": warning.name(), "title": warning.title(), "text": warning.to_string() });
    warnings.iter().map(one).collect()
}
