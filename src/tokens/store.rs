//! The tokens that were created while the node ran: in memory, and in one file that is replaced as a whole.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use alloy_primitives::FixedBytes;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tally_api::tokens::{MAX_LIFETIME_SECS, MAX_NAME, MAX_REQUESTS_PER_SECOND, MAX_TOKENS, MIN_LIFETIME_SECS};
use tally_chain::{B256, UnixSecs, visible};

use super::text::{Secret, TokenId, TokenText};
use super::{AccessError, Actor, Denied, Reach, SESSION_SECS, Scope, Scopes, TokenError};
use crate::{operator, private_file};

/// The form of the file.
const VERSION: u32 = 1;
/// Longest file, in bytes: [`MAX_TOKENS`] with the longest names need a fifth of it.
const MAX_FILE: u64 = 1 << 20;

/// Most tokens of tabs that signed in; the rest of [`MAX_TOKENS`] is for those that operators create.
const MAX_SESSIONS: usize = 64;

/// When and from where a token was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    pub time: UnixSecs,
    pub address: IpAddr,
}

/// What is known of a token; not its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub scopes: Scopes,
    pub created: UnixSecs,
    /// From then on it is not taken.
    pub expires: Option<UnixSecs>,
    pub requests_per_second: Option<NonZeroU32>,
    /// Where it is taken from alone.
    pub range: Option<IpNet>,
    /// Whether the operator link was exchanged for it: it leaves the list once it has expired.
    pub of_link: bool,
    pub last_used: Option<LastUse>,
    salt: FixedBytes<16>,
    hash: B256,
}

impl Token {
    pub fn has_expired(&self, now: UnixSecs) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// What it may give on to others at most.
    fn reach(&self) -> Reach {
        Reach {
            scopes: self.scopes.clone(),
            expires: self.expires,
            range: self.range,
            requests_per_second: self.requests_per_second,
        }
    }
}

/// A token to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    pub name: String,
    pub scopes: Scopes,
    /// Seconds; none: it does not expire.
    pub lifetime: Option<u64>,
    pub requests_per_second: Option<u32>,
    pub range: Option<IpNet>,
    pub of_link: bool,
}

impl New {
    /// The token of a tab that signed in: with these scopes, and no further than the token that let it in.
    pub fn session(name: &str, scopes: Scopes, reach: &Reach, now: UnixSecs) -> Self {
        let left = reach
            .expires
            .map_or(SESSION_SECS, |expires| expires.0.saturating_sub(now.0));
        Self {
            name: name.to_owned(),
            scopes,
            lifetime: Some(left.min(SESSION_SECS)),
            requests_per_second: reach.requests_per_second.map(Into::into),
            range: reach.range,
            of_link: true,
        }
    }

    /// As a token of this id, with its limits checked.
    fn at(self, id: TokenId, now: UnixSecs, secret: &Secret) -> Result<Token, TokenError> {
        let chars = self.name.chars().count();
        if self.name.trim().is_empty() {
            return Err(TokenError::NoName);
        }
        if chars > MAX_NAME {
            return Err(TokenError::LongName { chars });
        }
        if let Some(found) = visible::hidden(&self.name) {
            return Err(TokenError::HiddenName { found });
        }
        if self.scopes.is_empty() {
            return Err(TokenError::NoScope);
        }
        let lives = MIN_LIFETIME_SECS..=MAX_LIFETIME_SECS;
        if let Some(secs) = self.lifetime.filter(|secs| !lives.contains(secs)) {
            return Err(TokenError::Lifetime { secs });
        }
        let rate = |found: u32| {
            let rate = NonZeroU32::new(found).filter(|_| found <= MAX_REQUESTS_PER_SECOND);
            rate.ok_or(TokenError::Rate { found })
        };
        let (salt, hash) = hashed(secret)?;
        Ok(Token {
            id,
            name: self.name,
            scopes: self.scopes,
            created: now,
            expires: self.lifetime.map(|secs| now.saturating_add(secs)),
            requests_per_second: self.requests_per_second.map(rate).transpose()?,
            range: self.range.map(|range| range.trunc()),
            of_link: self.of_link,
            last_used: None,
            salt,
            hash,
        })
    }
}

