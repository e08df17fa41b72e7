//! What is stored beside a block's header, and what the indexes hold of its transactions.

use tally_chain::hash::sha256;
use tally_chain::{
    Address, Amount, B256, BlockId, Header, Height, Manifest, TxId, U256, UnixSecs, Weight, header::HEADER_BYTES,
};

use super::StoreError;

/// How far a stored block came in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Linked to its ancestors, not executed: its branch never had the most weight.
    Linked,
    /// Executed and found right.
    Executed,
    /// Executed and found wrong; kept so that it is not tried again. No hash of the chain covers this, so the stored record proves
    /// it by itself: a byte that changed on the disk makes no valid block invalid for ever, and no peer is blamed for one.
    Invalid,
    /// Before or at the checkpoint that this node started from: its seal was checked, its body is not stored.
    HeaderOnly,
}

/// Header, manifest and what the pipeline found out about a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// Id of the block.
    pub id: BlockId,
    /// The 80 bytes that are hashed.
    pub header: Header,
    /// What the header commits to.
    pub manifest: Manifest,
    /// How far the block came in the pipeline.
    pub status: Status,
    /// Weight of the branch up to and including this block.
    pub weight: Weight,
    /// Supply after this block; zero unless executed.
    pub supply: Amount,
    /// Burned by this block; zero unless executed.
    pub burned: Amount,
    /// Transactions in the chain up to and including this block; zero unless executed.
    pub total_transactions: u64,
    /// Transactions in this block.
    pub transaction_count: u32,
    /// Length of the encoded block.
    pub bytes: u64,
    /// When this node first had it.
    pub received: UnixSecs,
}

const FIXED: usize = HEADER_BYTES + 1 + 32 + 32 + 32 + 8 + 4 + 8 + 8;

impl BlockRecord {
    /// Its number.
    pub fn height(&self) -> Height {
        self.manifest.number
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED + 320);
        out.extend(self.header.encode());
        out.push(match self.status {
            Status::Linked => 0,
            Status::Executed => 1,
            Status::Invalid => 2,
            Status::HeaderOnly => 3,
        });
        out.extend(self.weight.0.to_be_bytes::<32>());
        out.extend(match self.status {
            // It has no supply.
            Status::Invalid => invalid_mark(&self.id).0,
            _ => self.supply.0.to_be_bytes::<32>(),
        });
        out.extend(self.burned.0.to_be_bytes::<32>());
        out.extend(self.total_transactions.to_be_bytes());
        out.extend(self.transaction_count.to_be_bytes());
        out.extend(self.bytes.to_be_bytes());
        out.extend(self.received.0.to_be_bytes());
        out.extend(self.manifest.encode());
        out
    }

    /// Every record that is read comes through here, and its id proves header and manifest, for two hashes: otherwise a byte that changed on
    /// the disk would have the blocks after it checked by another time or base fee, and their senders blamed. The weight is
    /// compared with the parent's where it counts: [`Snapshot::sound`](super::Snapshot::sound).
    pub(super) fn decode(id: BlockId, bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Fields(bytes);
        let altered_part = |part| StoreError::Altered {
            what: format!("the {part} of block {id}"),
        };
        let altered = || altered_part("record");
        let mut read = || -> Option<Self> {
            Some(Self {
                id,
                header: Header::decode(&reader.take()?),
                status: match reader.take::<1>()? {
                    [0] => Status::Linked,
                    [1] => Status::Executed,
                    [2] => Status::Invalid,
                    [3] => Status::HeaderOnly,
                    _ => return None,
                },
                weight: Weight(U256::from_be_bytes(reader.take::<32>()?)),
                supply: Amount(U256::from_be_bytes(reader.take::<32>()?)),
                burned: Amount(U256::from_be_bytes(reader.take::<32>()?)),
                total_transactions: u64::from_be_bytes(reader.take()?),
                transaction_count: u32::from_be_bytes(reader.take()?),
                bytes: u64::from_be_bytes(reader.take()?),
                received: UnixSecs(u64::from_be_bytes(reader.take()?)),
                manifest: Manifest::decode(reader.0).ok()?,
            })
        };
        let mut record = read().ok_or_else(altered)?;
        if record.header.id() != id {
            return Err(altered_part("header"));
        }
        if record.manifest.root() != record.header.manifest_root {
            return Err(altered_part("manifest"));
        }
        if record.status == Status::Invalid {
            if record.supply.0.to_be_bytes::<32>() != invalid_mark(&id).0 {
                return Err(altered());
            }
            record.supply = Amount::ZERO;
        }
        Ok(record)
    }
}

/// The weight in an encoded record, without the rest: what the child's is compared with. None where it ends before that.
pub(super) fn weight_in(bytes: &[u8]) -> Option<Weight> {
    let mut reader = Fields(bytes.get(HEADER_BYTES + 1..)?);
    Some(Weight(U256::from_be_bytes(reader.take::<32>()?)))
}

/// What the record of an invalid block has in the place of the supply after it.
fn invalid_mark(id: &BlockId) -> B256 {
    sha256(&[b"tally/invalid", id.as_bytes()])
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

/// What an index needs to know of a transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// Id of the transaction.
    pub id: TxId,
    /// The account that signed it.
    pub sender: Address,
    /// The account that it pays; `None` where it creates a contract.
    pub recipient: Option<Address>,
}

/// Where a transaction stands in the active chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Height of the block.
    pub height: Height,
    /// Place in the block; the first is 0.
    pub index: u32,
}

impl Place {
    /// Behind every other.
    pub(super) const LAST: Self = Self {
        height: Height(u64::MAX),
        index: u32::MAX,
    };

    pub(super) fn encode(self) -> [u8; 12] {
        let mut out = [0; 12];
        out[..8].copy_from_slice(&self.height.0.to_be_bytes());
        out[8..].copy_from_slice(&self.index.to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Fields(bytes);
        Some(Self {
            height: Height(u64::from_be_bytes(reader.take()?)),
            index: u32::from_be_bytes(reader.take()?),
        })
    }
}

pub(super) fn block_id(bytes: &[u8]) -> Option<BlockId> {
    B256::try_from(bytes).ok().map(BlockId)
}
