//! Portable receipts: one small file that shows, without any node, that a transaction is on a chain and what it did.
//! Rules: docs/protocol.md#P1 to #P6

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codec::CodecError;
use crate::consensus::SealError;
use crate::hash::{BlockId, TxId};
use crate::header::Header;
use crate::history::{self, HistoryError, HistoryProof, NODE_BYTES, Node};
use crate::keys::SignatureVerifier;
use crate::manifest::Manifest;
use crate::merkle::{self, InclusionProof, MerkleError};
use crate::receipt::Receipt;
use crate::seal;
use crate::transaction::{ChainIdentity, CheckedTransaction, RawTransaction, TransactionError};
use crate::units::{Height, Weight};

/// The format that the file names.
pub const FORMAT: &str = "tally-receipt";
/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// Longest file that is read, in bytes. Rule: docs/protocol.md#L11
pub const MAX_FILE_BYTES: usize = 1_048_576;
/// Longest execution receipt in it, in bytes. Rule: docs/protocol.md#L11
const MAX_RECEIPT_BYTES: usize = 262_144;

/// Why a file is not a portable receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum FileError {
    #[error("the file has {len} bytes, a receipt has at most {max}")]
    TooLong { len: usize, max: usize },
    #[error("the file is not a Tally receipt: {reason}")]
    Form { reason: String },
    #[error("the receipt has version {found}; version {VERSION} is known here")]
    Version { found: u64 },
    #[error("{field} is not written as receipts are: lower-case hex, with 0x where it is bytes")]
    NotCanonical { field: String },
}

/// Why a portable receipt does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ReceiptError {
    #[error("it is of the chain {found}, not of {expected}")]
    OtherChain { found: BlockId, expected: BlockId },
    #[error("the transaction: {0}")]
    Transaction(#[from] TransactionError),
    #[error("{role} block: its header has {len} bytes, not 80")]
    Header { role: BlockRole, len: usize },
    #[error("{role} block: {source}")]
    Manifest { role: BlockRole, source: CodecError },
    #[error("{role} block: the manifest hashes to {found}, the header names {expected}")]
    ManifestRoot {
        role: BlockRole,
        found: B256,
        expected: B256,
    },
    #[error("{role} block: {source}")]
    Seal { role: BlockRole, source: SealError },
    #[error("the path of the transaction: {0}")]
    TransactionPath(MerkleError),
    #[error("the execution receipt: {0}")]
    Receipt(CodecError),
    #[error("the execution receipt has {len} bytes, at most {max} are allowed")]
    ReceiptTooLong { len: usize, max: usize },
    #[error("the path of the execution receipt: {0}")]
    ReceiptPath(MerkleError),
    #[error("the execution receipt is that of {found}, not of {expected}")]
    OtherReceipt { found: TxId, expected: TxId },
    #[error("a node of the history path has {len} bytes, not {NODE_BYTES}")]
    HistoryNode { len: usize },
    #[error("the history path: {0}")]
    History(#[from] HistoryError),
    #[error("it leads to the block {found}, not to the one that is trusted, {trusted}")]
    OtherTip { found: BlockId, trusted: BlockId },
}

/// What one of the two blocks of a receipt is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockRole {
    /// The one that holds the transaction.
    Own,
    /// The later one that the history path leads to.
    Tip,
}

impl std::fmt::Display for BlockRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Own => "the transaction's",
            Self::Tip => "the later",
        })
    }
}

/// What a receipt claims, in the order in which it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// The sender signed this very transaction for this very chain.
    Signature,
    /// The block's header, manifest and work fit.
    Block,
    /// The transaction is in the block.
    Inclusion,
    /// It had the effects that the receipt lists.
    Execution,
    /// The block is an ancestor of the later one, or that one itself.
    History,
    /// The later block is the one that is trusted.
    Trust,
}

impl Claim {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Signature,
        Self::Block,
        Self::Inclusion,
        Self::Execution,
        Self::History,
        Self::Trust,
    ];
}