/// Tabs sign in as often as they like: the oldest of their tokens goes where there are [`MAX_SESSIONS`], of those that are good for no
/// more than the new one. So a reader ends no session of an operator, and no sessions leave the list without room.
fn make_room(tokens: &mut BTreeMap<TokenId, Token>, new: &Token) {
    while tokens.values().filter(|token| token.of_link).count() >= MAX_SESSIONS {
        let sessions = tokens.values().filter(|token| token.of_link);
        let no_more = sessions.filter(|token| token.scopes.is_subset(&new.scopes));
        let Some(oldest) = no_more
            .min_by_key(|token| (token.created, token.id))
            .map(|token| token.id)
        else {
            return;
        };
        tokens.remove(&oldest);
    }
}

/// A new salt, and the secret's hash with it. One round of SHA-256 is enough: a slow hash protects passwords, which can be guessed,
/// and nobody guesses 256 random bits.
fn hashed(secret: &Secret) -> Result<(FixedBytes<16>, B256), TokenError> {
    let mut salt = FixedBytes::ZERO;
    getrandom::fill(&mut salt[..])?;
    Ok((salt, hash(&salt, secret)))
}

fn hash(salt: &FixedBytes<16>, secret: &Secret) -> B256 {
    let hasher = Sha256::new().chain_update(salt).chain_update(&secret[..]);
    B256::new(hasher.finalize().into())
}

struct Entry {
    token: Token,
    limiter: Option<DefaultDirectRateLimiter>,
}

impl Entry {
    fn of(token: Token) -> Self {
        let limiter = token
            .requests_per_second
            .map(|rate| RateLimiter::direct(Quota::per_second(rate)));
        Self { token, limiter }
    }

    /// How long its holder has to wait.
    fn wait(&self) -> Option<Denied> {
        let per_second = self.token.requests_per_second?.get();
        let refused = self.limiter.as_ref()?.check().err()?;
        let wait = refused.wait_time_from(DefaultClock::default().now());
        Some(Denied::Rate { per_second, wait })
    }
}

#[derive(Default)]
struct State {
    entries: BTreeMap<TokenId, Entry>,
    /// Whether a last use is not on the disk yet.
    used: bool,
}

/// The form of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    tokens: Vec<Token>,
}

/// The tokens.
pub struct Store {
    path: PathBuf,
    state: Mutex<State>,
    /// Held while the file is written: what is written last is what was changed last.
    writer: Mutex<()>,
}

impl Store {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// Where it cannot be read, may be read by others, or is not of this form.
    pub fn open(path: &Path) -> Result<Self, AccessError> {
        let mut state = State::default();
        // Whatever stands there: a broken link is no reason to begin without tokens.
        if path.symlink_metadata().is_ok() {
            let damaged = |why: String| AccessError::Damaged {
                path: path.to_owned(),
                why,
            };
            let text = operator::read_private(path, MAX_FILE)?;
            let kept: Kept = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
            if kept.version != VERSION {
                return Err(damaged(format!("its version is {}, expected {VERSION}", kept.version)));
            }
            if kept.tokens.len() > MAX_TOKENS {
                return Err(damaged(format!(
                    "{} tokens, at most {MAX_TOKENS} are taken",
                    kept.tokens.len()
                )));
            }
            for token in kept.tokens {
                let id = token.id;
                if state.entries.insert(id, Entry::of(token)).is_some() {
                    return Err(damaged(format!("token {id} stands in it twice")));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
            writer: Mutex::new(()),
        })
    }

    /// All tokens, the oldest first.
    pub fn list(&self) -> Vec<Token> {
        let state = self.state.lock();
        let mut tokens: Vec<Token> = state.entries.values().map(|entry| entry.token.clone()).collect();
        tokens.sort_by_key(|token| (token.created, token.id));
        tokens
    }

    /// The hash of a token's secret, where there is such a token and it has not expired.
    pub(super) fn hash_of(&self, id: TokenId, now: UnixSecs) -> Option<B256> {
        let state = self.state.lock();
        let token = &state.entries.get(&id)?.token;
        (!token.has_expired(now)).then_some(token.hash)
    }

    /// Whom the token belongs to, where it is taken.
    pub(super) fn authorize(
        &self,
        presented: &str,
        address: IpAddr,
        scope: Scope,
        now: UnixSecs,
    ) -> Result<Actor, Denied> {
        let presented = TokenText::parse(presented).ok_or(Denied::Unknown)?;
        let mut state = self.state.lock();
        // Whether there is such an id is no secret; only the secret is compared in constant time.
        let entry = state.entries.get_mut(&presented.id).ok_or(Denied::Unknown)?;
        let found = hash(&entry.token.salt, &presented.secret);
        if !bool::from(found.as_slice().ct_eq(entry.token.hash.as_slice())) {
            return Err(Denied::Unknown);
        }
        if let Some(since) = entry.token.expires.filter(|expires| *expires <= now) {
            return Err(Denied::Expired { since });
        }
        if entry.token.range.is_some_and(|range| !range.contains(&address)) {
            return Err(Denied::Address);
        }
        if let Some(denied) = entry.wait() {
            return Err(denied);
        }
        if !entry.token.scopes.contains(&scope) {
            return Err(Denied::Scope);
        }
        entry.token.last_used = Some(LastUse { time: now, address });
        let actor = Actor {
            id: presented.id.to_string(),
            name: entry.token.name.clone(),
            address,
            reach: entry.token.reach(),
        };
        state.used = true;
        Ok(actor)
    }

    /// Creates a token for the holder of another. It is on the disk when this returns. Blocks.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn create(&self, id: TokenId, new: New, by: &Reach, now: UnixSecs) -> Result<(Token, TokenText), TokenError> {
        let text = TokenText::random(id)?;
        let token = new.at(id, now, &text.secret)?;
        by.check(&token.reach())?;
        self.change(now, |tokens| {
            if token.of_link {
                make_room(tokens, &token);
            }
            if tokens.len() >= MAX_TOKENS {
                return Err(TokenError::TooMany);
            }
            if tokens.contains_key(&id) {
                return Err(TokenError::Taken { id });
            }
            tokens.insert(id, token.clone());
            Ok(())
        })?;
        Ok((token, text))
    }

