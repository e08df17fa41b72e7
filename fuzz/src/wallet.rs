//! What a user is given: key files, phrases, links, proposals, vaults. What was read is written and read again alike.

use tally_wallet::keystore::{self, KeystoreError};
use tally_wallet::{PaymentRequest, Phrase, Proposal, SharedAccount, Vault, check_container};

use crate::target::Target;

pub const TARGETS: &[Target] = &[
    Target {
        name: "key-file",
        run: key_file,
        seeds: samples::key_files,
    },
    Target {
        name: "phrase",
        run: phrase,
        seeds: || vec![samples::PUBLIC_PHRASE.as_bytes().to_vec()],
    },
    Target {
        name: "payment-link",
        run: payment_link,
        seeds: || vec![samples::LINK.as_bytes().to_vec()],
    },
    Target {
        name: "proposal",
        run: proposal,
        seeds: || vec![samples::proposal().write().into_bytes()],
    },
    Target {
        name: "shared-account",
        run: shared,
        seeds: || vec![samples::shared().write().into_bytes()],
    },
    Target {
        name: "vault-container",
        run: container,
        seeds: || vec![samples::container()],
    },
    Target {
        name: "vault-contents",
        run: contents,
        seeds: || vec![samples::contents()],
    },
];

/// An encrypted key file may require seconds of key derivation, so only its form is looked at.
fn key_file(data: &[u8]) {
    let cheap = !keystore::is_encrypted(data);
    if !cheap {
        return;
    }
    match keystore::read(data, "") {
        Ok(found) => assert!(!found.address().is_zero()),
        Err(error) => no_secret(data, &error),
    }
}

/// No message repeats eight characters of what may be a key.
fn no_secret(data: &[u8], error: &KeystoreError) {
    let (printed, given) = (error.to_string(), String::from_utf8_lossy(data));
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let runs = given.split(|c| !letters(c)).filter(|run| run.len() >= 24);
    for run in runs {
        let leaked = run
            .as_bytes()
            .windows(12)
            .any(|part| printed.as_bytes().windows(12).any(|shown| shown == part));
        assert!(!leaked, "{printed:?} shows a part of the file");
    }
}

fn phrase(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(phrase) = Phrase::parse(text) {
        let again = Phrase::parse_in(phrase.language(), &phrase.text()).expect("what was read is a phrase");
        assert_eq!(*again.text(), *phrase.text());
        assert!(matches!(phrase.word_count(), 12 | 15 | 18 | 21 | 24));
    }
}

fn payment_link(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(request) = PaymentRequest::parse(text) {
        let again = PaymentRequest::parse(&request.to_string()).expect("what was written is read");
        assert_eq!(again, request);
    }
}

fn proposal(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(proposal) = Proposal::read(text) else { return };
    let again = Proposal::read(&proposal.write()).expect("what was written is read");
    assert_eq!(again.digest(), proposal.digest());
    assert!(proposal.signed() <= proposal.required());
    let _ = proposal.review();
}

fn shared(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(shared) = SharedAccount::read(text) {
        let again = SharedAccount::read(&shared.write()).expect("what was written is read");
        assert_eq!(again.address(), shared.address());
    }
}

fn container(data: &[u8]) {
    let _ = check_container(data);
}

/// The plain contents of a vault, as they are once it is open.
fn contents(data: &[u8]) {
    let Ok(vault) = Vault::from_contents(data) else { return };
    let written = vault.contents();
    let again = Vault::from_contents(&written).expect("what was written is read");
    assert_eq!(*again.contents(), *written);
}

/// Inputs that are as they should be.
pub mod samples {
    use tally_chain::block::encode_block;
    use tally_chain::transaction::{Authenticator, Transaction};
    use tally_chain::{Address, Amount, ChainSpec, KeyKind, RawTransaction, U256, UnixSecs, genesis};
    use tally_wallet::{
        Account, ChainBinding, Fee, KdfParams, Payment, Phrase, Proposal, SharedAccount, SigningKey, Vault, VaultKey,
        keystore, payment, system_rng,
    };

    pub const PUBLIC_PHRASE: &str = "test test test test test test test test test test test junk";
    pub const LINK: &str = "ethereum:0x70997970C51812dc3A010C7d01b50e0d17dc79C8@8549?value=2.014e18";

    pub fn spec() -> ChainSpec {
        ChainSpec::built_in("test").expect("it is built in")
    }

    fn vault() -> Vault {
        let chain = genesis::identity(&spec());
        let binding = ChainBinding {
            genesis: chain.genesis,
            chain_id: chain.chain_id,
            name: "test".to_owned(),
        };
        let phrase = Phrase::parse(PUBLIC_PHRASE).expect("a phrase");
        let mut vault = Vault::new(phrase, "", binding, UnixSecs(1_800_000_000));
        let search = vault.search(KeyKind::Rsa2048).expect("an index");
        vault.add_rsa(0, search.finish(), "Savings").expect("a new account");
        vault.add_secp256k1("Daily").expect("a new account");
        let club = shared_of(&vault);
        vault.add_shared(&club).expect("a new account");
        vault
    }

