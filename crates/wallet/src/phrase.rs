//! BIP-39 recovery phrases in English.

use bip39::{Language, Mnemonic};
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::hd::Seed;

/// Why a recovery phrase was refused. Positions count from 1, as a person counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PhraseError {
    #[error("a recovery phrase has 12, 15, 18, 21 or 24 words, this one has {count}")]
    WordCount { count: usize },
    #[error("word {position} is not in the English word list")]
    UnknownWord { position: usize },
    #[error("the words are all known, but their checksum is wrong: a word is mistyped or misplaced")]
    Checksum,
    #[error("a phrase is made from 16, 20, 24, 28 or 32 random bytes, not from {bytes}")]
    EntropyLength { bytes: usize },
}

/// How long a new phrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhraseLength {
    Twelve,
    TwentyFour,
}

/// A checked BIP-39 phrase. Rule: docs/protocol.md#W1
///
/// It is wiped when dropped, and neither prints nor serialises itself.
pub struct Phrase(Mnemonic);

impl Phrase {
    /// Reads a phrase; upper case and any white space between the words are forgiven.
    pub fn parse(words: &str) -> Result<Self, PhraseError> {
        let plain = Zeroizing::new(words.to_lowercase());
        Mnemonic::parse_in_normalized(Language::English, &plain)
            .map(Self)
            .map_err(named)
    }

    /// The phrase of given random bytes: 16 for 12 words up to 32 for 24 words.
    pub fn from_entropy(entropy: &[u8]) -> Result<Self, PhraseError> {
        Mnemonic::from_entropy_in(Language::English, entropy)
            .map(Self)
            .map_err(|_| PhraseError::EntropyLength { bytes: entropy.len() })
    }

    /// A new phrase from the given source of randomness.
    pub fn generate<R: CryptoRng + ?Sized>(length: PhraseLength, rng: &mut R) -> Self {
        let bytes = match length {
            PhraseLength::Twelve => 16,
            PhraseLength::TwentyFour => 32,
        };
        let mut entropy = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(&mut entropy[..bytes]);
        Self::from_entropy(&entropy[..bytes]).expect("16 and 32 bytes are lengths of BIP-39")
    }

    /// The words in order, for showing them once and for checking them back.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.words()
    }

    /// The words joined by single spaces.
    pub fn text(&self) -> Zeroizing<String> {
        // The longest English word has eight letters: this never reallocates, so no copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(24 * 9));
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
    pub fn seed(&self, passphrase: &str) -> Seed {
        Seed::new(Zeroizing::new(self.0.to_seed(passphrase)))
    }
}

impl std::fmt::Debug for Phrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phrase(hidden)")
    }
}

fn named(error: bip39::Error) -> PhraseError {
    match error {
        bip39::Error::BadWordCount(count) => PhraseError::WordCount { count },
        bip39::Error::UnknownWord(index) => PhraseError::UnknownWord { position: index + 1 },
        bip39::Error::BadEntropyBitCount(bits) => PhraseError::EntropyLength { bytes: bits / 8 },
        bip39::Error::InvalidChecksum | bip39::Error::AmbiguousLanguages(_) => PhraseError::Checksum,
    }
}
