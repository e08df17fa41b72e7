//! The checks as plain functions over bytes, the same rules as in the node. Nothing here sends a request.

mod transaction;

use serde::Serialize;
use tally_api::worker::light::BlockVerdict;
use tally_chain::{Address, Header, Manifest, address, pow::Target};

use crate::model::{BlockEvidence, BlockPage, TransactionPage};

pub use transaction::{Proof, check_row, check_transaction};
#[cfg(feature = "ssr")]
pub use transaction::{log_views, policy_view, scheme, signed_with};

/// One check: its claim, in full, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckLine {
    pub title: &'static str,
    pub explanation: &'static str,
    /// `None` where it does not apply, such as the path of a transaction that still waits.
    pub outcome: Option<Result<(), String>>,
    /// Without an outcome: why what holds is still what only the node reports.
    pub claimed: Option<String>,
}

type Titled = (&'static str, &'static str);

const ID: Titled = ("Block id", "The header's 80 bytes hash to the id shown.");
const CHAIN: Titled = (
    "Chain",
    "The block is the newest one that this tab has verified from genesis on, or one of its ancestors, by its path to that block's history.",
);
const MANIFEST: Titled = ("Manifest root", "The manifest hashes to the root in the header.");
const FIGURES: Titled = (
    "Figures",
    "Height, times, bits, roots and fees shown are those in the bytes.",
);
const SIGNATURE: Titled = (
    "Signature",
    "The sender's key, or as many keys as its policy requires, signed this very transaction for this very chain.",
);
const CONTENT: Titled = (
    "Content",
    "Id, sender, receiver, value, memo, nonce and limits shown are those that were signed; a new contract's address follows from sender and nonce.",
);
const PATH: Titled = (
    "Merkle path",
    "The transaction is in the block, by its path to the block's root.",
);
const BLOCK: Titled = (
    "Block",
    "The block that holds it is the newest one that this tab has verified from genesis on, or one of its ancestors.",
);
const OUTCOME: Titled = (
    "Outcome",
    "Status, gas, fee and events shown are those of the receipt in the block, by its path to the block's root.",
);

/// What is checked on a block's page, in order.
pub const BLOCK_CHECKS: [Titled; 4] = [ID, CHAIN, MANIFEST, FIGURES];

/// What is checked on a transaction's page, in order.
pub const TRANSACTION_CHECKS: [Titled; 5] = [SIGNATURE, CONTENT, PATH, BLOCK, OUTCOME];

pub(super) fn line((title, explanation): Titled, outcome: Option<Result<(), String>>) -> CheckLine {
    CheckLine {
        title,
        explanation,
        outcome,
        claimed: None,
    }
}

/// The line about a block's place: on the verified chain, or why not. `fits`: whether what is shown of it is what its bytes contain.
fn line_of_block(titled: Titled, verdict: &BlockVerdict, fits: Result<(), String>) -> CheckLine {
    match (fits, verdict) {
        (Err(why), _) => line(titled, Some(Err(why))),
        (Ok(()), BlockVerdict::OnChain) => line(titled, Some(Ok(()))),
        (Ok(()), BlockVerdict::Refuted(why)) => line(titled, Some(Err(why.clone()))),
        (Ok(()), BlockVerdict::Unknown(why)) => CheckLine {
            claimed: Some(why.clone()),
            ..line(titled, None)
        },
    }
}

/// A line about what stands in a block: it is worth what the block is worth, and what holds in any other than one of the
/// verified chain is only what the node reports.
fn line_within(titled: Titled, verdict: &BlockVerdict, outcome: Option<Result<(), String>>) -> CheckLine {
    match (outcome, verdict) {
        (Some(Ok(())), BlockVerdict::Unknown(_) | BlockVerdict::Refuted(_)) => line(titled, None),
        (outcome, _) => line(titled, outcome),
    }
}

/// All that is compared on a block's page: pages that differ in it are different subjects.
pub fn block_subject(page: &BlockPage) -> String {
    subject(&(&page.row, &page.header, &page.manifest))
}

