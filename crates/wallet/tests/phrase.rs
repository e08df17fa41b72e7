//! Phrases: what is rejected, and why.

use tally_wallet::{Language, Phrase, PhraseError, PhraseLength, system_rng};

const JUNK: &str = tally_testkit::PUBLIC_PHRASE;

fn refused(words: &str) -> Option<PhraseError> {
    Phrase::parse(words).err()
}

fn unknown(position: usize, language: Language) -> PhraseError {
    PhraseError::UnknownWord { position, language }
}

#[test]
fn a_wrong_phrase_names_what_is_wrong() {
    assert_eq!(refused(""), Some(PhraseError::WordCount { count: 0 }));
    assert_eq!(refused("test junk"), Some(PhraseError::WordCount { count: 2 }));
    assert_eq!(
        refused(&format!("{JUNK} test")),
        Some(PhraseError::WordCount { count: 13 })
    );
    assert_eq!(
        refused(&JUNK.replacen("junk", "junc", 1)),
        Some(unknown(12, Language::English))
    );
    assert_eq!(
        refused(&JUNK.replacen("test test", "test tast", 1)),
        Some(unknown(2, Language::English))
    );
    let language = Language::English;
    let checksum = PhraseError::Checksum { language };
    assert_eq!(refused(&JUNK.replacen("junk", "test", 1)), Some(checksum));
    assert_eq!(refused(&"qqq ".repeat(12)), Some(PhraseError::UnknownLanguage));
    assert_eq!(
        Phrase::from_entropy(Language::English, &[0; 17]).err(),
        Some(PhraseError::EntropyLength { bytes: 17 })
    );
}

#[test]
fn case_and_white_space_are_forgiven() {
    let typed = format!("  {}\n", JUNK.replacen("test test", "Test\t TEST", 1));
    assert_eq!(*Phrase::parse(&typed).unwrap().text(), JUNK);
}

#[test]
fn new_phrases_have_the_chosen_length_and_read_back() {
    for (length, words) in [(PhraseLength::Twelve, 12), (PhraseLength::TwentyFour, 24)] {
        let phrase = Phrase::generate(length, &mut system_rng());
        assert_eq!((phrase.word_count(), phrase.words().count()), (words, words));
        assert_eq!(*Phrase::parse(&phrase.text()).unwrap().text(), *phrase.text());
        let other = Phrase::generate(length, &mut system_rng());
        assert_ne!(*phrase.text(), *other.text());
    }
}

#[test]
fn a_passphrase_is_normalised_and_gives_other_accounts() {
    let address = |passphrase| {
        let key = Phrase::parse(JUNK).unwrap().seed(passphrase).secp256k1(0).unwrap();
        key.address()
    };
    assert_eq!(address("caf\u{e9}"), address("cafe\u{301}"));
    assert_ne!(address("caf\u{e9}"), address("cafe"));
    assert_ne!(address(""), address("cafe"));
}

#[test]
fn nothing_secret_is_printed() {
    let phrase = Phrase::parse(JUNK).unwrap();
    let seed = phrase.seed("");
    let key = seed.secp256k1(0).unwrap();
    let shown = format!("{phrase:?} {seed:?} {key:?}");
    assert_eq!(shown, "Phrase(hidden) Seed(hidden) Secp256k1Key(hidden)");
}

/// The seeds of the entropy 00 01 .. 1f under the passphrase `Tally ﬁ é`, by Python's hashlib, with each first word.
const SEEDS: [(&str, &str, &str); 10] = [
    (
        "english",
        "abandon",
        "aea724c298d2985e4f66186932d66082a62035528b962faf0342d3c3db49ba274497d4a88dc8683d2d6a128c0f5349522a20116b850952d0954e574d267a450b",
    ),
    (
        "chinese-simplified",
        "的",
        "a8b1d1b2435344a462c86a35f14404901038077259b8f93f4adade8fde183a6302f02ce51d710cd2ad9d7964db6b1697014133ed069534a616d0e63868d3c441",
    ),
    (
        "chinese-traditional",
        "的",
        "c690a351d88ee84dd707dced450aa3d6f6ab67e5c1934282e66f0d4422a7793bd61f51e773d6dac630b030c8bbc70a0ca8773f3c4dd0d334ae306e2dc0a5bdad",
    ),
    (
        "czech",
        "abdikace",
        "c621f5d33a82635c00ef90a9b26cb0046a1755ea896343eb1655ef0f120b6dc4b85d45e27d409763b94d4d31adeacb6e9b3f0ca44597b4b41c297d94fc122d00",
    ),
    (
        "french",
        "abaisser",
        "71ab56a8fb3acf56c4a405661d4caaf98ceb2527b2b08aec5d781aa10f740c215cde88f81d9905bcd5b9e77503469c14998c5d052c2e036ecf169783c15a7d38",
    ),
    (
        "italian",
        "abaco",
        "d9728c573511a7ec03c404d5d55f0d90b27dce08d3a56c542c8cd52eb69376ca7c7993da2e71d51f67e6bc6be669e2f1381a76eff68359727bd2725af2af651a",
    ),
    (
        "japanese",
        "あいこくしん",
        "8c90f486fa63cfe77ec14aac638dcce87d208cefd062b47f6d92beec8fffbc6f7f88c6d9b213bd0c9b79d31ce027af3d281727c7c7b6ce254f95d708190a3cfd",
    ),
    (
        "korean",
        "가격",
        "e4ed242c06de0cf62178c8121449e5453a19896152fb926d7ee29e76246d739a17ee31112c72b79aa1e8dbb341dd05c7b05f1324e98e433ccce0253bff248a92",
    ),
    (
        "portuguese",
        "abacate",
        "a0c1d1c33bb9391763f610eb1dcf6ccab991e933113411a29aba199b149049a9a744d3d8efd7afb6bc72a6e8f9066ee5969547f889d178f636f4980e9bb1f3c4",
    ),
    (
        "spanish",
        "ábaco",
        "0074abffe1159ba61d34afe3d3cf2aa2a781d16b9cdb72fb5856682926b57ee7d47c143e16db112b94f3eac9766a4f2993bebe3e9199ad2edbedee16233599f6",
    ),
];

