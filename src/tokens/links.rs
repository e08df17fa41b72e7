//! Codes of operator links: each is exchanged once for a token. They live as long as the node runs.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Reach;

/// Most codes that wait to be used; the oldest goes.
const MAX_LINKS: usize = 16;

/// What a code is exchanged for.
pub struct Link {
    hash: [u8; 32],
    /// How far the token reaches.
    pub reach: Reach,
}

/// The codes that were not used yet, as hashes.
#[derive(Default)]
pub struct Links(Mutex<VecDeque<Link>>);

impl Links {
    /// A new code: 43 characters of base64url.
    ///
    /// # Errors
    /// The system's, where it gives no randomness.
    pub fn make(&self, reach: Reach) -> Result<Zeroizing<String>, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut bytes[..])?;
        let code = Zeroizing::new(URL_SAFE_NO_PAD.encode(&bytes[..]));
        let hash = Sha256::digest(code.as_str()).into();
        self.give_back(Link { hash, reach });
        Ok(code)
    }

    /// Takes a code: nobody takes it again.
    pub fn take(&self, code: &str) -> Option<Link> {
        let hash: [u8; 32] = Sha256::digest(code).into();
        let mut links = self.0.lock();
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
        let make = || links.make(reach.clone()).expect("randomness");
        let (first, second) = (make(), make());
        assert_eq!(first.len(), 43);
        assert!(links.take("").is_none() && links.take(&second[1..]).is_none());
        let taken = links.take(&second).expect("not used yet");
        assert_eq!(taken.reach, reach);
        assert!(links.take(&second).is_none(), "used");
        links.give_back(taken);
        assert!(links.take(&second).is_some() && links.take(&second).is_none());
        let more: Vec<_> = (0..MAX_LINKS).map(|_| make()).collect();
        assert!(links.take(&first).is_none(), "too old");
        assert!(more.iter().all(|code| links.take(code).is_some()));
    }
}