    /// Gives a token another secret; the one before is not taken from now on. Blocks.
    ///
    /// # Errors
    /// [`TokenError`]; also where the token reaches further than the one that asks for it, which would then have it.
    pub fn rotate(&self, id: TokenId, by: &Reach, now: UnixSecs) -> Result<(Token, TokenText), TokenError> {
        let text = TokenText::random(id)?;
        let (salt, hash) = hashed(&text.secret)?;
        let token = self.change(now, |tokens| {
            let token = tokens.get_mut(&id).ok_or(TokenError::Unknown { id })?;
            if token.has_expired(now) {
                return Err(TokenError::Expired { id });
            }
            by.check(&token.reach())?;
            (token.salt, token.hash) = (salt, hash);
            Ok(token.clone())
        })?;
        Ok((token, text))
    }

    /// Takes a token from the list: it is unknown from now on. Any holder of the scope may do it, since it gives nobody anything. Blocks.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn revoke(&self, id: TokenId, now: UnixSecs) -> Result<Token, TokenError> {
        self.change(now, |tokens| tokens.remove(&id).ok_or(TokenError::Unknown { id }))
    }

    /// Writes when tokens were last used, where that is not on the disk yet. Blocks.
    ///
    /// # Errors
    /// The system's; it is tried again the next time.
    pub fn keep_uses(&self) -> std::io::Result<()> {
        let _writer = self.writer.lock();
        let tokens = {
            let mut state = self.state.lock();
            if !std::mem::take(&mut state.used) {
                return Ok(());
            }
            state.entries.values().map(|entry| entry.token.clone()).collect()
        };
        self.write(tokens).inspect_err(|_| self.state.lock().used = true)
    }

    /// Changes a copy, writes it, and then takes it over: what cannot be kept does not hold.
    fn change<T>(
        &self,
        now: UnixSecs,
        edit: impl FnOnce(&mut BTreeMap<TokenId, Token>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let _writer = self.writer.lock();
        let mut tokens: BTreeMap<TokenId, Token> = {
            let state = self.state.lock();
            let entries = state.entries.iter();
            entries.map(|(id, entry)| (*id, entry.token.clone())).collect()
        };
        tokens.retain(|_, token| !(token.of_link && token.has_expired(now)));
        let changed = edit(&mut tokens)?;
        self.write(tokens.values().cloned().collect())?;
        let mut state = self.state.lock();
        state.entries.retain(|id, _| tokens.contains_key(id));
        for (id, token) in tokens {
            match state.entries.get_mut(&id) {
                // Its limiter goes on, and so does its last use, which may be newer than the copy.
                Some(entry) => (entry.token.salt, entry.token.hash) = (token.salt, token.hash),
                None => drop(state.entries.insert(id, Entry::of(token))),
            }
        }
        Ok(changed)
    }

    fn write(&self, tokens: Vec<Token>) -> std::io::Result<()> {
        let kept = Kept {
            version: VERSION,
            tokens,
        };
        private_file::replace(&self.path, &serde_json::to_vec_pretty(&kept)?)
    }
}

#[cfg(test)]
mod tests;
