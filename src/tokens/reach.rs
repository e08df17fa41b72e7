//! Whom a request comes from, and how far that one's token reaches.

use std::net::IpAddr;
use std::num::NonZeroU32;

use ipnet::IpNet;
use tally_chain::UnixSecs;

use super::{Scopes, TokenError};

/// Who sends a request, with what the token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The token's id; `operator` for the first token of the operator's file, `operator-2` for the second.
    pub id: String,
    /// The token's name; the id where it has none.
    pub name: String,
    /// Where the request comes from.
    pub address: IpAddr,
    /// What a token that it creates may be good for at most.
    pub reach: Reach,
}

/// How far a token reaches. One that it creates, or whose secret it renews, reaches no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    pub scopes: Scopes,
    pub expires: Option<UnixSecs>,
    pub range: Option<IpNet>,
    pub requests_per_second: Option<NonZeroU32>,
}

impl Reach {
    /// With these scopes, for ever and from everywhere.
    pub fn of(scopes: Scopes) -> Self {
        Self {
            scopes,
            expires: None,
            range: None,
            requests_per_second: None,
        }
    }

    /// Whether another reaches no further. Without this rule a stolen token could make one that outlives it, or that does more.
    ///
    /// # Errors
    /// What of it goes beyond.
    pub fn check(&self, other: &Self) -> Result<(), TokenError> {
        if let Some(scope) = other.scopes.difference(&self.scopes).next() {
            return Err(TokenError::BeyondScopes { scope: *scope });
        }
        if let Some(expires) = self
            .expires
            .filter(|own| other.expires.is_none_or(|other| other > *own))
        {
            return Err(TokenError::BeyondTime { expires });
        }
        if let Some(range) = self
            .range
            .filter(|own| !other.range.is_some_and(|other| own.contains(&other)))
        {
            return Err(TokenError::BeyondRange { range });
        }
        let rate = self.requests_per_second;
        if let Some(rate) = rate.filter(|own| other.requests_per_second.is_none_or(|other| other > *own)) {
            return Err(TokenError::BeyondRate { per_second: rate.get() });
        }
        Ok(())
    }
}
