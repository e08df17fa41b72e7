//! `tally receipt get | verify`: portable receipts. Rules: docs/protocol.md#P1 to #P8

mod found;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tally_chain::portable::{self, MAX_PROVED_FILE_BYTES};
use tally_chain::{B256, BlockId, PortableReceipt, ReferenceVerifier, TxId, document};
use tally_node::system_clock;

use super::client::{Client, NodeArgs};
use super::out::{After as _, outln};
use crate::exit::OtherDocument;
use crate::new_file;
use crate::regular_file;
use found::{Found, level};

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
        /// With the proof of the chain in it, up to about a megabyte: its reader needs the genesis id alone
        #[arg(long)]
        proof: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Check a receipt without any node, against the id of a block that you trust, or from the genesis id on
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The receipt
    file: PathBuf,
    /// Id of a block that you trust: the tip that the receipt leads to, or the transaction's own block
    #[arg(long, value_name = "BLOCK", required_unless_present = "genesis")]
    tip: Option<BlockId>,
    /// Genesis id of the chain that you mean; without --tip the proof in the receipt is verified from there
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
        ReceiptCommand::Get { id, out, proof, node } => get(*id, out.as_deref(), *proof, node),
        ReceiptCommand::Verify(args) => verify(args),
    }
}

fn get(id: TxId, out: Option<&Path>, proof: bool, node: &NodeArgs) -> anyhow::Result<()> {
    let version = if proof { portable::PROVED } else { portable::VERSION };
    let receipt: PortableReceipt = Client::to(node)?.get(&receipt_path(id, version))?;
    let found = receipt.version();
    if found != version {
        bail!("the node sent a receipt of version {found}, expected {version}");
    }
    // What a node hands out is not kept before it holds in itself.
    let (proven, chain) = match proof {
        true => {
            let found = receipt.check_from_genesis(receipt.genesis, (system_clock())(), &ReferenceVerifier)?;
            (found.proven, Some(found.chain))
        }
        false => {
            let tip = receipt.tip_id().context("the node's receipt names no block")?;
            (receipt.check(None, tip, &ReferenceVerifier)?, None)
        }
    };
    if proven.transaction.id() != id {
        bail!("the node sent the receipt of {}", proven.transaction.id());
    }
    let usual = PathBuf::from(format!("receipt-{id}.json"));
    let out = out.unwrap_or(&usual);
    // What is written is what readers take: limits and spelling are those of files.
    let text = receipt.write();
    PortableReceipt::read(text.as_bytes()).context("the node's receipt is no file that can be read again")?;
    new_file::create(out, text.as_bytes()).with_context(|| format!("cannot write {}", out.display()))?;
    let (shown, tip, height) = (out.display(), proven.tip, proven.tip_height);
    let printed = match chain {
        Some(chain) => outln!(
            "{shown}\nIt leads from genesis {} to block {tip} at height {height}: {}.\n\
             Compare the genesis id with one from a source of your own, then: tally receipt verify {shown} --genesis {}",
            chain.genesis,
            level(&chain),
            chain.genesis
        ),
        None => outln!(
            "{shown}\nIt leads to block {tip} at height {height}.\n\
             Compare that id with one from a source of your own, then: tally receipt verify {shown} --tip {tip}"
        ),
    };
    Ok(printed.after(|| format!("the receipt was written to {shown}"))?)
}

/// Path of the receipt, for nodes of before version 2 as well.
fn receipt_path(id: TxId, version: u32) -> String {
    match version {
        portable::VERSION => format!("transactions/{id}/receipt"),
        version => format!("transactions/{id}/receipt?version={version}"),
    }
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
    file.take(MAX_PROVED_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(unreadable)?;
    let receipt = PortableReceipt::read(&bytes)?;
    let now = (system_clock())();
    let (proven, chain) = match (args.tip, args.genesis) {
        (Some(tip), genesis) => (receipt.check(genesis, tip, &ReferenceVerifier)?, None),
        (None, Some(genesis)) => {
            let found = receipt.check_from_genesis(genesis, now, &ReferenceVerifier)?;
            (found.proven, Some(found.chain))
        }
        (None, None) => bail!("neither --tip nor --genesis is given"),
    };
    let anchored = document::anchored(proven.transaction.view().data);
    if let Some(path) = &args.document {
        let found = sha256_of(path)?;
        let anchored = anchored.ok_or(OtherDocument::None)?;
        if anchored != found {
            return Err(OtherDocument::Differs { anchored, found }.into());
        }
    }
    let found = Found {
        receipt: &receipt,
        proven: &proven,
        chain: chain.as_ref(),
        anchored,
    };
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&found.shown(now))?)?;
        return Ok(());
    }
    found.print(args.document.as_deref(), now)?;
    Ok(())
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
