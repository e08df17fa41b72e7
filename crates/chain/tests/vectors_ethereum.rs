//! Ethereum's vectors: RLP, rejected envelopes, and signed transactions of every kind we take and do not take.

mod support;

use alloy_primitives::keccak256;
use alloy_rlp::Encodable;
use serde_json::Value;
use support::{hex, json, json_hex, keys::EcAccount, rlp_list};
use tally_chain::codec::ListReader;
use tally_chain::transaction::{ChainIdentity, MAX_GAS_LIMIT, Transaction};
use tally_chain::{
    BlockId, CodecError, RawTransaction, ReferenceVerifier, SignatureVerifier, TransactionError, TxId, U256, address,
};
use tally_testkit::corpora;

fn encode(item: &Value) -> Vec<u8> {
    match item {
        Value::Array(items) => rlp_list(&items.iter().map(encode).collect::<Vec<_>>()),
        Value::Number(number) => alloy_rlp::encode(number.as_u64().unwrap()),
        Value::String(text) => match text.strip_prefix('#') {
            Some(digits) => match digits.parse::<U256>() {
                Ok(number) => alloy_rlp::encode(number),
                // The one number beyond 256 bits is 2^256.
                Err(_) => alloy_rlp::encode(&[&[1u8][..], &[0; 32]].concat()[..]),
            },
            None => alloy_rlp::encode(text.as_bytes()),
        },
        other => panic!("{other} is no RLP item"),
    }
}

fn read(reader: &mut ListReader<'_>, item: &Value) {
    match item {
        Value::Array(items) => {
            let mut list = reader.list("list").unwrap();
            items.iter().for_each(|item| read(&mut list, item));
            assert_eq!(list.end(), Ok(()));
        }
        Value::Number(number) => assert_eq!(reader.u64("number").ok(), number.as_u64()),
        Value::String(text) => match text.strip_prefix('#').map(str::parse::<U256>) {
            Some(Ok(number)) => assert_eq!(reader.u256("number"), Ok(number)),
            Some(Err(_)) => assert_eq!(
                reader.u256("number"),
                Err(support::rlp_error("number", alloy_rlp::Error::Overflow))
            ),
            None => assert_eq!(reader.bytes("text", usize::MAX), Ok(text.as_bytes())),
        },
        other => panic!("{other} is no RLP item"),
    }
}

#[test]
fn rlp_items_read_and_write() {
    let Some(folder) = corpora("ethereum-tests") else {
        return;
    };
    let cases = json(folder.join("RLPTests/rlptest.json"));
    for (name, case) in cases.as_object().unwrap() {
        let expected = json_hex(&case["out"]);
        assert_eq!(encode(&case["in"]), expected, "{name}");
        let list = rlp_list(std::slice::from_ref(&expected));
        read(&mut ListReader::open("all", &list).unwrap(), &case["in"]);
        let short = ListReader::open("all", &list[..list.len() - 1]).map(|_| ());
        assert_eq!(
            short,
            Err(support::rlp_error("all", alloy_rlp::Error::InputTooShort)),
            "{name}"
        );
    }
}

