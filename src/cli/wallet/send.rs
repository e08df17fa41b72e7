//! `tally wallet send`.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Amount, address, document};
use tally_wallet::{Account, Memo, Payment, Review, Vault, Warning, fees, payment, system_rng};

use super::super::client::Client;
use super::super::receipt::sha256_of;
use super::accounts::find;
use super::file::VaultFile;
use super::{Level, warn};

#[derive(Debug, Args)]
pub struct SendArgs {
    /// Account that pays: its address or its label
    #[arg(long)]
    from: String,
    /// Receiver
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Address,
    /// Amount in coins, such as 1.5
    #[arg(long, value_name = "COINS", value_parser = Amount::from_coins)]
    amount: Amount,
    /// Text for the receiver; public on the chain
    #[arg(long, default_value = "")]
    memo: String,
    /// How much of a hurry it is in
    #[arg(long, value_enum, default_value_t = Level::Normal)]
    fee: Level,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Sign even what needs an explicit yes
    #[arg(long)]
    despite_warnings: bool,
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How long to wait for a transaction that was sent.
#[derive(Debug, Args)]
pub struct Depth {
    /// Wait until it is in a block, at most this many seconds
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// With --wait: until it is so many blocks deep, its own counted
    #[arg(long, value_name = "BLOCKS", default_value_t = 1, requires = "wait")]
    confirmations: u64,
}

#[derive(Debug, Deserialize)]
struct Taken {
    id: String,
    status: String,
}

#[derive(Debug, Deserialize)]
struct Found {
    status: String,
    block: Option<Block>,
}

#[derive(Debug, Deserialize)]
struct Block {
    height: u64,
    confirmations: u64,
}

/// `tally wallet anchor`. Rule: docs/protocol.md#P6
#[derive(Debug, Args)]
pub struct AnchorArgs {
    /// The document; it stays where it is, only its SHA-256 goes on the chain
    file: PathBuf,
    /// Account that signs and pays the fee: its address or its label
    #[arg(long)]
    from: String,
    /// How much of a hurry it is in
    #[arg(long, value_enum, default_value_t = Level::Normal)]
    fee: Level,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(file: &VaultFile, client: &Client, args: &SendArgs) -> anyhow::Result<()> {
    let (vault, _) = file.open()?;
    let order = Order {
        to: args.to,
        value: args.amount,
        memo: args.memo.clone(),
        fee: args.fee,
        yes: args.yes,
        despite_warnings: args.despite_warnings,
        depth: &args.depth,
        json: args.json,
    };
    pay(&vault, client, find(&vault, &args.from)?, &order)
}

/// Pays nothing to the account itself, with the document's hash as data.
pub fn anchor(file: &VaultFile, client: &Client, args: &AnchorArgs) -> anyhow::Result<()> {
    let sha256 = sha256_of(&args.file)?;
    let (vault, _) = file.open()?;
    let sender = find(&vault, &args.from)?;
    let order = Order {
        to: sender.address,
        value: Amount::ZERO,
        memo: document::anchor(&sha256),
        fee: args.fee,
        yes: args.yes,
        // All that can be said of a payment of nothing to oneself.
        despite_warnings: true,
        depth: &args.depth,
        json: args.json,
    };
    pay(&vault, client, sender, &order)
}

/// What is to be paid, and how it is asked and told.
struct Order<'a> {
    to: Address,
    value: Amount,
    memo: String,
    fee: Level,
    yes: bool,
    despite_warnings: bool,
    depth: &'a Depth,
    json: bool,
}

fn pay(vault: &Vault, client: &Client, sender: &Account, order: &Order) -> anyhow::Result<()> {
    let status = client.status()?;
    vault.check_chain(status.genesis_id)?;
    let chain = vault.chain().identity();
    let state = client.account(sender.address)?;
    let suggestions = client.fees()?;
    let payment = Payment {
        to: order.to,
        value: order.value,
        memo: order.memo.clone(),
        nonce: state.next_nonce,
        timestamp: (tally_node::system_clock())(),
        fee: fees::choose(order.fee.into(), &suggestions),
    };
    let payload = payment::build(&chain, sender, &payment)?;
    let review = payment::review(&chain, sender.address, &payload)?;
    review.check_funds(state.balance)?;
    let warnings = warn::of(client, vault, &review, state.balance, suggestions);
    if !order.json {
        show(&review, &status.symbol);
    }
    warn::show(&warnings, order.despite_warnings)?;
    if !order.yes && !confirmed("Sign and send?")? {
        bail!("nothing was sent");
    }
    let envelope = sign(vault, &chain, sender.address, &payload)?;
    finish(client, &envelope, order.depth, order.json, &warnings)
}

/// Hands an envelope to the node, waits as asked, and says what became of it.
pub fn finish(client: &Client, envelope: &str, depth: &Depth, json: bool, warnings: &[Warning]) -> anyhow::Result<()> {
    let taken: Taken = client.post("transactions", &json!({ "raw": envelope }))?;
    let height = match depth.wait {
        Some(seconds) => Some(wait(
            client,
            &taken.id,
            depth.confirmations,
            Duration::from_secs(seconds),
        )?),
        None => None,
    };
    if json {
        let warnings = warn::json(warnings);
        println!(
            "{}",
            json!({ "id": taken.id, "status": taken.status, "height": height, "warnings": warnings })
        );
    } else {
        println!("{}  {}", taken.id, taken.status);
        if let Some(height) = height {
            println!("in block {height}");
        }
    }
    Ok(())
}

pub fn sign(vault: &Vault, chain: &ChainIdentity, sender: Address, payload: &[u8]) -> anyhow::Result<String> {
    let key = vault.signing_key(sender)?;
    let signed = payment::sign(chain, sender, &key, payload, &mut system_rng())?;
    Ok(alloy_primitives::hex::encode_prefixed(&signed.envelope))
}

/// Shows what the bytes to be signed say.
pub fn show(review: &Review, symbol: &str) {
    println!("{}", lines(review, symbol));
}

/// What the bytes to be signed say, a line each.
pub fn lines(review: &Review, symbol: &str) -> String {
    let to = review
        .to
        .map_or_else(|| "nobody: a new contract is created".to_owned(), |to| to.to_string());
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
  chain    {} (genesis {})",
        review.sender,
        review.value_coins,
        review.max_fee_coins,
        review.gas_limit,
        review.max_total_coins,
        review.nonce,
        review.chain_id,
        review.genesis
    )
}

/// Asks on standard error, since what is made may go to standard output.
pub fn confirmed(question: &str) -> anyhow::Result<bool> {
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Asks the node until the transaction is deep enough, and gives the height of its block.
fn wait(client: &Client, id: &str, confirmations: u64, most: Duration) -> anyhow::Result<u64> {
    let deadline = Instant::now() + most;
    loop {
        let found: Found = client.get(&format!("transactions/{id}"))?;
        match (found.status.as_str(), found.block) {
            ("failed", _) => bail!("{id} is in a block, but its execution failed"),
            (_, Some(block)) if block.confirmations >= confirmations => return Ok(block.height),
            (status, block) if Instant::now() >= deadline => {
                let deep = block.map_or(0, |block| block.confirmations);
                bail!(
                    "{id} is {status} with {deep} of {confirmations} confirmations after {} s",
                    most.as_secs()
                )
            }
            _ => std::thread::sleep(Duration::from_millis(250)),
        }
    }
}
