//! Codecs under random values: what is encoded comes back, what decodes is the one encoding of its value, and no claim
//! of a length makes the decoder trust it.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{hex, rlp, rlp_error, rlp_list};
use tally_chain::codec::CodecError;
use tally_chain::history::Node;
use tally_chain::keys::RsaPublicKey;
use tally_chain::manifest::MAX_MANIFEST_BYTES;
use tally_chain::pow::Target;
use tally_chain::state_tree::Account;
use tally_chain::transaction::{
    Authenticator, EthereumKind, EthereumTransaction, MAX_ACCESS_ADDRESSES, MAX_ACCESS_SLOTS, MAX_TRANSACTION_BYTES,
    Payload, TALLY_TYPE, TallyTransaction, Transaction,
};
use tally_chain::{
    Address, Amount, B256, BlockError, BlockId, Bytes, Header, Height, Log, Manifest, RawBlock, RawTransaction,
    Receipt, TransactionError, TxId, U256, UnixSecs,
};

fn word() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::new)
}

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address::new)
}

/// Numbers of every length, zero among them.
fn number() -> impl Strategy<Value = U256> {
    (any::<[u8; 32]>(), 0usize..=256).prop_map(|(bytes, shift)| {
        let number = U256::from_be_bytes(bytes);
        if shift == 256 { U256::ZERO } else { number >> shift }
    })
}

fn integer() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..=64).prop_map(|(n, shift)| n.checked_shr(shift).unwrap_or(0))
}

fn fee() -> impl Strategy<Value = u128> {
    (any::<u128>(), 0u32..=128).prop_map(|(n, shift)| n.checked_shr(shift).unwrap_or(0))
}

fn data(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

prop_compose! {
    fn payload()(
        chain_id in integer(), nonce in integer(), timestamp in integer(), max_priority_fee in fee(), max_fee in fee(),
        gas_limit in integer(), to in proptest::option::of(address()), value in number(), data in data(300),
    ) -> Payload {
        let (timestamp, value) = (UnixSecs(timestamp), Amount(value));
        Payload { chain_id, nonce, timestamp, max_priority_fee, max_fee, gas_limit, to, value, data }
    }
}

fn authenticator() -> impl Strategy<Value = Authenticator> {
    let rsa = (
        prop::sample::select(vec![256usize, 384, 512]),
        vec(any::<u8>(), 512),
        vec(any::<u8>(), 0..600),
    )
        .prop_map(|(len, mut modulus, signature)| {
            modulus.truncate(len);
            modulus[0] |= 0x80;
            modulus[len - 1] |= 1;
            let public_key = RsaPublicKey::from_modulus(&modulus).unwrap();
            Authenticator::RsaPssSha256 { public_key, signature }
        });
    let secp256k1 = (any::<[u8; 33]>(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(public_key, r, s)| {
        let signature = [r, s].concat().try_into().unwrap();
        Authenticator::Secp256k1 { public_key, signature }
    });
    prop_oneof![rsa, secp256k1]
}

prop_compose! {
    fn tally()(payload in payload(), authenticator in authenticator()) -> TallyTransaction {
        TallyTransaction { payload, authenticator }
    }
}

prop_compose! {
    fn ethereum()(
        kind in prop::sample::select(vec![EthereumKind::Legacy, EthereumKind::AccessList, EthereumKind::DynamicFee]),
        payload in payload(), list in vec((address(), vec(word(), 0..4)), 0..4), y_odd: bool, r in number(), s in number(),
    ) -> EthereumTransaction {
        let legacy = kind == EthereumKind::Legacy;
        let dynamic = kind == EthereumKind::DynamicFee;
        EthereumTransaction {
            kind,
            // EIP-155's v is a 64-bit integer.
            chain_id: if legacy { payload.chain_id.min((u64::MAX - 36) / 2) } else { payload.chain_id },
            nonce: payload.nonce,
            max_priority_fee: if dynamic { payload.max_priority_fee } else { payload.max_fee },
            max_fee: payload.max_fee,
            gas_limit: payload.gas_limit,
            to: payload.to,
            value: payload.value,
            data: payload.data,
            access_list: if legacy { Vec::new() } else { list },
            y_odd,
            signature: [r.to_be_bytes::<32>(), s.to_be_bytes::<32>()].concat().try_into().unwrap(),
        }
    }
}

fn envelope() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        tally().prop_map(|tx| tx.encode()),
        ethereum().prop_map(|tx| tx.encode())
    ]
}

