//! Blocks: `bytes -> RawBlock -> CheckedBlock -> LinkedBlock`. Rules: docs/protocol.md#B1 to #B8

mod ancestors;
mod error;

use std::collections::BTreeSet;

use alloy_primitives::Bytes;
use alloy_rlp::Encodable;

use crate::codec::{CodecError, ListReader, wrap_list};
use crate::hash::BlockId;
use crate::header::{HEADER_BYTES, Header};
use crate::header_chain;
use crate::manifest::{MAX_EXTRA_BYTES, MAX_MANIFEST_BYTES, Manifest};
use crate::merkle;
use crate::spec::ChainSpec;
use crate::transaction::{CheckedTransaction, MAX_TRANSACTION_BYTES, RawTransaction, TransactionError};
use crate::units::{Height, UnixSecs, Weight};

pub use crate::median_time::MEDIAN_SPAN;
pub use ancestors::{Ancestors, Parent};
pub use error::BlockError;

/// Most transactions in a block. Rule: docs/protocol.md#L2
pub const MAX_TRANSACTIONS: usize = 300_000;

/// A well-formed block; nothing of it is checked yet. Rule: docs/protocol.md#M3
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBlock {
    /// The 80 bytes that are hashed.
    pub header: Header,
    /// What the header's `manifest_root` commits to.
    pub manifest: Manifest,
    /// In the order in which they execute.
    pub transactions: Vec<RawTransaction>,
}

impl RawBlock {
    /// Decodes one block of at most `max_bytes`.
    pub fn decode(bytes: &[u8], max_bytes: u64) -> Result<Self, BlockError> {
        if bytes.len() as u64 > max_bytes {
            return Err(BlockError::TooLarge {
                len: bytes.len() as u64,
                max: max_bytes,
            });
        }
        let mut items = ListReader::open("block", bytes)?;
        let header = Header::decode(&items.fixed::<HEADER_BYTES>("header")?);
        let manifest = Manifest::decode(items.raw_item("manifest")?)?;
        let mut list = items.list("transactions")?;
        // Grows with what is read: the bytes of a list allow more items than a block may have (L2), so nothing is reserved for
        // them.
        let mut transactions = Vec::new();
        while !list.is_empty() {
            let index = transactions.len();
            if index == MAX_TRANSACTIONS {
                return Err(BlockError::TooManyTransactions {
                    count: index + 1,
                    max: MAX_TRANSACTIONS,
                });
            }
            let envelope = list.bytes("transaction", MAX_TRANSACTION_BYTES)?;
            let transaction = RawTransaction::decode(Bytes::copy_from_slice(envelope))
                .map_err(|source| BlockError::Transaction { index, source })?;
            transactions.push(transaction);
        }
        items.end()?;
        Ok(Self {
            header,
            manifest,
            transactions,
        })
    }

    /// The bytes that [`Self::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        encode_block(
            &self.header,
            &self.manifest,
            self.transactions.iter().map(RawTransaction::envelope),
        )
    }

    /// The id of its header. Rule: docs/protocol.md#H2
    pub fn id(&self) -> BlockId {
        self.header.id()
    }

    /// Everything that can be checked without ancestors. `check_transactions` checks the signatures (all cores, or what was
    /// checked before); it comes last, after all that is cheap. Rules: docs/protocol.md#B2, #B4, #B6, #B8
    pub fn check(
        self,
        spec: &ChainSpec,
        now: UnixSecs,
        check_transactions: impl FnOnce(Vec<RawTransaction>) -> Result<Vec<CheckedTransaction>, (usize, TransactionError)>,
    ) -> Result<CheckedBlock, BlockError> {
        let Self {
            header,
            manifest,
            transactions,
        } = self;
        let envelopes: Vec<Bytes> = transactions.iter().map(|tx| tx.envelope().clone()).collect();
        // The header's work first, then the roots: signatures cost the most, and are checked only under work that was done.
        check_parts(&header, &manifest, envelopes.iter(), spec, now)?;
        let transactions =
            check_transactions(transactions).map_err(|(index, source)| BlockError::Transaction { index, source })?;
        let same = transactions.iter().map(CheckedTransaction::envelope).eq(&envelopes);
        // Other transactions under this header would be a fault of this node, and no property of the block.
        assert!(same, "check_transactions returns the transactions it was given");
        CheckedBlock::assemble(header, manifest, transactions)
    }
}

