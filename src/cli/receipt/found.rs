//! What a receipt that holds shows, for people and programs.

use std::path::Path;

use serde_json::{Value, json};
use tally_app::format::{duration, iso};
use tally_chain::light::{Level, Verified};
use tally_chain::portable::{Proven, Trusted};
use tally_chain::{B256, PortableReceipt, UnixSecs};

use crate::cli::out::{Unprinted, outln};
use tally_node::counted::counted;

/// A receipt that holds.
pub struct Found<'a> {
    pub receipt: &'a PortableReceipt,
    pub proven: &'a Proven,
    /// The chain up to its later block, where it was verified from genesis.
    pub chain: Option<&'a Verified>,
    /// SHA-256 of the document that the transaction anchors.
    pub anchored: Option<B256>,
}

impl Found<'_> {
    /// For programs. `now`: this machine's clock.
    pub fn shown(&self, now: UnixSecs) -> Value {
        let Self {
            receipt,
            proven,
            chain,
            anchored,
        } = self;
        let view = proven.transaction.view();
        json!({
            "holds": true,
            "version": receipt.version(),
            "genesis": receipt.genesis,
            "transaction": proven.transaction.id(),
            "sender": proven.transaction.sender().to_string(),
            "to": view.to.map(|to| to.to_string()),
            "value": view.value,
            "success": proven.receipt.success,
            "block": proven.block,
            "height": proven.height,
            "time": proven.time,
            "time_iso": iso(proven.time.into()),
            "trusted": match proven.trusted {
                Trusted::Tip => "tip",
                Trusted::Own => "block",
                Trusted::Genesis => "genesis",
            },
            "tip": proven.confirmations().map(|_| proven.tip),
            "tip_height": proven.confirmations().map(|_| proven.tip_height),
            "confirmations": proven.confirmations(),
            "chain": chain.map(|chain| json!({
                "level": chain.level,
                "time": chain.header.time,
                "age_secs": age(chain, now),
                "weight": chain.weight.to_string(),
                "checked": chain.checked,
                "believed": assumptions(chain.level),
            })),
            "document_sha256": anchored.map(alloy_primitives::hex::encode),
        })
    }

    /// For a person. `document`: the file that was compared with the one that is anchored.
    pub fn print(&self, document: Option<&Path>, now: UnixSecs) -> Result<(), Unprinted> {
        let proven = self.proven;
        let view = proven.transaction.view();
        outln!("The receipt holds.")?;
        outln!("  transaction  {}", proven.transaction.id())?;
        outln!(
            "  from         {}, whose signature was checked",
            proven.transaction.sender()
        )?;
        let to = view.to.map_or_else(|| "a new contract".to_owned(), |to| to.to_string());
        outln!("  to           {to}")?;
        outln!("  amount       {}", view.value.to_coins())?;
        if !proven.receipt.success {
            outln!("  FAILED       its execution failed: nothing was paid but the fee")?;
        }
        if let Some(sha256) = self.anchored {
            outln!("  document     SHA-256 {}", alloy_primitives::hex::encode(sha256))?;
        }
        if let Some(path) = document {
            outln!("               which is that of {}", path.display())?;
        }
        outln!(
            "  in block     {} at height {}, time {}",
            proven.block,
            proven.height,
            iso(proven.time.into())
        )?;
        match proven.confirmations() {
            Some(count) => outln!(
                "  leads to     {} at height {}: {count} confirmations there",
                proven.tip,
                proven.tip_height
            )?,
            None => outln!(
                "  later        not known: you trust the transaction's own block, and what the file says of later ones proves nothing"
            )?,
        }
        outln!("  chain        genesis {}", self.receipt.genesis)?;
        match self.chain {
            Some(chain) => print_chain(chain, now),
            None => outln!("Checked here: signature, work, and the paths to the block that you trust."),
        }
    }
}

fn print_chain(chain: &Verified, now: UnixSecs) -> Result<(), Unprinted> {
    outln!("  verified     from genesis, {}", level(chain))?;
    outln!(
        "  newest       {}, {} old by this machine's clock",
        iso(chain.header.time.into()),
        duration(age(chain, now) as f64)
    )?;
    outln!("  total work   {}", chain.weight)?;
    outln!("Checked here: signature, paths, and the work of the chain that they lead to.")?;
    outln!("Taken on trust:")?;
    for line in assumptions(chain.level) {
        outln!("  - {line}")?;
    }
    Ok(())
}

/// How much of the chain was checked. Rule: docs/protocol.md#F1
pub fn level(chain: &Verified) -> String {
    let headers = counted(chain.checked.headers, "header", "headers");
    match chain.level {
        Level::Sampled => format!("sampled: the work of {headers}, drawn at random and the newest"),
        Level::AllHeaders | Level::Executed => format!("all headers: work, time and link of {headers}"),
    }
}

/// Seconds since the newest block's time; none where it is ahead of the clock.
fn age(chain: &Verified, now: UnixSecs) -> u64 {
    now.0.saturating_sub(chain.header.time.into())
}

/// What a receipt that holds from genesis does not show.
fn assumptions(level: Level) -> Vec<&'static str> {
    let mut all = vec![
        "that the genesis id is that of the chain you mean",
        "that no chain has more work: the receipt shows one, up to a block that may be old (tally light shows the present ones)",
        "that the blocks do what the rules allow: none was executed (tally audit does that)",
        "SHA-256, and this machine's clock",
    ];
    if level == Level::Sampled {
        all.insert(0, "that no forger has a third of all miners' power");
    }
    all
}
