//! Codes of operator links: each is exchanged once for a token. They live as long as the node runs.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tally_chain::{B256, UnixSecs};
use zeroize::Zeroizing;

use super::Reach;

/// Most codes that wait to be used; the oldest goes.
const MAX_LINKS: usize = 16;

/// How long a code that a token has made is good, in seconds. That of the banner has no end.
pub const LINK_SECS: u64 = 600;

/// Who has made a code: it is good as long as that token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// The id of its token.
    pub id: String,
    /// Its hash, where it is one of the store: another after it was rotated.
    pub hash: Option<B256>,
}

/// What a code is exchanged for.
pub struct Link {
    hash: [u8; 32],
    /// How far the token reaches.
    pub reach: Reach,
    pub maker: Maker,
    ends: Option<UnixSecs>,
}

/// The codes that were not used yet, as hashes.
#[derive(Default)]
pub struct Links(Mutex<VecDeque<Link>>);

impl Links {
    /// A new code: 43 characters of base64url.
    ///
    /// # Errors
    /// The system's, where it gives no randomness.
    pub fn make(
        &self,
        reach: Reach,
        maker: Maker,
        ends: Option<UnixSecs>,
    ) -> Result<Zeroizing<String>, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut bytes[..])?;
        let code = Zeroizing::new(URL_SAFE_NO_PAD.encode(&bytes[..]));
        let hash = Sha256::digest(code.as_str()).into();
        self.give_back(Link {
            hash,
            reach,
            maker,
            ends,
        });
        Ok(code)
    }

    /// Takes a code that has not ended: nobody takes it again.
    pub fn take(&self, code: &str, now: UnixSecs) -> Option<Link> {
        let hash: [u8; 32] = Sha256::digest(code).into();
        let mut links = self.0.lock();
        links.retain(|link| link.ends.is_none_or(|ends| ends > now));
        let number = links.iter().position(|link| link.hash.ct_eq(&hash).into())?;
        links.remove(number)
    }

    /// Gives a code back that was not exchanged, since the token could not be kept.
    pub fn give_back(&self, link: Link) {
        let mut links = self.0.lock();
        if links.len() >= MAX_LINKS {
            links.pop_front();
        }
        links.push_back(link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Scope, Scopes};

    #[test]
    fn a_code_is_good_once_and_few_wait() {
        let links = Links::default();
        let reach = Reach::of(Scopes::from([Scope::Mining]));
        let maker = Maker {
            id: "operator".to_owned(),
            hash: None,
        };
        let now = UnixSecs(1_000);
        let make = || links.make(reach.clone(), maker.clone(), None).expect("randomness");
        let take = |code: &str| links.take(code, now);
        let (first, second) = (make(), make());
        assert_eq!(first.len(), 43);
        assert!(take("").is_none() && take(&second[1..]).is_none());
        let taken = take(&second).expect("not used yet");
        assert_eq!(taken.reach, reach);
        assert!(take(&second).is_none(), "used");
        links.give_back(taken);
        assert!(take(&second).is_some() && take(&second).is_none());
        let more: Vec<_> = (0..MAX_LINKS).map(|_| make()).collect();
        assert!(take(&first).is_none(), "too old");
        assert!(more.iter().all(|code| take(code).is_some()));
        let brief = links.make(reach.clone(), maker.clone(), Some(UnixSecs(1_000)));
        assert!(take(&brief.expect("randomness")).is_none(), "it has ended");
        let brief = links.make(reach, maker, Some(UnixSecs(1_001)));
        assert!(take(&brief.expect("randomness")).is_some());
    }
}