/// What holds whatever the transactions are. Rules: docs/protocol.md#B2, #B4, #B6
fn check_parts<'a>(
    header: &Header,
    manifest: &Manifest,
    envelopes: impl ExactSizeIterator<Item = &'a Bytes> + Clone,
    spec: &ChainSpec,
    now: UnixSecs,
) -> Result<(), BlockError> {
    check_header(header, manifest, spec, now)?;
    check_manifest(manifest, spec)?;
    let (count, max) = (envelopes.len(), MAX_TRANSACTIONS);
    if count > max {
        return Err(BlockError::TooManyTransactions { count, max });
    }
    let len = encoded_len(manifest, envelopes.clone().map(|envelope| envelope.len()));
    let max = spec.limits.block_bytes;
    if len > max {
        return Err(BlockError::TooLarge { len, max });
    }
    let leaves: Vec<_> = envelopes.map(|envelope| merkle::leaf_hash(envelope)).collect();
    let (found, expected) = (manifest.transactions_root, merkle::root(&leaves));
    if found != expected {
        return Err(BlockError::WrongTransactionsRoot { found, expected });
    }
    Ok(())
}

impl CheckedBlock {
    /// [`RawBlock::check`] for a block whose transactions were checked before, on this chain.
    pub fn from_checked_transactions(
        header: Header,
        manifest: Manifest,
        transactions: Vec<CheckedTransaction>,
        spec: &ChainSpec,
        now: UnixSecs,
    ) -> Result<Self, BlockError> {
        let envelopes = transactions.iter().map(CheckedTransaction::envelope);
        check_parts(&header, &manifest, envelopes, spec, now)?;
        Self::assemble(header, manifest, transactions)
    }

    /// What the transactions of one block must be to each other and to it. Rule: docs/protocol.md#B8
    fn assemble(header: Header, manifest: Manifest, transactions: Vec<CheckedTransaction>) -> Result<Self, BlockError> {
        let mut seen = BTreeSet::new();
        for (index, transaction) in transactions.iter().enumerate() {
            // By id and not by bytes: envelopes of one payment that differ in their signatures are one transaction (T4, T13).
            if !seen.insert(transaction.id()) {
                return Err(BlockError::DuplicateTransaction { id: transaction.id() });
            }
            // By the header's time and not by a clock: every node comes to the same verdict, whenever it sees the block.
            transaction
                .check_includable(UnixSecs(header.time.into()), manifest.base_fee)
                .map_err(|source| BlockError::Transaction { index, source })?;
        }
        Ok(CheckedBlock {
            id: header.id(),
            header,
            manifest,
            transactions,
        })
    }
}

fn check_header(header: &Header, manifest: &Manifest, spec: &ChainSpec, now: UnixSecs) -> Result<(), BlockError> {
    header_chain::check_alone(header, spec, now)?;
    spec.engine().check_manifest(manifest)?;
    let expected = manifest.root();
    if header.manifest_root != expected {
        return Err(BlockError::WrongManifestRoot {
            found: header.manifest_root,
            expected,
        });
    }
    Ok(())
}

fn check_manifest(manifest: &Manifest, spec: &ChainSpec) -> Result<(), BlockError> {
    let (len, max) = (manifest.extra.len(), MAX_EXTRA_BYTES);
    if len > max {
        return Err(CodecError::TooLong {
            field: "manifest.extra",
            len,
            max,
        }
        .into());
    }
    let (found, expected) = (manifest.gas_limit, spec.limits.gas_limit);
    if found != expected {
        return Err(BlockError::WrongGasLimit { found, expected });
    }
    // Execution compares `gas_used` exactly. This bound costs nothing, and comes before any signature is checked.
    if manifest.gas_used > manifest.gas_limit {
        return Err(BlockError::GasUsedAboveLimit {
            found: manifest.gas_used,
            max: manifest.gas_limit,
        });
    }
    Ok(())
}

