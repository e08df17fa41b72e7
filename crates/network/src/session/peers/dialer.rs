//! Which addresses this node dials, and when: what the operator named, always; found addresses while it wants more
//! conversations of its own. Rules: docs/protocol.md#N10, #N11

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use libp2p::{Multiaddr, PeerId};

use super::book::{Book, FIRST_PAUSE_MS, Group, name_in, place_of, with_name};
use super::range::host_of;

/// The longest pause between two dials of an address that the operator named, milliseconds.
const MAX_PAUSE_MS: u64 = 60_000;
/// A conversation that lasts so long was worth the dial, milliseconds.
const GOOD_MS: u64 = 60_000;
/// Conversations that this node seeks by itself.
pub const WANTED: usize = 8;
/// Of these, peers of one address range.
pub const WANTED_OF_A_RANGE: usize = 1;
/// Peers dialled first after a restart.
pub const MAX_ANCHORS: usize = 4;

/// Milliseconds between two feelers: dials of new addresses only to see whether a node answers there.
pub const FEELER_MS: u64 = 120_000;

/// An address that the operator named.
#[derive(Debug)]
struct Persistent {
    /// The peer that a dial led to, or that is announced there.
    peer: Option<PeerId>,
    pause: u64,
    next: u64,
    state: State,
    /// The operator removed its peer while it was dialled: it goes with that peer, unless the dial leads to another one.
    leaving: bool,
}

/// A found address that is dialled, or connected because of a dial.
#[derive(Debug)]
struct Found {
    group: Group,
    peer: Option<PeerId>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Dialling,
    /// There is a connection, and nothing is known of its other end but its name: it may be of another chain, or silent.
    Connected,
    /// Its peer has sent hello as a node of this chain, at this moment.
    Greeted(u64),
}

impl State {
    fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Greeted(_))
    }

    /// Whether a conversation that ends now was worth the dial.
    fn lasted(self, now: u64) -> bool {
        matches!(self, Self::Greeted(since) if now.saturating_sub(since) >= GOOD_MS)
    }

    /// What it is once the peer has sent hello, for the first time or again.
    fn greeted(self, now: u64) -> Self {
        match self {
            Self::Greeted(_) => self,
            _ => Self::Greeted(now),
        }
    }
}

/// All dials. Moments are milliseconds on any clock that never goes back.
#[derive(Debug)]
pub struct Dialer {
    kept: BTreeMap<Multiaddr, Persistent>,
    found: BTreeMap<Multiaddr, Found>,
    /// Peers that the operator removed, at addresses without a name that may lead to them, now or later: that shows only once they
    /// are dialled.
    removed: BTreeMap<Multiaddr, BTreeSet<PeerId>>,
    book: Book,
    /// The good peers of the run before, which are dialled first.
    anchors: Vec<Multiaddr>,
    /// The feeler that is under way, and when the next one may be.
    feeler: Option<Multiaddr>,
    next_feeler: u64,
}

impl Dialer {
    /// Nothing is dialled yet; found addresses come from the book.
    pub fn new(book: Book) -> Self {
        Self {
            kept: BTreeMap::new(),
            found: BTreeMap::new(),
            removed: BTreeMap::new(),
            book,
            anchors: Vec::new(),
            feeler: None,
            next_feeler: FEELER_MS,
        }
    }

    /// The addresses that were found.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Dials an address from now on, whenever it is not connected.
    pub fn keep(&mut self, address: Multiaddr, now: u64) {
        // Of naming and removing the last counts.
        self.removed.remove(&address);
        if let Some(peer) = name_in(&address) {
            for removed in self.removed.values_mut() {
                removed.remove(&peer);
            }
        }
        // From now on it takes no slot of the found ones.
        let state = self.found.remove(&address).map_or(State::Idle, |found| found.state);
        // Nor is it only felt: what became of that would leave its dial for ever under way.
        self.feeler.take_if(|feeler| *feeler == address);
        let kept = self.kept.entry(address.clone()).or_insert(Persistent {
            peer: name_in(&address),
            pause: FIRST_PAUSE_MS,
            next: now,
            state,
            leaving: false,
        });
        kept.leaving = false;
    }

