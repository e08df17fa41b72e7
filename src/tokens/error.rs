//! Why a token is not taken, not made, or not kept.

use std::path::PathBuf;
use std::time::Duration;

use tally_api::tokens::{MAX_LIFETIME_SECS, MAX_NAME, MAX_REQUESTS_PER_SECOND, MAX_TOKENS, MIN_LIFETIME_SECS};
use tally_chain::UnixSecs;

use super::{Scope, TokenId};
use crate::config::ConfigError;

/// Why a request is not taken from the holder of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No token of this node; it may have been revoked.
    Unknown,
    Expired {
        since: UnixSecs,
    },
    /// It is not taken from this address.
    Address,
    /// More requests than its own limit.
    Rate {
        per_second: u32,
        wait: Duration,
    },
    /// It is good for other things.
    Scope,
}

/// Why a token is not created, rotated or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("a token needs a name")]
    NoName,
    #[error("the name has {chars} characters, at most {MAX_NAME} are taken")]
    LongName { chars: usize },
    #[error("the name has a character that cannot be seen, {}", .found.escape_unicode())]
    HiddenName { found: char },
    #[error("a token needs a scope; there are {}", Scope::words())]
    NoScope,
    #[error("the lifetime is {secs} s, expected {MIN_LIFETIME_SECS} to {MAX_LIFETIME_SECS}")]
    Lifetime { secs: u64 },
    #[error("{found} requests a second, expected 1 to {MAX_REQUESTS_PER_SECOND}")]
    Rate { found: u32 },
    #[error("there are {MAX_TOKENS} tokens, revoke one first")]
    TooMany,
    #[error("the token that asks for it lacks the scope {}", .scope.word())]
    BeyondScopes { scope: Scope },
    #[error("the token that asks for it expires at {expires}, which is earlier")]
    BeyondTime { expires: UnixSecs },
    #[error("the token that asks for it is taken from {range} alone")]
    BeyondRange { range: ipnet::IpNet },
    #[error("the token that asks for it may send {per_second} requests a second")]
    BeyondRate { per_second: u32 },
    /// Ids are random: it does not happen twice.
    #[error("there is a token {id} already")]
    Taken { id: TokenId },
    #[error("there is no token {id}")]
    Unknown { id: TokenId },
    #[error("token {id} has expired; create another")]
    Expired { id: TokenId },
    #[error("the system gives no randomness: {0}")]
    Random(#[from] getrandom::Error),
    #[error("the tokens could not be written: {0}")]
    NotKept(#[from] std::io::Error),
}

impl PartialEq for TokenError {
    /// By their words, which have all that differs: errors of the system cannot be compared.
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the log of operator actions in {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

/// Why a node does not begin with what it finds in its data directory.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Its cause is found by the exit code, as for the operator's own file.
    #[error("{0}")]
    Read(#[from] ConfigError),
    #[error("the tokens in {path} cannot be read: {why}")]
    Damaged { path: PathBuf, why: String },
    #[error(transparent)]
    Log(#[from] LogError),
}
