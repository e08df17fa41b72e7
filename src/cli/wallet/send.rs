//! `tally wallet send`.

use std::io::{BufRead as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Amount, address};
use tally_wallet::{Memo, Payment, Review, Vault, Warning, fees, payment, system_rng};

use super::super::client::Client;
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

pub fn run(file: &VaultFile, client: &Client, args: &SendArgs) -> anyhow::Result<()> {
    let (to, value) = (args.to, args.amount);
    let status = client.status()?;
    let (vault, _) = file.open()?;
    vault.check_chain(status.genesis_id)?;
    let chain = vault.chain().identity();
    let sender = find(&vault, &args.from)?;
    let state = client.account(sender.address)?;
    let suggestions = client.fees()?;
    let fee = fees::choose(args.fee.into(), &suggestions);
    let timestamp = (tally_node::system_clock())();
    let memo = args.memo.clone();
    let payment = Payment {
        to,
        value,
        memo,
        nonce: state.next_nonce,
        timestamp,
        fee,
    };
    let payload = payment::build(&chain, sender, &payment)?;
    let review = payment::review(&chain, sender.address, &payload)?;
    review.check_funds(state.balance)?;
    let warnings = warn::of(client, &vault, &review, state.balance, suggestions)?;
    if !args.json {
        show(&review, &status.symbol);
    }
    warn::show(&warnings, args.despite_warnings)?;
    if !args.yes && !confirmed()? {
        bail!("nothing was sent");
    }
    let envelope = sign(&vault, &chain, sender.address, &payload)?;
    finish(client, &envelope, &args.depth, args.json, &warnings)
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
    println!("What will be signed, read back from its bytes:");
    println!("  from     {}", review.sender);
    println!(
        "  to       {}",
        review
            .to
            .map_or_else(|| "a new contract".to_owned(), |to| to.to_string())
    );
    println!("  amount   {} {symbol}", review.value_coins);
    println!(
        "  fee      at most {} {symbol} ({} gas)",
        review.max_fee_coins, review.gas_limit
    );
    println!("  in all   at most {} {symbol}", review.max_total_coins);
    match &review.memo {
        Memo::None => {}
        Memo::Text(text) => println!("  memo     {text}"),
        Memo::Hex(hex) => println!("  memo     {hex} (not shown as text)"),
    }
    println!("  nonce    {}", review.nonce);
    println!("  chain    {} (genesis {})", review.chain_id, review.genesis);
}

pub fn confirmed() -> anyhow::Result<bool> {
    print!("Sign and send? [y/N] ");
    std::io::stdout().flush()?;
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
