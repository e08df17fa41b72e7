//! `tally receipt get | verify`: portable receipts.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tally_app::format::iso;
use tally_chain::portable::{MAX_FILE_BYTES, Proven, Trusted};
use tally_chain::{B256, BlockId, PortableReceipt, ReferenceVerifier, TxId, document};

use super::client::{Client, NodeArgs};
use super::out::{After as _, Unprinted, outln};
use crate::exit::OtherDocument;
use crate::new_file;
use crate::regular_file;

#[derive(Debug, Args)]
pub struct ReceiptArgs {
    #[command(subcommand)]
    command: ReceiptCommand,
}

#[derive(Debug, Subcommand)]
enum ReceiptCommand {
    /// Write the receipt of a transaction to a file, once it is in a block
    Get {
        /// Id of the transaction
        id: TxId,
        /// Where to write it; an existing file is not overwritten [default: receipt-ID.json]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Check a receipt without any node, against the id of a block that you trust
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The receipt
    file: PathBuf,
    /// Id of a block that you trust: the tip that the receipt leads to, or the transaction's own block
    #[arg(long, value_name = "BLOCK")]
    tip: BlockId,
    /// Genesis id of the chain that you mean
    #[arg(long, value_name = "BLOCK")]
    genesis: Option<BlockId>,
    /// The document that the transaction should anchor
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &ReceiptArgs) -> anyhow::Result<()> {
    match &args.command {
        ReceiptCommand::Get { id, out, node } => get(*id, out.as_deref(), node),
        ReceiptCommand::Verify(args) => verify(args),
    }
}

fn get(id: TxId, out: Option<&Path>, node: &NodeArgs) -> anyhow::Result<()> {
    let receipt: PortableReceipt = Client::to(node)?.get(&format!("transactions/{id}/receipt"))?;
    let tip = receipt.tip_id().context("the node's receipt names no block")?;
    // What a node hands out is not kept before it holds in itself.
    let proven = receipt.check(None, tip, &ReferenceVerifier)?;
    if proven.transaction.id() != id {
        bail!("the node sent the receipt of {}", proven.transaction.id());
    }
    let usual = PathBuf::from(format!("receipt-{id}.json"));
    let out = out.unwrap_or(&usual);
    new_file::create(out, receipt.write().as_bytes()).with_context(|| format!("cannot write {}", out.display()))?;
    let (shown, tip) = (out.display(), proven.tip);
    let printed = outln!(
        "{shown}\nIt leads to block {tip} at height {}.\n\
         Compare that id with one from a source of your own, then: tally receipt verify {shown} --tip {tip}",
        proven.tip_height
    );
    Ok(printed.after(|| format!("the receipt was written to {shown}"))?)
}

fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let outcome = examine(args);
    if let (true, Err(error)) = (args.json, &outcome) {
        // Programs read this; the exit code and the message on standard error are the same as without --json.
        let report = json!({ "holds": false, "reason": format!("{error:#}") });
        outln!("{}", serde_json::to_string_pretty(&report)?)?;
    }
    outcome
}

fn examine(args: &VerifyArgs) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", args.file.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&args.file).with_context(unreadable)?;
    file.take(MAX_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(unreadable)?;
    let receipt = PortableReceipt::read(&bytes)?;
    let proven = receipt.check(args.genesis, args.tip, &ReferenceVerifier)?;
    let anchored = document::anchored(proven.transaction.view().data);
    if let Some(path) = &args.document {
        let found = sha256_of(path)?;
        let anchored = anchored.ok_or(OtherDocument::None)?;
        if anchored != found {
            return Err(OtherDocument::Differs { anchored, found }.into());
        }
    }
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&shown(&receipt, &proven, anchored))?)?;
        return Ok(());
    }
    print(&receipt, &proven, anchored, args.document.as_deref())?;
    Ok(())
}

fn shown(receipt: &PortableReceipt, proven: &Proven, anchored: Option<B256>) -> serde_json::Value {
    let view = proven.transaction.view();
    json!({
        "holds": true,
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
        },
        "tip": proven.confirmations().map(|_| proven.tip),
        "tip_height": proven.confirmations().map(|_| proven.tip_height),
        "confirmations": proven.confirmations(),
        "document_sha256": anchored.map(alloy_primitives::hex::encode),
    })
}

/// For a person.
fn print(
    receipt: &PortableReceipt,
    proven: &Proven,
    anchored: Option<B256>,
    document: Option<&Path>,
) -> Result<(), Unprinted> {
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
    if let Some(sha256) = anchored {
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
    outln!("  chain        genesis {}", receipt.genesis)?;
    outln!("Checked here: signature, work, and the paths to the block that you trust.")
}

/// SHA-256 of a regular file of any size; not of a pipe or a device, which may never end, and not of a file that changes
/// its length meanwhile.
pub fn sha256_of(path: &Path) -> anyhow::Result<B256> {
    let unreadable = || format!("cannot read {}", path.display());
    let (file, found) = regular_file::open(path).with_context(unreadable)?;
    let mut hasher = Sha256::new();
    regular_file::read_parts(&file, &found, |part| hasher.update(part)).with_context(unreadable)?;
    Ok(B256::from(<[u8; 32]>::from(hasher.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_regular_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("document");
        std::fs::write(&path, "abc").expect("written");
        assert_eq!(
            alloy_primitives::hex::encode(sha256_of(&path).expect("reads")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let pipe = crate::regular_file::testing::pipe(folder.path());
        for path in [Path::new("/dev/zero"), &pipe, folder.path()] {
            let error = sha256_of(path).expect_err("no file");
            assert_eq!(
                format!("{error:#}"),
                format!("cannot read {}: it is no regular file", path.display())
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_document_ends_where_it_ended_when_it_was_opened() {
        // The system gives its length as 0, and has something to read in it.
        let path = Path::new("/proc/self/status");
        let error = sha256_of(path).expect_err("longer than it was");
        assert_eq!(
            format!("{error:#}"),
            "cannot read /proc/self/status: it was changed while it was read; it had 0 bytes"
        );
    }
}
