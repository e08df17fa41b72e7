//! What has to be answered before a signature, on the command line: one gate for every path that signs.
//! Rules: docs/protocol.md#W50, #W51, #W58

use anyhow::bail;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use tally_api::page::MAX_PAGE;
use tally_api::transactions::TransactionPage;
use tally_chain::{Address, Amount};
use tally_wallet::warnings::{Bond, Local, NodeView, Warning, Warnings, Weight};
use tally_wallet::{FeeSuggestions, Origin, Review, Vault};

use super::super::client::Client;
use super::super::out::errln;
use super::equal::Equal;
use super::journal::{Journal, Paid, State};
use crate::config::PLAYGROUNDS;

/// Accounts of the wallet whose history is read.
const ACCOUNTS: usize = 16;

/// What the node reports of a recipient.
#[derive(Default)]
struct Recipient {
    contract: bool,
    label: Option<String>,
}

/// Which warnings have been answered with a yes beforehand. Rule: docs/protocol.md#W51
#[derive(Debug, Args)]
pub struct Consent {
    /// Sign in spite of these warnings, by the names in the message and in --json; --yes alone covers no warning that
    /// needs its own confirmation
    #[arg(long, value_name = "WARNINGS", value_delimiter = ',', value_parser = PossibleValuesParser::new(NAMES))]
    accept: Vec<String>,
    /// Sign in spite of all warnings
    #[arg(long)]
    despite_warnings: bool,
    /// Sign although an equal payment waits already, or was sent before without an answer
    #[arg(long)]
    again: bool,
}

/// All that has to be answered before a signature was answered: only [`Consent::confirm`] makes it, and signing needs it.
#[derive(Debug)]
pub struct Answered(());

/// Names of the warnings that need a separate confirmation.
const NAMES: [&str; 9] = [
    "new-contract",
    "look-alike",
    "public-account",
    "contract",
    "fee-of-value",
    "fee-high",
    "fee-of-now",
    "dated-ahead",
    "node-missing",
];

/// What the wallet knows without a node, and how the recipient was typed.
pub struct Known<'a> {
    pub vault: &'a Vault,
    pub journal: &'a Journal,
    pub typed: Option<&'a str>,
}

impl Known<'_> {
    /// The warnings for these bytes: what the wallet knows stands in them whatever the node answers.
    pub fn warnings(&self, client: &Client, review: &Review, balance: Amount, fees: FeeSuggestions) -> Vec<Warning> {
        let known = self.bonds();
        let facts = query(client, self.vault, review).map_err(|error| format!("{error:#}"));
        let node = facts
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
        Warnings::of(review, &self.local(&known), node).all()
    }

    /// The warnings without a node, as the user wants it.
    pub fn offline(&self, review: &Review) -> Vec<Warning> {
        let known = self.bonds();
        let mut warnings = Warnings::of(review, &self.local(&known), Err("--offline".to_owned())).all();
        warnings.retain(|warning| !matches!(warning, Warning::NodeMissing { .. }));
        warnings
    }

    fn local<'a>(&'a self, known: &'a [(Address, Bond)]) -> Local<'a> {
        Local {
            known,
            playground: PLAYGROUNDS.contains(&self.vault.chain().name.as_str()),
            typed: self.typed,
            now: (tally_node::system_clock())(),
        }
    }

    /// The wallet's accounts, its address book, and whom it paid from here. A journal that cannot be read stops the sending
    /// itself; here it only knows no address.
    fn bonds(&self) -> Vec<(Address, Bond)> {
        let bond = |origin: &Origin| match origin {
            Origin::Watched => Bond::Contact,
            _ => Bond::Own,
        };
        let accounts = self.vault.accounts();
        let accounts = accounts.map(|account| (account.address, bond(&account.origin)));
        let contacts = self.vault.contacts().iter();
        let contacts = contacts.map(|contact| (contact.address, Bond::Contact));
        let sent = self.journal.entries().unwrap_or_default();
        let here = sent
            .iter()
            .filter(|entry| entry.genesis == self.vault.chain().genesis && entry.state == State::Accepted);
        let paid = here.filter_map(|entry| Some((Paid::by(&entry.envelope).ok()?.to?, Bond::Paid)));
        accounts.chain(contacts).chain(paid).collect()
    }
}

/// Whom the wallet's accounts met, in the newest hundred transactions of each, and what the recipient is.
fn query(client: &Client, vault: &Vault, review: &Review) -> anyhow::Result<(Vec<(Address, Bond)>, Recipient)> {
    let recipient = match review.to {
        Some(to) => {
            let account = client.account(to)?;
            let (contract, label) = (account.contract, account.label);
            Recipient { contract, label }
        }
        None => Recipient::default(),
    };
    let own = vault.accounts().filter(|account| account.origin != Origin::Watched);
    let own: Vec<Address> = own.map(|account| account.address).collect();
    let mut met = Vec::new();
    for account in own.iter().take(ACCOUNTS) {
        let page: TransactionPage = client.get(&format!("accounts/{account}/transactions?limit={MAX_PAGE}"))?;
        for row in page.items {
            match row.to {
                Some(to) if row.sender == *account => met.push((to, Bond::Paid)),
                _ => met.push((row.sender, Bond::Seen)),
            }
        }
    }
    Ok((met, recipient))
}

