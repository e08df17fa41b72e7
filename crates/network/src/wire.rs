//! Messages between nodes, bounded before anything is allocated. Rules: docs/protocol.md#N1 to #N4

pub mod limits;

use alloy_rlp::Encodable;
use tally_chain::codec::{CodecError, ListReader, wrap_list};
use tally_chain::header::HEADER_BYTES;
use tally_chain::manifest::MAX_MANIFEST_BYTES;
use tally_chain::transaction::MAX_TRANSACTION_BYTES;
use tally_chain::{B256, BlockId, Bytes, Header, Height, Manifest, TxId, UnixSecs, Weight};
use tally_node::{Checkpoint, MAX_PART_BYTES};

use limits::{
    FRAME_OVERHEAD, MAX_AGENT, MAX_BLOCKS, MAX_BODY_BYTES, MAX_HEADERS, MAX_IDS, MAX_INDEXES, MAX_LOCATOR,
    MAX_MANIFESTS, MAX_POOLED_BYTES,
};

/// The version of these messages.
pub const PROTOCOL_VERSION: u64 = 2;
/// The oldest version of peers that this node accepts.
pub const OLDEST_VERSION: u64 = 1;
/// From this version on a pong carries the time. Rule: docs/protocol.md#N13
pub const TIMED_PONGS: u64 = 2;
/// Bytes of a transaction's name within one compact block. Rule: docs/protocol.md#N4
pub const SHORT_ID_BYTES: usize = 6;

/// A transaction's name within one compact block: grinding a second one of the same name needs the block's id first.
pub type ShortId = [u8; SHORT_ID_BYTES];

/// The end of a node's chain, as it claims. Rule: docs/protocol.md#N3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Id of the last block.
    pub tip: BlockId,
    /// Its height.
    pub height: Height,
    /// Work of the chain up to it, genesis included. Rule: docs/protocol.md#H6
    pub weight: Weight,
}

/// The first message of either side. Rule: docs/protocol.md#N3
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Protocol version of the sender.
    pub version: u64,
    /// Decides whether the two are of one chain.
    pub genesis: BlockId,
    /// The end of the sender's chain.
    pub claim: Claim,
    /// The lowest block that the sender serves: 1, or the one after its checkpoint.
    pub first: Height,
    /// Program and version, for people.
    pub agent: String,
}

/// A block by the names of its transactions. Rule: docs/protocol.md#N4
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactBlock {
    /// The header of the block.
    pub header: Header,
    /// The manifest that it commits to.
    pub manifest: Manifest,
    /// Weight of its branch, as the sender claims.
    pub weight: Weight,
    /// Short ids in the order of the block.
    pub transactions: Vec<ShortId>,
}

/// The messages between nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The first message of either side.
    Hello(Hello),
    /// Requests a pong.
    Ping,
    /// Answers a ping.
    Pong,
    /// A pong with the sender's clock; only for peers of a version that knows it.
    TimedPong(UnixSecs),
    /// Headers after the first of these that the other has in its active chain.
    GetHeaders {
        /// Ids in the order in which the other looks for them.
        locator: Vec<BlockId>,
    },
    /// Consecutive headers, lowest first.
    Headers(Vec<Header>),
    /// Requests whole blocks.
    GetBlocks(Vec<BlockId>),
    /// Encoded blocks; what the sender lacks is left out.
    Blocks(Vec<Bytes>),
    /// Ids of transactions in the sender's pool.
    Inventory(Vec<TxId>),
    /// Requests transactions of the pool.
    GetTransactions(Vec<TxId>),
    /// Envelopes; what the sender lacks is left out.
    Transactions(Vec<Bytes>),
    /// Announces a block.
    CompactBlock(Box<CompactBlock>),
    /// Transactions of a block by their places in it.
    GetBlockTransactions {
        /// Id of the block.
        block: BlockId,
        /// Places in the block; the first is 0.
        indexes: Vec<u32>,
    },
    /// The envelopes of those places, in order.
    BlockTransactions(Vec<Bytes>),
    /// The end of the sender's chain, to those who have that block already, and the lowest block that it serves.
    Tip {
        /// The end of the sender's chain.
        claim: Claim,
        /// The lowest block that the sender serves.
        first: Height,
    },
    /// Requests the newest state that the other can show.
    GetCheckpoint,
    /// The newest checkpoint of the sender; nothing if it has none.
    Checkpoint(Option<Checkpoint>),
    /// Requests one part of a checkpoint's state.
    GetPart {
        /// Id of the checkpoint's block.
        block: BlockId,
        /// Number of the part; the first is 0.
        part: u32,
    },
    /// One part of a checkpoint's state; nothing if the sender does not keep it.
    Part(Bytes),
    /// Requests manifests of blocks.
    GetManifests(Vec<BlockId>),
    /// What the sender lacks is left out.
    Manifests(Vec<Manifest>),
}