/// A claim that does not hold; those before it do, those after it were not looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Refuted {
    /// Which of the claims.
    pub claim: Claim,
    /// Why it does not hold.
    pub error: ReceiptError,
}

/// A header and its manifest, as bytes: what a receipt carries of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderWithManifest {
    /// 80 bytes. Rule: docs/protocol.md#H1
    pub header: Bytes,
    /// RLP. Rule: docs/protocol.md#M1
    pub manifest: Bytes,
}

impl HeaderWithManifest {
    /// Encodes the two.
    pub fn new(header: &Header, manifest: &Manifest) -> Self {
        Self {
            header: header.encode().into(),
            manifest: manifest.encode().into(),
        }
    }

    /// The two, and the block's weight. Rules: docs/protocol.md#H5, #M1, #C3
    fn check(&self, role: BlockRole) -> Result<(Header, Manifest, Weight), ReceiptError> {
        let len = self.header.len();
        let bytes = self.header.as_ref().try_into();
        let header = Header::decode(bytes.map_err(|_| ReceiptError::Header { role, len })?);
        let manifest = Manifest::decode(&self.manifest).map_err(|source| ReceiptError::Manifest { role, source })?;
        let (found, expected) = (manifest.root(), header.manifest_root);
        if found != expected {
            return Err(ReceiptError::ManifestRoot { role, found, expected });
        }
        let weight = seal::check_without_spec(&header).map_err(|source| ReceiptError::Seal { role, source })?;
        Ok((header, manifest, weight))
    }
}

/// The file. Rule: docs/protocol.md#P1
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortableReceipt {
    format: String,
    version: u32,
    /// Of the chain that the receipt is of.
    pub chain_id: u64,
    /// Id of the genesis of that chain; its transactions are signed for it.
    pub genesis: BlockId,
    /// The full signed envelope.
    pub envelope: Bytes,
    /// The block that holds it.
    pub block: HeaderWithManifest,
    /// From the envelope to the block's `transactions_root`. Rule: docs/protocol.md#K3
    pub transaction_path: InclusionProof,
    /// The execution receipt. Rule: docs/protocol.md#X5
    pub receipt: Bytes,
    /// From `receipt` to the block's `receipts_root`. Rule: docs/protocol.md#K3
    pub receipt_path: InclusionProof,
    /// The block that was the tip when the file was made.
    pub tip: HeaderWithManifest,
    /// Nodes of the path from the block to the tip's `history_root`; empty if the block is the tip.
    pub history: Vec<Bytes>,
}

/// What the parts of a receipt are made from.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The chain that the receipt is of.
    pub chain: ChainIdentity,
    /// The full signed envelope.
    pub envelope: Bytes,
    /// The block that holds it.
    pub block: HeaderWithManifest,
    /// From the envelope to the block's `transactions_root`.
    pub transaction_path: InclusionProof,
    /// The execution receipt.
    pub receipt: Receipt,
    /// From the receipt to the block's `receipts_root`.
    pub receipt_path: InclusionProof,
    /// The block that is the tip now.
    pub tip: HeaderWithManifest,
    /// None if the block is the tip.
    pub history: Option<HistoryProof>,
}

/// What a receipt that holds shows.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The transaction; its signature holds on the chain of the receipt.
    pub transaction: CheckedTransaction,
    /// What the transaction did.
    pub receipt: Receipt,
    /// The block that holds it.
    pub block: BlockId,
    /// Height of that block.
    pub height: Height,
    /// Of the block, Unix seconds.
    pub time: u32,
    /// The later block that the file leads to; who made it is only settled where it is the trusted one.
    pub tip: BlockId,
    /// Height of that later block.
    pub tip_height: Height,
    /// Which of the two the reader trusts.
    pub trusted: Trusted,
}

/// The block of a receipt that its reader trusts. Rule: docs/protocol.md#P5
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusted {
    /// The later block: everything up to it is shown.
    Tip,
    /// The transaction's own block: what the file has of later ones may be made up.
    Own,
}

