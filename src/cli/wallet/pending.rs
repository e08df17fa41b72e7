//! `tally wallet pending`, `speed-up` and `cancel`: what waits, and another in its place.

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tally_chain::transaction::{ChainIdentity, TransactionError};
use tally_chain::{Address, BlockId, Bytes, RawTransaction, ReferenceVerifier, TxId};
use tally_wallet::replace::replace;
use tally_wallet::{Replacement, fees, payment};

use super::super::client::Client;
use super::super::out::{errln, outln};
use super::Level;
use super::equal;
use super::file::VaultFile;
use super::journal::{Entry, Journal, State};
use super::send::{confirmed, show, sign};
use super::submit::{Depth, Report, finish, settle, tell, was_taken};
use super::warn::{Consent, Known};

#[derive(Debug, Args)]
pub struct PendingArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ResendArgs {
    /// Ids of what is sent again; without any, all that got no answer
    ids: Vec<TxId>,
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ReplaceArgs {
    /// Id of the waiting transaction
    id: TxId,
    /// At least this level's fee, and a tenth more than the waiting one's
    #[arg(long, value_enum, default_value_t = Level::High)]
    fee: Level,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What an account has waiting.
#[derive(Debug, Deserialize)]
struct Waiting {
    nonce: u64,
    next_nonce: u64,
    count: usize,
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    id: String,
    nonce: u64,
    pending: bool,
    max_fee: String,
    max_priority_fee: String,
}

impl Waiting {
    /// The nonce that is missing before the first one that waits for it.
    fn gap(&self) -> Option<u64> {
        let first = self.items.iter().find(|item| !item.pending)?;
        (first.nonce > self.next_nonce).then_some(self.next_nonce)
    }
}

pub fn list(file: &VaultFile, client: &Client, args: &PendingArgs) -> anyhow::Result<()> {
    let status = client.status()?;
    let (vault, _) = file.open()?;
    vault.check_chain(status.genesis_id)?;
    let mut rows = Vec::new();
    for account in vault.accounts() {
        let address = account.address;
        let waiting: Waiting = client.get(&format!("accounts/{address}/pending"))?;
        let gap = waiting.gap();
        for item in &waiting.items {
            if !args.json {
                let state = if item.pending { "pending" } else { "waits" };
                outln!("{}  {address}  nonce {:>6}  {state}", item.id, item.nonce)?;
            }
            rows.push(json!({
                "id": item.id, "from": address.to_string(), "nonce": item.nonce, "pending": item.pending,
                "max_fee": item.max_fee, "max_priority_fee": item.max_priority_fee, "missing": gap,
            }));
        }
        if let (Some(missing), false) = (gap, args.json) {
            outln!(
                "{address}: nonce {missing} is missing, so what comes after it waits. The next payment fills it; \
                 one that pays nobody: tally wallet send --from {address} --to {address} --amount 0"
            )?;
        }
        if waiting.count > waiting.items.len() && !args.json {
            outln!(
                "{address}: {} more wait above nonce {}",
                waiting.count - waiting.items.len(),
                waiting.nonce
            )?;
        }
    }
    for entry in open(client, &Journal::of(file)?, status.genesis_id)? {
        if !args.json {
            outln!("{}  {}  nonce {:>6}  unanswered", entry.id, entry.from, entry.nonce)?;
        }
        rows.push(
            json!({ "id": entry.id, "from": entry.from, "nonce": entry.nonce, "pending": false, "unanswered": true }),
        );
    }
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&rows)?)?;
    } else if rows.is_empty() {
        outln!("nothing waits")?;
    }
    Ok(())
}

/// What got no answer and is not known to the node either; the others are named and settled by this look, on standard error:
/// one in a block is in no list of what waits, and would be paid anew.
fn open(client: &Client, journal: &Journal, genesis: BlockId) -> anyhow::Result<Vec<Entry>> {
    let mut open = Vec::new();
    for entry in journal.unanswered(genesis)? {
        if !was_taken(client, journal, entry.id)? {
            open.push(entry);
        }
    }
    Ok(open)
}

pub fn resend(file: &VaultFile, client: &Client, args: &ResendArgs) -> anyhow::Result<()> {
    let genesis = client.status()?.genesis_id;
    let journal = Journal::of(file)?;
    let entries = match args.ids.as_slice() {
        [] => journal.unanswered(genesis)?,
        ids => {
            let known = journal.entries()?;
            let of = |id: &TxId| {
                known
                    .iter()
                    .find(|entry| entry.id == *id && entry.genesis == genesis)
                    .cloned()
            };
            let found =
                |id: &TxId| of(id).with_context(|| format!("{id} is not among what this wallet sent on this chain"));
            ids.iter().map(found).collect::<anyhow::Result<_>>()?
        }
    };
    if entries.is_empty() {
        outln!("nothing was sent without an answer")?;
    }
    // Each is tried, whatever became of the one before it.
    let mut trouble = None;
    for entry in entries {
        let sent = settle(client, &journal, &entry, entry.state != State::Rejected)
            .and_then(|()| tell(client, entry.id, &Report::plain(&args.depth, args.json)));
        if let Err(error) = sent
            && let Some(earlier) = trouble.replace(error)
        {
            errln!("{earlier:#}");
        }
    }
    trouble.map_or(Ok(()), Err)
}

pub fn run(file: &VaultFile, client: &Client, args: &ReplaceArgs, how: Replacement) -> anyhow::Result<()> {
    let status = client.status()?;
    let (vault, _) = file.open()?;
    vault.check_chain(status.genesis_id)?;
    let chain = vault.chain().identity();
    let found = client
        .find(args.id)?
        .with_context(|| format!("the node does not know {}", args.id))?;
    if matches!(found.status.as_str(), "included" | "failed") {
        bail!("{} is in a block already; nothing can take its place", args.id);
    }
    let sender = sender_of(&chain, &found.raw)?;
    vault.account(sender)?;
    let suggestions = client.fees()?;
    let fee = fees::choose(args.fee.into(), &suggestions);
    let now = (tally_node::system_clock())();
    let payload = replace(&chain, sender, found.raw, how, fee, now)?;
    let review = payment::review(&chain, sender, &payload)?;
    let balance = client.account(sender)?.balance;
    review.check_funds(balance)?;
    let journal = Journal::of(file)?;
    let known = Known {
        vault: &vault,
        journal: &journal,
        typed: None,
    };
    let warnings = known.warnings(client, &review, balance, suggestions);
    let equal = equal::find(Some(client), &journal, &review, &payload)?;
    if !args.json {
        outln!("In the place of {}:", args.id)?;
        show(&review, &status.symbol)?;
    }
    let answered = args.consent.ask(&warnings, equal)?;
    if !args.yes && !confirmed("Sign and send?")? {
        bail!("nothing was sent");
    }
    let signed = sign(&vault, &chain, sender, &payload, &answered)?;
    let report = Report {
        depth: &args.depth,
        json: args.json,
        warnings: &warnings,
    };
    finish(client, &journal, &signed, &report)
}

/// Whose transaction these bytes are: checked, not believed.
fn sender_of(chain: &ChainIdentity, envelope: &Bytes) -> Result<Address, TransactionError> {
    let checked = RawTransaction::decode(envelope.clone())?.check(chain, &ReferenceVerifier)?;
    Ok(checked.sender())
}