/// A message with the number of the request that it makes or answers (0: neither).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Chosen by the requesting side; the answer repeats it.
    pub request: u64,
    /// The message itself.
    pub message: Message,
}

impl Message {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Ping => 2,
            Self::Pong | Self::TimedPong(_) => 3,
            Self::GetHeaders { .. } => 4,
            Self::Headers(_) => 5,
            Self::GetBlocks(_) => 6,
            Self::Blocks(_) => 7,
            Self::Inventory(_) => 8,
            Self::GetTransactions(_) => 9,
            Self::Transactions(_) => 10,
            Self::CompactBlock(_) => 11,
            Self::GetBlockTransactions { .. } => 12,
            Self::BlockTransactions(_) => 13,
            Self::Tip { .. } => 14,
            Self::GetCheckpoint => 15,
            Self::Checkpoint(_) => 16,
            Self::GetPart { .. } => 17,
            Self::Part(_) => 18,
            Self::GetManifests(_) => 19,
            Self::Manifests(_) => 20,
        }
    }

    /// Whether it answers a request.
    pub fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::Pong
                | Self::TimedPong(_)
                | Self::Headers(_)
                | Self::Blocks(_)
                | Self::Transactions(_)
                | Self::BlockTransactions(_)
                | Self::Checkpoint(_)
                | Self::Part(_)
                | Self::Manifests(_)
        )
    }
}

/// Bytes that the longest frame has on a chain with such blocks. Rule: docs/protocol.md#N2
pub fn max_frame_bytes(block_bytes: u64) -> usize {
    usize::try_from(block_bytes)
        .unwrap_or(usize::MAX)
        .saturating_add(MAX_BODY_BYTES + FRAME_OVERHEAD)
}

impl Frame {
    /// `[kind, request, body]`. Rule: docs/protocol.md#N1
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.message.kind().encode(&mut out);
        self.request.encode(&mut out);
        out.extend(wrap_list(&body(&self.message)));
        wrap_list(&out)
    }

    /// Reads one frame; `block_bytes` is the limit of the chain.
    pub fn decode(bytes: &[u8], block_bytes: u64) -> Result<Self, CodecError> {
        let (len, max) = (bytes.len(), max_frame_bytes(block_bytes));
        if len > max {
            return Err(CodecError::TooLong {
                field: "frame",
                len,
                max,
            });
        }
        let mut items = ListReader::open("frame", bytes)?;
        let kind = items.u64("kind")?;
        let request = items.u64("request")?;
        let mut body = items.list("body")?;
        items.end()?;
        let message = read_body(kind, &mut body, block_bytes)?;
        body.end()?;
        Ok(Self { request, message })
    }
}

