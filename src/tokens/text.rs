//! A token as text: `tally_ID_SECRET`. The id is public and finds the token, so that one secret is compared and none are searched.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::hex;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How a token begins, so that people and scanners of repositories know what it is.
const PREFIX: &str = "tally_";
/// Characters of 32 bytes in base64url without padding.
const SECRET_CHARS: usize = 43;

/// The public name of a token: 6 bytes, shown as 12 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId([u8; 6]);

impl TokenId {
    /// A new one.
    ///
    /// # Errors
    /// The system's, where it gives no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    #[cfg(test)]
    pub(super) fn of(number: u8) -> Self {
        Self([number; 6])
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.to_string()
    }
}

/// A text that is no id of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token's id has 12 hex digits, in lower case")]
pub struct NotAnId;

impl FromStr for TokenId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        // One spelling: an id is also a name in the log.
        if !text.bytes().all(digit) {
            return Err(NotAnId);
        }
        let mut bytes = [0; 6];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAnId)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for TokenId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

/// 256 random bits, cleared when they are dropped.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// A token as its holder has it.
pub struct TokenText {
    pub(super) id: TokenId,
    pub(super) secret: Secret,
}

impl TokenText {
    /// A new secret for this id.
    ///
    /// # Errors
    /// The system's, where it gives no randomness.
    pub(super) fn random(id: TokenId) -> Result<Self, getrandom::Error> {
        let mut secret = Secret::default();
        getrandom::fill(&mut secret[..])?;
        Ok(Self { id, secret })
    }

    /// Reads one; none where the text is something else, in form or in length.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let id = id.parse().ok()?;
        if secret.len() != SECRET_CHARS {
            return None;
        }
        // The decoder wants room for whole groups of four characters.
        let mut bytes = Zeroizing::new([0; 36]);
        let length = URL_SAFE_NO_PAD.decode_slice(secret, &mut bytes[..]).ok()?;
        let mut secret = Secret::default();
        secret.copy_from_slice(bytes.get(..length).filter(|bytes| bytes.len() == 32)?);
        Some(Self { id, secret })
    }

    /// The text for its holder.
    pub fn expose(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(&self.secret[..]));
        Zeroizing::new(format!("{PREFIX}{}_{}", self.id, secret.as_str()))
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({}, hidden)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written_and_nothing_else_is() {
        let text = TokenText::random(TokenId::of(0xa7)).expect("randomness");
        let shown = text.expose();
        assert!(shown.starts_with("tally_a7a7a7a7a7a7_"), "an id stands in it");
        let read = TokenText::parse(&shown).expect("a token");
        assert_eq!((read.id, read.secret.as_slice()), (text.id, text.secret.as_slice()));
        assert!(!format!("{text:?}").contains(&shown[19..]), "it hides the secret");
        let cut = &shown[..shown.len() - 1];
        let last = format!("{cut}_");
        for wrong in [
            "",
            "tally_",
            "tally__",
            cut,
            &shown[1..],
            &shown.to_uppercase(),
            &format!("{}A", *shown),
        ] {
            assert!(TokenText::parse(wrong).is_none(), "{wrong}");
        }
        // 43 characters hold two bits more than 32 bytes: with others than zeros it is no spelling of the same.
        let twin = TokenText::parse(&last);
        assert!(twin.is_none(), "one spelling");
    }

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!(
            "00ff00ff00ff".parse::<TokenId>().map(|id| id.to_string()),
            Ok("00ff00ff00ff".to_owned())
        );
        for wrong in [
            "",
            "00ff00ff00f",
            "00ff00ff00ff0",
            "00FF00ff00ff",
            "0x00ff00ff00",
            "00ff00ff00fé",
        ] {
            assert_eq!(wrong.parse::<TokenId>(), Err(NotAnId), "{wrong}");
        }
    }
}
