//! Bytes that may not change unnoticed: changing one of these changes the protocol, or a built-in chain, on purpose.

mod support;

use std::path::Path;

use support::chain::{GWEI, RECEIVER, ethereum_payment};
use support::keys::{RSA_2048, RSA_3072, RSA_4096, SECP256K1};
use support::{hex, text};
use tally_chain::state_tree::Account;
use tally_chain::transaction::{ChainIdentity, EthereumKind, Payload, Transaction};
use tally_chain::{
    Address, Amount, B256, BlockId, Bytes, ChainSpec, CheckedTransaction, Header, Height, Log, Manifest, RawBlock,
    RawTransaction, Receipt, ReferenceVerifier, SignatureVerifier, TxId, U256, UnixSecs, address, genesis,
};

const CHAIN: ChainIdentity = ChainIdentity {
    chain_id: 8_548,
    genesis: BlockId(B256::repeat_byte(0x07)),
};

fn payload() -> Payload {
    Payload {
        chain_id: CHAIN.chain_id,
        nonce: 5,
        timestamp: UnixSecs(1_793_491_210),
        max_priority_fee: GWEI,
        max_fee: 3 * GWEI,
        gas_limit: 50_000,
        to: Some(RECEIVER),
        value: Amount::from_coins("1.5").unwrap(),
        data: Bytes::from_static(b"for the bread"),
    }
}

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pinned");
    hex(&text(folder.join(name)))
}

fn check(envelope: Vec<u8>) -> CheckedTransaction {
    RawTransaction::decode(envelope)
        .unwrap()
        .check(&CHAIN, &ReferenceVerifier)
        .unwrap()
}

#[test]
fn built_in_chains() {
    for (name, spec_hash, id) in [
        (
            "local",
            "74b2561f3885ab6141ee5b8ce6c39bae75afd0a0d5d11fc3f4cfc225c971dda5",
            "c3cb9acfe8feb6ebdbe6f5eedff065be1513f6e06985aa50cff7a020511106c8",
        ),
        (
            "test",
            "7b87d42e9f1e15f3d402c159f7b06ff31361331a652e3f895cb8ad4bbc980d32",
            "2f64e0c02d917591641054866ba6a118bbaf6fee3b0dcfee82c0807255670dab",
        ),
    ] {
        let spec = ChainSpec::built_in(name).unwrap();
        assert_eq!(format!("{:x}", spec.hash()), spec_hash, "spec {name}");
        assert_eq!(genesis::identity(&spec).genesis.to_string(), id, "genesis of {name}");
        let block = genesis::block(&spec);
        assert_eq!(block.manifest.extra.as_ref(), spec.hash().as_slice());
        assert_eq!(RawBlock::decode(&block.encode(), 4_096), Ok(block));
    }
}

/// Rule: docs/protocol.md#W6
#[test]
fn addresses_of_the_public_phrase() {
    for (account, expected) in [
        (&RSA_2048, "0x6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7"),
        (&RSA_3072, "0xDC79B7D13dcE5fcB7bAb1A324506324eDEce7519"),
        (&RSA_4096, "0x244a1707a38Cd3E0d22c49FFC5080809f7F6907d"),
    ] {
        assert_eq!(account.address().to_checksum(None), expected);
        assert_eq!(address::parse(expected), Ok(account.address()));
    }
    assert_eq!(
        SECP256K1.address().to_checksum(None),
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    );
}

/// PSS draws a salt, so this envelope is only read.
#[test]
fn an_rsa_transaction() {
    let tx = check(file("rsa_transaction.hex"));
    let Transaction::Tally(decoded) = tx.transaction() else {
        panic!("type 0x54 is Tally's")
    };
    assert_eq!(decoded.payload, payload());
    assert_eq!(decoded.encode(), tx.envelope().as_ref());
    assert_eq!(tx.sender(), RSA_2048.address());
    assert_eq!(
        tx.id().to_string(),
        "0xb3c01e4831876dc5420b755286cc0b1fe173e0cad311b0c1796303a3a086fdee"
    );
    assert_eq!(tx.envelope_gas(), Some(2_000 + tx.envelope().len() as u64 + 1_000));
}

/// Signatures of the three public keys that OpenSSL 3 made: PSS is what others mean by it.
#[test]
fn pss_signatures_made_elsewhere() {
    let message = b"signed by another library";
    for account in [&RSA_2048, &RSA_3072, &RSA_4096] {
        let signature = file(&format!("openssl_pss_{}.hex", account.public.bits()));
        assert_eq!(account.public.check_signature_form(&signature), Ok(()));
        assert!(ReferenceVerifier.verify_rsa_pss(&account.public, message, &signature));
        assert!(!ReferenceVerifier.verify_rsa_pss(&account.public, &message[1..], &signature));
    }
}

/// ECDSA by RFC 6979 is deterministic: the envelope is written as well.
#[test]
fn a_secp256k1_transaction() {
    let envelope = file("secp256k1_transaction.hex");
    assert_eq!(SECP256K1.sign(payload(), &CHAIN).encode(), envelope);
    let tx = check(envelope);
    assert_eq!(tx.sender(), SECP256K1.address());
    assert_eq!(
        tx.id().to_string(),
        "0xec522f1970aff06cc36d2e6fc852bdc28080d96939669c3a803b18971c593be0"
    );
    assert_eq!(tx.envelope_gas(), Some(2_000 + tx.envelope().len() as u64 + 1_500));
}

