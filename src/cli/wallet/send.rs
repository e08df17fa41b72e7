//! `tally wallet send`.

use std::io::BufRead as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use tally_app::format::iso;
use tally_chain::transaction::{ChainIdentity, LIFETIME, MAX_AHEAD};
use tally_chain::{Address, Amount, BlockId, document};
use tally_wallet::{Account, Memo, Payment, Review, Signed, Vault, Warning, fees, payment, system_rng};

use super::super::client::Client;
use super::super::out::{Unprinted, err, errln, outln};
use super::super::receipt::sha256_of;
use super::accounts::find;
use super::equal;
use super::file::VaultFile;
use super::journal::{Journal, Paid};
use super::level::Level;
use super::recipient::Recipient;
use super::submit::{Depth, Report, again, clock_words, finish, print_outcome, was_accepted};
use super::warn::{Answered, Consent, Known};

/// Seconds by which two clocks may differ without a word.
const CLOCKS_AGREE: i64 = 60;

#[derive(Debug, Args)]
pub struct SendArgs {
    /// Account that pays: its address or its label
    #[arg(long)]
    from: String,
    /// Receiver: an address, or a name of the address book
    #[arg(long, value_name = "ADDRESS|CONTACT")]
    to: Recipient,
    /// Amount in coins, such as 1.5
    #[arg(long, value_name = "COINS", value_parser = Amount::from_coins)]
    amount: Amount,
    /// Text for the receiver; public on the chain
    #[arg(long, default_value = "")]
    memo: String,
    /// The fee level: how soon a block should include it
    #[arg(long, value_enum, default_value_t = Level::Normal)]
    fee: Level,
    /// Answer the prompt with yes
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

/// `tally wallet anchor`. Rule: docs/protocol.md#P6
#[derive(Debug, Args)]
pub struct AnchorArgs {
    /// The document; it stays where it is, only its SHA-256 goes on the chain
    file: PathBuf,
    /// Account that signs and pays the fee: its address or its label
    #[arg(long)]
    from: String,
    /// The fee level: how soon a block should include it
    #[arg(long, value_enum, default_value_t = Level::Normal)]
    fee: Level,
    /// Answer the prompt with yes
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

pub fn run(file: &VaultFile, client: &Client, args: &SendArgs) -> anyhow::Result<()> {
    let (vault, _) = file.open()?;
    let draft = PaymentDraft {
        to: args.to.resolve(&vault)?,
        value: args.amount,
        memo: args.memo.clone(),
        fee: args.fee,
        yes: args.yes,
        consent: &args.consent,
        typed: args.to.typed(),
        depth: &args.depth,
        json: args.json,
    };
    pay(file, &vault, client, find(&vault, &args.from)?, &draft)
}

/// Pays nothing to the account itself, with the document's hash as data.
pub fn anchor(file: &VaultFile, client: &Client, args: &AnchorArgs) -> anyhow::Result<()> {
    let sha256 = sha256_of(&args.file)?;
    let (vault, _) = file.open()?;
    let sender = find(&vault, &args.from)?;
    let draft = PaymentDraft {
        to: sender.address,
        value: Amount::ZERO,
        memo: document::anchor(&sha256),
        fee: args.fee,
        yes: args.yes,
        consent: &args.consent,
        typed: None,
        depth: &args.depth,
        json: args.json,
    };
    pay(file, &vault, client, sender, &draft)
}

/// What is to be paid, and how it is confirmed and reported.
struct PaymentDraft<'a> {
    to: Address,
    value: Amount,
    memo: String,
    fee: Level,
    yes: bool,
    consent: &'a Consent,
    typed: Option<&'a str>,
    depth: &'a Depth,
    json: bool,
}

fn pay(file: &VaultFile, vault: &Vault, client: &Client, sender: &Account, draft: &PaymentDraft) -> anyhow::Result<()> {
    let status = client.status()?;
    vault.check_chain(status.genesis_id)?;
    if let Some(ahead) = client.clock_ahead().filter(|ahead| ahead.abs() > CLOCKS_AGREE) {
        errln!("warning: {}", clock_words(ahead));
    }
    let journal = Journal::of(file)?;
    if !draft.consent.again() && resume(client, &journal, status.genesis_id, sender, draft)? {
        return Ok(());
    }
    let chain = vault.chain().identity();
    let state = client.account(sender.address)?;
    let suggestions = client.fees()?;
    let payment = Payment {
        to: draft.to,
        value: draft.value,
        memo: draft.memo.clone(),
        nonce: state.next_nonce,
        timestamp: (tally_node::system_clock())(),
        fee: fees::choose(draft.fee.into(), &suggestions),
    };
    let payload = payment::build(&chain, sender, &payment)?;
    let review = payment::review(&chain, sender.address, &payload)?;
    review.check_funds(state.balance)?;
    let known = Known {
        vault,
        journal: &journal,
        typed: draft.typed,
    };
    let warnings = known.warnings(client, &review, state.balance, suggestions);
    let equal = equal::find(Some(client), &journal, &review, &payload)?;
    show(&review, &status.symbol, draft.json, draft.yes)?;
    let answered = draft.consent.confirm(&warnings, equal)?;
    if !draft.yes && !confirmed("Sign and send?")? {
        bail!("nothing was sent");
    }
    let signed = sign(vault, &chain, sender.address, &payload, &answered)?;
    finish(client, &journal, &signed, &draft.report(&warnings))
}

impl PaymentDraft<'_> {
    fn paid(&self) -> Paid {
        Paid {
            to: Some(self.to),
            value: self.value,
            data: self.memo.clone().into_bytes().into(),
        }
    }