/// Encodes a block from its parts. Rule: docs/protocol.md#M3
pub fn encode_block<'a>(header: &Header, manifest: &Manifest, envelopes: impl Iterator<Item = &'a Bytes>) -> Vec<u8> {
    let mut list = Vec::new();
    for envelope in envelopes {
        envelope.encode(&mut list);
    }
    let list = wrap_list(&list);
    let mut out = Vec::with_capacity(list.len() + MAX_MANIFEST_BYTES);
    header.encode()[..].encode(&mut out);
    out.extend(manifest.encode());
    out.extend(list);
    wrap_list(&out)
}

/// Length of the encoded block in bytes, without encoding it.
pub fn encoded_len(manifest: &Manifest, envelope_lens: impl Iterator<Item = usize>) -> u64 {
    let item = |len: usize| len + alloy_rlp::length_of_length(len);
    let list = item(envelope_lens.map(item).sum());
    item(item(HEADER_BYTES) + manifest.encode().len() + list) as u64
}

/// A block that is right by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedBlock {
    id: BlockId,
    header: Header,
    manifest: Manifest,
    transactions: Vec<CheckedTransaction>,
}

impl CheckedBlock {
    /// Checks the block against its ancestors. Rules: docs/protocol.md#B1, #B2, #B3, #B5, #B7
    pub fn link(self, ancestors: &Ancestors, spec: &ChainSpec) -> Result<LinkedBlock, BlockError> {
        let Self { header, manifest, .. } = &self;
        let (found, expected) = (header.parent, ancestors.parent.id);
        if found != expected {
            return Err(BlockError::WrongParent { found, expected });
        }
        let (found, expected) = (manifest.number, ancestors.parent.manifest.number.next());
        if found != expected {
            return Err(BlockError::WrongNumber { found, expected });
        }
        let engine = spec.engine();
        engine.check_time(header.time, &ancestors.recent_times)?;
        // The seal holds by itself; whether it is the one that comes next, only the ancestors show.
        engine.check_next_seal(header, ancestors.seal_context())?;
        let (found, expected) = (manifest.history_root, ancestors.history.root());
        if found != expected {
            return Err(BlockError::WrongHistoryRoot { found, expected });
        }
        let (found, expected) = (manifest.base_fee, ancestors.next_base_fee(spec));
        if found != expected {
            return Err(BlockError::WrongBaseFee { found, expected });
        }
        let weight = ancestors.history.weight().plus(engine.weight(header));
        Ok(LinkedBlock { block: self, weight })
    }

    /// The id of its header. Rule: docs/protocol.md#H2
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// Its header; the work is checked.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its manifest, which the header commits to.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

/// A block that continues its ancestors; only its execution is still to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedBlock {
    block: CheckedBlock,
    weight: Weight,
}

impl LinkedBlock {
    /// The id of its header. Rule: docs/protocol.md#H2
    pub fn id(&self) -> BlockId {
        self.block.id
    }

    /// Its header.
    pub fn header(&self) -> &Header {
        &self.block.header
    }

    /// Its manifest, which the header commits to.
    pub fn manifest(&self) -> &Manifest {
        &self.block.manifest
    }

    /// Its number: one more than the parent's. Rule: docs/protocol.md#B1
    pub fn height(&self) -> Height {
        self.block.manifest.number
    }

    /// Its transactions, in the order in which they execute.
    pub fn transactions(&self) -> &[CheckedTransaction] {
        &self.block.transactions
    }

    /// The block as its children see it.
    pub fn as_parent(&self) -> Parent {
        Parent {
            id: self.id(),
            header: *self.header(),
            manifest: self.manifest().clone(),
        }
    }

    /// Total work of the branch up to and including this block.
    pub fn weight(&self) -> Weight {
        self.weight
    }

    /// The bytes that [`RawBlock::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        encode_block(
            self.header(),
            self.manifest(),
            self.transactions().iter().map(CheckedTransaction::envelope),
        )
    }
}
