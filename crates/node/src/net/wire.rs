//! Messages between nodes, bounded before anything is allocated. Rules: docs/protocol.md#N1 to #N4

use alloy_rlp::Encodable;
use tally_chain::codec::{CodecError, ListReader, wrap_list};
use tally_chain::header::HEADER_BYTES;
use tally_chain::manifest::MAX_MANIFEST_BYTES;
use tally_chain::transaction::MAX_TRANSACTION_BYTES;
use tally_chain::{B256, BlockId, Bytes, Header, Height, Manifest, TxId, Work};

use super::limits::{
    FRAME_OVERHEAD, MAX_AGENT, MAX_BLOCKS, MAX_BODY_BYTES, MAX_HEADERS, MAX_IDS, MAX_INDEXES, MAX_LOCATOR,
    MAX_POOLED_BYTES,
};

/// The version of these messages.
pub const PROTOCOL_VERSION: u64 = 1;
/// Bytes of a transaction's name within one compact block. Rule: docs/protocol.md#N4
pub const SHORT_ID_BYTES: usize = 6;

/// A transaction's name within one compact block: grinding a second one of the same name needs the block's id first.
pub type ShortId = [u8; SHORT_ID_BYTES];

/// The end of a node's chain, as it says. Rule: docs/protocol.md#N3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub tip: BlockId,
    pub height: Height,
    pub weight: Work,
}

/// The first thing that either side says. Rule: docs/protocol.md#N3
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    pub version: u64,
    /// Decides whether the two have anything to say to each other.
    pub genesis: BlockId,
    pub claim: Claim,
    /// Program and version, for people.
    pub agent: String,
}

/// A block by the names of its transactions. Rule: docs/protocol.md#N4
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactBlock {
    pub header: Header,
    pub manifest: Manifest,
    /// Weight of its branch, as the sender says.
    pub weight: Work,
    pub transactions: Vec<ShortId>,
}

/// What nodes say to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Hello(Hello),
    Ping,
    Pong,
    /// Headers after the first of these that the other has in its active chain.
    GetHeaders {
        locator: Vec<BlockId>,
    },
    Headers(Vec<Header>),
    GetBlocks(Vec<BlockId>),
    /// Encoded blocks; what the sender lacks is left out.
    Blocks(Vec<Bytes>),
    /// Ids of transactions in the sender's pool.
    Inventory(Vec<TxId>),
    GetTransactions(Vec<TxId>),
    /// Envelopes; what the sender lacks is left out.
    Transactions(Vec<Bytes>),
    CompactBlock(Box<CompactBlock>),
    /// Transactions of a block by their places in it.
    GetBlockTransactions {
        block: BlockId,
        indexes: Vec<u32>,
    },
    BlockTransactions(Vec<Bytes>),
    /// The end of the sender's chain, to those who have that block already.
    Tip(Claim),
}

/// A message with the number of the question that it asks or answers (0: neither).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub question: u64,
    pub message: Message,
}

impl Message {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Ping => 2,
            Self::Pong => 3,
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
            Self::Tip(_) => 14,
        }
    }

    /// Whether it answers a question.
    pub fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::Pong | Self::Headers(_) | Self::Blocks(_) | Self::Transactions(_) | Self::BlockTransactions(_)
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
    /// `[kind, question, body]`. Rule: docs/protocol.md#N1
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.message.kind().encode(&mut out);
        self.question.encode(&mut out);
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
        let question = items.u64("question")?;
        let mut body = items.list("body")?;
        items.end()?;
        let message = read_body(kind, &mut body, block_bytes)?;
        body.end()?;
        Ok(Self { question, message })
    }
}

fn body(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    match message {
        Message::Hello(hello) => {
            hello.version.encode(&mut out);
            hello.genesis.0.encode(&mut out);
            hello.claim.encode(&mut out);
            hello.agent.as_bytes().encode(&mut out);
        }
        Message::Ping | Message::Pong => {}
        Message::Tip(claim) => claim.encode(&mut out),
        Message::GetHeaders { locator } => joined(locator.iter().map(|id| id.0)).encode(&mut out),
        Message::Headers(headers) => {
            let bytes: Vec<u8> = headers.iter().flat_map(Header::encode).collect();
            bytes[..].encode(&mut out);
        }
        Message::GetBlocks(ids) => joined(ids.iter().map(|id| id.0)).encode(&mut out),
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
            weight: Work(body.u256("weight")?),
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
            agent: agent(body.bytes("agent", MAX_AGENT)?),
        }),
        2 => Message::Ping,
        3 => Message::Pong,
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
            weight: Work(body.u256("weight")?),
            transactions: chunks::<SHORT_ID_BYTES>(body, "transactions", MAX_INDEXES)?.collect(),
        })),
        12 => Message::GetBlockTransactions {
            block: BlockId(body.b256("block")?),
            indexes: chunks::<4>(body, "indexes", MAX_INDEXES)?
                .map(u32::from_be_bytes)
                .collect(),
        },
        13 => Message::BlockTransactions(list(body, "transaction", MAX_INDEXES, MAX_TRANSACTION_BYTES, None)?),
        14 => Message::Tip(Claim::read(body)?),
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
mod tests {
    use proptest::prelude::*;
    use tally_chain::U256;

