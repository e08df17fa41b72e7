//! `tally wallet history`: what an account sent and received, as the browser saves it.
//!
//! The CSV is UTF-8 (RFC 4180: commas, CRLF), with points in numbers and times in UTC.

use clap::Args;
use tally_app::wallet::export::{Page, csv};

use super::super::client::Client;
use super::super::out::{errln, out, outln};
use super::accounts::find;
use super::file::VaultFile;

/// Transactions asked for at once.
const PAGE: usize = 100;

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// The account: its address or its label
    account: String,
    /// Most transactions, the newest first
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    most: usize,
    /// Print JSON instead of CSV
    #[arg(long)]
    json: bool,
    /// Begin the CSV with a byte order mark, by which Excel knows UTF-8 when the file is opened by a double click
    #[arg(long, conflicts_with = "json")]
    bom: bool,
}

pub fn run(file: &VaultFile, client: &Client, args: &HistoryArgs) -> anyhow::Result<()> {
    let status = client.status()?;
    let (vault, _) = file.open()?;
    vault.check_chain(status.genesis_id)?;
    let account = find(&vault, &args.account)?.address.to_string();
    let (mut lines, mut cursor) = (Vec::new(), String::new());
    while lines.len() < args.most {
        let limit = PAGE.min(args.most - lines.len());
        let mut page: Page = client.get(&format!("accounts/{account}/transactions?limit={limit}{cursor}"))?;
        let next = page.next.take();
        lines.extend(page.lines(&account));
        match next {
            // A cursor is of letters and digits that need no escape in a query.
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    match args.json {
        true => outln!("{}", serde_json::to_string_pretty(&lines)?)?,
        false => out!("{}{}", if args.bom { "\u{feff}" } else { "" }, csv(&lines))?,
    }
    // On standard error: the table goes to a file.
    errln!(
        "Rewards of mining, first balances and payments by contracts are no transactions: the list does not have them."
    );
    Ok(())
}
