//! Phrases: what is refused, and why.

use tally_wallet::{Phrase, PhraseError, PhraseLength, system_rng};

const JUNK: &str = "test test test test test test test test test test test junk";

fn refused(words: &str) -> Option<PhraseError> {
    Phrase::parse(words).err()
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
        Some(PhraseError::UnknownWord { position: 12 })
    );
    assert_eq!(
        refused(&JUNK.replacen("test test", "test tast", 1)),
        Some(PhraseError::UnknownWord { position: 2 })
    );
    assert_eq!(refused(&JUNK.replacen("junk", "test", 1)), Some(PhraseError::Checksum));
    assert_eq!(
        Phrase::from_entropy(&[0; 17]).err(),
        Some(PhraseError::EntropyLength { bytes: 17 })
    );
}

#[test]
fn case_and_white_space_are_forgiven() {
    let typed = format!("  {}\n", JUNK.replacen("test test", "Test\t TEST", 1));
    assert_eq!(*Phrase::parse(&typed).unwrap().text(), JUNK);
}

#[test]
fn new_phrases_have_the_asked_length_and_read_back() {
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