    /// Adds an address to the book that a peer at `source` announced; true if it is there now.
    pub fn find(&mut self, address: &Multiaddr, source: &Multiaddr, now: u64) -> bool {
        self.kept.contains_key(address) || self.book.add(address, source, now)
    }

    /// Takes an address that answered in an earlier run.
    pub fn remember(&mut self, address: &Multiaddr, now: u64) {
        self.book.answered(address, now);
    }

    /// Dials an address before all other found ones: it was a good peer in the run before.
    pub fn anchor(&mut self, address: Multiaddr, now: u64) {
        self.remember(&address, now);
        if self.anchors.len() < MAX_ANCHORS {
            self.anchors.push(address);
        }
    }

    /// What to dial now, each with its peer if that is known, while `outbound` conversations are of our own dialling.
    pub fn due(&mut self, now: u64, outbound: usize) -> Vec<(Multiaddr, Option<PeerId>)> {
        let kept = self.kept.iter();
        let mut due: Vec<_> = kept
            .filter(|(_, kept)| kept.state == State::Idle && kept.next <= now)
            .map(|(address, kept)| (address.clone(), kept.peer))
            .collect();
        let dialling = self.found.values().filter(|found| found.state == State::Dialling);
        let mut room = WANTED.saturating_sub(outbound + dialling.count());
        let mut ranges = self.ranges_in_use();
        let mut drawn = BTreeSet::new();
        while room > 0 {
            let (found, kept, feeler) = (&self.found, &self.kept, self.feeler.as_ref());
            let free = |address: &Multiaddr, group: &Group| {
                let crowded = matches!(group, Group::Range(_)) && ranges.get(group).copied() >= Some(WANTED_OF_A_RANGE);
                let taken = found.contains_key(address) || kept.contains_key(address) || drawn.contains(address);
                !crowded && !taken && feeler != Some(address)
            };
            let anchor = self.anchors.pop();
            let anchor = anchor.filter(|anchor| free(anchor, &self.book.group(anchor)));
            let Some(address) = anchor.or_else(|| self.book.draw(now, free)) else {
                break;
            };
            *ranges.entry(self.book.group(&address)).or_insert(0) += 1;
            drawn.insert(address.clone());
            due.push((address.clone(), name_in(&address)));
            room -= 1;
        }
        due
    }

    /// A new address to dial, only to see whether it answers, while all conversations that this node seeks are there: as in
    /// Bitcoin Core, so that there are tried addresses to turn to when they end. It takes no slot. Rule: docs/protocol.md#N10
    pub fn feeler(&mut self, now: u64, outbound: usize) -> Option<Multiaddr> {
        if now < self.next_feeler || outbound < WANTED || self.feeler.is_some() {
            return None;
        }
        self.next_feeler = now + FEELER_MS;
        let (found, kept) = (&self.found, &self.kept);
        let free = |address: &Multiaddr, _: &Group| !found.contains_key(address) && !kept.contains_key(address);
        self.feeler = self.book.draw_new(now, free);
        self.feeler.clone()
    }

    /// Whether an address is dialled as a feeler only.
    pub fn is_feeler(&self, address: &Multiaddr) -> bool {
        self.feeler.as_ref() == Some(address)
    }

    /// What a feeler led to is a node of this chain: it is one of the tried now, if there is room, and its connection is closed.
    pub fn felt(&mut self, address: &Multiaddr, now: u64) -> bool {
        let felt = self.feeler.take_if(|feeler| *feeler == *address).is_some();
        if felt {
            self.book.answered(address, now);
        }
        felt
    }

    /// Conversations and dials of found addresses by range: what the operator named does not count.
    fn ranges_in_use(&self) -> BTreeMap<Group, usize> {
        let mut ranges = BTreeMap::new();
        for found in self.found.values() {
            *ranges.entry(found.group.clone()).or_insert(0) += 1;
        }
        ranges
    }

    /// Looks at an address again later: its peer is connected another way.
    pub fn postpone(&mut self, address: &Multiaddr, now: u64) {
        match self.kept.get_mut(address) {
            Some(kept) => kept.next = now + kept.pause,
            None => self.book.postpone(address, now),
        }
    }

