//! Portable receipts: one file that shows, without any node, that a transaction is on a chain and what it did.
//! Rules: docs/protocol.md#P1 to #P8
//!
//! A file is [read](PortableReceipt::read), its parts are [linked](PortableReceipt::link) up to its later block, and then that
//! block counts either because the reader trusts it ([`PortableReceipt::check`]), or because its chain was verified from the
//! genesis id ([`PortableReceipt::check_from_genesis`]), which takes a file of version 2.

mod error;
mod file;
mod proof;

use alloy_primitives::Bytes;
use serde::{Deserialize, Serialize};

use crate::hash::{BlockId, TxId};
use crate::header::Header;
use crate::history::{self, HistoryError, HistoryProof, Node};
use crate::keys::SignatureVerifier;
use crate::manifest::Manifest;
use crate::merkle::{self, InclusionProof};
use crate::receipt::Receipt;
use crate::seal;
use crate::transaction::{ChainIdentity, CheckedTransaction, RawTransaction};
use crate::units::{Height, Weight};

pub use error::{BlockRole, FileError, ReceiptError};
pub use proof::{ChainProof, MAX_PROOF_BYTES, ProvenFromGenesis};

/// The format that the file names.
pub const FORMAT: &str = "tally-receipt";
/// The version without a proof of the chain: some kilobytes. Rule: docs/protocol.md#P1
pub const VERSION: u32 = 1;
/// The version with a proof of the chain. Rule: docs/protocol.md#P7
pub const PROVED: u32 = 2;
/// Longest file of version 1 that is read, in bytes. Rule: docs/protocol.md#L11
pub const MAX_FILE_BYTES: usize = 1_048_576;
/// Longest file of any version that is read, in bytes. Rule: docs/protocol.md#L12
pub const MAX_PROVED_FILE_BYTES: usize = 4_194_304;
/// Longest execution receipt in it, in bytes. Rule: docs/protocol.md#L11
const MAX_RECEIPT_BYTES: usize = 262_144;

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
    /// The later block is the one that is trusted. Rule: docs/protocol.md#P5
    Trust,
    /// The later block is the tip of a chain that was verified from the genesis id. Rule: docs/protocol.md#P8
    Chain,
}

impl Claim {
    /// Those of [`PortableReceipt::check`], in order.
    pub const ALL: [Self; 6] = [
        Self::Signature,
        Self::Block,
        Self::Inclusion,
        Self::Execution,
        Self::History,
        Self::Trust,
    ];
    /// Those of [`PortableReceipt::check_from_genesis`], in order.
    pub const FROM_GENESIS: [Self; 6] = [
        Self::Signature,
        Self::Block,
        Self::Inclusion,
        Self::Execution,
        Self::History,
        Self::Chain,
    ];

    fn refuted(self, error: ReceiptError) -> Refuted {
        Refuted { claim: self, error }
    }
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

    /// The two, and the block's weight. Rules: docs/protocol.md#H5, #M1, #P3
    fn check(&self, role: BlockRole) -> Result<(Header, Manifest, Weight), ReceiptError> {
        let len = self.header.len();
        let bytes = self.header.as_ref().try_into();
        let header = Header::decode(bytes.map_err(|_| ReceiptError::Header { role, len })?);
        if header.parent == BlockId::ZERO {
            return Err(ReceiptError::NoParent { role });
        }
        let manifest = Manifest::decode(&self.manifest).map_err(|source| ReceiptError::Manifest { role, source })?;
        let (found, expected) = (manifest.root(), header.manifest_root);
        if found != expected {
            return Err(ReceiptError::ManifestRoot { role, found, expected });
        }
        let weight = seal::check_without_spec(&header).map_err(|source| ReceiptError::Seal { role, source })?;
        Ok((header, manifest, weight))
    }
}

/// The file. Rules: docs/protocol.md#P1, #P7
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
    /// What leads from genesis to the tip: in version 2, and only there. Rule: docs/protocol.md#P7
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain: Option<ChainProof>,
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
    /// What the reader relies on.
    pub trusted: Trusted,
}

/// What the reader of a receipt relies on. Rules: docs/protocol.md#P5, #P8
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusted {
    /// The later block: everything up to it is shown.
    Tip,
    /// The transaction's own block: what the file has of later ones may be made up.
    Own,
    /// Genesis: the work of the chain up to the later block was verified from there.
    Genesis,
}

