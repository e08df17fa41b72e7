//! Inbound slots: how many peers of one address range there may be, and who makes room for a newcomer when they are full.
//! Rule: docs/protocol.md#N11
//!
//! As in Bitcoin Core (`SelectNodeToEvict`): peers are protected by several properties that an attacker cannot have all at
//! once; of the others, the youngest of the most crowded range goes. So newcomers are not locked out, and an attacker who
//! fills the slots mostly displaces itself. Peers that this node dialled are no candidates.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tally_chain::hash::sha256;

use super::range::{Host, Origin, Range};
use crate::session::name::PeerName;
use crate::wire::limits::{MAX_INBOUND, MAX_INBOUND_HOST, MAX_INBOUND_RANGE};

/// An inbound peer, as far as its slot is concerned. Moments are milliseconds on the session's clock.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Its peer id.
    pub name: PeerName,
    /// Where it connects from.
    pub origin: Origin,
    /// When it connected.
    pub connected: u64,
    /// Shortest round trip, milliseconds.
    pub latency: Option<u64>,
    /// When it last brought a block that was new.
    pub block: Option<u64>,
    /// When it last brought a transaction that was new.
    pub transaction: Option<u64>,
}

/// Why a newcomer has no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum SlotError {
    #[error("there are {max} inbound peers already, all of them protected")]
    Full { max: usize },
    #[error("there are {max} inbound peers of {host} already")]
    HostFull { host: Host, max: usize },
    #[error("there are {max} inbound peers of {range} already, all of them protected")]
    RangeFull { range: Range, max: usize },
    #[error("{host} has begun too many conversations: one every {secs} s is taken")]
    TooOften { host: Host, secs: u64 },
}

/// How many peers each property protects.
struct Protected {
    by_range: usize,
    latency: usize,
    transactions: usize,
    blocks: usize,
}

const OF_ALL: Protected = Protected {
    by_range: 4,
    latency: 8,
    transactions: 4,
    blocks: 4,
};
/// Among the peers of one range.
const OF_A_RANGE: Protected = Protected {
    by_range: 0,
    latency: 2,
    transactions: 2,
    blocks: 2,
};

/// Decides on a newcomer: `Ok(None)`, there is a slot; `Ok(Some(name))`, after this peer has gone. `secret` is the node's
/// own number, for which no one can choose addresses.
pub fn admit(inbound: &[Inbound], newcomer: &Origin, secret: &[u8; 32]) -> Result<Option<PeerName>, SlotError> {
    if let Some(host) = newcomer.host() {
        let count = inbound.iter().filter(|peer| peer.origin.host() == Some(host)).count();
        if count >= MAX_INBOUND_HOST {
            let max = MAX_INBOUND_HOST;
            return Err(SlotError::HostFull { host, max });
        }
    }
    if let Some(range) = newcomer.range() {
        let same: Vec<_> = inbound
            .iter()
            .filter(|peer| peer.origin.range() == Some(range))
            .collect();
        if same.len() >= MAX_INBOUND_RANGE {
            let max = MAX_INBOUND_RANGE;
            let goes = evictable(&same, &OF_A_RANGE, secret);
            return goes.map(Some).ok_or(SlotError::RangeFull { range, max });
        }
    }
    if inbound.len() < MAX_INBOUND {
        return Ok(None);
    }
    let all: Vec<_> = inbound.iter().collect();
    let goes = evictable(&all, &OF_ALL, secret);
    goes.map(Some).ok_or(SlotError::Full { max: MAX_INBOUND })
}

/// Which of these is disconnected, if any.
fn evictable(peers: &[&Inbound], protected: &Protected, secret: &[u8; 32]) -> Option<PeerName> {
    let mut left: Vec<&Inbound> = peers.iter().copied().filter(|peer| !peer.origin.exempt).collect();
    let key = |peer: &Inbound| peer.origin.range().map(|range| keyed(secret, &range));
    protect(&mut left, protected.by_range, |peer| (key(peer).is_none(), key(peer)));
    protect(&mut left, protected.latency, |peer| {
        (peer.latency.is_none(), peer.latency)
    });
    protect_recent(&mut left, protected.transactions, |peer| peer.transaction);
    protect_recent(&mut left, protected.blocks, |peer| peer.block);
    // Half of the rest has been here longest: time is what costs an attacker most.
    let half = left.len() / 2;
    protect(&mut left, half, |peer| peer.connected);
    youngest_of_the_most_crowded(&left)
}

/// Takes out the first `count` by this order.
fn protect<K: Ord>(left: &mut Vec<&Inbound>, count: usize, key: impl Fn(&Inbound) -> K) {
    left.sort_by_cached_key(|peer| (key(peer), peer.name.clone()));
    left.drain(..count.min(left.len()));
}

/// Takes out the `count` who were useful last, if they ever were.
fn protect_recent(left: &mut Vec<&Inbound>, count: usize, when: impl Fn(&Inbound) -> Option<u64>) {
    let useful = left.iter().filter(|peer| when(peer).is_some()).count();
    protect(left, count.min(useful), |peer| std::cmp::Reverse(when(peer)));
}