    /// A dial has begun.
    pub fn dialling(&mut self, address: &Multiaddr) {
        self.set(address, None, State::Dialling);
    }

    /// A dial led to this peer, or its peer is connected already and counts as dialled from now on. False where the operator
    /// has removed the peer: its connection is to be closed, and the dial has failed. The address is dropped where it is that
    /// peer's alone, as far as is known.
    pub fn connected(&mut self, address: &Multiaddr, peer: PeerId) -> bool {
        if self.removed.get(address).is_some_and(|removed| removed.contains(&peer)) {
            if !self.may_lead_to_others(address) {
                self.drop_address(address);
            }
            return false;
        }
        let dialled = self.kept.contains_key(address) || self.found.contains_key(address);
        if dialled {
            self.set(address, Some(peer), State::Connected);
        }
        dialled
    }

    /// Whether other peers than one that was removed may be at an address that the operator named: a domain name stands for several
    /// hosts, and an IP address may have changed from one peer to the other.
    fn may_lead_to_others(&self, address: &Multiaddr) -> bool {
        let others = |kept: &Persistent| host_of(address).is_none() || kept.peer.is_some();
        self.kept.get(address).is_some_and(|kept| !kept.leaving && others(kept))
    }

    /// A peer that is connected has sent hello as a node of this chain: only now have the dials that lead to it been answered.
    /// Rule: docs/protocol.md#N10
    pub fn greeted(&mut self, peer: &PeerId, now: u64) {
        let mut answered = Vec::new();
        for (address, kept) in &mut self.kept {
            if kept.peer.as_ref() == Some(peer) && kept.state.is_connected() {
                (kept.pause, kept.state) = (FIRST_PAUSE_MS, kept.state.greeted(now));
                answered.push(with_name(address, *peer));
            }
        }
        for (address, found) in &mut self.found {
            if found.peer.as_ref() == Some(peer) && found.state.is_connected() {
                found.state = found.state.greeted(now);
                answered.push(with_name(address, *peer));
            }
        }
        answered.iter().for_each(|address| self.book.answered(address, now));
    }

    fn set(&mut self, address: &Multiaddr, peer: Option<PeerId>, state: State) {
        if let Some(kept) = self.kept.get_mut(address) {
            kept.leaving &= peer.is_none();
            (kept.peer, kept.state) = (peer.or(kept.peer), state);
            return;
        }
        let group = self.book.group(address);
        let found = self.found.entry(address.clone()).or_insert(Found {
            group,
            peer: name_in(address),
            state,
        });
        (found.peer, found.state) = (peer.or(found.peer), state);
    }

    /// A node of this chain is at this address, whichever side dialled: that is worth remembering.
    pub fn proven(&mut self, address: &Multiaddr, now: u64) {
        self.book.answered(address, now);
    }

    /// A dial failed; the pause before the next one, milliseconds, if the address is known.
    pub fn failed(&mut self, address: &Multiaddr, now: u64) -> Option<u64> {
        if self.kept.get(address).is_some_and(|kept| kept.leaving) {
            self.drop_address(address);
            return None;
        }
        if let Some(kept) = self.kept.get_mut(address) {
            return Some(kept.wait(now));
        }
        let felt = self.feeler.take_if(|feeler| *feeler == *address).is_some();
        if self.found.remove(address).is_none() && !felt {
            return None;
        }
        self.book.failed(address, now)
    }

    /// Whether one of our dials leads to this peer now.
    pub fn leads_to(&self, peer: &PeerId) -> bool {
        let connected = |state: State, at: &Option<PeerId>| state.is_connected() && at.as_ref() == Some(peer);
        self.kept.values().any(|kept| connected(kept.state, &kept.peer))
            || self.found.values().any(|found| connected(found.state, &found.peer))
    }

    /// The last connection with a peer has ended.
    pub fn closed(&mut self, peer: &PeerId, now: u64) {
        let kept = self.kept.values_mut();
        for kept in kept.filter(|kept| kept.peer.as_ref() == Some(peer) && kept.state.is_connected()) {
            if kept.state.lasted(now) {
                kept.pause = FIRST_PAUSE_MS;
            }
            kept.wait(now);
        }
        let theirs = |_: &Multiaddr, found: &mut Found| found.peer.as_ref() == Some(peer) && found.state.is_connected();
        let ended: Vec<_> = self.found.extract_if(.., theirs).collect();
        for (address, found) in ended {
            if found.state.lasted(now) {
                self.book.lasted(&address, now);
            } else {
                self.book.failed(&address, now);
            }
        }
    }