    fn report<'a>(&'a self, warnings: &'a [Warning]) -> Report<'a> {
        Report {
            depth: self.depth,
            json: self.json,
            warnings,
        }
    }
}

/// Looks what became of earlier payments of this account that got no answer. The same payment is not made again: its first bytes
/// are sent again; true if that was done. Rule: docs/protocol.md#W56
fn resume(
    client: &Client,
    journal: &Journal,
    genesis: BlockId,
    sender: &Account,
    draft: &PaymentDraft,
) -> anyhow::Result<bool> {
    let (now, from) = ((tally_node::system_clock())(), sender.address.to_string());
    for entry in journal.unanswered(genesis)?.iter().filter(|entry| entry.from == from) {
        let (id, same) = (entry.id, Paid::by(&entry.envelope)? == draft.paid());
        match (was_accepted(client, journal, id)?, same) {
            (true, true) => {
                bail!(
                    "nothing was sent: this very payment was accepted before, id {id}. Give --again to pay it a second time"
                )
            }
            (true, false) => {}
            // Later than this no block takes it any more. Rule: docs/protocol.md#T7
            (false, _) if entry.is_over(now) => errln!(
                "note: {id} (nonce {}) was sent more than a day ago without an answer, and the node does not know it. \
                 `tally wallet pending --dismiss {id}` gives it up",
                entry.nonce
            ),
            (false, true) => {
                errln!("this very payment was sent before without an answer, id {id}; its first bytes are sent again");
                if !draft.yes && !confirmed("Send them again?")? {
                    bail!("nothing was sent");
                }
                again(client, journal, entry)?;
                print_outcome(client, id, &draft.report(&[]))?;
                return Ok(true);
            }
            (false, false) => errln!(
                "note: {id} (nonce {}) was sent before without an answer, and the node does not know it. \
                 `tally wallet resend {id}` sends it again; another payment of its nonce takes its place",
                entry.nonce
            ),
        }
    }
    Ok(false)
}

/// Signs what was reviewed, once all was answered that had to be.
pub fn sign(
    vault: &Vault,
    chain: &ChainIdentity,
    sender: Address,
    payload: &[u8],
    _: &Answered,
) -> anyhow::Result<Signed> {
    let key = vault.signing_key(sender)?;
    Ok(payment::sign(chain, sender, &key, payload, &mut system_rng())?)
}

/// Shows the content of the bytes to be signed; with `--json` on standard error, and only where a user has to confirm.
pub fn show(review: &Review, symbol: &str, json: bool, yes: bool) -> Result<(), Unprinted> {
    match (json, yes) {
        (false, _) => outln!("{}", lines(review, symbol))?,
        (true, false) => errln!("{}", lines(review, symbol)),
        (true, true) => {}
    }
    Ok(())
}

/// The content of the bytes to be signed, a line each.
pub fn lines(review: &Review, symbol: &str) -> String {
    let to = review
        .to
        .map_or_else(|| "no one: a new contract is created".to_owned(), |to| to.to_string());
    let memo = match (&review.init_code, &review.memo) {
        (Some(code), _) => format!("\n  program  {code} ({} bytes)", review.code_bytes()),
        (None, Memo::None) => String::new(),
        (None, Memo::Text(text)) => format!("\n  memo     {text}"),
        (None, Memo::Hex(hex)) => format!("\n  memo     {hex} (not shown as text)"),
    };
    format!(
        "What will be signed, read back from its bytes:
  from     {}
  to       {to}
  amount   {} {symbol}
  fee      at most {} {symbol} ({} gas)
  in all   at most {} {symbol}{memo}
  nonce    {}
  valid    from {} until {}
  chain    {} (genesis {})",
        review.sender,
        review.value_coins,
        review.max_fee_coins,
        review.gas_limit,
        review.max_total_coins,
        review.nonce,
        iso(review.timestamp.0.saturating_sub(MAX_AHEAD)),
        iso(review.timestamp.saturating_add(LIFETIME).0),
        review.chain_id,
        review.genesis
    )
}

/// Prompts on standard error: the result may go to standard output.
pub fn confirmed(question: &str) -> anyhow::Result<bool> {
    err!("{question} [y/N] ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