prop_compose! {
    fn manifest()(
        number in integer(), producer in address(), roots in any::<[[u8; 32]; 4]>(), gas_limit in integer(),
        gas_used in integer(), base_fee in fee(), extra in data(65), seal in data(100),
    ) -> Manifest {
        let [state_root, transactions_root, receipts_root, history_root] = roots.map(B256::new);
        let number = Height(number);
        Manifest {
            number, producer, state_root, transactions_root, receipts_root, history_root, gas_limit, gas_used, base_fee,
            extra, seal,
        }
    }
}

prop_compose! {
    fn header()(bytes in vec(any::<u8>(), 80)) -> Header {
        Header::decode(&bytes.try_into().unwrap())
    }
}

prop_compose! {
    fn log()(address in address(), topics in vec(word(), 0..=4), data in data(80)) -> Log {
        Log { address, topics, data }
    }
}

prop_compose! {
    fn receipt()(
        transaction in word(), success: bool, gas_used in integer(), contract in proptest::option::of(address()),
        logs in vec(log(), 0..5),
    ) -> Receipt {
        Receipt { transaction: TxId(transaction), success, gas_used, contract, logs }
    }
}

fn encode(transaction: &Transaction) -> Vec<u8> {
    match transaction {
        Transaction::Tally(tx) => tx.encode(),
        Transaction::Ethereum(tx) => tx.encode(),
    }
}

