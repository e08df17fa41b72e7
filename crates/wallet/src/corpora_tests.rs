//! Published vectors of other projects, read from the corpora folder.

use bip32::{ChildNumber, XPrv};
use serde_json::Value;

use crate::phrase::{Language, Phrase};

/// The corpus as JSON, or a visible skip where the folder is missing.
pub(crate) fn json(name: &str) -> Option<Value> {
    read(name).map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

fn read(name: &str) -> Option<Vec<u8>> {
    tally_testkit::corpora(name).map(|path| std::fs::read(path).unwrap())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    alloy_primitives::hex::decode(hex).unwrap()
}

#[test]
fn bip39_english_vectors_give_phrase_seed_and_master_key() {
    let Some(corpus) = json("bip39/vectors_english.json") else {
        return;
    };
    let vectors = corpus["english"].as_array().unwrap();
    assert_eq!(vectors.len(), 24);
    for vector in vectors {
        let [entropy, words, seed, xprv] = [0, 1, 2, 3].map(|i| vector[i].as_str().unwrap());
        let phrase = Phrase::from_entropy(Language::English, &bytes(entropy)).unwrap();
        assert_eq!(*phrase.text(), words);
        let parsed = Phrase::parse(words).unwrap().seed("TREZOR");
        assert_eq!(parsed.bytes().to_vec(), bytes(seed));
        let master = XPrv::new(parsed.bytes()).unwrap();
        let published: XPrv = xprv.parse().unwrap();
        assert_eq!(master.to_bytes(), published.to_bytes());
        assert_eq!(master.attrs().chain_code, published.attrs().chain_code);
    }
}

#[test]
fn ethers_mnemonics_give_the_same_seeds_and_keys() {
    let Some(corpus) = json("ethers-vectors/mnemonics.json") else {
        return;
    };
    let vectors = corpus.as_array().unwrap();
    assert_eq!(vectors.len(), 40);
    for vector in vectors {
        let name = text(vector, "name");
        let words = String::from_utf8(bytes(text(vector, "phrase"))).unwrap();
        let passphrase = String::from_utf8(bytes(text(vector, "password"))).unwrap();
        let phrase = Phrase::parse(&words).unwrap();
        let entropy = Phrase::from_entropy(Language::English, &bytes(text(vector, "entropy"))).unwrap();
        assert_eq!(*phrase.text(), *entropy.text(), "{name}");
        let seed = phrase.seed(&passphrase);
        assert_eq!(seed.bytes().to_vec(), bytes(text(vector, "seed")), "{name}");
        for node in vector["nodes"].as_array().unwrap() {
            let key = derive(seed.bytes(), text(node, "path"));
            assert_eq!(key.to_bytes().to_vec(), bytes(text(node, "privateKey")), "{name}");
            assert_eq!(
                crate::keys::Secp256k1Key::new(key.private_key().clone())
                    .public()
                    .to_vec(),
                bytes(text(node, "publicKey")),
                "{name}"
            );
        }
    }
}

#[test]
fn ethers_private_keys_give_the_same_addresses() {
    let Some(corpus) = json("ethers-vectors/accounts.json") else {
        return;
    };
    for vector in corpus.as_array().unwrap() {
        let secret = bytes(text(vector, "privateKey"));
        let key = k256::ecdsa::SigningKey::from_slice(&secret).unwrap();
        let address = crate::keys::Secp256k1Key::new(key).address();
        assert_eq!(address.to_checksum(None), text(vector, "address"));
    }
}

fn derive(seed: &[u8], path: &str) -> XPrv {
    path.split('/').skip(1).fold(XPrv::new(seed).unwrap(), |key, step| {
        let number = step.trim_end_matches('\'').parse().unwrap();
        let child = ChildNumber::new(number, step.ends_with('\'')).unwrap();
        key.derive_child(child).unwrap()
    })
}

#[test]
fn word_lists_are_the_published_ones() {
    for language in Language::ALL {
        let name = language.code().replace('-', "_");
        let Some(list) = read(&format!("bip39/wordlist/{name}.txt")) else {
            return;
        };
        let list = String::from_utf8(list).unwrap();
        let published: Vec<&str> = list.split_whitespace().collect();
        assert_eq!(published.len(), 2_048, "{language}");
        // Word i of the list begins a phrase whose first eleven bits are i.
        for (index, word) in published.into_iter().enumerate() {
            let mut entropy = [0; 16];
            entropy[..2].copy_from_slice(&((index as u16) << 5).to_be_bytes());
            let phrase = Phrase::from_entropy(language, &entropy).unwrap();
            assert!(phrase.has_word(1, word), "{language} {index}");
        }
    }
}