/// The public key at m/44'/60'/0'/0/0 of a published seed, by BIP-32 alone.
fn first_key(seed: &str) -> [u8; 33] {
    let master = bip32::XPrv::new(&alloy_primitives::hex::decode(seed).unwrap()).unwrap();
    let path = [(44, true), (60, true), (0, true), (0, false), (0, false)];
    let key = path.into_iter().fold(master, |key, (index, hardened)| {
        key.derive_child(bip32::ChildNumber::new(index, hardened).unwrap())
            .unwrap()
    });
    key.public_key().to_bytes()
}

#[test]
fn every_language_gives_the_seed_that_another_program_gives() {
    let entropy: Vec<u8> = (0..32).collect();
    for (code, first, seed) in SEEDS {
        let language: Language = code.parse().unwrap();
        let phrase = Phrase::from_entropy(language, &entropy).unwrap();
        assert!(phrase.has_word(1, first), "{code}");
        assert!(!phrase.has_word(2, first) && !phrase.has_word(0, first), "{code}");
        let key = phrase.seed("Tally \u{fb01} e\u{301}").secp256k1(0).unwrap();
        assert_eq!(key.public(), first_key(seed), "{code}");
        assert_eq!(phrase.language(), language);

        // As people type it: capitals, composed accents, wide spaces.
        let typed = phrase.text().to_uppercase().replace(' ', "\u{3000} ");
        assert_eq!(
            *Phrase::parse_in(language, &typed).unwrap().text(),
            *phrase.text(),
            "{code}"
        );
    }
}

#[test]
fn the_language_of_a_phrase_is_found() {
    for language in Language::ALL {
        for round in 0..50u8 {
            let phrase = Phrase::from_entropy(language, &[round.wrapping_mul(91) ^ 0x5a; 32]).unwrap();
            match Phrase::parse(&phrase.text()) {
                Ok(found) => assert_eq!(found.language(), language),
                Err(PhraseError::Ambiguous { languages }) => assert!(languages.contains(&language)),
                Err(error) => panic!("{language}: {error}"),
            }
        }
    }
}

/// The published Japanese vector of the entropy 0, with the spaces of its publishers.
#[test]
fn the_published_japanese_phrase_gives_its_seed() {
    let words = "あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　\
                 あいこくしん　あいこくしん　あいこくしん　あいこくしん　あおぞら";
    let phrase = Phrase::parse(words).unwrap();
    assert_eq!(phrase.language(), Language::Japanese);
    let published = "a262d6fb6122ecf45be09c50492b31f92e9beb7d9a845987a02cefda57a15f9c\
                     467a17872029a9e92299b5cbdf306e3a0ee620245cbd508959b6cb7ca637bd55";
    let key = phrase.seed("㍍ガバヴァぱばぐゞちぢ十人十色").secp256k1(0).unwrap();
    assert_eq!(key.public(), first_key(published));
}

#[test]
fn a_phrase_that_two_lists_know_needs_its_language() {
    // Made in simplified Chinese from words that traditional Chinese has as well.
    let words = "革 偷 分 兄 烷 迫 吸 宗 僚 恨 罩 植";
    let languages = vec![Language::ChineseSimplified, Language::ChineseTraditional];
    assert_eq!(refused(words), Some(PhraseError::Ambiguous { languages }));
    let phrase = Phrase::parse_in(Language::ChineseSimplified, words).unwrap();
    assert_eq!(*phrase.text(), *words);
    // By chance its checksum holds in the other list, too: the keys come from the words alone, and are the same.
    let other = Phrase::parse_in(Language::ChineseTraditional, words).unwrap();
    let address = |phrase: &Phrase| phrase.seed("").secp256k1(0).unwrap().address();
    assert_eq!(address(&other), address(&phrase));
    let mut swapped: Vec<&str> = words.split(' ').collect();
    swapped.swap(0, 5);
    let language = Language::ChineseTraditional;
    let refused_there = Phrase::parse_in(language, &swapped.join(" ")).err();
    assert_eq!(refused_there, Some(PhraseError::Checksum { language }));
    // A slip in a phrase is looked for in the list that knows most of it.
    let slip = words.replace('植', "zzz");
    assert_eq!(refused(&slip), Some(unknown(12, Language::ChineseSimplified)));
}
