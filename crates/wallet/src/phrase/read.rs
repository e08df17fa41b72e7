//! Words of a phrase as people type, paste and engrave them. Rule: docs/protocol.md#W1

use std::borrow::Cow;

use bip39::Mnemonic;
use hmac::{Hmac, KeyInit as _, Mac as _};
use tally_chain::words;
use zeroize::Zeroizing;

use super::{Language, PhraseError, list_of};

/// Letters that distinguish every word of a list, as steel plates hold them.
const PREFIX_LETTERS: usize = 4;
/// Cut words from which a phrase is taken for one of cut words; fewer are slips.
const MIN_CUT: usize = 2;
/// Hex digits of a secp256k1 key.
const KEY_DIGITS: usize = 64;

/// Lower case and NFKD, as the lists are written; what is neither letter nor mark separates words, each Chinese character
/// is one, and what cannot be seen is left out.
pub(super) fn normal(typed: &str) -> Zeroizing<String> {
    let lower = Zeroizing::new(typed.to_lowercase());
    let mut text = Cow::Borrowed(lower.as_str());
    Mnemonic::normalize_utf8_cow(&mut text);
    let text = Zeroizing::new(text.into_owned());
    // Room for a space after each character, so that growing leaves no copies behind.
    let mut plain = Zeroizing::new(String::with_capacity(text.len() * 2));
    words::separate(&text, &mut plain);
    plain
}

/// Texts that are no phrase, or one in another order, though they have its words.
pub(super) fn check_kind(typed: &str) -> Result<(), PhraseError> {
    let trimmed = typed.trim();
    let digits = trimmed.strip_prefix("0x").unwrap_or(trimmed);
    if digits.len() == KEY_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(PhraseError::Key);
    }
    let numbers: Vec<usize> = typed
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty() && digits.len() <= 4)
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let count = words::count(typed);
    if count == 0 && numbers.len() >= 12 {
        return Err(PhraseError::Numbers);
    }
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    let numbered = count > 0 && sorted.iter().copied().eq(1..=count);
    match numbers.iter().zip(1..).find(|(number, place)| *number != place) {
        Some((found, position)) if numbered => Err(PhraseError::Order {
            position,
            found: *found,
        }),
        _ => Ok(()),
    }
}

/// The canonical words of a language, joined by single spaces, or the place of the first that it has not.
pub(super) fn canonical(language: Language, plain: &str) -> Result<Zeroizing<String>, PhraseError> {
    if let Some(words) = uncut(language, plain) {
        return Ok(words);
    }
    joined(plain, |word| whole(language, word)).map_err(|position| PhraseError::UnknownWord { position, language })
}

fn joined(plain: &str, word_of: impl Fn(&str) -> Option<&'static str>) -> Result<Zeroizing<String>, usize> {
    /// Longest word of all lists, in bytes, and its space.
    const WORD_BYTES: usize = 40;
    let mut text = Zeroizing::new(String::with_capacity(WORD_BYTES * plain.split_whitespace().count()));
    for (place, typed) in plain.split_whitespace().enumerate() {
        if place > 0 {
            text.push(' ');
        }
        text.push_str(word_of(typed).ok_or(place + 1)?);
    }
    Ok(text)
}

/// The word of a list, as it is written there.
pub(super) fn exact(language: Language, word: &str) -> Option<&'static str> {
    let list = list_of(language);
    let place = list.find_word(word)?;
    list.word_list().get(usize::from(place)).copied()
}

/// The word of a list, its accents typed, left out or added: the Latin lists have no two words that differ in them alone.
pub(super) fn whole(language: Language, word: &str) -> Option<&'static str> {
    exact(language, word).or_else(|| {
        let mut alike = list_of(language)
            .word_list()
            .iter()
            .filter(|known| is_latin(language) && same_letters(known, word));
        alike.next().copied().filter(|_| alike.next().is_none())
    })
}

/// The words of a phrase of which each was cut to its first four letters.
fn uncut(language: Language, plain: &str) -> Option<Zeroizing<String>> {
    let short = |word: &str| letters(word).count() <= PREFIX_LETTERS;
    if !is_latin(language) || !plain.split_whitespace().all(short) {
        return None;
    }
    let cut = plain
        .split_whitespace()
        .filter(|word| whole(language, word).is_none())
        .count();
    let uncut = |word: &str| whole(language, word).or_else(|| of_prefix(language, word));
    (cut >= MIN_CUT).then(|| joined(plain, uncut).ok()).flatten()
}

/// Whether the phrase is one of cut words of this language.
pub(super) fn is_cut(language: Language, plain: &str) -> bool {
    uncut(language, plain).is_some()
}

fn of_prefix(language: Language, prefix: &str) -> Option<&'static str> {
    if letters(prefix).count() < PREFIX_LETTERS {
        return None;
    }
    let begins = |word: &str| letters(prefix).eq(letters(word).take(PREFIX_LETTERS));
    let mut found = list_of(language).word_list().iter().filter(|word| begins(word));
    found.next().copied().filter(|_| found.next().is_none())
}

/// Lists in Latin letters; in the others marks distinguish words.
fn is_latin(language: Language) -> bool {
    !matches!(
        language,
        Language::ChineseSimplified | Language::ChineseTraditional | Language::Japanese | Language::Korean
    )
}

/// Letters without the accents on them.
fn letters(word: &str) -> impl Iterator<Item = char> + '_ {
    word.chars().filter(|c| !words::is_mark(*c))
}

fn same_letters(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

/// Whether the words would be a seed of Electrum, whose phrases have the same words and another checksum: HMAC-SHA512 of
/// `Seed version` begins with 01, 100, 101 or 102. Source: electrum.readthedocs.io/en/latest/seedphrase.html
pub(super) fn is_electrum(words: &str) -> bool {
    let mac = Hmac::<sha2::Sha512>::new_from_slice(b"Seed version");
    let mut mac = mac.expect("HMAC takes keys of any length");
    mac.update(words.as_bytes());
    let digest = mac.finalize().into_bytes();
    digest[0] == 1 || (digest[0] == 0x10 && digest[1] >> 4 <= 2)
}
