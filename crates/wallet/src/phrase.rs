//! BIP-39 recovery phrases in all ten word lists. Rule: docs/protocol.md#W1

mod read;

use bip39::Mnemonic;
use rand_core::CryptoRng;
pub use tally_chain::words::Language;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::hd::Seed;

/// Why a recovery phrase was rejected. Positions count from 1, as a person counts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum PhraseError {
    #[error("a recovery phrase has 12, 15, 18, 21 or 24 words, this one has {count}")]
    WordCount { count: usize },
    #[error("word {position} is not in the {language} word list")]
    UnknownWord { position: usize, language: Language },
    #[error("none of the words is in any of the ten word lists")]
    UnknownLanguage,
    #[error("all of the words are in several word lists ({}); name the one that the phrase was made with", names(.languages))]
    Ambiguous { languages: Vec<Language> },
    #[error("the words are all {language}, but their checksum is wrong: a word is mistyped or misplaced")]
    Checksum { language: Language },
    #[error(
        "the words are all {language}, but their checksum is wrong: one is mistyped or misplaced, or it is a phrase of Electrum, which is of another kind"
    )]
    Electrum { language: Language },
    #[error(
        "the words are numbered, and number {found} stands at place {position}: type them in the order of their numbers"
    )]
    Order { position: usize, found: usize },
    #[error("these are numbers, not words: look each up in the word list that the phrase was made with")]
    Numbers,
    #[error("this is a key in hex, not a phrase: put it into a file and import that")]
    Key,
    #[error("a phrase is made from 16, 20, 24, 28 or 32 random bytes, not from {bytes}")]
    EntropyLength { bytes: usize },
}

fn names(languages: &[Language]) -> String {
    let names: Vec<_> = languages.iter().map(|language| language.name()).collect();
    names.join(", ")
}

/// How long a new phrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhraseLength {
    /// 12 words: 128 bits of entropy.
    Twelve,
    /// 24 words: 256 bits of entropy.
    TwentyFour,
}

/// A checked BIP-39 phrase. Rule: docs/protocol.md#W1
///
/// It is wiped when dropped, and neither prints nor serialises itself.
pub struct Phrase(Mnemonic);

