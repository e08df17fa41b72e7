//! Shared accounts through the whole node: pool, block, import; and what is rejected on the way.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use std::collections::BTreeMap;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use k256::ecdsa::Signature;
use k256::ecdsa::signature::hazmat::PrehashSigner;
use support::*;
use tally_chain::codec::{ListReader, wrap_list};
use tally_chain::hash::sha256;
use tally_chain::keys::{RawPublicKey, RsaPublicKey};
use tally_chain::multisig::{Multisig, MultisigError, Policy};
use tally_chain::pow::{Search, Target};
use tally_chain::transaction::{Authenticator, Payload, TallyTransaction};
use tally_chain::{
    Address, Amount, BlockError, Bytes, Height, RawBlock, RawTransaction, TransactionError, U256, merkle,
};
use tally_node::{ImportError, Imported, Node, SubmitError};
use tally_testkit::keys;
use tempfile::tempdir;

const FUND: u64 = 1_000_000_000_000_000_000;

/// An RSA key and two secp256k1 keys, of which two sign.
struct Shared {
    rsa: KeyPair,
    policy: Policy,
}

impl Shared {
    fn new() -> Self {
        let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
        // PKCS#1: nine bytes of headers before the modulus, five of the exponent behind it.
        let der = rsa.public_key().as_ref();
        let modulus = &der[9..der.len() - 5];
        let keys = vec![
            RawPublicKey::Rsa(RsaPublicKey::from_modulus(modulus).unwrap()),
            Self::ec_key(0),
            Self::ec_key(1),
        ];
        Self {
            rsa,
            policy: Policy::new(2, keys).unwrap(),
        }
    }

    fn ec_key(index: usize) -> RawPublicKey {
        let point = key(index).verifying_key().to_sec1_point(true);
        RawPublicKey::Secp256k1(point.as_bytes().try_into().unwrap())
    }

    /// The signature of each key, by its place.
    fn signatures(&self, node: &Node, payload: &Payload) -> BTreeMap<usize, Vec<u8>> {
        let message = payload.signed_message(&node.identity().genesis, &self.policy.address());
        let sign = |public: &RawPublicKey| match public {
            RawPublicKey::Rsa(_) => {
                let mut signature = vec![0; 256];
                let rng = SystemRandom::new();
                self.rsa.sign(&RSA_PSS_SHA256, &rng, &message, &mut signature).unwrap();
                signature
            }
            public => {
                let signer = [0, 1]
                    .into_iter()
                    .find(|index| Self::ec_key(*index) == *public)
                    .unwrap();
                let signature: Signature = key(signer).sign_prehash(sha256(&[&message]).as_slice()).unwrap();
                signature.normalize_s().to_bytes().to_vec()
            }
        };
        self.policy.keys().iter().map(sign).enumerate().collect()
    }

    fn payload(node: &Node, nonce: u64) -> Payload {
        keys::payment(&node.identity(), nonce, node.now(), Address::repeat_byte(0x77), 5)
    }

    /// A payment signed by the keys at these places.
    fn payment(&self, node: &Node, nonce: u64, signers: [usize; 2]) -> Bytes {
        let payload = Self::payload(node, nonce);
        let mut signatures = self.signatures(node, &payload);
        signatures.retain(|place, _| signers.contains(place));
        let authenticator = Authenticator::Multisig(Multisig::new(self.policy.clone(), signatures).unwrap());
        TallyTransaction { payload, authenticator }.encode().into()
    }

    /// The same with fewer signatures than the policy requires: only bytes can express that.
    fn short_of_one(&self, node: &Node, nonce: u64) -> Bytes {
        let payload = Self::payload(node, nonce);
        let signature = self.signatures(node, &payload).remove(&0).unwrap();
        let fields = payload.encode();
        let at = fields.len() - ListReader::open("payload", &fields[1..]).unwrap().remaining();
        let list = wrap_list(&alloy_rlp::encode(&signature[..]));
        let authenticator = wrap_list(&[vec![3], self.policy.encode(), vec![1], list].concat());
        [&[0x54][..], &wrap_list(&[&fields[at..], &authenticator].concat())]
            .concat()
            .into()
    }
}