impl Proven {
    /// Blocks that confirm it at the later block, its own included; none where only its own block is trusted, since blocks
    /// on top of that can be made by anyone at the easiest target. Rules: docs/protocol.md#P5, #P8
    pub fn confirmations(&self) -> Option<u64> {
        // The history path shows its height to be the lower one; nothing rests on that here.
        let later = self.tip_height.0.saturating_sub(self.height.0);
        (self.trusted != Trusted::Own).then_some(later + 1)
    }
}

/// A receipt whose parts fit together, from the signature to the history; who made its blocks is open.
#[derive(Debug, Clone)]
pub struct LinkedReceipt(Proven);

impl LinkedReceipt {
    /// Settles it by a block that the reader trusts: the later one, or the transaction's own. Rule: docs/protocol.md#P5
    pub fn trusting(self, trusted: BlockId) -> Result<Proven, Refuted> {
        let Proven { tip: found, block, .. } = self.0;
        // The tip first: where both are one block, trusting it shows the confirmations as well.
        let by = match trusted {
            _ if trusted == found => Trusted::Tip,
            _ if trusted == block => Trusted::Own,
            _ => {
                let error = ReceiptError::OtherTip { found, trusted };
                return Err(Claim::Trust.refuted(error));
            }
        };
        Ok(Proven { trusted: by, ..self.0 })
    }

    /// Settles it by the tip that the receipt's own proof was verified to lead to, from the genesis that it was linked with.
    /// Rule: docs/protocol.md#P8
    pub fn on_chain(self, tip: BlockId) -> Result<Proven, Refuted> {
        let expected = self.0.tip;
        if tip != expected {
            let found = tip;
            return Err(Claim::Chain.refuted(ReceiptError::OtherProof { found, expected }));
        }
        Ok(Proven {
            trusted: Trusted::Genesis,
            ..self.0
        })
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
            chain: None,
        }
    }

    /// The same with a proof of its tip, as version 2. Rule: docs/protocol.md#P7
    #[must_use]
    pub fn with_chain(self, chain: ChainProof) -> Self {
        Self {
            version: PROVED,
            chain: Some(chain),
            ..self
        }
    }

    /// The same as version 1.
    #[must_use]
    pub fn without_chain(self) -> Self {
        Self {
            version: VERSION,
            chain: None,
            ..self
        }
    }

    /// The version: 1, or 2 where it has a proof of its chain.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The proof of its chain, which version 2 has.
    pub fn chain_proof(&self) -> Option<&ChainProof> {
        self.chain.as_ref()
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

    /// The chain that the file names.
    pub fn chain(&self) -> ChainIdentity {
        ChainIdentity {
            chain_id: self.chain_id,
            genesis: self.genesis,
        }
    }

    /// Checks every claim against a block that the reader trusts: the receipt's tip, or the transaction's own block. The
    /// genesis follows from that block; who knows it may have it compared first. A proof of the chain is not looked at.
    /// Rules: docs/protocol.md#P2 to #P5
    pub fn check(
        &self,
        genesis: Option<BlockId>,
        trusted: BlockId,
        verifier: &dyn SignatureVerifier,
    ) -> Result<Proven, Refuted> {
        self.link(genesis, verifier)?.trusting(trusted)
    }

    /// Checks every claim but the last, that of who made the blocks. Rules: docs/protocol.md#P2 to #P5
    pub fn link(&self, genesis: Option<BlockId>, verifier: &dyn SignatureVerifier) -> Result<LinkedReceipt, Refuted> {
        let refuted = |claim: Claim| move |error: ReceiptError| claim.refuted(error);
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
        let (tip, tip_height) = self
            .ancestry(&header, &manifest, weight)
            .map_err(refuted(Claim::History))?;
        Ok(LinkedReceipt(Proven {
            transaction,
            receipt,
            block: header.id(),
            height: manifest.number,
            time: header.time,
            tip,
            tip_height,
            // Nothing is read from it before it is settled.
            trusted: Trusted::Own,
        }))
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
            // Nothing leads from a block to itself (P1): nodes that nothing reads would be a place for anything.
            return match self.history.is_empty() {
                true => Ok((tip, tip_manifest.number)),
                false => Err(HistoryError::Malformed.into()),
            };
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
