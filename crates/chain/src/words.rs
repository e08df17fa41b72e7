//! Languages of recovery phrases: the ten word lists of BIP-39. Rule: docs/protocol.md#W1
//!
//! Only their names are here, for the wallet and for its pages; the lists are in the wallet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word list of BIP-39.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    #[default]
    English,
    ChineseSimplified,
    ChineseTraditional,
    Czech,
    French,
    Italian,
    Japanese,
    Korean,
    Portuguese,
    Spanish,
}

/// A language without a word list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no word list {found:?}; english, japanese, chinese-simplified and seven others exist")]
pub struct UnknownLanguage {
    pub found: String,
}

impl Language {
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

#[cfg(test)]
mod tests {
    use super::*;

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