fn body(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    match message {
        Message::Hello(hello) => {
            hello.version.encode(&mut out);
            hello.genesis.0.encode(&mut out);
            hello.claim.encode(&mut out);
            hello.first.0.encode(&mut out);
            hello.agent.as_bytes().encode(&mut out);
        }
        Message::Ping | Message::Pong | Message::GetCheckpoint | Message::Checkpoint(None) => {}
        Message::TimedPong(time) => time.0.encode(&mut out),
        Message::Tip { claim, first } => {
            claim.encode(&mut out);
            first.0.encode(&mut out);
        }
        Message::GetHeaders { locator } => joined(locator.iter().map(|id| id.0)).encode(&mut out),
        Message::Headers(headers) => {
            let bytes: Vec<u8> = headers.iter().flat_map(Header::encode).collect();
            bytes[..].encode(&mut out);
        }
        Message::Checkpoint(Some(checkpoint)) => checkpoint.encode(&mut out),
        Message::GetPart { block, part } => {
            block.0.encode(&mut out);
            part.encode(&mut out);
        }
        Message::Part(bytes) => bytes.encode(&mut out),
        Message::Manifests(manifests) => manifests.iter().for_each(|manifest| out.extend(manifest.encode())),
        Message::GetBlocks(ids) | Message::GetManifests(ids) => joined(ids.iter().map(|id| id.0)).encode(&mut out),
        Message::Inventory(ids) | Message::GetTransactions(ids) => joined(ids.iter().map(|id| id.0)).encode(&mut out),
        Message::Blocks(items) | Message::Transactions(items) | Message::BlockTransactions(items) => {
            items.iter().for_each(|item| item.encode(&mut out));
        }
        Message::CompactBlock(block) => {
            block.header.encode()[..].encode(&mut out);
            out.extend(block.manifest.encode());
            block.weight.0.encode(&mut out);
            block.transactions.concat()[..].encode(&mut out);
        }
        Message::GetBlockTransactions { block, indexes } => {
            block.0.encode(&mut out);
            let bytes: Vec<u8> = indexes.iter().flat_map(|index| index.to_be_bytes()).collect();
            bytes[..].encode(&mut out);
        }
    }
    out
}

impl Claim {
    fn encode(&self, out: &mut Vec<u8>) {
        self.tip.0.encode(out);
        self.height.0.encode(out);
        self.weight.0.encode(out);
    }

    fn read(body: &mut ListReader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            tip: BlockId(body.b256("tip")?),
            height: Height(body.u64("height")?),
            weight: Weight(body.u256("weight")?),
        })
    }
}

fn joined(ids: impl Iterator<Item = B256>) -> Bytes {
    ids.flat_map(|id| id.0).collect::<Vec<u8>>().into()
}

fn read_body(kind: u64, body: &mut ListReader<'_>, block_bytes: u64) -> Result<Message, CodecError> {
    Ok(match kind {
        1 => Message::Hello(Hello {
            version: body.u64("version")?,
            genesis: BlockId(body.b256("genesis")?),
            claim: Claim::read(body)?,
            first: Height(body.u64("first")?),
            agent: agent(body.bytes("agent", MAX_AGENT)?),
        }),
        2 => Message::Ping,
        3 if body.is_empty() => Message::Pong,
        3 => Message::TimedPong(UnixSecs(body.u64("time")?)),
        4 => Message::GetHeaders {
            locator: ids(body, "locator", MAX_LOCATOR)?.map(BlockId).collect(),
        },
        5 => Message::Headers(
            chunks::<HEADER_BYTES>(body, "headers", MAX_HEADERS)?
                .map(|bytes| Header::decode(&bytes))
                .collect(),
        ),
        6 => Message::GetBlocks(ids(body, "blocks", MAX_BLOCKS)?.map(BlockId).collect()),
        7 => Message::Blocks(list(body, "block", MAX_BLOCKS, limit(block_bytes), None)?),
        8 => Message::Inventory(ids(body, "transactions", MAX_IDS)?.map(TxId).collect()),
        9 => Message::GetTransactions(ids(body, "transactions", MAX_IDS)?.map(TxId).collect()),
        10 => {
            let total = Some(MAX_POOLED_BYTES + MAX_TRANSACTION_BYTES);
            Message::Transactions(list(body, "transaction", MAX_IDS, MAX_TRANSACTION_BYTES, total)?)
        }
        11 => Message::CompactBlock(Box::new(CompactBlock {
            header: Header::decode(&body.fixed::<HEADER_BYTES>("header")?),
            manifest: manifest(body)?,
            weight: Weight(body.u256("weight")?),
            transactions: chunks::<SHORT_ID_BYTES>(body, "transactions", MAX_INDEXES)?.collect(),
        })),
        12 => Message::GetBlockTransactions {
            block: BlockId(body.b256("block")?),
            indexes: chunks::<4>(body, "indexes", MAX_INDEXES)?
                .map(u32::from_be_bytes)
                .collect(),
        },
        13 => Message::BlockTransactions(list(body, "transaction", MAX_INDEXES, MAX_TRANSACTION_BYTES, None)?),
        14 => Message::Tip {
            claim: Claim::read(body)?,
            first: Height(body.u64("first")?),
        },
        15 => Message::GetCheckpoint,
        16 => {
            let offered = !body.is_empty();
            Message::Checkpoint(offered.then(|| Checkpoint::read(body)).transpose()?)
        }
        17 => Message::GetPart {
            block: BlockId(body.b256("block")?),
            part: u32::try_from(body.u64("part")?).map_err(|_| {
                let (field, source) = ("part", alloy_rlp::Error::Overflow);
                CodecError::Rlp { field, source }
            })?,
        },
        18 => Message::Part(Bytes::copy_from_slice(body.bytes("part", MAX_PART_BYTES)?)),
        19 => Message::GetManifests(ids(body, "blocks", MAX_MANIFESTS)?.map(BlockId).collect()),
        20 => {
            let mut manifests = Vec::new();
            while !body.is_empty() {
                if manifests.len() == MAX_MANIFESTS {
                    let (field, count, max) = ("manifests", MAX_MANIFESTS + 1, MAX_MANIFESTS);
                    return Err(CodecError::TooMany { field, count, max });
                }
                manifests.push(manifest(body)?);
            }
            Message::Manifests(manifests)
        }
        _ => {
            let source = alloy_rlp::Error::Custom("no message of this kind");
            return Err(CodecError::Rlp { field: "kind", source });
        }
    })
}