    /// Drops the addresses of a peer. What becomes of a feeler or a dial that is under way to one of them does not bring it back,
    /// nor does an address without a name that turns out to be another one of its addresses, then or later. An address without a
    /// name stays where the dial that is under way leads to another peer.
    pub fn forget(&mut self, peer: &PeerId) {
        self.feeler.take_if(|feeler| name_in(feeler).as_ref() == Some(peer));
        self.anchors.retain(|anchor| name_in(anchor).as_ref() != Some(peer));
        self.kept.retain(|address, kept| {
            let theirs = kept.peer.as_ref() == Some(peer);
            if theirs && kept.state == State::Dialling && name_in(address).is_none() {
                (kept.peer, kept.leaving) = (None, true);
                return true;
            }
            !theirs
        });
        self.found.retain(|_, found| found.peer.as_ref() != Some(peer));
        self.book.forget(peer);
        let (kept, found) = (&self.kept, &self.found);
        self.removed
            .retain(|address, _| kept.contains_key(address) || found.contains_key(address));
        for address in kept
            .keys()
            .chain(found.keys())
            .filter(|address| name_in(address).is_none())
        {
            self.removed.entry(address.clone()).or_default().insert(*peer);
        }
    }

    /// Drops an address for good: this node itself is there, or a peer that the operator removed.
    pub fn drop_address(&mut self, address: &Multiaddr) {
        self.kept.remove(address);
        self.found.remove(address);
        self.removed.remove(address);
        self.feeler.take_if(|feeler| *feeler == *address);
        self.book.remove(address);
    }

    /// Whether the operator named this peer, as far as one of the named addresses has shown it.
    pub fn is_kept(&self, peer: &PeerId) -> bool {
        self.kept.values().any(|kept| kept.peer.as_ref() == Some(peer))
    }

    /// Peers that the operator named, as far as an address has shown who is there.
    pub fn kept_peers(&self) -> BTreeSet<PeerId> {
        self.kept.values().filter_map(|kept| kept.peer).collect()
    }

    /// Hosts of the addresses that the operator named.
    pub fn kept_hosts(&self) -> Vec<IpAddr> {
        let staying = self.kept.iter().filter(|(_, kept)| !kept.leaving);
        staying.filter_map(|(address, _)| host_of(address)).collect()
    }

    /// Whether a peer that is connected, and comes from `remote`, is at one of its addresses: the operator named it, or it has
    /// that host. For other hosts there is only the peer's claim: as an answer it would make it one of all ranges.
    pub fn is_at(&self, address: &Multiaddr, remote: Option<&Multiaddr>) -> bool {
        let host = host_of(address);
        self.keeps(address) || (host.is_some() && host == remote.and_then(host_of))
    }

    /// Whether the operator named this address.
    pub fn keeps(&self, address: &Multiaddr) -> bool {
        self.kept.contains_key(address)
    }

    /// The found peers of our own dialling that have sent hello and are connected for longest: the anchors of the next run.
    pub fn best(&self) -> Vec<Multiaddr> {
        let greeted = self.found.iter().filter_map(|(address, found)| match found.state {
            State::Greeted(since) => Some((since, with_name(&place_of(address), found.peer?))),
            _ => None,
        });
        let mut greeted: Vec<_> = greeted.collect();
        greeted.sort();
        greeted
            .into_iter()
            .map(|(_, address)| address)
            .take(MAX_ANCHORS)
            .collect()
    }
}

impl Persistent {
    /// The pause before the next dial, milliseconds.
    fn wait(&mut self, now: u64) -> u64 {
        self.state = State::Idle;
        let pause = self.pause;
        self.next = now + pause;
        self.pause = (pause * 2).min(MAX_PAUSE_MS);
        pause
    }
}

#[cfg(test)]
mod tests;
