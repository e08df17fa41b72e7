use proptest::prelude::*;
use tally_chain::U256;
use tally_ledger::PartRoot;

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
        weight: Weight(U256::from_be_bytes(weight)),
    })
}

fn checkpoints() -> impl Strategy<Value = Checkpoint> {
    let root = prop_oneof![
        Just(PartRoot::Empty),
        any::<[u8; 32]>().prop_map(|hash| PartRoot::Branch(B256::new(hash))),
        any::<([u8; 32], [u8; 32])>().prop_map(|(key, value_hash)| PartRoot::Leaf {
            key: B256::new(key),
            value_hash: B256::new(value_hash),
        }),
    ];
    let roots = prop::collection::vec(root, 0..20);
    (any::<[u8; 32]>(), any::<u64>(), roots).prop_map(|(block, height, roots)| Checkpoint {
        block: BlockId(B256::new(block)),
        height: Height(height),
        roots,
    })
}

fn manifests() -> impl Strategy<Value = Manifest> {
    let hash = any::<[u8; 32]>().prop_map(B256::new);
    (
        any::<u64>(),
        any::<u128>(),
        hash,
        prop::collection::vec(any::<u8>(), 0..64),
    )
        .prop_map(|(number, base_fee, root, extra)| Manifest {
            number: Height(number),
            producer: tally_chain::Address::repeat_byte(7),
            state_root: root,
            transactions_root: root,
            receipts_root: B256::ZERO,
            history_root: root,
            gas_limit: number,
            gas_used: 0,
            base_fee,
            extra: extra.into(),
            seal: Bytes::new(),
        })
}

fn messages() -> impl Strategy<Value = Message> {
    let headers = prop::collection::vec(any::<[u8; HEADER_BYTES]>(), 0..20);
    let hello = (any::<u64>(), any::<[u8; 32]>(), claims(), any::<u64>(), "[ -~]{0,64}");
    let requested = (any::<[u8; 32]>(), prop::collection::vec(any::<u32>(), 0..50));
    prop_oneof![
        hello.prop_map(|(version, genesis, claim, first, agent)| Message::Hello(Hello {
            version,
            genesis: BlockId(B256::new(genesis)),
            claim,
            first: Height(first),
            agent,
        })),
        Just(Message::GetCheckpoint),
        Just(Message::Checkpoint(None)),
        checkpoints().prop_map(|checkpoint| Message::Checkpoint(Some(checkpoint))),
        (any::<[u8; 32]>(), any::<u32>()).prop_map(|(block, part)| Message::GetPart {
            block: BlockId(B256::new(block)),
            part,
        }),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| Message::Part(bytes.into())),
        hashes().prop_map(|ids| Message::GetManifests(ids.into_iter().map(BlockId).collect())),
        prop::collection::vec(manifests(), 0..MAX_BLOCKS).prop_map(Message::Manifests),
        Just(Message::Ping),
        Just(Message::Pong),
        any::<u64>().prop_map(|time| Message::TimedPong(UnixSecs(time))),
        hashes().prop_map(|ids| Message::GetHeaders {
            locator: ids.into_iter().map(BlockId).collect()
        }),
        headers.prop_map(|headers| Message::Headers(headers.iter().map(Header::decode).collect())),
        hashes().prop_map(|ids| Message::GetBlocks(ids.into_iter().map(BlockId).collect())),
        envelopes().prop_map(Message::Blocks),
        hashes().prop_map(|ids| Message::Inventory(ids.into_iter().map(TxId).collect())),
        hashes().prop_map(|ids| Message::GetTransactions(ids.into_iter().map(TxId).collect())),
        envelopes().prop_map(Message::Transactions),
        requested.prop_map(|(block, indexes)| Message::GetBlockTransactions {
            block: BlockId(B256::new(block)),
            indexes,
        }),
        envelopes().prop_map(Message::BlockTransactions),
        (claims(), any::<u64>()).prop_map(|(claim, first)| Message::Tip {
            claim,
            first: Height(first),
        }),
    ]
}

fn refused(message: Message) -> String {
    let bytes = Frame { request: 1, message }.encode();
    Frame::decode(&bytes, BLOCK_BYTES).unwrap_err().to_string()
}

proptest! {
    #[test]
    fn every_message_comes_as_it_was_sent(request in any::<u64>(), message in messages()) {
        let frame = Frame { request, message };
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
        let frame = Frame { request: 7, message };
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
        (
            Message::Part(vec![0; (4 << 20) + 1].into()),
            long("part", (4 << 20) + 1, 4 << 20),
        ),
        (
            Message::Checkpoint(Some(Checkpoint {
                block: BlockId(B256::ZERO),
                height: Height(1),
                roots: vec![PartRoot::Empty; 4_097],
            })),
            long("roots", 4_097, 4_096),
        ),
        (Message::GetManifests(blocks(513)), long("blocks", 513 * 32, 512 * 32)),
    ] {
        assert_eq!(refused(message), error);
    }
    let many = refused(Message::Blocks(vec![Bytes::new(); 17]));
    assert!(many.contains("block") && many.contains("16"), "{many}");
}