/// Prints them all.
pub fn show(warnings: &[Warning]) {
    for warning in warnings {
        let sign = if warning.weight() == Weight::Note {
            "note"
        } else {
            "warning"
        };
        errln!("{sign}: {}. {warning}", warning.title());
    }
}

impl Consent {
    /// Whether the same may be paid a second time.
    pub fn again(&self) -> bool {
        self.again
    }

    /// Prints the warnings, and ends where one that needs its own yes has none, or where an equal payment may happen as well.
    pub fn confirm(&self, warnings: &[Warning], equal: Option<Equal>) -> anyhow::Result<Answered> {
        show(warnings);
        if let Some(equal) = equal.filter(|_| !self.again) {
            let anyway = match equal {
                Equal::Uncompared { .. } => "sign it all the same",
                Equal::Waits { .. } | Equal::Accepted { .. } | Equal::InDoubt { .. } => "pay it a second time",
            };
            bail!("nothing was signed: {equal}. Give --again to {anyway}");
        }
        let open = |warning: &&Warning| {
            let named = self.accept.iter().any(|name| name == warning.name());
            warning.weight() == Weight::Stop && !named && !self.despite_warnings
        };
        let open: Vec<_> = warnings.iter().filter(open).collect();
        let Some(first) = open.first() else {
            return Ok(Answered(()));
        };
        let names: Vec<_> = open.iter().map(|warning| warning.name()).collect();
        bail!(
            "nothing was signed: {}. Give --accept {} (or --despite-warnings) if it is meant so",
            first.title(),
            names.join(",")
        )
    }
}

/// As JSON.
pub fn json(warnings: &[Warning]) -> Value {
    let one =
        |warning: &Warning| json!({ "name": warning.name(), "title": warning.title(), "text": warning.to_string() });
    warnings.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use tally_chain::UnixSecs;

    use super::*;

    const CONTRACT: &str = "nothing was signed: The recipient is a contract. Give --accept contract (or \
        --despite-warnings) if it is meant so";

    fn consent(accept: &[&str], despite_warnings: bool) -> Consent {
        Consent {
            accept: accept.iter().map(|name| (*name).to_owned()).collect(),
            despite_warnings,
            again: false,
        }
    }

    #[test]
    fn an_equal_payment_is_answered_by_again_alone() {
        let id = tally_chain::TxId(tally_chain::B256::repeat_byte(7));
        let equal = || Some(Equal::Waits { id });
        let error = consent(&[], true).confirm(&[], equal()).expect_err("it waits");
        assert_eq!(
            error.to_string(),
            format!(
                "nothing was signed: an equal payment (receiver and amount) waits already, id {id}. \
                 Give --again to pay it a second time"
            )
        );
        let uncompared = Equal::Uncompared {
            count: 101,
            compared: 100,
        };
        let error = consent(&[], true)
            .confirm(&[], Some(uncompared))
            .expect_err("it is not known");
        assert_eq!(
            error.to_string(),
            "nothing was signed: it could not be found out whether an equal payment waits already: 101 of this account wait, \
             and only the first 100 can be compared. Give --again to sign it all the same"
        );
        let again = Consent {
            again: true,
            ..consent(&[], false)
        };
        assert!(again.confirm(&[], equal()).is_ok());
        let error = again.confirm(&[Warning::Contract], equal());
        let error = error.expect_err("a warning requires its own yes");
        assert_eq!(error.to_string(), CONTRACT);
    }

    #[test]
    fn a_warning_that_needs_a_yes_is_answered_by_its_name() {
        let missing = Warning::NodeMissing { why: "x".to_owned() };
        let all = [Warning::Contract, Warning::FirstTime, missing];
        let error = consent(&["contract"], false)
            .confirm(&all, None)
            .expect_err("one is open");
        assert_eq!(
            error.to_string(),
            "nothing was signed: The recipient and the fee could not be checked with a node. \
             Give --accept node-missing (or --despite-warnings) if it is meant so"
        );
        let error = consent(&[], false).confirm(&all, None).expect_err("two are open");
        assert_eq!(
            error.to_string(),
            CONTRACT.replace("--accept contract", "--accept contract,node-missing"),
            "the first is named, and what answers both"
        );
        assert!(
            consent(&["contract", "node-missing"], false)
                .confirm(&all, None)
                .is_ok()
        );
        assert!(consent(&[], true).confirm(&all, None).is_ok());
        assert!(consent(&[], false).confirm(&all[1..2], None).is_ok());
    }

    #[test]
    fn every_name_that_can_be_given_belongs_to_a_warning_that_needs_a_yes() {
        let stops = [
            Warning::NewContract { code_bytes: 1 },
            Warning::PublicAccount { playground: false },
            Warning::Contract,
            Warning::FeeOfValue { percent: 100 },
            Warning::FeeHigh { max_fee: Amount::ZERO },
            Warning::FeeOfNow { times: 4 },
            Warning::DatedAhead {
                timestamp: UnixSecs(700),
                now: UnixSecs(0),
            },
            Warning::NodeMissing { why: String::new() },
        ];
        for warning in stops {
            assert_eq!(warning.weight(), Weight::Stop);
            assert!(NAMES.contains(&warning.name()), "{}", warning.name());
        }
    }
}
