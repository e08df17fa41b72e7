//! The address book: nodes that this one may dial though no operator named them. Rule: docs/protocol.md#N10
//!
//! As Bitcoin Core's address manager: addresses that were only learnt ("new") and such that answered ("tried") are kept
//! apart, both in buckets. Which bucket an address belongs to follows from its range, from the range of the peer that announced
//! it, and from a secret, so that one source, and one range, can fill a few buckets and no more; and a dial draws a bucket
//! first and an address of it second.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use tally_chain::hash::sha256;

use super::range::{Exempt, Range, host_of};

/// Buckets, and addresses in each.
pub const NEW_BUCKETS: u64 = 256;
/// Addresses in a bucket of new ones.
pub const NEW_BUCKET: usize = 16;
/// Buckets of addresses that answered.
pub const TRIED_BUCKETS: u64 = 64;
/// Addresses in a bucket of those that answered.
pub const TRIED_BUCKET: usize = 4;
/// Buckets that the addresses announced from one range can get into, and those of one range that answered.
pub const BUCKETS_OF_A_SOURCE: u64 = 8;
/// Buckets that the addresses of one range that answered can get into.
pub const BUCKETS_OF_A_RANGE: u64 = 4;
/// Failures in a row after which a new address gives way to another.
const MAX_FAILURES: u32 = 3;

/// Milliseconds between two dials of an address that does not answer: twice as long each time.
pub const FIRST_PAUSE_MS: u64 = 1_000;
/// Most milliseconds between two dials of such an address.
pub const MAX_PAUSE_MS: u64 = 600_000;

/// Whose addresses share a bucket and, where they are dialled, a slot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// All addresses of one provider.
    Range(Range),
    /// Of an exempt range: an address of its own.
    Own(Multiaddr),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bucket {
    New(u64),
    Tried(u64),
}

#[derive(Debug, Clone)]
struct Entry {
    /// As it is dialled: with the peer's name, if that is known.
    address: Multiaddr,
    group: Group,
    bucket: Bucket,
    /// Whether it answered since it last failed; one whose bucket of the tried ones is full stays among the new ones.
    answered: bool,
    failures: u32,
    pause: u64,
    next: u64,
}

/// Numbers from a seed (SplitMix64): only a node that knows the secret can repeat the draws.
#[derive(Debug)]
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// Addresses by where they lead, without the peer's name: many names at one place are one address.
#[derive(Debug)]
pub struct Book {
    secret: [u8; 32],
    exempt: Exempt,
    entries: BTreeMap<Multiaddr, Entry>,
    buckets: BTreeMap<Bucket, BTreeSet<Multiaddr>>,
    draws: Draws,
    /// Grows whenever an address is tried or leaves those that are.
    version: u64,
}

/// The name at the end of an address.
pub fn name_in(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| match part {
        Protocol::P2p(peer) => Some(peer),
        _ => None,
    })
}

/// The address without the name at its end.
pub fn place_of(address: &Multiaddr) -> Multiaddr {
    address
        .iter()
        .filter(|part| !matches!(part, Protocol::P2p(_)))
        .collect()
}

/// The address with its peer's name at the end; one that has a name there stays as it is.
pub fn with_name(address: &Multiaddr, peer: PeerId) -> Multiaddr {
    match address.iter().last() {
        Some(Protocol::P2p(_)) => address.clone(),
        _ => address.clone().with(Protocol::P2p(peer)),
    }
}

impl Book {
    /// `secret` is the node's own; `draw` seeds the order of dials.
    pub fn new(secret: [u8; 32], draw: u64, exempt: Exempt) -> Self {
        Self {
            secret,
            exempt,
            entries: BTreeMap::new(),
            buckets: BTreeMap::new(),
            draws: Draws(draw),
            version: 0,
        }
    }

    /// Addresses in the book.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no address.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Grows whenever [`Self::tried`] changes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Addresses that answered.
    pub fn tried(&self) -> impl Iterator<Item = &Multiaddr> {
        let tried = self.entries.values();
        tried
            .filter(|entry| matches!(entry.bucket, Bucket::Tried(_)))
            .map(|entry| &entry.address)
    }