fn youngest_of_the_most_crowded(left: &[&Inbound]) -> Option<PeerName> {
    let mut ranges: BTreeMap<Option<Range>, BTreeSet<(u64, &PeerName)>> = BTreeMap::new();
    for peer in left {
        let range = ranges.entry(peer.origin.range()).or_default();
        range.insert((peer.connected, &peer.name));
    }
    // Where two are as crowded, the one whose youngest peer is younger.
    let crowded = ranges
        .values()
        .max_by_key(|range| (range.len(), range.last().copied()))?;
    crowded.last().map(|(_, name)| (*name).clone())
}

/// A number for a range that only this node can compute.
fn keyed(secret: &[u8; 32], range: &impl fmt::Display) -> [u8; 8] {
    let hash = sha256(&[b"tally/slots", secret, range.to_string().as_bytes()]);
    hash.0.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn origin(host: [u8; 4]) -> Origin {
        Origin {
            host: Some(host.into()),
            ..Origin::default()
        }
    }

    fn peer(at: usize, host: [u8; 4], connected: u64) -> Inbound {
        Inbound {
            name: PeerName(format!("peer-{at:03}")),
            origin: origin(host),
            connected,
            latency: Some(100),
            block: None,
            transaction: None,
        }
    }

    /// Sixty-four peers, each of a range of its own.
    fn diverse() -> Vec<Inbound> {
        let one = |at: usize| peer(at, [20 + at as u8, 1, 1, 1], 1_000 + at as u64);
        (0..MAX_INBOUND).map(one).collect()
    }

    #[test]
    fn a_host_and_a_range_have_their_share_and_no_more() {
        let mut inbound: Vec<_> = (0..MAX_INBOUND_HOST).map(|at| peer(at, [8, 8, 8, 8], 0)).collect();
        let full = SlotError::HostFull {
            host: Host::of([8, 8, 8, 8].into()),
            max: MAX_INBOUND_HOST,
        };
        assert_eq!(admit(&inbound, &origin([8, 8, 8, 8]), &SECRET), Err(full));
        assert_eq!(admit(&inbound, &origin([8, 8, 8, 9]), &SECRET), Ok(None));
        inbound = (0..MAX_INBOUND_RANGE)
            .map(|at| peer(at, [8, 8, at as u8, 1], at as u64))
            .collect();
        let youngest = inbound[MAX_INBOUND_RANGE - 1].name.clone();
        assert_eq!(
            admit(&inbound, &origin([8, 8, 200, 1]), &SECRET),
            Ok(Some(youngest)),
            "a range makes room among its own"
        );
        assert_eq!(admit(&inbound, &origin([8, 9, 200, 1]), &SECRET), Ok(None));
    }

    #[test]
    fn exempt_peers_have_no_share_and_are_not_evicted() {
        let mut inbound: Vec<_> = (0..MAX_INBOUND).map(|at| peer(at, [127, 0, 0, 1], at as u64)).collect();
        inbound.iter_mut().for_each(|peer| peer.origin.exempt = true);
        let mut newcomer = origin([127, 0, 0, 1]);
        newcomer.exempt = true;
        assert_eq!(admit(&inbound[1..], &newcomer, &SECRET), Ok(None));
        let full = Err(SlotError::Full { max: MAX_INBOUND });
        assert_eq!(admit(&inbound, &newcomer, &SECRET), full);
        assert_eq!(admit(&inbound, &origin([8, 8, 8, 8]), &SECRET), full);
    }

    #[test]
    fn an_attacker_that_fills_the_slots_displaces_itself() {
        // Four ranges have sixteen slots each; an honest newcomer of a fifth comes in, and the next of the four does not
        // push it out.
        let mut inbound: Vec<_> = (0..MAX_INBOUND)
            .map(|at| peer(at, [30 + (at / 16) as u8, 1, at as u8, 1], at as u64))
            .collect();
        let honest = peer(100, [90, 1, 1, 1], 1_000);
        let goes = admit(&inbound, &honest.origin, &SECRET).unwrap().unwrap();
        inbound.retain(|peer| peer.name != goes);
        inbound.push(honest.clone());
        for at in 200..400 {
            let hostile = peer(at, [30 + (at % 4) as u8, 2, at as u8, 1], at as u64 + 10_000);
            let goes = admit(&inbound, &hostile.origin, &SECRET).unwrap().unwrap();
            assert_ne!(goes, honest.name);
            inbound.retain(|peer| peer.name != goes);
            inbound.push(hostile);
        }
    }

    #[test]
    fn the_useful_the_near_and_the_old_are_protected() {
        let mut inbound = diverse();
        inbound[60].block = Some(5);
        inbound[61].transaction = Some(5);
        inbound[62].latency = Some(1);
        let goes = admit(&inbound, &origin([200, 1, 1, 1]), &SECRET).unwrap().unwrap();
        let useful = [60, 61, 62].map(|at: usize| inbound[at].name.clone());
        assert!(!useful.contains(&goes), "{goes}");
        assert!(goes > inbound[32].name, "{goes} is of the older half");
    }
}