/// The error that decoding must return where Ethereum's clients report `exception`.
fn expected_refusal(exception: &str, error: &TransactionError) -> bool {
    use alloy_rlp::Error::*;
    use tally_chain::transaction::TransactionError as Tx;
    let codec = match error {
        Tx::Codec(error) => error,
        _ => {
            return match exception {
                "TYPE_NOT_SUPPORTED" => matches!(error, Tx::UnknownType { .. }),
                "RLP_ERROR_EOF" => *error == Tx::UnknownType { found: 0xb8 },
                // All of them carry v = 27 or 28, and this one nothing worse that we see first.
                "INVALID_SIGNATURE_VRS" => matches!(error, Tx::NotReplayProtected { v: 27 | 28 }),
                "RLP_INVALID_HEADER" | "RLP_ERROR_SIZE" => matches!(error, Tx::UnknownType { .. }),
                // Read as EIP-155, it is of another chain.
                "INVALID_CHAINID" => matches!(error, Tx::WrongChain { expected: 1, .. }),
                _ => false,
            };
        }
    };
    let rlp = |field: &str, sources: &[alloy_rlp::Error]| match codec {
        CodecError::Rlp { field: found, source } => *found == field && sources.contains(source),
        _ => false,
    };
    let leading_zero = |field| rlp(field, &[LeadingZero, NonCanonicalSingleByte, Overflow]);
    match exception {
        "ADDRESS_TOO_SHORT" => matches!(codec, CodecError::WrongLength { field: "to", len, .. } if *len < 20),
        "ADDRESS_TOO_LONG" => matches!(codec, CodecError::TooLong { field: "to", len, .. } if *len > 20),
        "RLP_LEADING_ZEROS_NONCE" | "RLP_LEADING_ZEROS_NONCE_SIZE" => leading_zero("nonce"),
        "RLP_LEADING_ZEROS_GASPRICE" => leading_zero("gas_price"),
        "RLP_LEADING_ZEROS_GASLIMIT" => leading_zero("gas_limit"),
        "RLP_LEADING_ZEROS_VALUE" => leading_zero("value"),
        "RLP_LEADING_ZEROS_DATA_SIZE" => rlp("data", &[LeadingZero]),
        "RLP_LEADING_ZEROS_R" => leading_zero("r"),
        "RLP_LEADING_ZEROS_S" => leading_zero("s"),
        "RLP_ERROR_SIZE_LEADING_ZEROS" => rlp("transaction", &[LeadingZero]),
        "RLP_INVALID_NONCE" => rlp("nonce", &[UnexpectedList]),
        "RLP_INVALID_GASLIMIT" => rlp("gas_limit", &[UnexpectedList]),
        "RLP_INVALID_TO" => rlp("to", &[UnexpectedList]),
        "RLP_INVALID_DATA" => rlp("data", &[UnexpectedList]),
        "RLP_INVALID_SIGNATURE_R" => rlp("r", &[UnexpectedList]),
        "RLP_INVALID_SIGNATURE_S" => rlp("s", &[UnexpectedList]),
        "GASLIMIT_OVERFLOW" => rlp("gas_limit", &[Overflow]),
        "INVALID_SIGNATURE_VRS" => rlp("r", &[Overflow]) || rlp("s", &[Overflow]),
        // Bytes cut out or put in: what breaks first depends on the place.
        "RLP_ERROR_SIZE" | "RLP_INVALID_HEADER" => true,
        _ => false,
    }
}

