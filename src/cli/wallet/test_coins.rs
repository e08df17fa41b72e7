//! `tally wallet test-coins`: a payment from an account whose keys are published, on chains where such accounts hold coins.

use anyhow::bail;
use clap::Args;
use tally_chain::{Address, Amount};
use tally_wallet::{FeeLevel, Payment, Phrase, Vault, fees, payment};

use super::super::client::Client;
use super::accounts::find;
use super::equal;
use super::file::VaultFile;
use super::journal::Journal;
use super::send::sign;
use super::submit::{Depth, Report, finish};
use super::warn::{Consent, Known};

/// PUBLIC: the keys of this phrase are published. Rule: docs/protocol.md#W6
const PUBLIC_PHRASE: &str = "test test test test test test test test test test test junk";
/// Its secp256k1 accounts that are looked at.
const ACCOUNTS: u32 = 10;

#[derive(Debug, Args)]
pub struct TestCoinsArgs {
    /// Account that gets them: its address or its label [default: the first of the wallet]
    to: Option<String>,
    /// How many coins
    #[arg(long, value_name = "COINS", default_value = "100", value_parser = Amount::from_coins)]
    amount: Amount,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(file: &VaultFile, client: &Client, args: &TestCoinsArgs) -> anyhow::Result<()> {
    let (vault, _) = file.open()?;
    vault.check_chain(client.status()?.genesis_id)?;
    let to = match &args.to {
        Some(name) => find(&vault, name)?.address,
        None => match vault.accounts().next() {
            Some(account) => account.address,
            None => bail!("the wallet has no account"),
        },
    };
    let now = (tally_node::system_clock())();
    let mut public = Vault::new(Phrase::parse(PUBLIC_PHRASE)?, "", vault.chain().clone(), now);
    (0..ACCOUNTS).try_for_each(|_| public.add_secp256k1("").map(drop))?;
    let Some((from, balance, nonce)) = purse(client, &public, args.amount)? else {
        bail!("no PUBLIC account of this chain can give so much now");
    };
    let suggestions = client.fees()?;
    let fee = fees::choose(FeeLevel::Normal, &suggestions);
    let payment = Payment {
        to,
        value: args.amount,
        memo: String::new(),
        nonce,
        timestamp: now,
        fee,
    };
    let chain = vault.chain().identity();
    let payload = payment::build(&chain, public.account(from)?, &payment)?;
    let journal = Journal::of(file)?;
    let known = Known {
        vault: &vault,
        journal: &journal,
        typed: None,
    };
    let review = payment::review(&chain, from, &payload)?;
    let warnings = known.warnings(client, &review, balance, suggestions);
    let equal = equal::find(Some(client), &journal, &review, &payload)?;
    let answered = args.consent.confirm(&warnings, equal)?;
    let signed = sign(&public, &chain, from, &payload, &answered)?;
    let report = Report {
        depth: &args.depth,
        json: args.json,
        warnings: &warnings,
    };
    finish(client, &journal, &signed, &report)
}

/// A PUBLIC account that holds more than this and has nothing waiting, with its balance and next nonce. Others may take from it meanwhile.
fn purse(client: &Client, public: &Vault, amount: Amount) -> anyhow::Result<Option<(Address, Amount, u64)>> {
    for account in public.accounts() {
        let found = client.account(account.address)?;
        // The spec decides whether its coins are for everyone.
        let given = found.label.is_some_and(|label| label.starts_with("PUBLIC"));
        if given && found.pending == 0 && found.balance > amount {
            return Ok(Some((account.address, found.balance, found.next_nonce)));
        }
    }
    Ok(None)
}
