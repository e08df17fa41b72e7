//! What a browser keeps by genesis id. It comes from the reader's own storage, and is trusted as far as its parts fit.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tally_chain::light::{AllHeaders, Followed, Following, Level, SavedHeaders, TipClaim};
use tally_chain::{BlockId, Bytes, ChainSpec, UnixSecs, Weight};

/// The form of the record; others are passed over.
const VERSION: u8 = 1;

/// The tip of most total work that was verified, and the headers that were checked. Rule: docs/protocol.md#F10
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    version: u8,
    /// The tip (F11), its total work the one that was verified.
    tip: Bytes,
    level: Level,
    /// All headers up to the tip; of a sampled tip those that were checked in the background.
    headers: Option<SavedHeaders>,
    /// Whether the reader stopped that check.
    stopped: bool,
}

/// A record that was read.
pub(super) struct Restored {
    pub weight: Weight,
    pub tip: BlockId,
    /// Where all headers were checked.
    pub followed: Option<Followed>,
    /// Headers that were checked in the background.
    pub headers: Option<AllHeaders>,
    pub stopped: bool,
}

impl Kept {
    pub(super) fn of(followed: &Followed, background: Option<&AllHeaders>, stopped: bool) -> Self {
        let headers = match followed.headers() {
            Some(headers) => Some(headers.saved()),
            None => background.map(AllHeaders::saved),
        };
        Self {
            version: VERSION,
            tip: claim_of(followed).encode().into(),
            level: followed.verified().level,
            headers,
            stopped,
        }
    }

    /// Total work of the chain that was verified; none of a record that is damaged.
    pub fn weight(&self) -> Option<Weight> {
        TipClaim::decode(&self.tip).ok().map(|claim| claim.weight)
    }

    /// Whether a record that is there already stays, rather than this one: another tab has kept one of more total work, of the
    /// same work first, or of the same tip with more that was checked. Rule: docs/protocol.md#F10
    pub fn gives_way_to(&self, found: &Self) -> bool {
        let (own, found_claim) = (TipClaim::decode(&self.tip).ok(), TipClaim::decode(&found.tip).ok());
        let (Some(own), Some(found_claim)) = (own, found_claim) else {
            // A damaged record is worth nothing.
            return found.weight().is_some();
        };
        let headers = |kept: &Self| kept.headers.as_ref().map(SavedHeaders::height);
        match found_claim.weight.cmp(&own.weight) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal if found_claim.id() != own.id() => true,
            Ordering::Equal => (found.level, headers(found)) > (self.level, headers(self)),
        }
    }

    /// What it stands for; none where its parts do not fit.
    pub(super) fn restore(self, spec: &ChainSpec, genesis: BlockId, now: UnixSecs) -> Option<Restored> {
        if self.version != VERSION {
            return None;
        }
        let claim = TipClaim::decode(&self.tip).ok()?;
        let headers = self
            .headers
            .and_then(|saved| AllHeaders::resume(spec.clone(), genesis, now, saved).ok());
        let (followed, headers) = match (self.level, headers) {
            (Level::Sampled, headers) => (None, headers),
            (_, headers) => (Some(Following::from_headers(&headers?, now).finish(&claim).ok()?), None),
        };
        Some(Restored {
            weight: claim.weight,
            tip: claim.id(),
            followed,
            headers,
            stopped: self.stopped,
        })
    }
}

/// A verified tip as a claim.
pub(super) fn claim_of(followed: &Followed) -> TipClaim {
    let verified = followed.verified();
    TipClaim {
        header: verified.header,
        manifest: verified.manifest.clone(),
        weight: verified.weight,
    }
}
