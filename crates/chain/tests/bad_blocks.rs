//! Each rule of blocks, broken alone, with the one error it must give. The blocks are sealed here and never executed.

mod support;

use support::chain::*;
use support::keys::{RSA_2048, SECP256K1, raw};
use support::{hex, rlp, rlp_error, rlp_list};
use tally_chain::block::MAX_TRANSACTIONS;
use tally_chain::consensus::{SealError, WorkSealError};
use tally_chain::pow::{BitsError, Target};
use tally_chain::{
    B256, BlockError, BlockId, Bytes, CodecError, HeaderTip, Height, RawBlock, RawTransaction, TransactionError, TxId,
    U256, UnixSecs, merkle,
};

/// A hexadecimal legacy transaction of the shortest form: nine empty fields but v.
const SHORTEST: &str = "c9808080808080238080";

fn not_called(list: Vec<RawTransaction>) -> Result<Vec<tally_chain::CheckedTransaction>, (usize, TransactionError)> {
    panic!(
        "{} signatures are checked although something cheaper is wrong",
        list.len()
    )
}

/// What a block gives whose error must come before any signature is looked at.
fn cheap(block: RawBlock) -> Result<(), BlockError> {
    block.check(&spec(), NOW, not_called).map(|_| ())
}

fn seal_error(block: RawBlock) -> SealError {
    match cheap(block) {
        Err(BlockError::Seal(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_block_that_the_others_are_made_of_is_right() {
    let block = block_one();
    let bytes = block.encode();
    assert_eq!(RawBlock::decode(&bytes, 1 << 20), Ok(block.clone()));
    let linked = link(block.clone(), &after_genesis()).unwrap();
    assert_eq!((linked.id(), linked.height()), (block.id(), Height(1)));
    assert_eq!(linked.encode(), bytes);
    assert_eq!(linked.transactions().len(), 4);
    // Genesis and one block, each of half a bit of work.
    let each = Target::from_bits(0x207f_ffff).unwrap().work();
    assert_eq!(linked.weight(), each.plus(each));
}

#[test]
fn headers() {
    let block = block_with(|b| b.header.version = 2);
    assert_eq!(cheap(block), Err(BlockError::WrongVersion { found: 2, expected: 1 }));

    let max_ahead = 12;
    let time = NOW.saturating_add(max_ahead + 1);
    let block = next_block(&after_genesis(), time.0 as u32, Vec::new());
    let now = NOW;
    assert_eq!(
        cheap(block.clone()),
        Err(BlockError::FromTheFuture { time, now, max_ahead })
    );
    assert_eq!(check_at(block, NOW.saturating_add(1)).map(|_| ()), Ok(()));

    let mut block = block_one();
    let expected = block.manifest.root();
    let found = B256::repeat_byte(9);
    block.header.manifest_root = found;
    seal(&mut block);
    assert_eq!(cheap(block), Err(BlockError::WrongManifestRoot { found, expected }));
}

#[test]
fn seals() {
    let bits = |bits: u32| {
        let mut block = block_one();
        block.header.bits = bits;
        seal_error(block)
    };
    assert_eq!(bits(0x2080_0001), BitsError::Negative { bits: 0x2080_0001 }.into());
    assert_eq!(bits(0), BitsError::Zero { bits: 0 }.into());
    assert_eq!(bits(0x2000_0000), BitsError::Zero { bits: 0x2000_0000 }.into());
    assert_eq!(bits(0xff00_ffff), BitsError::Overflow { bits: 0xff00_ffff }.into());
    assert_eq!(bits(0x2201_0000), BitsError::Overflow { bits: 0x2201_0000 }.into());
    let (loose, expected) = (0x2000_00ff, 0x1f00_ff00);
    assert_eq!(bits(loose), BitsError::NotCanonical { bits: loose, expected }.into());
    let (above, limit) = (0x2100_8000, 0x207f_ffff);
    assert_eq!(
        bits(above),
        WorkSealError::TargetAboveLimit { bits: above, limit }.into()
    );

    let mut block = block_one();
    let target = Target::from_bits(block.header.bits).unwrap();
    while target.is_met_by(&block.id()) {
        block.header.nonce += 1;
    }
    let (id, bits) = (block.id(), block.header.bits);
    assert_eq!(seal_error(block), WorkSealError::NotEnoughWork { id, bits }.into());

    let block = block_with(|b| b.manifest.seal = Bytes::from_static(b"stake"));
    assert_eq!(seal_error(block), WorkSealError::UnexpectedSeal { len: 5 }.into());
}

/// The largest id that seals is the target itself. Rule: docs/protocol.md#H5
#[test]
fn the_target_itself_seals() {
    let target = Target::from_bits(0x1f00_ffff).unwrap();
    let id = |number: U256| BlockId(B256::new(number.to_le_bytes()));
    assert!(target.is_met_by(&id(target.0)));
    assert!(!target.is_met_by(&id(target.0 + U256::from(1))));
    assert!(target.is_met_by(&id(U256::ZERO)));
}

#[test]
fn manifests() {
    let limit = spec().limits.gas_limit;
    let block = block_with(|b| b.manifest.gas_limit += 1);
    let (found, expected) = (limit + 1, limit);
    assert_eq!(cheap(block), Err(BlockError::WrongGasLimit { found, expected }));

    let block = block_with(|b| b.manifest.gas_used = limit + 1);
    let (found, max) = (limit + 1, limit);
    assert_eq!(cheap(block), Err(BlockError::GasUsedAboveLimit { found, max }));
    assert_eq!(check(block_with(|b| b.manifest.gas_used = limit)).map(|_| ()), Ok(()));

    let block = block_with(|b| b.manifest.extra = Bytes::from(vec![0; 65]));
    let (field, len, max) = ("manifest.extra", 65, 64);
    assert_eq!(cheap(block), Err(CodecError::TooLong { field, len, max }.into()));
    assert_eq!(
        check(block_with(|b| b.manifest.extra = Bytes::from(vec![0; 64]))).map(|_| ()),
        Ok(())
    );

    let expected = block_one().manifest.transactions_root;
    let found = B256::repeat_byte(3);
    let block = block_with(|b| b.manifest.transactions_root = found);
    assert_eq!(cheap(block), Err(BlockError::WrongTransactionsRoot { found, expected }));
    // A transaction less, or the same ones in another order, is another root.
    for change in [
        |b: &mut RawBlock| drop(b.transactions.pop()),
        |b: &mut RawBlock| b.transactions.swap(0, 1),
    ] {
        let mut block = block_one();
        change(&mut block);
        let leaves: Vec<_> = block
            .transactions
            .iter()
            .map(|tx| merkle::leaf_hash(tx.envelope()))
            .collect();
        let (found, expected) = (block.manifest.transactions_root, merkle::root(&leaves));
        assert_eq!(cheap(block), Err(BlockError::WrongTransactionsRoot { found, expected }));
    }
}

#[test]
fn sizes() {
    let bytes = block_one().encode();
    let (len, max) = (bytes.len() as u64, bytes.len() as u64 - 1);
    assert_eq!(RawBlock::decode(&bytes, max), Err(BlockError::TooLarge { len, max }));
    let mut spec = spec();
    spec.limits.block_bytes = max;
    assert_eq!(
        block_one().check(&spec, NOW, not_called).map(|_| ()),
        Err(BlockError::TooLarge { len, max })
    );
    spec.limits.block_bytes = len;
    assert_eq!(block_one().check(&spec, NOW, check_transactions).map(|_| ()), Ok(()));
}

#[test]
fn counts() {
    let (count, max) = (MAX_TRANSACTIONS + 1, MAX_TRANSACTIONS);
    let too_many = BlockError::TooManyTransactions { count, max };
    let shortest = raw(hex(SHORTEST));
    let mut block = block_one();
    let envelopes = vec![rlp(&hex(SHORTEST)); count];
    let bytes = rlp_list(&[
        rlp(&block.header.encode()),
        block.manifest.encode(),
        rlp_list(&envelopes),
    ]);
    assert_eq!(RawBlock::decode(&bytes, u64::MAX), Err(too_many.clone()));
    // However it was assembled.
    block.transactions = vec![shortest; count];
    assert_eq!(cheap(block), Err(too_many));
}

#[test]
fn blocks_of_another_form() {
    let block = block_one();
    let (header, manifest) = (rlp(&block.header.encode()), block.manifest.encode());
    let decode = |items: &[Vec<u8>]| RawBlock::decode(&rlp_list(items), u64::MAX);
    let none = rlp_list(&[]);
    let rlp_refused = |field, source| Err(rlp_error(field, source).into());
    assert_eq!(decode(&[]), rlp_refused("header", alloy_rlp::Error::InputTooShort));
    let (field, len, expected) = ("header", 79, 80);
    assert_eq!(
        decode(&[rlp(&[0; 79]), manifest.clone(), none.clone()]),
        Err(CodecError::WrongLength { field, len, expected }.into())
    );
    assert_eq!(
        decode(&[header.clone(), rlp(&manifest), none.clone()]),
        rlp_refused("manifest", alloy_rlp::Error::UnexpectedString)
    );
    let padded = rlp_list(&vec![rlp(&[1; 32]); 16]);
    let (field, len, max) = ("manifest", padded.len(), 512);
    assert_eq!(
        decode(&[header.clone(), padded, none.clone()]),
        Err(CodecError::TooLong { field, len, max }.into())
    );
    assert_eq!(
        decode(&[header.clone(), manifest.clone(), rlp(b"none")]),
        rlp_refused("transactions", alloy_rlp::Error::UnexpectedString)
    );
    let (field, count) = ("block", 1);
    assert_eq!(
        decode(&[header.clone(), manifest.clone(), none, vec![0x80]]),
        Err(CodecError::TrailingBytes { field, count }.into())
    );
    let with = |envelopes: &[Vec<u8>]| decode(&[header.clone(), manifest.clone(), rlp_list(envelopes)]);
    let good = rlp(block.transactions[1].envelope());
    let empty = BlockError::Transaction {
        index: 1,
        source: TransactionError::Empty,
    };
    assert_eq!(with(&[good.clone(), vec![0x80]]), Err(empty));
    let source = TransactionError::UnknownType { found: 3 };
    assert_eq!(
        with(&[good.clone(), good.clone(), vec![3]]),
        Err(BlockError::Transaction { index: 2, source })
    );
    // An envelope as a list instead of a string of it.
    assert_eq!(
        with(&[good, hex(SHORTEST)]),
        rlp_refused("transaction", alloy_rlp::Error::UnexpectedList)
    );
    let (field, len, max) = ("transaction", 131_073, 131_072);
    assert_eq!(
        with(&[rlp(&vec![0x54; len])]),
        Err(CodecError::TooLong { field, len, max }.into())
    );
}

#[test]
fn transactions_that_are_wrong_by_themselves_or_in_this_block() {
    let transaction = |index, source| Err(BlockError::Transaction { index, source });
    let chain = identity();
    let good = || raw(RSA_2048.sign(payment(), &chain, 1).encode());
    let refused = |payload| check(block_of(vec![good(), raw(SECP256K1.sign(payload, &chain).encode())])).map(|_| ());

    let time = UnixSecs(TIME.into());
    let mut payload = payment();
    payload.timestamp = UnixSecs(time.0 - 86_401);
    let timestamp = payload.timestamp;
    assert_eq!(
        refused(payload),
        transaction(1, TransactionError::Expired { timestamp, time })
    );

    let mut payload = payment();
    payload.timestamp = UnixSecs(time.0 + 601);
    let timestamp = payload.timestamp;
    assert_eq!(
        refused(payload),
        transaction(1, TransactionError::FromTheFuture { timestamp, time })
    );

    let mut payload = payment();
    (payload.max_fee, payload.max_priority_fee) = (GWEI - 1, 0);
    let (max_fee, base_fee) = (GWEI - 1, GWEI);
    assert_eq!(
        refused(payload),
        transaction(1, TransactionError::FeeTooLow { max_fee, base_fee })
    );

    let mut payload = payment();
    payload.chain_id = 1;
    let expected = chain.chain_id;
    assert_eq!(
        refused(payload),
        transaction(1, TransactionError::WrongChain { found: 1, expected })
    );

    let mut tx = SECP256K1.sign(payment(), &chain);
    tx.payload.nonce += 1;
    let block = block_of(vec![good(), good(), raw(tx.encode())]);
    assert_eq!(check(block).map(|_| ()), transaction(2, TransactionError::BadSignature));
}

#[test]
fn transactions_twice() {
    let chain = identity();
    let signed = |seed| raw(RSA_2048.sign(payment(), &chain, seed).encode());
    let id = signed(1).check(&chain, &tally_chain::ReferenceVerifier).unwrap().id();
    let twice = Err(BlockError::DuplicateTransaction { id });
    assert_eq!(check(block_of(vec![signed(1), signed(1)])).map(|_| ()), twice);
    // Another salt makes another envelope, but the same transaction.
    let other = transactions().remove(2);
    assert_eq!(check(block_of(vec![signed(1), other, signed(2)])).map(|_| ()), twice);
    assert_ne!(id, TxId::default());
}

#[test]
fn links_to_the_parent() {
    let ancestors = after_genesis();
    let linked = |block| link(block, &ancestors).map(|_| ());
    let expected = ancestors.parent.id;
    let found = BlockId(B256::repeat_byte(5));
    assert_eq!(
        linked(block_with(|b| b.header.parent = found)),
        Err(BlockError::WrongParent { found, expected })
    );
    for number in [0, 2, u64::MAX] {
        let (found, expected) = (Height(number), Height(1));
        assert_eq!(
            linked(block_with(|b| b.manifest.number = found)),
            Err(BlockError::WrongNumber { found, expected })
        );
    }
    let (found, expected) = (B256::repeat_byte(6), ancestors.history.root());
    assert_eq!(
        linked(block_with(|b| b.manifest.history_root = found)),
        Err(BlockError::WrongHistoryRoot { found, expected })
    );
    let (found, expected) = (GWEI + 1, GWEI);
    assert_eq!(
        linked(block_with(|b| b.manifest.base_fee = found)),
        Err(BlockError::WrongBaseFee { found, expected })
    );
    let (found, expected) = (0x203f_ffff, 0x207f_ffff);
    let harder = block_with(|b| b.header.bits = found);
    let wrong = SealError::from(WorkSealError::WrongBits { found, expected });
    assert_eq!(linked(harder), Err(wrong.into()));
    let genesis = ancestors.parent.header.time;
    for time in [genesis, genesis - 1, 0] {
        let block = block_with(|b| {
            b.header.time = time;
            b.transactions.clear();
            b.manifest.transactions_root = merkle::root(&[]);
        });
        assert_eq!(linked(block), Err(BlockError::TooEarly { time, median: genesis }));
    }
}

#[test]
fn the_median_of_eleven_counts_not_the_parent() {
    let (blocks, ancestors) = chain_of(20, 3);
    let times: Vec<_> = blocks[9..].iter().map(|block| block.header().time).collect();
    assert_eq!(times.len(), 11);
    let median = times[5];
    assert_eq!(ancestors.median_time(), median);
    let at = |time: u32| {
        let block = next_block(&ancestors, time, Vec::new());
        check_at(block, UnixSecs(u64::from(TIME) + 1_000))
            .unwrap()
            .link(&ancestors, &spec())
            .map(|b| b.header().time)
    };
    assert_eq!(at(median), Err(BlockError::TooEarly { time: median, median }));
    let parent = ancestors.parent.header.time;
    assert!(median + 1 < parent);
    assert_eq!(at(median + 1), Ok(median + 1), "a block may be older than its parent");
}

/// A header that comes ahead of its block is checked as the block is: one function checks both. Rule: docs/protocol.md#B3
#[test]
fn headers_and_blocks_are_compared_with_the_same_median() {
    let now = UnixSecs(u64::from(TIME) + 1_000);
    for count in [0, 1, 5, 11, 12, 20] {
        let (blocks, ancestors) = chain_of(count, 3);
        let genesis = after_genesis();
        let mut headers = HeaderTip {
            id: genesis.parent.id,
            height: Height::GENESIS,
            recent_times: genesis.recent_times.clone(),
            anchor_time: None,
            weight: genesis.history.weight(),
        };
        for block in &blocks {
            headers.extend(block.header(), &spec(), now).unwrap();
        }
        assert_eq!(headers.recent_times, ancestors.recent_times);
        let median = ancestors.median_time();
        let before = headers.clone();
        for time in [median - 1, median] {
            let block = next_block(&ancestors, time, Vec::new());
            let early = BlockError::TooEarly { time, median };
            assert_eq!(headers.extend(&block.header, &spec(), now), Err(early.clone()));
            assert_eq!(headers, before, "nothing has moved");
            let linked = check_at(block, now).unwrap().link(&ancestors, &spec());
            assert_eq!(linked.map(|_| ()), Err(early));
        }
        let block = next_block(&ancestors, median + 1, Vec::new());
        assert_eq!(headers.extend(&block.header, &spec(), now), Ok(()));
        let linked = check_at(block, now).unwrap().link(&ancestors, &spec()).unwrap();
        let after = ancestors.then(linked.as_parent(), &spec().engine());
        assert_eq!(headers.recent_times, after.recent_times);
        assert_eq!((headers.id, headers.weight), (linked.id(), linked.weight()));
    }
}

/// Weight, fee, bits and history follow the blocks before; a block of one branch does not fit on another.
#[test]
fn weight_and_history_follow_the_blocks_before() {
    let (blocks, ancestors) = chain_of(40, 1);
    let engine = spec().engine();
    let genesis = engine.weight(&after_genesis().parent.header);
    let sum = blocks
        .iter()
        .fold(genesis, |sum, block| sum.plus(engine.weight(block.header())));
    assert_eq!(blocks.last().unwrap().weight(), sum);
    assert_eq!(ancestors.history.weight(), sum);
    assert_eq!(ancestors.history.blocks(), 41);
    // Empty blocks cannot push the base fee below its minimum.
    assert!(blocks.iter().all(|block| block.manifest().base_fee == GWEI));

    let (other, _) = chain_of(40, 2);
    let block = RawBlock::decode(&other[20].encode(), 1 << 20).unwrap();
    let (_, before) = chain_of(20, 1);
    let (found, expected) = (block.header.parent, before.parent.id);
    let checked = check_at(block, UnixSecs(u64::from(TIME) + 1_000)).unwrap();
    assert_eq!(
        checked.link(&before, &spec()).map(|_| ()),
        Err(BlockError::WrongParent { found, expected })
    );
}

/// Slow blocks make the next easier, fast ones harder, within the limit. Rule: docs/protocol.md#D1
#[test]
fn bits_follow_the_clock() {
    let mut ancestors = after_genesis();
    // The first block comes when it comes; from then on two in the time of one.
    let mut times = vec![TIME];
    times.extend((1..=24).map(|n| TIME + n / 2));
    let mut all_bits = Vec::new();
    for time in times {
        let block = next_block(&ancestors, time.max(ancestors.median_time() + 1), Vec::new());
        all_bits.push(Target::from_bits(block.header.bits).unwrap());
        let now = UnixSecs(u64::from(TIME) + 1_000);
        let linked = check_at(block, now).unwrap().link(&ancestors, &spec()).unwrap();
        ancestors = ancestors.then(linked.as_parent(), &spec().engine());
    }
    assert_eq!(
        all_bits[0], all_bits[1],
        "the anchor has the initial bits, and so its child in step"
    );
    assert!(all_bits.last() < all_bits.first(), "faster than planned: harder");
    let engine = spec().engine();
    ancestors.parent.header.time += 10_000;
    assert_eq!(
        engine.next_seal(&ancestors).bits,
        0x207f_ffff,
        "late: as easy as this chain allows, no easier"
    );
}