#[test]
fn an_ethereum_transaction() {
    let mut unsigned = ethereum_payment(EthereumKind::DynamicFee);
    unsigned.chain_id = CHAIN.chain_id;
    let envelope = file("eip1559_transaction.hex");
    assert_eq!(SECP256K1.sign_ethereum(unsigned).encode(), envelope);
    let tx = check(envelope);
    assert_eq!(
        tx.id().to_string(),
        "0xac9795f50a6274371b6b31ec0d625bf0f2d2cc864333e84ccd33d9bee16bf4af"
    );
    assert_eq!((tx.sender(), tx.envelope_gas()), (SECP256K1.address(), None));
}

fn manifest() -> Manifest {
    Manifest {
        number: Height(300),
        producer: RECEIVER,
        state_root: B256::repeat_byte(1),
        transactions_root: B256::repeat_byte(2),
        receipts_root: B256::repeat_byte(3),
        history_root: B256::repeat_byte(4),
        gas_limit: 1_000_000_000,
        gas_used: 21_000,
        base_fee: GWEI,
        extra: Bytes::from_static(b"tally\x00\x00\x00\x00\x00\x00\x00\x2a"),
        seal: Bytes::new(),
    }
}

fn header() -> Header {
    Header {
        version: 1,
        parent: CHAIN.genesis,
        manifest_root: manifest().root(),
        time: 1_793_491_210,
        bits: 0x1d7f_ffff,
        nonce: 0xdead_beef,
    }
}

fn block() -> RawBlock {
    let transactions = ["rsa_transaction.hex", "secp256k1_transaction.hex"]
        .map(|name| RawTransaction::decode(file(name)).unwrap())
        .to_vec();
    RawBlock {
        header: header(),
        manifest: manifest(),
        transactions,
    }
}

fn receipt() -> Receipt {
    Receipt {
        transaction: TxId(B256::repeat_byte(8)),
        success: true,
        gas_used: 60_000,
        contract: Some(Address::repeat_byte(9)),
        logs: vec![Log {
            address: RECEIVER,
            topics: vec![B256::repeat_byte(10)],
            data: Bytes::from_static(b"log"),
        }],
    }
}

/// The extra nonce is the last but one item, so one byte follows it. Rule: docs/protocol.md#M2
#[test]
fn a_header_and_its_manifest() {
    let bytes = manifest().encode();
    assert_eq!(bytes, file("manifest.hex"));
    assert_eq!(bytes[bytes.len() - 9..], [0, 0, 0, 0, 0, 0, 0, 0x2a, 0x80]);
    let header = header();
    assert_eq!(header.encode().to_vec(), file("header.hex"));
    assert_eq!(
        header.id().to_string(),
        "110b3b62b6ed6ecb52b09e4e12f34c708e3009a5c3aaaab1734fb8ac600a289d"
    );
    let digest = tally_chain::hash::sha256(&[&block().encode()]);
    assert_eq!(
        format!("{digest:x}"),
        "73d68e0e1effed3adbe6c5c4fe49c86985aea6681d52586d9eb43c30b1dfe408"
    );
}

#[test]
fn a_receipt_and_an_account() {
    assert_eq!(receipt().encode(), file("receipt.hex"));
    let account = Account {
        nonce: 6,
        balance: Amount(U256::from(1_000_000)),
        ..Account::default()
    };
    let expected = "e606830f4240a0c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert_eq!(account.encode(), hex(expected));
}

#[test]
#[ignore = "prints the values to pin"]
fn print_values() {
    let write = |name: &str, bytes: &[u8]| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pinned");
        std::fs::write(folder.join(name), alloy_primitives::hex::encode(bytes) + "\n").unwrap();
    };
    let rsa = RSA_2048.sign(payload(), &CHAIN, 2_026).encode();
    write("rsa_transaction.hex", &rsa);
    let ec = SECP256K1.sign(payload(), &CHAIN).encode();
    write("secp256k1_transaction.hex", &ec);
    let mut eth = ethereum_payment(EthereumKind::DynamicFee);
    eth.chain_id = CHAIN.chain_id;
    let eth = SECP256K1.sign_ethereum(eth).encode();
    write("eip1559_transaction.hex", &eth);
    for (name, bytes) in [("RSA_ID", rsa), ("SECP_ID", ec), ("ETH_ID", eth)] {
        println!("PIN {name} {}", check(bytes).id());
    }
    write("manifest.hex", &manifest().encode());
    write("header.hex", &header().encode());
    write("receipt.hex", &receipt().encode());
    println!("PIN HEADER_ID {}", header().id());
    println!("PIN BLOCK_HASH {:x}", tally_chain::hash::sha256(&[&block().encode()]));
    for name in ["local", "test"] {
        let spec = ChainSpec::built_in(name).unwrap();
        println!("PIN SPEC_{} {:x}", name.to_uppercase(), spec.hash());
        println!("PIN ID_{} {}", name.to_uppercase(), genesis::identity(&spec).genesis);
    }
}
