//! Who may do what with this node: the operator's own tokens, those that were created while it ran, and the log of what was done
//! with them.
//!
//! [`Access`] is the one door. `src/api/auth.rs` asks it for each request that needs a token, `src/api/tokens.rs` and
//! `src/cli/token.rs` are for people.

mod error;
mod links;
pub mod log;
mod reach;
mod scope;
mod store;
mod text;

use std::net::IpAddr;
use std::path::Path;

use tally_chain::UnixSecs;
use tally_node::Clock;

use crate::operator::Tokens;
pub use error::{AccessError, Denied, LogError, TokenError};
pub use links::{LINK_SECS, Link, Links, Maker};
pub use log::{Draft, Log};
pub use reach::{Actor, Reach};
pub use scope::{Scope, Scopes};
pub use store::{LastUse, New, Store, Token};
pub use text::{TokenId, TokenText};

/// The file of created tokens in the data directory.
pub const FILE: &str = "tokens.json";
/// The folder of the log in the data directory.
pub const LOG_FOLDER: &str = "operator-log";

/// Seconds that a tab keeps the token for which it exchanged the code of an operator link: a working day.
pub const SESSION_SECS: u64 = 43_200;
/// The name of such a token.
pub const SESSION_NAME: &str = "operator link";

/// All tokens, and the log.
pub struct Access {
    fixed: Tokens,
    store: Store,
    log: Log,
    links: Links,
    clock: Clock,
}

impl Access {
    /// Opens what is in the data directory, beside the tokens that the operator gave at the start. Reads and checks the whole log:
    /// it may take a second.
    ///
    /// # Errors
    /// Where a file cannot be read, or the tokens' file is none: a node that went on without it would have lost its tokens.
    pub fn open(folder: &Path, fixed: Tokens, clock: Clock) -> Result<Self, AccessError> {
        Ok(Self {
            store: Store::open(&folder.join(FILE))?,
            log: Log::open(&folder.join(LOG_FOLDER), clock())?,
            links: Links::default(),
            fixed,
            clock,
        })
    }

    /// Whom a token belongs to, where it may be used from this address, now, for this.
    ///
    /// # Errors
    /// Why it may not.
    pub fn authorize(&self, presented: &str, address: IpAddr, scope: Scope) -> Result<Actor, Denied> {
        let address = address.to_canonical();
        // A token of the operator's file may look like anything, even like one of the store.
        match self.store.authorize(presented, address, scope, self.now()) {
            Err(Denied::Unknown) => {}
            found => return found,
        }
        let (number, scopes) = self.fixed.find(presented).ok_or(Denied::Unknown)?;
        if !scopes.contains(&scope) {
            return Err(Denied::Scope);
        }
        let id = match number {
            0 => "operator".to_owned(),
            number => format!("operator-{}", number + 1),
        };
        Ok(Actor {
            name: id.clone(),
            id,
            address,
            reach: Reach::of(scopes.clone()),
        })
    }

    /// The tokens that were created.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the first token of the operator's file is good for: the operator link of the banner stands for it.
    pub fn operator(&self) -> Reach {
        Reach::of(self.fixed.first().clone())
    }

    /// Who makes a code with the token of this id.
    pub fn maker(&self, id: &str) -> Maker {
        let id = id.to_owned();
        let hash = id.parse().ok().and_then(|id| self.store.hash_of(id, self.now()));
        Maker { id, hash }
    }

    /// Whether the token that made a code is still there, unchanged, and has not expired. Without this rule it would live on in its
    /// codes after it was revoked.
    pub fn stands(&self, maker: &Maker) -> bool {
        match (maker.id.parse(), maker.hash) {
            (Ok(id), Some(hash)) => self.store.hash_of(id, self.now()) == Some(hash),
            // One of the operator's file: it is there as long as the node runs.
            (Err(_), None) => true,
            _ => false,
        }
    }

    /// Codes of operator links.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The log of what was done.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Unix seconds.
    pub fn now(&self) -> UnixSecs {
        (self.clock)()
    }
}
