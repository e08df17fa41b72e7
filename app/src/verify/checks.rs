//! The checks as plain functions over bytes, the same rules as in the node. Nothing here asks anyone.

use tally_chain::{
    Address, BlockId, CheckedTransaction, Header, Manifest, RawTransaction, ReferenceVerifier, TxId, address,
    merkle::{self, InclusionProof},
    pow::Target,
    transaction::{Authenticator, ChainIdentity, Transaction},
};

use crate::{
    format,
    model::{
        BlockEvidence, BlockPage, ChainInfo, PolicyKeyView, PolicyView, TransactionEvidence, TransactionPage,
        TransactionRow,
    },
};

/// One check: what it says, in full, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckLine {
    pub title: &'static str,
    pub explanation: &'static str,
    /// `None` where it does not apply, such as the path of a transaction that still waits.
    pub outcome: Option<Result<(), String>>,
}

type Titled = (&'static str, &'static str);

const ID: Titled = ("Block id", "The header's 80 bytes hash to the id shown.");
const WORK: Titled = ("Work", "The id is below the target that the header names.");
const MANIFEST: Titled = ("Manifest root", "The manifest hashes to the root in the header.");
const FIGURES: Titled = ("Figures", "Height, times, roots and fees shown are those in the bytes.");
const SIGNATURE: Titled = (
    "Signature",
    "The sender's key, or as many keys as its policy asks for, signed this very transaction for this very chain.",
);
const CONTENT: Titled = (
    "Content",
    "Id, sender, receiver, value and nonce shown are those that were signed.",
);
const PATH: Titled = (
    "Merkle path",
    "The transaction is in the block, by its path to the block's root.",
);
const SEAL: Titled = (
    "Block's work",
    "The block that holds it is sealed: header, manifest and work fit.",
);

/// What is checked on a block's page, in order.
pub const BLOCK_CHECKS: [Titled; 4] = [ID, WORK, MANIFEST, FIGURES];

/// What is checked on a transaction's page, in order.
pub const TRANSACTION_CHECKS: [Titled; 4] = [SIGNATURE, CONTENT, PATH, SEAL];

pub(super) fn line((title, explanation): Titled, outcome: Option<Result<(), String>>) -> CheckLine {
    CheckLine {
        title,
        explanation,
        outcome,
    }
}