impl Proven {
    /// Blocks that confirm it at the trusted tip, its own included; none where only its own block is trusted, since blocks
    /// on top of that can be made by anyone at the easiest target. Rule: docs/protocol.md#P5
    pub fn confirmations(&self) -> Option<u64> {
        (self.trusted == Trusted::Tip).then(|| self.tip_height.0 - self.height.0 + 1)
    }
}

/// Where two JSON values of the same form differ first, as a path such as `.block.header`.
fn difference(path: &str, found: &Value, written: &Value) -> Option<String> {
    match (found, written) {
        (Value::Object(found), Value::Object(written)) => written
            .iter()
            .find_map(|(key, value)| difference(&format!("{path}.{key}"), found.get(key)?, value)),
        (Value::Array(found), Value::Array(written)) => found
            .iter()
            .zip(written)
            .enumerate()
            .find_map(|(at, (found, written))| difference(&format!("{path}[{at}]"), found, written)),
        _ => (found != written).then(|| path.trim_start_matches('.').to_owned()),
    }
}

impl PortableReceipt {
    /// Makes the file from parts, without a check: what does not fit together is refuted when the file is read.
    pub fn new(parts: Parts) -> Self {
        let history = parts.history.map(|proof| proof.nodes).unwrap_or_default();
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            chain_id: parts.chain.chain_id,
            genesis: parts.chain.genesis,
            envelope: parts.envelope,
            block: parts.block,
            transaction_path: parts.transaction_path,
            receipt: parts.receipt.encode().into(),
            receipt_path: parts.receipt_path,
            tip: parts.tip,
            history: history.iter().map(|node| Bytes::from(node.encode())).collect(),
        }
    }

    /// Id of the later block, as the file has it: what a reader has to trust.
    pub fn tip_id(&self) -> Option<BlockId> {
        let bytes = self.tip.header.as_ref().try_into().ok()?;
        Some(Header::decode(bytes).id())
    }

    /// Height of the later block, as the file has it.
    pub fn tip_height(&self) -> Option<u64> {
        Manifest::decode(&self.tip.manifest)
            .ok()
            .map(|manifest| manifest.number.0)
    }

    /// Reads a file; whether it holds is another question, [`check`](Self::check). Rule: docs/protocol.md#P1
    pub fn read(file: &[u8]) -> Result<Self, FileError> {
        /// Looked at before the rest, so that a later version is named in the error.
        #[derive(Deserialize)]
        struct Start {
            format: String,
            version: u64,
        }
        let (len, max) = (file.len(), MAX_FILE_BYTES);
        if len > max {
            return Err(FileError::TooLong { len, max });
        }
        let form = |error: serde_json::Error| FileError::Form {
            reason: error.to_string(),
        };
        let start: Start = serde_json::from_slice(file).map_err(form)?;
        if start.format != FORMAT {
            let reason = "its format is another one".to_owned();
            return Err(FileError::Form { reason });
        }
        if start.version != u64::from(VERSION) {
            return Err(FileError::Version { found: start.version });
        }
        let receipt: Self = serde_json::from_slice(file).map_err(form)?;
        // The readers of hex and ids take other spellings, too. A receipt has one text (P1), so the file is compared with what
        // would be written: two people who compare their files compare what is in them.
        let found: Value = serde_json::from_slice(file).map_err(form)?;
        let written = serde_json::to_value(&receipt).expect("texts, numbers and lists are JSON");
        match difference("", &found, &written) {
            None => Ok(receipt),
            Some(field) => Err(FileError::NotCanonical { field }),
        }
    }

    /// The file's text.
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts, numbers and lists are JSON")
    }

    /// The chain that the file names.
    pub fn chain(&self) -> ChainIdentity {
        ChainIdentity {
            chain_id: self.chain_id,
            genesis: self.genesis,
        }
    }

    /// Checks every claim against a block that the reader trusts: the receipt's tip, or the transaction's own block. The
    /// genesis follows from that block; who knows it may have it compared first. Rules: docs/protocol.md#P2 to #P5
    pub fn check(
        &self,
        genesis: Option<BlockId>,
        trusted: BlockId,
        verifier: &dyn SignatureVerifier,
    ) -> Result<Proven, Refuted> {
        let refuted = |claim: Claim| move |error: ReceiptError| Refuted { claim, error };
        // In this order, because each claim rests on those before it: a path counts only against a root whose block has work.
        let transaction = self.signature(genesis, verifier).map_err(refuted(Claim::Signature))?;
        let (header, manifest, weight) = self.block.check(BlockRole::Own).map_err(refuted(Claim::Block))?;
        merkle::verify(
            &self.transaction_path,
            merkle::leaf_hash(&self.envelope),
            manifest.transactions_root,
        )
        .map_err(ReceiptError::TransactionPath)
        .map_err(refuted(Claim::Inclusion))?;
        let receipt = self
            .execution(&manifest, transaction.id())
            .map_err(refuted(Claim::Execution))?;
        let tip = self
            .ancestry(&header, &manifest, weight)
            .map_err(refuted(Claim::History))?;
        let block = header.id();
        // The tip first: where both are one block, trusting it shows the confirmations as well.
        let trusted = match trusted {
            _ if trusted == tip.0 => Trusted::Tip,
            _ if trusted == block => Trusted::Own,
            _ => {
                let error = ReceiptError::OtherTip { found: tip.0, trusted };
                return Err(refuted(Claim::Trust)(error));
            }
        };
        Ok(Proven {
            transaction,
            receipt,
            block,
            height: manifest.number,
            time: header.time,
            tip: tip.0,
            tip_height: tip.1,
            trusted,
        })
    }

    /// Rule: docs/protocol.md#P2
    fn signature(
        &self,
        genesis: Option<BlockId>,
        verifier: &dyn SignatureVerifier,
    ) -> Result<CheckedTransaction, ReceiptError> {
        if let Some(expected) = genesis.filter(|genesis| *genesis != self.genesis) {
            let found = self.genesis;
            return Err(ReceiptError::OtherChain { found, expected });
        }
        let raw = RawTransaction::decode(self.envelope.clone())?;
        Ok(raw.check(&self.chain(), verifier)?)
    }

    /// Rule: docs/protocol.md#P4
    fn execution(&self, manifest: &Manifest, id: TxId) -> Result<Receipt, ReceiptError> {
        let (len, max) = (self.receipt.len(), MAX_RECEIPT_BYTES);
        if len > max {
            return Err(ReceiptError::ReceiptTooLong { len, max });
        }
        let receipt = Receipt::decode(&self.receipt).map_err(ReceiptError::Receipt)?;
        merkle::verify(
            &self.receipt_path,
            merkle::leaf_hash(&self.receipt),
            manifest.receipts_root,
        )
        .map_err(ReceiptError::ReceiptPath)?;
        // A path shows only that the receipt is one of the block's: it may be that of another transaction.
        if receipt.transaction != id {
            return Err(ReceiptError::OtherReceipt {
                found: receipt.transaction,
                expected: id,
            });
        }
        Ok(receipt)
    }

    /// Id and height of the later block. Rule: docs/protocol.md#P5
    fn ancestry(
        &self,
        header: &Header,
        manifest: &Manifest,
        weight: Weight,
    ) -> Result<(BlockId, Height), ReceiptError> {
        let (tip_header, tip_manifest, _) = self.tip.check(BlockRole::Tip)?;
        let (id, tip) = (header.id(), tip_header.id());
        if id == tip {
            return Ok((tip, tip_manifest.number));
        }
        let nodes = self.history.iter().map(|bytes| {
            let len = bytes.len();
            let bytes = bytes.as_ref().try_into();
            bytes.map(Node::decode).map_err(|_| ReceiptError::HistoryNode { len })
        });
        // Both heights come from the manifests, under the work of their blocks; the file has the nodes alone.
        let proof = HistoryProof {
            blocks: tip_manifest.number.0,
            number: manifest.number.0,
            nodes: nodes.collect::<Result<_, _>>()?,
        };
        history::verify(&proof, Node::leaf(id, header, weight), tip_manifest.history_root)?;
        Ok((tip, tip_manifest.number))
    }
}