    use super::*;

    const BLOCK_BYTES: u64 = 4_000;

    fn envelopes() -> impl Strategy<Value = Vec<Bytes>> {
        let bytes = prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
        prop::collection::vec(bytes, 0..MAX_BLOCKS)
    }

    fn hashes() -> impl Strategy<Value = Vec<B256>> {
        prop::collection::vec(any::<[u8; 32]>().prop_map(B256::new), 0..MAX_BLOCKS)
    }

    fn claims() -> impl Strategy<Value = Claim> {
        (any::<[u8; 32]>(), any::<u64>(), any::<[u8; 32]>()).prop_map(|(tip, height, weight)| Claim {
            tip: BlockId(B256::new(tip)),
            height: Height(height),
            weight: Work(U256::from_be_bytes(weight)),
        })
    }

    fn messages() -> impl Strategy<Value = Message> {
        let headers = prop::collection::vec(any::<[u8; HEADER_BYTES]>(), 0..20);
        let hello = (any::<u64>(), any::<[u8; 32]>(), claims(), "[ -~]{0,64}");
        let asked = (any::<[u8; 32]>(), prop::collection::vec(any::<u32>(), 0..50));
        prop_oneof![
            hello.prop_map(|(version, genesis, claim, agent)| Message::Hello(Hello {
                version,
                genesis: BlockId(B256::new(genesis)),
                claim,
                agent,
            })),
            Just(Message::Ping),
            Just(Message::Pong),
            hashes().prop_map(|ids| Message::GetHeaders {
                locator: ids.into_iter().map(BlockId).collect()
            }),
            headers.prop_map(|headers| Message::Headers(headers.iter().map(Header::decode).collect())),
            hashes().prop_map(|ids| Message::GetBlocks(ids.into_iter().map(BlockId).collect())),
            envelopes().prop_map(Message::Blocks),
            hashes().prop_map(|ids| Message::Inventory(ids.into_iter().map(TxId).collect())),
            hashes().prop_map(|ids| Message::GetTransactions(ids.into_iter().map(TxId).collect())),
            envelopes().prop_map(Message::Transactions),
            asked.prop_map(|(block, indexes)| Message::GetBlockTransactions {
                block: BlockId(B256::new(block)),
                indexes,
            }),
            envelopes().prop_map(Message::BlockTransactions),
            claims().prop_map(Message::Tip),
        ]
    }

    fn refused(message: Message) -> String {
        let bytes = Frame { question: 1, message }.encode();
        Frame::decode(&bytes, BLOCK_BYTES).unwrap_err().to_string()
    }

    proptest! {
        #[test]
        fn every_message_comes_as_it_was_said(question in any::<u64>(), message in messages()) {
            let frame = Frame { question, message };
            prop_assert_eq!(Frame::decode(&frame.encode(), BLOCK_BYTES).unwrap(), frame);
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(frame) = Frame::decode(&bytes, BLOCK_BYTES) {
                prop_assert_eq!(frame.encode(), bytes, "one form each");
            }
        }

        #[test]
        fn a_byte_more_or_less_or_other_is_never_the_same_message(
            message in messages(), at in any::<prop::sample::Index>(), flip in 1..=255_u8
        ) {
            let frame = Frame { question: 7, message };
            let bytes = frame.encode();
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] ^= flip;
            let longer = [&bytes[..], &[0]].concat();
            for other in [&changed[..], &bytes[..bytes.len() - 1], &longer] {
                // A byte of an agent that cannot be printed reads as another.
                let same = Frame::decode(other, BLOCK_BYTES).is_ok_and(|other| other == frame);
                prop_assert!(!same || matches!(frame.message, Message::Hello(_)));
            }
        }
    }

    #[test]
    fn each_limit_holds_and_is_named() {
        let hashes = |count| vec![B256::ZERO; count];
        let ids = |count| hashes(count).into_iter().map(TxId).collect::<Vec<_>>();
        let blocks = |count| hashes(count).into_iter().map(BlockId).collect::<Vec<_>>();
        let header = Header::decode(&[0; HEADER_BYTES]);
        let long = |field: &str, len: usize, max: usize| format!("{field}: {len} bytes, at most {max} are allowed");
        for (message, error) in [
            (
                Message::GetHeaders { locator: blocks(65) },
                long("locator", 65 * 32, 64 * 32),
            ),
            (
                Message::Headers(vec![header; 2_001]),
                long("headers", 2_001 * 80, 2_000 * 80),
            ),
            (Message::GetBlocks(blocks(17)), long("blocks", 17 * 32, 16 * 32)),
            (
                Message::Inventory(ids(1_025)),
                long("transactions", 1_025 * 32, 1_024 * 32),
            ),
            (
                Message::GetTransactions(ids(1_025)),
                long("transactions", 1_025 * 32, 1_024 * 32),
            ),
            (
                Message::Blocks(vec![vec![0; 4_001].into()]),
                long("block", 4_001, 4_000),
            ),
        ] {
            assert_eq!(refused(message), error);
        }
        let many = refused(Message::Blocks(vec![Bytes::new(); 17]));
        assert!(many.contains("block") && many.contains("16"), "{many}");
    }
}