/// All that is compared on a transaction's page: pages that differ in it are different subjects.
pub fn transaction_subject(page: &TransactionPage) -> String {
    // The chain grows beside it.
    subject(&TransactionPage { tip: 0, ..page.clone() })
}

fn subject(content: &impl Serialize) -> String {
    serde_json::to_string(content).expect("texts and numbers have a form in JSON")
}

/// Compares what is shown with the bytes.
fn same(what: &str, shown: impl ToString, found: impl ToString) -> Result<(), String> {
    let (shown, found) = (shown.to_string(), found.to_string());
    if shown == found {
        Ok(())
    } else {
        Err(format!("{what} is shown as {shown}, but the bytes contain {found}"))
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

pub(super) fn header(evidence: &BlockEvidence) -> Result<Header, String> {
    let length = evidence.header.len();
    let bytes = evidence.header.as_ref().try_into();
    bytes
        .map(Header::decode)
        .map_err(|_| format!("the header has {length} bytes, not 80"))
}

fn check_id(header: &Header, shown: &str) -> Result<(), String> {
    same("The id", shown, header.id())
}

/// Rule: docs/protocol.md#M1
pub(super) fn check_manifest(header: &Header, evidence: &BlockEvidence) -> Result<Manifest, String> {
    let manifest = Manifest::decode(&evidence.manifest).map_err(text)?;
    same("The manifest's root", header.manifest_root, manifest.root()).map(|()| manifest)
}

/// Checks a block's page against its bytes. `verdict`: what the light client found of the block.
pub fn check_block(verdict: &BlockVerdict, page: &BlockPage, evidence: &BlockEvidence) -> Vec<CheckLine> {
    let header = match header(evidence) {
        Ok(header) => header,
        Err(error) => {
            return BLOCK_CHECKS
                .map(|titled| line(titled, Some(Err(error.clone()))))
                .to_vec();
        }
    };
    let manifest = check_manifest(&header, evidence);
    let figures = manifest
        .clone()
        .and_then(|manifest| check_figures(page, &header, &manifest));
    let within = |titled, outcome| line_within(titled, verdict, Some(outcome));
    vec![
        within(ID, check_id(&header, &page.row.id)),
        line_of_block(CHAIN, verdict, Ok(())),
        within(MANIFEST, manifest.map(drop)),
        within(FIGURES, figures),
    ]
}

fn check_figures(page: &BlockPage, header: &Header, manifest: &Manifest) -> Result<(), String> {
    let shown_producer: Address = address::parse(&page.row.producer).map_err(text)?;
    same("The height", page.row.height, manifest.number.0)?;
    same("The producer", shown_producer, manifest.producer)?;
    same("The gas used", page.row.gas_used, manifest.gas_used)?;
    same("The gas limit", page.row.gas_limit, manifest.gas_limit)?;
    same("The base fee", page.manifest.base_fee.digits(), manifest.base_fee)?;
    same("The state root", &page.manifest.state_root, manifest.state_root)?;
    same(
        "The transactions root",
        &page.manifest.transactions_root,
        manifest.transactions_root,
    )?;
    same(
        "The receipts root",
        &page.manifest.receipts_root,
        manifest.receipts_root,
    )?;
    same("The history root", &page.manifest.history_root, manifest.history_root)?;
    same("The extra field", &page.manifest.extra, &manifest.extra)?;
    check_header(page, header)
}

fn check_header(page: &BlockPage, header: &Header) -> Result<(), String> {
    let shown = &page.header;
    same("The version", shown.version, header.version)?;
    same("The parent", &shown.parent, header.parent)?;
    same("The manifest root", &shown.manifest_root, header.manifest_root)?;
    same("The time", page.row.time, header.time)?;
    same("The header's time", shown.time, header.time)?;
    same("The bits value", &shown.bits, format!("{:#010x}", header.bits))?;
    let target = Target::from_bits(header.bits).map_err(text)?;
    same("The target", &shown.target, format!("{:064x}", target.0))?;
    same("The nonce", shown.nonce, header.nonce)
}

#[cfg(test)]
mod tests;
