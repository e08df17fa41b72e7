//! Where peers were whose last connection has ended, as long as something of theirs may still be looked at: a substream that such
//! a peer has opened, whose offences count against its host, and addresses that it has announced or answered with.
//!
//! A full table forgets the oldest. What is looked at belongs to those that have left just now, so they must find a place; a table
//! that took no more could be filled once a minute, and then no honest peer's addresses would be learnt. Where nothing
//! is known of a peer, its conversation does not begin and its addresses are left out: to be forgotten gains nothing. Names cost
//! nothing, and hosts of one range little, so each host and each range has a part of the table: where it comes and goes again and
//! again it forgets its own.

use std::collections::VecDeque;

use libp2p::{Multiaddr, PeerId};

use crate::session::peers::range::{Host, Range, host_of};

/// Milliseconds for which a peer is remembered at least, where there is room: no round of requests for nodes takes longer.
const LEFT_MS: u64 = 60_000;
/// Peers that are remembered.
const MAX_LEFT: usize = 4_096;
/// Of these, peers of one host.
const MAX_LEFT_OF_A_HOST: usize = 64;
/// Of these, peers of one range: a quarter, as of inbound peers. Rule: docs/protocol.md#N11
const MAX_LEFT_OF_A_RANGE: usize = 1_024;

#[derive(Debug)]
struct Left {
    peer: PeerId,
    remote: Multiaddr,
    host: Option<Host>,
    range: Option<Range>,
    /// When it left, milliseconds.
    at: u64,
}

/// The newest last; a peer stands there once.
#[derive(Debug, Default)]
pub(super) struct LeftPeers(VecDeque<Left>);

impl LeftPeers {
    /// A peer has left that was at `remote`. `now`: milliseconds on any clock that never goes back.
    pub(super) fn put(&mut self, peer: PeerId, remote: Multiaddr, now: u64) {
        self.0
            .retain(|left| left.peer != peer && now < left.at.saturating_add(LEFT_MS));
        let ip = host_of(&remote);
        let (host, range) = (ip.map(Host::of), ip.map(Range::of));
        self.make_room(MAX_LEFT_OF_A_HOST, |left| left.host == host);
        self.make_room(MAX_LEFT_OF_A_RANGE, |left| left.range == range);
        self.make_room(MAX_LEFT, |_| true);
        self.0.push_back(Left {
            peer,
            remote,
            host,
            range,
            at: now,
        });
    }

    /// Forgets the oldest of those that `counts` chooses, where there are `max` of them.
    fn make_room(&mut self, max: usize, counts: impl Fn(&Left) -> bool) {
        if self.0.iter().filter(|left| counts(left)).count() >= max
            && let Some(oldest) = self.0.iter().position(counts)
        {
            self.0.remove(oldest);
        }
    }

    /// Where a peer was, if that is remembered.
    pub(super) fn remote_of(&self, peer: &PeerId) -> Option<&Multiaddr> {
        let left = self.0.iter().find(|left| left.peer == *peer)?;
        Some(&left.remote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: usize) -> Multiaddr {
        let (b, c) = (host / 256, host % 256);
        format!("/ip4/66.{b}.{c}.1/tcp/1").parse().unwrap()
    }

    #[test]
    fn those_that_left_last_are_remembered_for_a_minute() {
        let mut all = LeftPeers::default();
        let peers: Vec<_> = (0..=MAX_LEFT).map(|_| PeerId::random()).collect();
        for (host, peer) in peers.iter().enumerate() {
            all.put(*peer, at(host), 7);
        }
        assert_eq!(all.0.len(), MAX_LEFT);
        assert_eq!(all.remote_of(&peers[0]), None, "the oldest goes");
        assert_eq!(all.remote_of(&peers[1]), Some(&at(1)));
        assert_eq!(all.remote_of(&peers[MAX_LEFT]), Some(&at(MAX_LEFT)));
        // Once more, from elsewhere.
        all.put(peers[1], at(5_000), 8);
        assert_eq!((all.remote_of(&peers[1]), all.0.len()), (Some(&at(5_000)), MAX_LEFT));
        all.put(peers[0], at(0), 7 + LEFT_MS);
        assert_eq!((all.remote_of(&peers[2]), all.0.len()), (None, 2));
    }

    #[test]
    fn one_host_that_comes_and_goes_forgets_its_own() {
        let mut all = LeftPeers::default();
        let [honest, first] = [PeerId::random(), PeerId::random()];
        all.put(honest, at(1), 0);
        all.put(first, at(2), 0);
        for _ in 0..2 * MAX_LEFT {
            all.put(PeerId::random(), at(2), 0);
        }
        assert_eq!(all.remote_of(&honest), Some(&at(1)));
        assert_eq!((all.remote_of(&first), all.0.len()), (None, 1 + MAX_LEFT_OF_A_HOST));
    }

    /// One customer of a provider can have as many hosts as there are places.
    #[test]
    fn one_range_whose_hosts_come_and_go_forgets_its_own() {
        let at_v4 = |host: usize| format!("/ip4/67.7.{}.{}/tcp/1", host / 256, host % 256);
        let at_v6 = |host: usize| format!("/ip6/2600:1:{host:x}::1/tcp/1");
        let places: [&dyn Fn(usize) -> String; 2] = [&at_v4, &at_v6];
        for place in places {
            let mut all = LeftPeers::default();
            let [honest, first] = [PeerId::random(), PeerId::random()];
            all.put(honest, at(1), 0);
            all.put(first, place(0).parse().unwrap(), 0);
            for host in 1..=2 * MAX_LEFT {
                all.put(PeerId::random(), place(host).parse().unwrap(), 0);
            }
            assert_eq!(all.remote_of(&honest), Some(&at(1)));
            assert_eq!((all.remote_of(&first), all.0.len()), (None, 1 + MAX_LEFT_OF_A_RANGE));
        }
    }
}