fn limit(block_bytes: u64) -> usize {
    usize::try_from(block_bytes).unwrap_or(usize::MAX)
}

/// What people read is printable, whatever was sent.
fn agent(bytes: &[u8]) -> String {
    let printable = |byte: &u8| {
        if (0x20..0x7f).contains(byte) {
            char::from(*byte)
        } else {
            '?'
        }
    };
    bytes.iter().map(printable).collect()
}

fn manifest(body: &mut ListReader<'_>) -> Result<Manifest, CodecError> {
    let item = body.raw_item("manifest")?;
    let (len, max) = (item.len(), MAX_MANIFEST_BYTES);
    if len > max {
        return Err(CodecError::TooLong {
            field: "manifest",
            len,
            max,
        });
    }
    Manifest::decode(item)
}

/// One string that holds any number of parts of `N` bytes, up to `max` of them.
fn chunks<'a, const N: usize>(
    body: &mut ListReader<'a>,
    field: &'static str,
    max: usize,
) -> Result<impl Iterator<Item = [u8; N]> + 'a, CodecError> {
    let bytes = body.bytes(field, N * max)?;
    let (parts, rest) = bytes.as_chunks::<N>();
    match rest.len() {
        0 => Ok(parts.iter().copied()),
        _ => Err(CodecError::WrongLength {
            field,
            len: bytes.len(),
            expected: parts.len() * N,
        }),
    }
}

fn ids<'a>(
    body: &mut ListReader<'a>,
    field: &'static str,
    max: usize,
) -> Result<impl Iterator<Item = B256> + 'a, CodecError> {
    Ok(chunks::<32>(body, field, max)?.map(B256::new))
}

fn list(
    body: &mut ListReader<'_>,
    field: &'static str,
    max_count: usize,
    max_bytes: usize,
    max_total: Option<usize>,
) -> Result<Vec<Bytes>, CodecError> {
    if let Some(max) = max_total
        && body.remaining() > max
    {
        return Err(CodecError::TooLong {
            field,
            len: body.remaining(),
            max,
        });
    }
    let mut items = Vec::new();
    while !body.is_empty() {
        if items.len() == max_count {
            return Err(CodecError::TooMany {
                field,
                count: items.len() + 1,
                max: max_count,
            });
        }
        items.push(Bytes::copy_from_slice(body.bytes(field, max_bytes)?));
    }
    Ok(items)
}

#[cfg(test)]
mod tests;