impl Phrase {
    /// Reads a phrase of any language, as people type, paste and engrave it. Rule: docs/protocol.md#W1
    pub fn parse(typed: &str) -> Result<Self, PhraseError> {
        read::check_kind(typed)?;
        let plain = read::normal(typed);
        let count = plain.split_whitespace().count();
        if !matches!(count, 12 | 15 | 18 | 21 | 24) {
            return Err(PhraseError::WordCount { count });
        }
        let known = |language, word_of: fn(Language, &str) -> Option<&'static str>| {
            let words = plain.split_whitespace();
            words.filter(|word| word_of(language, word).is_some()).count()
        };
        // As the lists have them, then without their accents, then cut to four letters.
        let all = |fits: &dyn Fn(Language) -> bool| -> Vec<Language> {
            Language::ALL.into_iter().filter(|language| fits(*language)).collect()
        };
        let mut whole = all(&|language| known(language, read::exact) == count);
        if whole.is_empty() {
            whole = all(&|language| known(language, read::whole) == count);
        }
        if whole.is_empty() {
            // Four letters fit many lists: only a checksum that holds shows that a phrase was cut.
            whole = all(&|language| read::is_cut(language, &plain) && Self::read(language, &plain).is_ok());
        }
        match *whole {
            [language] => Self::read(language, &plain),
            [] => {
                // The list that most words are in is the one that was meant; of equals the first.
                let best = Language::ALL.map(|language| (language, known(language, read::whole)));
                let best = best.iter().rev().max_by_key(|(_, words)| *words);
                let (language, _) = best
                    .filter(|(_, words)| *words > 0)
                    .ok_or(PhraseError::UnknownLanguage)?;
                Self::read(*language, &plain)
            }
            _ => Err(PhraseError::Ambiguous { languages: whole }),
        }
    }

    /// Reads a phrase of a known language.
    pub fn parse_in(language: Language, typed: &str) -> Result<Self, PhraseError> {
        read::check_kind(typed)?;
        Self::read(language, &read::normal(typed))
    }

    fn read(language: Language, plain: &str) -> Result<Self, PhraseError> {
        let count = plain.split_whitespace().count();
        if !matches!(count, 12 | 15 | 18 | 21 | 24) {
            return Err(PhraseError::WordCount { count });
        }
        let words = read::canonical(language, plain)?;
        let read = Mnemonic::parse_in_normalized(list_of(language), &words);
        read.map(Self).map_err(|error| match named(error, language) {
            PhraseError::Checksum { language } if read::is_electrum(&words) => PhraseError::Electrum { language },
            error => error,
        })
    }

    /// The phrase of given random bytes: 16 for 12 words up to 32 for 24 words.
    pub fn from_entropy(language: Language, entropy: &[u8]) -> Result<Self, PhraseError> {
        Mnemonic::from_entropy_in(list_of(language), entropy)
            .map(Self)
            .map_err(|_| PhraseError::EntropyLength { bytes: entropy.len() })
    }

    /// A new English phrase from the given source of randomness.
    pub fn generate<R: CryptoRng + ?Sized>(length: PhraseLength, rng: &mut R) -> Self {
        Self::generate_in(Language::English, length, rng)
    }

    /// A new phrase in a language.
    pub fn generate_in<R: CryptoRng + ?Sized>(language: Language, length: PhraseLength, rng: &mut R) -> Self {
        let bytes = match length {
            PhraseLength::Twelve => 16,
            PhraseLength::TwentyFour => 32,
        };
        let mut entropy = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(&mut entropy[..bytes]);
        Self::from_entropy(language, &entropy[..bytes]).expect("16 and 32 bytes are lengths of BIP-39")
    }

    /// The word list that its words are from.
    pub fn language(&self) -> Language {
        let list = self.0.language();
        let found = Language::ALL.into_iter().find(|language| list_of(*language) == list);
        found.expect("each word list has its language")
    }

    /// The words in order, for showing them once and for checking them back.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.words()
    }

    /// Whether this is the word at a position, counted from 1; typed as [`parse`](Self::parse) takes it.
    pub fn has_word(&self, position: usize, typed: &str) -> bool {
        let word = position.checked_sub(1).and_then(|place| self.words().nth(place));
        word == Some(read::normal(typed).trim())
    }

    /// The words joined by single spaces.
    pub fn text(&self) -> Zeroizing<String> {
        // Made at its full length: it never reallocates, so no copy is left behind.
        let length = self.words().map(|word| word.len() + 1).sum();
        let mut text = Zeroizing::new(String::with_capacity(length));
        for (position, word) in self.words().enumerate() {
            if position > 0 {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }

    /// Number of words.
    pub fn word_count(&self) -> usize {
        self.0.word_count()
    }

    /// The 64-byte seed of BIP-39; the passphrase (empty for none) is normalised to NFKD.
    ///
    /// It depends on the words alone, not on the list that they are in.
    pub fn seed(&self, passphrase: &str) -> Seed {
        Seed::new(Zeroizing::new(self.0.to_seed(passphrase)))
    }
}

impl std::fmt::Debug for Phrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phrase(hidden)")
    }
}

fn list_of(language: Language) -> bip39::Language {
    match language {
        Language::English => bip39::Language::English,
        Language::ChineseSimplified => bip39::Language::SimplifiedChinese,
        Language::ChineseTraditional => bip39::Language::TraditionalChinese,
        Language::Czech => bip39::Language::Czech,
        Language::French => bip39::Language::French,
        Language::Italian => bip39::Language::Italian,
        Language::Japanese => bip39::Language::Japanese,
        Language::Korean => bip39::Language::Korean,
        Language::Portuguese => bip39::Language::Portuguese,
        Language::Spanish => bip39::Language::Spanish,
    }
}

fn named(error: bip39::Error, language: Language) -> PhraseError {
    match error {
        bip39::Error::BadWordCount(count) => PhraseError::WordCount { count },
        bip39::Error::UnknownWord(index) => PhraseError::UnknownWord {
            position: index + 1,
            language,
        },
        bip39::Error::BadEntropyBitCount(bits) => PhraseError::EntropyLength { bytes: bits / 8 },
        bip39::Error::InvalidChecksum | bip39::Error::AmbiguousLanguages(_) => PhraseError::Checksum { language },
    }
}