/// Compares what is shown with what the bytes say.
fn same(what: &str, shown: impl ToString, found: impl ToString) -> Result<(), String> {
    let (shown, found) = (shown.to_string(), found.to_string());
    if shown == found {
        Ok(())
    } else {
        Err(format!("{what} is shown as {shown}, but the bytes say {found}"))
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn header(evidence: &BlockEvidence) -> Result<Header, String> {
    let length = evidence.header.len();
    let bytes = evidence.header.as_ref().try_into();
    bytes
        .map(Header::decode)
        .map_err(|_| format!("the header has {length} bytes, not 80"))
}

fn check_id(header: &Header, shown: &str) -> Result<(), String> {
    same("The id", shown, header.id())
}

/// Rule: docs/protocol.md#H5
fn check_work(header: &Header) -> Result<(), String> {
    let target = Target::from_bits(header.bits).map_err(text)?;
    if target.is_met_by(&header.id()) {
        Ok(())
    } else {
        Err("the id is above the target".to_owned())
    }
}

/// Rule: docs/protocol.md#M1
fn check_manifest(header: &Header, evidence: &BlockEvidence) -> Result<Manifest, String> {
    let manifest = Manifest::decode(&evidence.manifest).map_err(text)?;
    same("The manifest's root", header.manifest_root, manifest.root()).map(|()| manifest)
}

/// Checks a block's page against its bytes.
pub fn check_block(page: &BlockPage, evidence: &BlockEvidence) -> Vec<CheckLine> {
    let header = match header(evidence) {
        Ok(header) => header,
        Err(error) => {
            return BLOCK_CHECKS
                .map(|titled| line(titled, Some(Err(error.clone()))))
                .to_vec();
        }
    };
    let manifest = check_manifest(&header, evidence);
    // Genesis is agreed on, not mined. Rule: docs/protocol.md#C3
    let work = (header.parent != BlockId::ZERO).then(|| check_work(&header));
    let figures = manifest
        .clone()
        .and_then(|manifest| check_figures(page, &header, &manifest));
    vec![
        line(ID, Some(check_id(&header, &page.row.id))),
        line(WORK, work),
        line(MANIFEST, Some(manifest.map(drop))),
        line(FIGURES, Some(figures)),
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
    same("The parent", &page.header.parent, header.parent)?;
    same("The time", page.row.time, header.time)?;
    same("The nonce", page.header.nonce, header.nonce)
}

/// Checks a transaction's page against its envelope and, once it is in a block, its path.
pub fn check_transaction(chain: &ChainInfo, page: &TransactionPage, evidence: &TransactionEvidence) -> Vec<CheckLine> {
    let checked = check_signature(chain, evidence);
    let content = checked.clone().and_then(|checked| {
        let view = checked.view();
        let shown: TxId = page.row.id.parse().map_err(text)?;
        same("The id", shown, checked.id())?;
        same(
            "The sender",
            address::parse(&page.row.from).map_err(text)?,
            checked.sender(),
        )?;
        same("The value", page.row.value.digits(), view.value.0)?;
        same("The nonce", page.nonce, view.nonce)?;
        if page.policy != policy_view(checked.transaction()) {
            return Err("the keys shown, or who of them signed, are not those in the bytes".to_owned());
        }
        same(
            "The data",
            page.data.trim_start_matches("0x"),
            format!("{:x}", view.data).trim_start_matches("0x"),
        )?;
        match (view.to, &page.row.to) {
            (Some(to), Some(shown)) => same("The receiver", address::parse(shown).map_err(text)?, to),
            (Some(to), None) => same("The receiver", "none", to),
            (None, _) => Ok(()),
        }
    });
    let inclusion = evidence.inclusion.as_ref();
    vec![
        line(SIGNATURE, Some(checked.map(drop))),
        line(CONTENT, Some(content)),
        line(PATH, inclusion.map(|(block, proof)| check_path(block, proof, evidence))),
        line(SEAL, inclusion.map(|(block, _)| check_seal(&page.row, block))),
    ]
}

/// The policy of a shared account and who signed, as the bytes have them. Rule: docs/protocol.md#T11
pub fn policy_view(transaction: &Transaction) -> Option<PolicyView> {
    let Transaction::Tally(tally) = transaction else {
        return None;
    };
    let Authenticator::Multisig(multisig) = &tally.authenticator else {
        return None;
    };
    let policy = multisig.policy();
    let keys = policy.keys().iter().enumerate().map(|(place, key)| PolicyKeyView {
        kind: key.name().to_owned(),
        address: key.address(&ReferenceVerifier).map_or_else(
            |_| tally_chain::Bytes::copy_from_slice(key.bytes()).to_string(),
            |address| address.to_checksum(None),
        ),
        signed: multisig.signatures().any(|(signer, _, _)| signer == place),
    });
    Some(PolicyView {
        required: policy.threshold(),
        keys: keys.collect(),
    })
}

/// Rule: docs/protocol.md#T3
fn check_signature(chain: &ChainInfo, evidence: &TransactionEvidence) -> Result<CheckedTransaction, String> {
    let genesis = chain.genesis_id.parse::<BlockId>().map_err(text)?;
    let identity = ChainIdentity {
        chain_id: chain.chain_id,
        genesis,
    };
    let raw = RawTransaction::decode(evidence.envelope.clone()).map_err(text)?;
    raw.check(&identity, &ReferenceVerifier).map_err(text)
}

/// Checks a line of a list against the bytes behind it, all in one: signature, content, path and the block's work.
pub fn check_row(chain: &ChainInfo, row: &TransactionRow, evidence: &TransactionEvidence) -> Result<(), String> {
    let checked = check_signature(chain, evidence)?;
    let view = checked.view();
    same("The id", row.id.parse::<TxId>().map_err(text)?, checked.id())?;
    same("The sender", address::parse(&row.from).map_err(text)?, checked.sender())?;
    same("The value", row.value.digits(), view.value.0)?;
    if let (Some(to), Some(shown)) = (view.to, &row.to) {
        same("The receiver", address::parse(shown).map_err(text)?, to)?;
    }
    let (block, proof) = evidence
        .inclusion
        .as_ref()
        .ok_or("the node sent no path to its block")?;
    check_path(block, proof, evidence)?;
    check_seal(row, block)
}

/// Rules: docs/protocol.md#K2, #K3
fn check_path(block: &BlockEvidence, proof: &InclusionProof, evidence: &TransactionEvidence) -> Result<(), String> {
    let manifest = check_manifest(&header(block)?, block)?;
    merkle::verify(proof, merkle::leaf_hash(&evidence.envelope), manifest.transactions_root).map_err(text)
}

fn check_seal(row: &TransactionRow, block: &BlockEvidence) -> Result<(), String> {
    let header = header(block)?;
    let manifest = check_manifest(&header, block)?;
    check_work(&header)?;
    let Some(shown) = &row.block else { return Ok(()) };
    check_id(&header, &shown.id)?;
    same(
        "The block's height",
        format::count(shown.height),
        format::count(manifest.number.0),
    )
}

#[cfg(test)]
mod tests;
