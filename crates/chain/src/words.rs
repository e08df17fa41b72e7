//! Languages of recovery phrases: the ten word lists of BIP-39. Rule: docs/protocol.md#W1
//!
//! Only their names and what separates words are here, for the wallet and for its pages; the lists are in the wallet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::visible::is_hidden;

/// A word list of BIP-39.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// `english`
    #[default]
    English,
    /// `chinese-simplified`
    ChineseSimplified,
    /// `chinese-traditional`
    ChineseTraditional,
    /// `czech`
    Czech,
    /// `french`
    French,
    /// `italian`
    Italian,
    /// `japanese`
    Japanese,
    /// `korean`
    Korean,
    /// `portuguese`
    Portuguese,
    /// `spanish`
    Spanish,
}

/// A language without a word list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no word list {found:?}; english, japanese, chinese-simplified and seven others exist")]
pub struct UnknownLanguage {
    /// The text as it was given.
    pub found: String,
}

impl Language {
    /// Every word list that exists.
    pub const ALL: [Self; 10] = [
        Self::English,
        Self::ChineseSimplified,
        Self::ChineseTraditional,
        Self::Czech,
        Self::French,
        Self::Italian,
        Self::Japanese,
        Self::Korean,
        Self::Portuguese,
        Self::Spanish,
    ];

    /// The name in files and flags.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "english",
            Self::ChineseSimplified => "chinese-simplified",
            Self::ChineseTraditional => "chinese-traditional",
            Self::Czech => "czech",
            Self::French => "french",
            Self::Italian => "italian",
            Self::Japanese => "japanese",
            Self::Korean => "korean",
            Self::Portuguese => "portuguese",
            Self::Spanish => "spanish",
        }
    }

    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::ChineseSimplified => "simplified Chinese",
            Self::ChineseTraditional => "traditional Chinese",
            Self::Czech => "Czech",
            Self::French => "French",
            Self::Italian => "Italian",
            Self::Japanese => "Japanese",
            Self::Korean => "Korean",
            Self::Portuguese => "Portuguese",
            Self::Spanish => "Spanish",
        }
    }

    /// The name as those who speak it write it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::ChineseSimplified => "简体中文",
            Self::ChineseTraditional => "繁體中文",
            Self::Czech => "Čeština",
            Self::French => "Français",
            Self::Italian => "Italiano",
            Self::Japanese => "日本語",
            Self::Korean => "한국어",
            Self::Portuguese => "Português",
            Self::Spanish => "Español",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let found = Self::ALL.into_iter().find(|language| language.code() == text);
        found.ok_or_else(|| UnknownLanguage { found: text.to_owned() })
    }
}

/// A mark on a letter: accents, and the voicing of kana.
pub fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}'..='\u{309a}')
}

/// Characters that cannot be seen and are no white space: copying from a page brings them along. Rule: docs/protocol.md#W8
pub fn is_invisible(c: char) -> bool {
    !c.is_whitespace() && is_hidden(c)
}

/// Each Chinese character is a word of its own: they are written without spaces.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// What a character is to a phrase.
enum Role {
    Letter,
    Word,
    Between,
}

fn role(c: char) -> Role {
    match c {
        c if is_ideograph(c) => Role::Word,
        c if c.is_alphabetic() || is_mark(c) => Role::Letter,
        _ => Role::Between,
    }
}

/// Appends the words of a typed phrase, each after a space: numbers, commas, quotation marks and white space of every kind
/// only separate them, and what cannot be seen is left out. No word of any list has such a character.
/// Rule: docs/protocol.md#W1
pub fn separate(typed: &str, out: &mut String) {
    let mut inside = false;
    for c in typed.chars().filter(|c| !is_invisible(*c)) {
        let role = role(c);
        if !matches!(role, Role::Between) {
            if !inside || matches!(role, Role::Word) {
                out.push(' ');
            }
            out.push(c);
        }
        inside = matches!(role, Role::Letter);
    }
}

/// How many words a typed phrase has. Rule: docs/protocol.md#W1
pub fn count(typed: &str) -> usize {
    let (mut words, mut inside) = (0, false);
    for c in typed.chars().filter(|c| !is_invisible(*c)) {
        let role = role(c);
        let begins = matches!(role, Role::Word) || (matches!(role, Role::Letter) && !inside);
        words += usize::from(begins);
        inside = matches!(role, Role::Letter);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_separated_however_they_are_written() {
        for (typed, expected) in [
            ("", ""),
            ("one two", "one two"),
            ("1. one\n2) two", "one two"),
            ("one,two;\"three\"", "one two three"),
            ("\u{feff}o\u{200b}ne\u{a0}two\u{3000}three", "one two three"),
            ("的一、是", "的 一 是"),
            ("e\u{301}clair \u{304b}\u{3099}", "e\u{301}clair \u{304b}\u{3099}"),
        ] {
            let mut out = String::new();
            separate(typed, &mut out);
            assert_eq!(out.trim(), expected, "{typed:?}");
            assert_eq!(count(typed), expected.split_whitespace().count(), "{typed:?}");
        }
    }

    #[test]
    fn languages_are_written_in_one_way() {
        for language in Language::ALL {
            assert_eq!(language.code().parse(), Ok(language));
            let json = serde_json::to_string(&language).unwrap();
            assert_eq!(json, format!("\"{}\"", language.code()));
        }
        let found = "klingon".to_owned();
        assert_eq!("klingon".parse::<Language>(), Err(UnknownLanguage { found }));
    }
}