    /// The group of an address.
    pub fn group(&self, address: &Multiaddr) -> Group {
        match host_of(address).filter(|host| !self.exempt.contains(*host)) {
            Some(host) => Group::Range(Range::of(host)),
            None => Group::Own(place_of(address)),
        }
    }

    /// Adds an address that a peer at `source` announced; true if it is in the book now.
    pub fn add(&mut self, address: &Multiaddr, source: &Multiaddr, now: u64) -> bool {
        let place = place_of(address);
        if let Some(known) = self.entries.get_mut(&place) {
            // Another node may have taken the place of one that is gone; one that answers keeps it.
            if known.failures > 0 && matches!(known.bucket, Bucket::New(_)) {
                known.address = address.clone();
            }
            return true;
        }
        let (group, source) = (self.group(address), self.group(source));
        let bucket = self.new_bucket(&group, &source);
        if !self.make_room(bucket, NEW_BUCKET, MAX_FAILURES) {
            return false;
        }
        let entry = Entry {
            address: address.clone(),
            group,
            bucket,
            answered: false,
            failures: 0,
            pause: FIRST_PAUSE_MS,
            next: now,
        };
        self.entries.insert(place.clone(), entry);
        self.buckets.entry(bucket).or_default().insert(place);
        true
    }

    /// A node of this chain answered at an address, as this peer: it belongs to those that were tried, if there is room for it. That it failed before,
    /// perhaps because this node's own line did, makes it give way no more.
    pub fn answered(&mut self, address: &Multiaddr, now: u64) {
        let place = place_of(address);
        if !self.entries.contains_key(&place) && !self.add(address, address, now) {
            return;
        }
        let Some(entry) = self.entries.get(&place) else { return };
        let tried = self.tried_bucket(&entry.group, &place);
        if entry.bucket != tried && self.make_room(tried, TRIED_BUCKET, 1) {
            self.move_to(&place, tried);
        }
        let Some(entry) = self.entries.get_mut(&place) else {
            return;
        };
        entry.answered = true;
        if entry.bucket == tried {
            entry.failures = 0;
        }
        if name_in(address).is_some() && entry.address != *address {
            entry.address = address.clone();
            self.version += 1;
        }
    }

    /// A conversation with this address lasted, and has ended: it is dialled again soon. That is no failure, or every good peer
    /// would give way to the next address that answers a feeler.
    pub fn lasted(&mut self, address: &Multiaddr, now: u64) {
        if let Some(entry) = self.entries.get_mut(&place_of(address)) {
            (entry.failures, entry.pause) = (0, 2 * FIRST_PAUSE_MS);
            entry.next = now + FIRST_PAUSE_MS;
        }
    }

    /// An address did not answer, or its peer ended at once; the pause before the next dial, milliseconds.
    pub fn failed(&mut self, address: &Multiaddr, now: u64) -> Option<u64> {
        let entry = self.entries.get_mut(&place_of(address))?;
        entry.failures = entry.failures.saturating_add(1);
        entry.answered = false;
        let pause = entry.pause;
        entry.next = now + pause;
        entry.pause = (pause * 2).min(MAX_PAUSE_MS);
        Some(pause)
    }

    /// Dials an address later: its peer is connected another way, or it cannot be dialled now.
    pub fn postpone(&mut self, address: &Multiaddr, now: u64) {
        if let Some(entry) = self.entries.get_mut(&place_of(address)) {
            entry.next = now + entry.pause;
        }
    }

    /// Drops an address.
    pub fn remove(&mut self, address: &Multiaddr) {
        let place = place_of(address);
        let Some(entry) = self.entries.remove(&place) else {
            return;
        };
        self.leave(entry.bucket, &place);
    }

    /// Drops the addresses of a peer.
    pub fn forget(&mut self, peer: &PeerId) {
        let theirs = self.entries.values();
        let theirs: Vec<_> = theirs
            .filter(|entry| name_in(&entry.address).as_ref() == Some(peer))
            .map(|entry| entry.address.clone())
            .collect();
        theirs.iter().for_each(|address| self.remove(address));
    }