/// Whatever decodes is encoded back to the very same bytes: no value has two encodings.
fn assert_canonical(bytes: &[u8]) {
    if let Ok(tx) = RawTransaction::decode(bytes.to_vec()) {
        assert_eq!(encode(tx.transaction()), bytes);
    }
    if let Ok(payload) = Payload::decode(bytes) {
        assert_eq!(payload.encode(), bytes);
    }
    if let Ok(manifest) = Manifest::decode(bytes) {
        assert_eq!(manifest.encode(), bytes);
    }
    if let Ok(receipt) = Receipt::decode(bytes) {
        assert_eq!(receipt.encode(), bytes);
    }
    if let Ok(account) = Account::decode(bytes) {
        assert_eq!(account.encode(), bytes);
    }
    if let Ok(block) = RawBlock::decode(bytes, 1 << 20) {
        assert_eq!(block.encode(), bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn payloads_come_back(payload in payload()) {
        prop_assert_eq!(Payload::decode(&payload.encode()), Ok(payload));
    }

    #[test]
    fn tally_transactions_come_back(tx in tally()) {
        let raw = RawTransaction::decode(tx.encode()).unwrap();
        prop_assert_eq!(raw.envelope().as_ref(), &tx.encode()[..]);
        prop_assert_eq!(raw.transaction(), &Transaction::Tally(tx));
    }

    #[test]
    fn ethereum_transactions_come_back(tx in ethereum()) {
        let raw = RawTransaction::decode(tx.encode()).unwrap();
        prop_assert_eq!(raw.transaction(), &Transaction::Ethereum(tx));
    }

    #[test]
    fn manifests_come_back(manifest in manifest()) {
        let bytes = manifest.encode();
        prop_assert!(bytes.len() <= MAX_MANIFEST_BYTES);
        prop_assert_eq!(Manifest::decode(&bytes), Ok(manifest));
    }

    #[test]
    fn headers_receipts_accounts_and_nodes_come_back(
        bytes in vec(any::<u8>(), 80), receipt in receipt(), nonce in integer(), balance in number(), code_hash in word(),
    ) {
        let array = <[u8; 80]>::try_from(bytes).unwrap();
        prop_assert_eq!(Header::decode(&array).encode(), array);
        prop_assert_eq!(Receipt::decode(&receipt.encode()), Ok(receipt));
        let account = Account { nonce, balance: Amount(balance), code_hash };
        prop_assert_eq!(Account::decode(&account.encode()), Ok(account));
        let node = <[u8; 72]>::try_from(&array[..72]).unwrap();
        prop_assert_eq!(Node::decode(&node).encode(), node);
    }

    #[test]
    fn blocks_come_back(header in header(), manifest in manifest(), envelopes in vec(envelope(), 0..6)) {
        let transactions = envelopes.into_iter().map(|bytes| RawTransaction::decode(bytes).unwrap()).collect();
        let block = RawBlock { header, manifest, transactions };
        let bytes = block.encode();
        let lens = block.transactions.iter().map(|tx| tx.envelope().len());
        prop_assert_eq!(tally_chain::block::encoded_len(&block.manifest, lens), bytes.len() as u64);
        prop_assert_eq!(RawBlock::decode(&bytes, bytes.len() as u64), Ok(block));
        let (len, max) = (bytes.len() as u64, bytes.len() as u64 - 1);
        prop_assert_eq!(RawBlock::decode(&bytes, max), Err(BlockError::TooLarge { len, max }));
    }

    #[test]
    fn no_value_has_two_encodings(bytes in vec(any::<u8>(), 0..200)) {
        assert_canonical(&bytes);
        // Behind a type byte and a list header random bytes get further.
        assert_canonical(&rlp_list(std::slice::from_ref(&bytes)));
        assert_canonical(&[&[TALLY_TYPE][..], &rlp_list(&[bytes])].concat());
    }

    #[test]
    fn no_mutation_gives_a_second_encoding(
        envelope in envelope(), manifest in manifest(), receipt in receipt(), at: prop::sample::Index, with: u8,
    ) {
        for mut bytes in [envelope, manifest.encode(), receipt.encode()] {
            let at = at.index(bytes.len());
            bytes[at] = with;
            assert_canonical(&bytes);
            bytes.remove(at);
            assert_canonical(&bytes);
            bytes.insert(at, 0);
            bytes.insert(at, with);
            assert_canonical(&bytes);
        }
    }

    #[test]
    fn compact_targets_are_one_to_one(bits: u32, number in number()) {
        if let Ok(target) = Target::from_bits(bits) {
            prop_assert_eq!(target.to_bits(), bits);
        }
        prop_assume!(!number.is_zero());
        let target = Target(number);
        let rounded = Target::from_bits(target.to_bits()).unwrap();
        prop_assert!(rounded <= target);
        // At least 15 bits of it are kept.
        prop_assert!(target.0 - rounded.0 <= target.0 >> 15);
        // floor(2^256 / (target + 1)), written another way.
        let wide = alloy_primitives::U512::from(1) << 256;
        let expected = wide / (alloy_primitives::U512::from(number) + alloy_primitives::U512::from(1));
        prop_assert_eq!(alloy_primitives::U512::from(target.work().0), expected);
    }

    #[test]
    fn texts_come_back(bytes in word(), amount in number()) {
        prop_assert_eq!(BlockId(bytes).to_string().parse(), Ok(BlockId(bytes)));
        prop_assert_eq!(TxId(bytes).to_string().parse(), Ok(TxId(bytes)));
        let amount = Amount(amount);
        prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        prop_assert_eq!(Amount::from_coins(&amount.to_coins()), Ok(amount));
        let json = serde_json::to_string(&(amount, BlockId(bytes), TxId(bytes))).unwrap();
        prop_assert_eq!(serde_json::from_str::<(Amount, BlockId, TxId)>(&json).unwrap(), (amount, BlockId(bytes), TxId(bytes)));
    }
}

/// A string header (0xbf) and a list header (0xff) that claim 2^60 bytes.
const HUGE_STRING: &str = "bf1000000000000000";
const HUGE_LIST: &str = "ff1000000000000000";

/// 2^60 bytes cannot be allocated: had any decoder tried, this process would have ended.
#[test]
fn a_claimed_length_of_2_to_the_60_is_an_error() {
    let short = |field| rlp_error(field, alloy_rlp::Error::InputTooShort);
    let (string, list) = (hex(HUGE_STRING), hex(HUGE_LIST));
    for type_byte in [&[TALLY_TYPE][..], &[1], &[2], &[]] {
        let envelope = [type_byte, &list].concat();
        assert_eq!(RawTransaction::decode(envelope), Err(short("transaction").into()));
    }
    assert_eq!(Manifest::decode(&list), Err(short("manifest")));
    assert_eq!(Receipt::decode(&list), Err(short("receipt")));
    assert_eq!(Account::decode(&list), Err(short("account")));
    assert_eq!(RawBlock::decode(&list, u64::MAX), Err(short("block").into()));
    // Inside a list that is itself right.
    let payload = |fields: &[Vec<u8>]| Payload::decode(&[&[TALLY_TYPE][..], &rlp_list(fields)].concat());
    let integers = vec![rlp(&[1]); 6];
    let fields = |tail: &[Vec<u8>]| [&integers[..], tail].concat();
    assert_eq!(payload(&fields(std::slice::from_ref(&string))), Err(short("to").into()));
    let data = [rlp(&[]), rlp(&[1]), string.clone()];
    assert_eq!(payload(&fields(&data)), Err(short("data").into()));
    let fields = [&integers[..5], &[rlp(&[]), rlp(&[1]), list.clone()]].concat();
    let ethereum = [&[2][..], &rlp_list(&fields)].concat();
    assert_eq!(RawTransaction::decode(ethereum), Err(short("data").into()));
    let block = |items: &[Vec<u8>]| RawBlock::decode(&rlp_list(items), u64::MAX);
    assert_eq!(block(&[string]), Err(short("header").into()));
    assert_eq!(block(&[rlp(&[0; 80]), list]), Err(short("manifest").into()));
}

/// Lists nested thousands deep in every place: rejected at the first level that should not be one. Rule:
/// docs/protocol.md#L9
#[test]
fn deep_nesting_is_refused_at_the_first_wrong_level() {
    let mut nested = vec![0xc0];
    for _ in 0..10_000 {
        nested = rlp_list(&[nested]);
    }
    let list = |field| rlp_error(field, alloy_rlp::Error::UnexpectedList);
    assert_eq!(RawTransaction::decode(nested.clone()), Err(list("nonce").into()));
    assert_eq!(
        RawTransaction::decode([&[TALLY_TYPE][..], &nested].concat()),
        Err(list("chain_id").into())
    );
    assert_eq!(Receipt::decode(&nested), Err(list("receipt.transaction")));
    assert_eq!(Account::decode(&nested), Err(list("account.nonce")));
    assert_eq!(RawBlock::decode(&nested, u64::MAX), Err(list("header").into()));
    // The access list is the one place that has lists in lists in a list.
    let with = |tail: &[Vec<u8>]| {
        let fields = [&vec![rlp(&[1]); 5][..], &[rlp(&[]), rlp(&[1])], tail].concat();
        RawTransaction::decode([&[2][..], &rlp_list(&fields)].concat())
    };
    assert_eq!(with(&[nested.clone()]), Err(list("data").into()));
    assert_eq!(with(&[rlp(&[]), nested]), Err(list("access_list.address").into()));
}

#[test]
fn counts_and_lengths_are_bounded() {
    let slots = |count: usize| vec![B256::ZERO; count];
    let with = |access_list: Vec<(Address, Vec<B256>)>| {
        let tx = EthereumTransaction {
            access_list,
            ..support::chain::ethereum_payment(EthereumKind::DynamicFee)
        };
        RawTransaction::decode(tx.encode()).map(|_| ())
    };
    let one = (Address::ZERO, Vec::new());
    assert_eq!(with(vec![one.clone(); MAX_ACCESS_ADDRESSES]), Ok(()));
    let too_many = |field, count, max| Err(TransactionError::Codec(CodecError::TooMany { field, count, max }));
    assert_eq!(
        with(vec![one; MAX_ACCESS_ADDRESSES + 1]),
        too_many("access_list", MAX_ACCESS_ADDRESSES + 1, MAX_ACCESS_ADDRESSES)
    );
    let halves = |more: usize| vec![(Address::ZERO, slots(512)), (Address::ZERO, slots(512 + more))];
    assert_eq!(with(halves(0)), Ok(()));
    assert_eq!(
        with(halves(1)),
        too_many("access_list.slots", MAX_ACCESS_SLOTS + 1, MAX_ACCESS_SLOTS)
    );
    for len in [MAX_TRANSACTION_BYTES + 1, 10 * MAX_TRANSACTION_BYTES] {
        let max = MAX_TRANSACTION_BYTES;
        let error = TransactionError::TooLarge { len, max };
        assert_eq!(RawTransaction::decode(vec![TALLY_TYPE; len]), Err(error.clone()));
        assert_eq!(Payload::decode(&vec![TALLY_TYPE; len]), Err(error));
    }
    let mut manifest = tally_chain::genesis::block(&support::chain::spec()).manifest;
    manifest.extra = Bytes::from(vec![0; 65]);
    let field = "manifest.extra";
    assert_eq!(
        Manifest::decode(&manifest.encode()),
        Err(CodecError::TooLong {
            field,
            len: 65,
            max: 64
        })
    );
    manifest.extra = Bytes::new();
    manifest.seal = Bytes::from(vec![0; 400]);
    let len = manifest.encode().len();
    let (field, max) = ("manifest", MAX_MANIFEST_BYTES);
    assert_eq!(
        Manifest::decode(&manifest.encode()),
        Err(CodecError::TooLong { field, len, max })
    );
    let log = Log {
        address: Address::ZERO,
        topics: slots(5),
        data: Bytes::new(),
    };
    let receipt = Receipt {
        transaction: TxId::default(),
        success: true,
        gas_used: 0,
        contract: None,
        logs: vec![log],
    };
    let (field, count, max) = ("log.topics", 5, 4);
    assert_eq!(
        Receipt::decode(&receipt.encode()),
        Err(CodecError::TooMany { field, count, max })
    );
}