/// A block with its one transaction exchanged for another, sealed again.
fn with_transaction(block: &[u8], envelope: &Bytes) -> Result<Vec<u8>, TransactionError> {
    let mut block = RawBlock::decode(block, u64::MAX).unwrap();
    block.transactions = vec![RawTransaction::decode(envelope.clone())?];
    block.manifest.transactions_root = merkle::root(&[merkle::leaf_hash(envelope)]);
    block.header.manifest_root = block.manifest.root();
    let target = Target::from_bits(block.header.bits).unwrap();
    block.header.nonce = Search::new(&block.header, target).scan(0, u32::MAX).unwrap();
    Ok(block.encode())
}

#[test]
fn a_shared_account_pays_and_another_node_imports_it() {
    let (dir, other_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let other = open(other_dir.path(), &clock).unwrap();
    let shared = Shared::new();
    let account = shared.policy.address();
    submit(&node, payment(&node, 2, 0, account, FUND));
    mine(&node, &clock, Address::repeat_byte(1));
    assert_eq!(balance(&node, &account), Amount(U256::from(FUND)));

    for (nonce, signers) in [[0, 1], [1, 2], [0, 2]].into_iter().enumerate() {
        let id = submit(&node, shared.payment(&node, nonce as u64, signers));
        let Imported::Tip(advance) = mine(&node, &clock, Address::repeat_byte(1)) else {
            panic!("a block on the tip is the new tip")
        };
        let transaction = &advance.joined[0].transactions[0];
        assert_eq!((transaction.id, transaction.sender), (id, account));
    }
    assert_eq!(balance(&node, &Address::repeat_byte(0x77)), Amount(U256::from(15)));
    for block in blocks(&node) {
        other.import_block(&block).unwrap();
    }
    assert_eq!(other.tip().record.id, node.tip().record.id);
    assert_eq!(other.account(&other.tip(), &account).unwrap().nonce, 3);
    assert_sound(&other);
}

#[test]
fn too_few_or_wrong_signatures_are_refused_by_pool_and_import() {
    let (dir, other_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let other = open(other_dir.path(), &clock).unwrap();
    let shared = Shared::new();
    submit(&node, payment(&node, 2, 0, shared.policy.address(), FUND));
    mine(&node, &clock, Address::repeat_byte(1));
    let short = shared.short_of_one(&node, 0);
    let missing = TransactionError::Multisig(MultisigError::Missing { found: 1, required: 2 });
    let refused = node.submit(short.clone()).unwrap_err();
    assert!(
        matches!(&refused, SubmitError::Transaction(error) if *error == missing),
        "{refused}"
    );

    let good = shared.payment(&node, 0, [0, 2]);
    submit(&node, good.clone());
    mine(&node, &clock, Address::repeat_byte(1));
    let chain = blocks(&node);
    other.import_block(&chain[0]).unwrap();

    // One signature too few: the block's bytes are rejected before anything of them is checked.
    assert_eq!(with_transaction(&chain[1], &short), Err(missing.clone()));
    let raw = RawBlock::decode(&chain[1], u64::MAX).unwrap();
    let bytes = tally_chain::block::encode_block(&raw.header, &raw.manifest, [&short].into_iter());
    let error = other.import_block(&bytes).unwrap_err();
    assert!(
        matches!(&error, ImportError::Block(BlockError::Transaction { index: 0, source }) if *source == missing),
        "{error}"
    );

    // A signature that its key did not make, in a block that is sealed over it.
    let mut wrong = good.to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    let bytes = with_transaction(&chain[1], &wrong.into()).unwrap();
    let error = other.import_block(&bytes).unwrap_err();
    let bad = TransactionError::Multisig(MultisigError::BadSignature { signer: 2 });
    assert!(
        matches!(&error, ImportError::Block(BlockError::Transaction { index: 0, source }) if *source == bad),
        "{error}"
    );
    assert_eq!(other.tip().record.height(), Height(1));
    other.import_block(&chain[1]).unwrap();
    assert_eq!(other.tip().record.id, node.tip().record.id);
    assert_sound(&other);
}
