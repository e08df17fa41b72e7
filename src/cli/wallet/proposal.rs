//! `tally wallet propose | show | sign | combine | attach | digest | submit`: payments that are signed by several people, on a
//! machine without a network, or by another program. Rules: docs/protocol.md#W63 to #W66

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use tally_chain::{Address, Amount, UnixSecs};
use tally_wallet::{Fee, Payment, Proposal, Vault, fees, system_rng};

use super::super::client::Client;
use super::super::out::{errln, outln};
use super::accounts::find;
use super::equal;
use super::file::VaultFile;
use super::journal::Journal;
use super::level::Level;
use super::recipient::Recipient;
use super::send::{confirmed, lines};
use super::submit::{Depth, Report, finish};
use super::text::{read_text, write_text};
use super::warn::{self, Consent, Known};
use crate::{new_file, regular_file};

#[derive(Debug, Args)]
pub struct ProposeArgs {
    /// Account that pays: its address or its label; a shared account, or one whose public key the wallet knows
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
    #[arg(long, value_enum, default_value_t = Level::Normal, conflicts_with = "max_fee")]
    fee: Level,
    /// Without a node: the account's next nonce
    #[arg(long, requires_all = ["max_fee", "priority_fee"], value_name = "NUMBER")]
    nonce: Option<u64>,
    /// Without a node: most that a unit of gas may cost, in base units
    #[arg(long, requires = "nonce", value_name = "NUMBER")]
    max_fee: Option<u128>,
    /// Without a node: the part of it that the producer of the block gets, in base units
    #[arg(long, requires = "nonce", value_name = "NUMBER")]
    priority_fee: Option<u128>,
    /// Where to write the proposal; an existing file is not overwritten [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// File with the proposal, or - for standard input
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct SignArgs {
    /// File with the proposal, or - for standard input
    file: PathBuf,
    /// Use no node: for a machine without a network. Otherwise the balance and further warnings come from the node
    #[arg(long)]
    offline: bool,
    /// Answer the prompt with yes
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    consent: Consent,
    /// Where to write the signed proposal; an existing file is not overwritten [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CombineArgs {
    /// Copies of one proposal, each with some signatures
    #[arg(required = true, num_args = 2..=32)]
    files: Vec<PathBuf>,
    /// Where to write the proposal with all of them; an existing file is not overwritten [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct DigestArgs {
    /// File with the proposal, or - for standard input
    file: PathBuf,
    /// Write the message, whose SHA-256 is signed, to this new file
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,
    /// Write the digest, 32 bytes, to this new file
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct AttachArgs {
    /// File with the proposal, or - for standard input
    file: PathBuf,
    /// File with the signature, as bytes, in hex or base64: RSA-PSS (SHA-256, salt of 32 bytes), or ECDSA as DER or as r and s
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
    /// Where to write the signed proposal; an existing file is not overwritten [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// File with a proposal that has enough signatures, or - for standard input
    file: PathBuf,
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn propose(file: &VaultFile, client: &Client, args: &ProposeArgs) -> anyhow::Result<()> {
    let (vault, _) = file.open()?;
    let account = find(&vault, &args.from)?;
    let now = (tally_node::system_clock())();
    let to = args.to.resolve(&vault)?;
    let payment = |nonce: u64, fee: Fee, timestamp: UnixSecs| Payment {
        to,
        value: args.amount,
        memo: args.memo.clone(),
        nonce,
        timestamp,
        fee,
    };
    let payment = match (args.nonce, args.max_fee, args.priority_fee) {
        (Some(nonce), Some(max_fee), Some(max_priority_fee)) => {
            let fee = Fee {
                max_priority_fee,
                max_fee,
            };
            payment(nonce, fee, now)
        }
        _ => {
            vault.check_chain(client.status()?.genesis_id)?;
            let nonce = client.account(account.address)?.next_nonce;
            payment(nonce, fees::choose(args.fee.into(), &client.fees()?), now)
        }
    };
    let proposal = Proposal::build(&vault.chain().identity(), account, &payment)?;
    // Nothing is signed yet: those who sign give their yes, here it is a note.
    let journal = Journal::of(file)?;
    let known = Known {
        vault: &vault,
        journal: &journal,
        typed: args.to.typed(),
    };
    let review = proposal.review()?;
    let warnings = match args.nonce {
        Some(_) => known.offline(&review),
        None => known.warnings(
            client,
            &review,
            client.account(account.address)?.balance,
            client.fees()?,
        ),
    };
    warn::show(&warnings);
    let node = args.nonce.is_none().then_some(client);
    if let Some(equal) = equal::find(node, &journal, &review, &proposal.payload())? {
        errln!("warning: {equal}");
    }
    write_text(args.out.as_deref(), &proposal.write())
}

pub fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let proposal = read(&args.file)?;
    let review = proposal.review()?;
    if args.json {
        let signers: Vec<_> = proposal
            .who()
            .iter()
            .map(|(key, signed)| json!({ "kind": key.kind(), "address": key.address().to_string(), "signed": signed }))
            .collect();
        let shown = json!({
            "review": review, "required": proposal.required(), "signers": signers,
            "complete": proposal.is_complete(), "digest": proposal.digest(),
        });
        outln!("{}", serde_json::to_string_pretty(&shown)?)?;
        return Ok(());
    }
    outln!("{}", lines(&review, "coins"))?;
    outln!("{}", who(&proposal))?;
    Ok(())
}

pub fn sign(file: &VaultFile, client: &Client, args: &SignArgs) -> anyhow::Result<()> {
    let mut proposal = read(&args.file)?;
    let (vault, _) = file.open()?;
    proposal.check_chain(&vault.chain().identity())?;
    let review = proposal.review()?;
    // Not on standard output: the signed proposal may go there.
    errln!("{}", lines(&review, "coins"));
    errln!("{}", who(&proposal));
    let journal = Journal::of(file)?;
    let known = Known {
        vault: &vault,
        journal: &journal,
        typed: None,
    };
    let warnings = match args.offline {
        true => known.offline(&review),
        false => {
            vault.check_chain(client.status()?.genesis_id)?;
            let balance = client.account(review.sender)?.balance;
            review.check_funds(balance)?;
            known.warnings(client, &review, balance, client.fees()?)
        }
    };
    let node = (!args.offline).then_some(client);
    args.consent
        .confirm(&warnings, equal::find(node, &journal, &review, &proposal.payload())?)?;
    let waiting = waiting_keys(&vault, &proposal);
    if waiting.is_empty() {
        bail!("no key of this wallet is to sign, or each has signed already");
    }
    if !args.yes && !confirmed("Sign?")? {
        bail!("nothing was signed");
    }
    for address in waiting {
        if proposal.is_complete() {
            break;
        }
        proposal.sign(&vault.signing_key(address)?, &mut system_rng())?;
        errln!("signed with {address}");
    }
    write_text(args.out.as_deref(), &proposal.write())
}

/// Accounts of the vault whose keys are to sign and have not.
fn waiting_keys(vault: &Vault, proposal: &Proposal) -> Vec<Address> {
    let waits = vault.accounts().filter(|account| {
        let is_open = account.key.as_ref().is_some_and(|key| proposal.waits_for(key));
        account.can_sign() && is_open
    });
    waits.map(|account| account.address).collect()
}

pub fn combine(args: &CombineArgs) -> anyhow::Result<()> {
    let (first, rest) = args.files.split_first().context("two files or more are needed")?;
    let mut proposal = read(first)?;
    for file in rest {
        let other = read(file)?;
        proposal
            .combine(&other)
            .with_context(|| format!("{} and {}", first.display(), file.display()))?;
    }
    errln!("{}", who(&proposal));
    write_text(args.out.as_deref(), &proposal.write())
}

pub fn digest(args: &DigestArgs) -> anyhow::Result<()> {
    let proposal = read(&args.file)?;
    if let Some(path) = &args.message {
        write_bytes(path, &proposal.message())?;
    }
    if let Some(path) = &args.raw {
        write_bytes(path, proposal.digest().as_slice())?;
    }
    outln!("{}", alloy_primitives::hex::encode(proposal.digest()))?;
    Ok(())
}

pub fn attach(args: &AttachArgs) -> anyhow::Result<()> {
    /// In bytes. No signature is longer: RSA-4096 has 512 bytes, twice as many digits in hex, and white space between them.
    const MAX_SIGNATURE: u64 = 2_048;
    let mut proposal = read(&args.file)?;
    let unreadable = || format!("cannot read {}", args.signature.display());
    let signature = regular_file::read(&args.signature, MAX_SIGNATURE).with_context(unreadable)?;
    let key = proposal.attach(&signature)?;
    errln!("the signature is that of {} {}", key.kind().title(), key.address());
    write_text(args.out.as_deref(), &proposal.write())
}

pub fn submit(file: &VaultFile, client: &Client, args: &SubmitArgs) -> anyhow::Result<()> {
    let proposal = read(&args.file)?;
    proposal.check_chain(&client.status()?.binding().identity())?;
    let signed = proposal.complete()?;
    let report = Report::plain(&args.depth, args.json);
    finish(client, &Journal::of(file)?, &signed, &report)
}

fn read(path: &Path) -> anyhow::Result<Proposal> {
    Proposal::read(&read_text(path)?).with_context(|| path.display().to_string())
}

fn write_bytes(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let unwritable = || format!("cannot write {}; an existing file is left alone", path.display());
    new_file::create(path, bytes).with_context(unwritable)
}

/// Whose keys are to sign, and whose have.
fn who(proposal: &Proposal) -> String {
    let mut lines = format!("Signed by {} of {} needed:", proposal.signed(), proposal.required());
    for (key, signed) in proposal.who() {
        let mark = if signed { "x" } else { " " };
        lines += &format!("\n  [{mark}] {:<9} {}", key.kind().name(), key.address());
    }
    lines
}