    fn account(vault: &Vault, place: usize) -> Account {
        vault.accounts().nth(place).expect("three accounts").clone()
    }

    fn key(vault: &Vault, place: usize) -> SigningKey {
        vault.signing_key(account(vault, place).address).expect("its key")
    }

    fn a_payment() -> Payment {
        Payment {
            to: Address::repeat_byte(7),
            value: Amount(U256::from(5)),
            memo: "roof".to_owned(),
            nonce: 3,
            timestamp: UnixSecs(1_800_000_000),
            fee: Fee {
                max_priority_fee: 1,
                max_fee: 2_000_000_000,
            },
        }
    }

    pub fn envelope() -> Vec<u8> {
        let (vault, chain) = (vault(), genesis::identity(&spec()));
        let sender = account(&vault, 0);
        let payload = payment::build(&chain, &sender, &a_payment()).expect("a payment");
        let signed = payment::sign(&chain, sender.address, &key(&vault, 0), &payload, &mut system_rng());
        signed.expect("a signature").envelope.to_vec()
    }

    pub fn proposal() -> Proposal {
        let vault = vault();
        let chain = genesis::identity(&spec());
        let mut proposal = Proposal::build(&chain, &account(&vault, 2), &a_payment()).expect("a proposal");
        proposal.sign(&key(&vault, 0), &mut system_rng()).expect("a signature");
        proposal
    }

    pub fn shared_envelope() -> Vec<u8> {
        let mut proposal = proposal();
        proposal
            .sign(&key(&vault(), 1), &mut system_rng())
            .expect("a signature");
        proposal.complete().expect("two of two").envelope.to_vec()
    }

    fn shared_of(vault: &Vault) -> SharedAccount {
        let keys: Vec<_> = vault
            .accounts()
            .take(2)
            .filter_map(|account| account.key.clone())
            .collect();
        SharedAccount::new("Club", 2, &keys).expect("a policy")
    }

    pub fn shared() -> SharedAccount {
        shared_of(&vault())
    }

    pub fn policy() -> Vec<u8> {
        shared().policy().encode()
    }

    pub fn block() -> Vec<u8> {
        let genesis = genesis::block(&spec());
        let envelopes = [envelope().into(), shared_envelope().into()];
        encode_block(&genesis.header, &genesis.manifest, envelopes.iter())
    }

    pub fn rsa_key() -> Vec<u8> {
        account(&vault(), 0).key.expect("its key").bytes().to_vec()
    }

    pub fn ecc_key() -> Vec<u8> {
        account(&vault(), 1).key.expect("its key").bytes().to_vec()
    }

    /// Key, signature and signed message of a payment by this account.
    fn signature_of(place: usize) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let (vault, chain) = (vault(), genesis::identity(&spec()));
        let sender = account(&vault, place);
        let payload = payment::build(&chain, &sender, &a_payment()).expect("a payment");
        let signed = payment::sign(&chain, sender.address, &key(&vault, place), &payload, &mut system_rng());
        let raw = RawTransaction::decode(signed.expect("a signature").envelope).expect("an envelope");
        let Transaction::Tally(tally) = raw.transaction() else {
            unreachable!("wallets build type 0x54")
        };
        let message = tally.payload.signed_message(&chain.genesis, &sender.address);
        match &tally.authenticator {
            Authenticator::RsaPssSha256 { public_key, signature } => {
                (public_key.spki().to_vec(), signature.clone(), message)
            }
            Authenticator::Secp256k1 { public_key, signature } => (public_key.to_vec(), signature.to_vec(), message),
            Authenticator::Multisig(_) => unreachable!("one key signs"),
        }
    }

    pub fn rsa_signature() -> Vec<u8> {
        let (key, signature, message) = signature_of(0);
        [key, signature, message].concat()
    }

    pub fn ecdsa_signature() -> Vec<u8> {
        let (key, signature, message) = signature_of(1);
        [key, signature, tally_chain::hash::sha256(&[&message]).to_vec()].concat()
    }

    /// Plain and encrypted ones, public and private ones, of both kinds.
    pub fn key_files() -> Vec<Vec<u8>> {
        let vault = vault();
        let mut files = Vec::new();
        for place in 0..2 {
            files.push(keystore::write_spki(&account(&vault, place).key.expect("its key")).into_bytes());
        }
        files.push(b"0x".iter().copied().chain([b'1'; 64]).collect());
        files
    }

    pub fn contents() -> Vec<u8> {
        vault().contents().to_vec()
    }

    pub fn container() -> Vec<u8> {
        let key = VaultKey::derive(
            "correct horse",
            KdfParams {
                m_kib: 8 * 1_024,
                t: 1,
                p: 1,
            },
            &mut system_rng(),
        )
        .expect("a key");
        vault().seal(&key, &mut system_rng()).expect("a container")
    }

    /// The receipt of a payment in block 1 of a chain made for it.
    pub fn portable() -> Vec<u8> {
        crate::session::receipt_of_a_payment()
    }
}
