//! No message, in words or for programmers, holds a piece of a secret: broken key files and phrases, made by accidents of
//! every kind from real ones. `TALLY_BROKEN=20000` tries more of them. Rule: docs/protocol.md#W26

#[path = "common/broken.rs"]
mod broken;

use broken::{Dice, Secrets, broken, broken_phrase, key_files, words_in};
use tally_wallet::{Language, Phrase, keystore};

const KEYSTORE_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keystore");
const PASSWORD: &str = "testpassword";

fn trials() -> usize {
    std::env::var("TALLY_BROKEN").map_or(500, |number| number.parse().unwrap())
}

#[test]
fn the_search_finds_what_it_looks_for() {
    use base64ct::{Base64, Encoding as _};

    for (name, file, secrets) in key_files() {
        let secrets = &secrets[..];
        let search = Secrets::of(secrets);
        let secret = &secrets[0];
        let hex = alloy_primitives::hex::encode(&secret[5..14]);
        assert!(
            search.find(&format!("it is {} here", hex.to_uppercase())).is_some(),
            "{name}"
        );
        for before in 0..3 {
            let text = Base64::encode_string(&[&[7; 2][..before], &secret[3..14]].concat());
            assert!(search.find(&format!("found \"{text}\"")).is_some(), "{name} {before}");
        }
        assert_eq!(
            search.find("the file is damaged: the curve is missing or cannot be read"),
            None
        );
        // What the file shows of itself is found, unless it is encrypted.
        let text = String::from_utf8_lossy(&file).into_owned();
        let open = !["one-round", "des3", "legacy", "web3"]
            .iter()
            .any(|part| name.contains(part));
        assert_eq!(search.find(&text).is_some(), open, "{name}");
    }
    assert!(words_in("legal winner thank", "the Winner, thank you").is_some());
}

#[test]
fn no_message_about_a_broken_key_file_holds_a_piece_of_it() {
    let files = key_files();
    let searches: Vec<Secrets> = files.iter().map(|(_, _, secrets)| Secrets::of(secrets)).collect();
    let mut dice = Dice(11);
    let (mut refused, mut taken) = (0, 0);
    for trial in 0..trials() {
        let which = trial % files.len();
        let bytes = broken(&files[which].1, &mut dice);
        let message = match keystore::read(&bytes, PASSWORD) {
            Err(error) => {
                refused += 1;
                format!("{error} {} {error:?} {error:#?}", error.advice())
            }
            Ok(found) => {
                taken += 1;
                format!("{} {:?} {found:?}", found.format, found.warnings)
            }
        };
        let found = searches[which].find(&message);
        assert_eq!(found, None, "{}: {message}", files[which].0);
    }
    assert!(
        refused > taken && taken > trials() / 50,
        "{refused} refused, {taken} taken"
    );
}

#[test]
fn no_message_about_a_broken_phrase_holds_its_words() {
    let mut dice = Dice(12);
    let mut refused = 0;
    for trial in 0..trials() {
        let language = [Language::English, Language::French, Language::Spanish, Language::Korean][trial % 4];
        let phrase = Phrase::from_entropy(language, &[dice.roll(256) as u8; 16])
            .unwrap()
            .text();
        let typed = broken_phrase(&phrase, &mut dice);
        let message = match (Phrase::parse(&typed), Phrase::parse_in(language, &typed)) {
            (Ok(first), Ok(second)) => format!("{first:?} {second:?}"),
            (first, second) => {
                refused += 1;
                let shown = |outcome: Result<Phrase, _>| {
                    outcome.map_or_else(
                        |e: tally_wallet::PhraseError| format!("{e} {e:?}"),
                        |p| format!("{p:?}"),
                    )
                };
                format!("{} {}", shown(first), shown(second))
            }
        };
        assert_eq!(words_in(&phrase, &message), None, "{message}");
        // A phrase file that is taken for a key file is named, not repeated.
        let message = keystore::read(typed.as_bytes(), "")
            .map(drop)
            .map_err(|e| format!("{e} {e:?}"));
        assert_eq!(words_in(&phrase, &format!("{message:?}")), None);
    }
    assert!(refused > trials() / 2, "{refused}");
}