    /// An address to dial now, if there is one that `allowed` allows: of the tried or the new ones by half, of a bucket
    /// drawn first, so that many addresses in few buckets are drawn no more often.
    pub fn draw(&mut self, now: u64, allowed: impl Fn(&Multiaddr, &Group) -> bool) -> Option<Multiaddr> {
        let mut due: [BTreeMap<Bucket, Vec<&Entry>>; 2] = Default::default();
        for entry in self.entries.values() {
            if entry.next <= now && allowed(&entry.address, &entry.group) {
                let table = usize::from(matches!(entry.bucket, Bucket::Tried(_)));
                due[table].entry(entry.bucket).or_default().push(entry);
            }
        }
        let first = self.draws.below(2);
        let table = if due[first].is_empty() {
            &due[1 - first]
        } else {
            &due[first]
        };
        let bucket = table.values().nth(self.draws.below(table.len()))?;
        // Of a bucket the ones that failed least come first.
        let least = bucket.iter().map(|entry| entry.failures).min()?;
        let best: Vec<_> = bucket.iter().filter(|entry| entry.failures == least).collect();
        Some(best[self.draws.below(best.len())].address.clone())
    }

    /// The same of the new addresses alone that never answered, or have failed since: of the others is known that they do.
    pub fn draw_new(&mut self, now: u64, allowed: impl Fn(&Multiaddr, &Group) -> bool) -> Option<Multiaddr> {
        let answered = self.entries.values().filter(|entry| entry.answered);
        let known: BTreeSet<_> = self
            .tried()
            .chain(answered.map(|entry| &entry.address))
            .cloned()
            .collect();
        self.draw(now, |address, group| {
            !known.contains(address) && allowed(address, group)
        })
    }

    fn hash(&self, parts: &[&str]) -> u64 {
        let mut all: Vec<&[u8]> = vec![b"tally/book", &self.secret];
        for part in parts {
            all.push(part.as_bytes());
            all.push(&[0]);
        }
        let hash = sha256(&all);
        u64::from_be_bytes(hash.0.first_chunk().copied().unwrap_or_default())
    }

    fn new_bucket(&self, group: &Group, source: &Group) -> Bucket {
        let (group, source) = (group.text(), source.text());
        let of_source = (self.hash(&["new", &group, &source]) % BUCKETS_OF_A_SOURCE).to_string();
        Bucket::New(self.hash(&["bucket", &source, &of_source]) % NEW_BUCKETS)
    }

    fn tried_bucket(&self, group: &Group, place: &Multiaddr) -> Bucket {
        let of_range = (self.hash(&["tried", &place.to_string()]) % BUCKETS_OF_A_RANGE).to_string();
        Bucket::Tried(self.hash(&["bucket", &group.text(), &of_range]) % TRIED_BUCKETS)
    }

    /// Whether a bucket takes one more, perhaps in the place of one that failed so often.
    fn make_room(&mut self, bucket: Bucket, most: usize, failures: u32) -> bool {
        let Some(members) = self.buckets.get(&bucket).filter(|members| members.len() >= most) else {
            return true;
        };
        let entries = members.iter().filter_map(|place| self.entries.get(place));
        let worst = entries
            .filter(|entry| entry.failures >= failures)
            .max_by_key(|entry| entry.failures);
        let Some(worst) = worst.map(|entry| entry.address.clone()) else {
            return false;
        };
        self.remove(&worst);
        true
    }

    fn move_to(&mut self, place: &Multiaddr, bucket: Bucket) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let before = std::mem::replace(&mut entry.bucket, bucket);
        self.leave(before, place);
        self.buckets.entry(bucket).or_default().insert(place.clone());
        self.version += 1;
    }

    fn leave(&mut self, bucket: Bucket, place: &Multiaddr) {
        if let Some(members) = self.buckets.get_mut(&bucket) {
            members.remove(place);
            if members.is_empty() {
                self.buckets.remove(&bucket);
            }
        }
        if matches!(bucket, Bucket::Tried(_)) {
            self.version += 1;
        }
    }
}

impl Group {
    fn text(&self) -> String {
        match self {
            Self::Range(range) => range.to_string(),
            Self::Own(address) => address.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