#[test]
fn ethereum_transaction_tests() {
    let Some(folder) = corpora("ethereum-tests") else {
        return;
    };
    let mainnet = ChainIdentity {
        chain_id: 1,
        genesis: BlockId::ZERO,
    };
    let mut refused = 0;
    for group in ["ttAddress", "ttWrongRLP"] {
        for file in std::fs::read_dir(folder.join("TransactionTests").join(group)).unwrap() {
            for (name, case) in json(file.unwrap().path()).as_object().unwrap() {
                let verdict = &case["result"]["Shanghai"];
                let outcome = RawTransaction::decode(json_hex(&case["txbytes"]))
                    .and_then(|tx| tx.check(&mainnet, &ReferenceVerifier));
                if let Some(exception) = verdict["exception"].as_str() {
                    let exception = exception.trim_start_matches("TransactionException.");
                    let error = outcome.expect_err(name);
                    assert!(
                        expected_refusal(exception, &error),
                        "{name}: {exception} gave {error:?}"
                    );
                    refused += 1;
                    continue;
                }
                match outcome {
                    Ok(checked) => {
                        assert_eq!(
                            checked.sender(),
                            address::parse(verdict["sender"].as_str().unwrap()).unwrap()
                        );
                        assert_eq!(checked.id().as_bytes().to_vec(), json_hex(&verdict["hash"]), "{name}");
                    }
                    Err(TransactionError::NotReplayProtected { v }) => assert!(v == 27 || v == 28, "{name}"),
                    Err(error) => panic!("{name}: {error:?}"),
                }
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

/// What our own rules reject in an otherwise right transaction.
fn own_rule(transaction: &Transaction) -> Option<TransactionError> {
    let view = transaction.view();
    if view.gas_limit > MAX_GAS_LIMIT {
        let (found, max) = (view.gas_limit, MAX_GAS_LIMIT);
        return Some(TransactionError::GasLimitTooHigh { found, max });
    }
    let (priority, max_fee) = (view.max_priority_fee, view.max_fee);
    (priority > max_fee).then_some(TransactionError::PriorityAboveMax { priority, max_fee })
}

#[test]
fn ethers_transactions_decode_recover_and_encode_again() {
    let Some(folder) = corpora("ethers-vectors") else {
        return;
    };
    let cases = json(folder.join("transactions.json"));
    let (mut accepted, mut refused, mut unprotected) = (0, 0, 0);
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let sender = EcAccount::from_secret(&json_hex(&case["privateKey"])).address();
        for kind in ["Eip155", "Berlin", "London"] {
            let envelope = json_hex(&case[format!("signed{kind}")]);
            let decoded = RawTransaction::decode(envelope.clone());
            if envelope.is_empty() {
                // Without a chain id there is no such form of it.
                assert_eq!(decoded, Err(TransactionError::Empty), "{name} {kind}");
                continue;
            }
            if let Err(TransactionError::NotReplayProtected { v }) = decoded {
                assert!(kind == "Eip155" && (v == 27 || v == 28), "{name}");
                unprotected += 1;
                continue;
            }
            let decoded = decoded.unwrap_or_else(|error| panic!("{name} {kind}: {error}"));
            let Transaction::Ethereum(tx) = decoded.transaction() else {
                panic!("{name} {kind} is Ethereum's");
            };
            assert_eq!(tx.encode(), envelope, "{name} {kind}");
            assert_eq!(tx.signing_hash(), keccak256(json_hex(&case[format!("unsigned{kind}")])));
            let point = ReferenceVerifier.recover_secp256k1(&tx.signing_hash().0, &tx.signature, tx.y_odd);
            assert_eq!(address::of_secp256k1(&point.unwrap()), sender, "{name} {kind}");
            let chain = ChainIdentity {
                chain_id: tx.chain_id,
                genesis: BlockId::ZERO,
            };
            let rule = own_rule(decoded.transaction());
            match decoded.check(&chain, &ReferenceVerifier) {
                Ok(checked) => {
                    assert_eq!((checked.sender(), rule), (sender, None));
                    assert_eq!(checked.id(), TxId(keccak256(&envelope)));
                    accepted += 1;
                }
                Err(error) => {
                    assert_eq!(Some(error), rule, "{name} {kind}");
                    refused += 1;
                }
            }
        }
        let legacy = RawTransaction::decode(json_hex(&case["signedLegacy"])).map(|_| ());
        assert!(
            matches!(legacy, Err(TransactionError::NotReplayProtected { v: 27 | 28 })),
            "{name}: {legacy:?}"
        );
        let blobs = json_hex(&case["signedCancun"]);
        if !blobs.is_empty() {
            let unknown = Err(TransactionError::UnknownType { found: 3 });
            assert_eq!(RawTransaction::decode(blobs), unknown, "blobs are not taken: {name}");
        }
    }
    eprintln!("ethers: {accepted} accepted, {refused} rejected by our own rules, {unprotected} without EIP-155");
    assert!(accepted > 200 && refused > 20);
}

/// The example of EIP-155 itself.
#[test]
fn eip155_example() {
    let envelope = hex(concat!(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939",
        "bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b2",
        "97fb1966a3b6d83"
    ));
    let chain = ChainIdentity {
        chain_id: 1,
        genesis: BlockId::ZERO,
    };
    let checked = RawTransaction::decode(envelope)
        .unwrap()
        .check(&chain, &ReferenceVerifier)
        .unwrap();
    assert_eq!(
        checked.sender(),
        EcAccount::from_secret(&[0x46; 32]).address(),
        "the EIP's private key"
    );
    let mut nonce = Vec::new();
    9u64.encode(&mut nonce);
    assert_eq!((checked.view().nonce, nonce), (9, vec![9]));
}
