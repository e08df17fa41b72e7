//! Whom this node calls, and when. Rule: docs/protocol.md#N10

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

/// Between two calls of an address that does not answer: twice as long each time, up to one of the others.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);
const MAX_PAUSE_FOUND: Duration = Duration::from_secs(600);
/// A connection that lasts so long was worth the call.
const GOOD: Duration = Duration::from_secs(60);
/// Addresses kept that nobody asked for.
pub(super) const MAX_FOUND: usize = 256;
/// Conversations that this node seeks by itself.
pub(super) const WANTED: usize = 8;

/// Why an address is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The operator says so: always.
    Kept,
    /// It was found, or remembered: while there are fewer conversations than wanted.
    Found,
}

struct Call {
    why: Why,
    pause: Duration,
    failures: u32,
    next: Instant,
    dialling: Option<ConnectionId>,
    /// Who answered there, or who is said to be there.
    peer: Option<PeerId>,
    since: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Calls(BTreeMap<Multiaddr, Call>);

impl Calls {
    pub(super) fn add(&mut self, address: Multiaddr, why: Why, now: Instant) {
        if let Some(call) = self.0.get_mut(&address) {
            if why == Why::Kept {
                call.why = why;
            }
            return;
        }
        if why == Why::Found && self.found() >= MAX_FOUND && !self.give_way() {
            return;
        }
        let peer = address.iter().find_map(|part| match part {
            Protocol::P2p(peer) => Some(peer),
            _ => None,
        });
        let call = Call {
            why,
            pause: FIRST_PAUSE,
            failures: 0,
            next: now,
            dialling: None,
            peer,
            since: None,
        };
        self.0.insert(address, call);
    }

    /// Addresses that nobody asked for.
    pub(super) fn found(&self) -> usize {
        self.0.values().filter(|call| call.why == Why::Found).count()
    }

    /// Drops the found address that failed most often, if one did.
    fn give_way(&mut self) -> bool {
        let found = self
            .0
            .iter()
            .filter(|(_, call)| call.why == Why::Found && call.since.is_none());
        let worst = found.max_by_key(|(_, call)| call.failures);
        let Some(address) = worst
            .filter(|(_, call)| call.failures > 0)
            .map(|(address, _)| address.clone())
        else {
            return false;
        };
        self.0.remove(&address).is_some()
    }

    /// What to call now, each with its peer if that is known, where `outbound` conversations are led by our calls.
    pub(super) fn due(&self, now: Instant, outbound: usize) -> Vec<(Multiaddr, Option<PeerId>)> {
        let mut found = WANTED.saturating_sub(outbound + self.dialling_found());
        let idle = self
            .0
            .iter()
            .filter(|(_, call)| call.since.is_none() && call.dialling.is_none());
        let due = idle.filter(|(_, call)| call.next <= now);
        let mut due: Vec<_> = due.collect();
        // What was asked for comes first, then what failed least.
        due.sort_by_key(|(_, call)| (call.why == Why::Found, call.failures));
        due.retain(|(_, call)| match call.why {
            Why::Kept => true,
            Why::Found => {
                let room = found > 0;
                found = found.saturating_sub(1);
                room
            }
        });
        due.into_iter()
            .map(|(address, call)| (address.clone(), call.peer))
            .collect()
    }

    fn dialling_found(&self) -> usize {
        let dialling = |call: &&Call| call.why == Why::Found && call.dialling.is_some();
        self.0.values().filter(dialling).count()
    }

    /// Looks at an address again later: its peer is connected another way, or it cannot be called now.
    pub(super) fn postpone(&mut self, address: &Multiaddr, now: Instant) {
        if let Some(call) = self.0.get_mut(address) {
            call.next = now + call.pause;
        }
    }

    pub(super) fn dialling(&mut self, address: &Multiaddr, connection: ConnectionId) {
        if let Some(call) = self.0.get_mut(address) {
            call.dialling = Some(connection);
        }
    }

    /// A connection was made; the address, if it is one of ours.
    pub(super) fn answered(&mut self, connection: ConnectionId, peer: PeerId, now: Instant) -> Option<Multiaddr> {
        let (address, call) = self.0.iter_mut().find(|(_, call)| call.dialling == Some(connection))?;
        call.dialling = None;
        call.peer = Some(peer);
        call.since = Some(now);
        if call.why == Why::Kept {
            call.pause = FIRST_PAUSE;
        }
        Some(address.clone())
    }

    /// An address's peer is connected already, and spoken to from now on because of this call.
    pub(super) fn reached(&mut self, address: &Multiaddr, now: Instant) {
        if let Some(call) = self.0.get_mut(address) {
            call.since = Some(now);
        }
    }

    /// A connection could not be made; the address and the pause before the next try, if it is one of ours.
    pub(super) fn failed(&mut self, connection: ConnectionId, now: Instant) -> Option<(Multiaddr, Duration)> {
        let (address, call) = self.0.iter_mut().find(|(_, call)| call.dialling == Some(connection))?;
        call.dialling = None;
        let pause = call.pause;
        call.wait(now);
        Some((address.clone(), pause))
    }

    /// Whether one of our calls leads to this peer now.
    pub(super) fn leads_to(&self, peer: &PeerId) -> bool {
        self.0
            .values()
            .any(|call| call.since.is_some() && call.peer.as_ref() == Some(peer))
    }

    /// The last connection with a peer has ended.
    pub(super) fn closed(&mut self, peer: &PeerId, now: Instant) {
        for call in self.0.values_mut().filter(|call| call.peer.as_ref() == Some(peer)) {
            if let Some(since) = call.since.take() {
                if now.duration_since(since) >= GOOD {
                    (call.pause, call.failures) = (FIRST_PAUSE, 0);
                }
                call.wait(now);
            }
        }
    }

    /// Drops the addresses of a peer.
    pub(super) fn forget(&mut self, peer: &PeerId) -> Vec<Multiaddr> {
        let theirs = |_: &Multiaddr, call: &mut Call| call.peer.as_ref() == Some(peer);
        self.0.extract_if(.., theirs).map(|(address, _)| address).collect()
    }
}

impl Call {
    fn wait(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.next = now + self.pause;
        let most = match self.why {
            Why::Kept => MAX_PAUSE,
            Why::Found => MAX_PAUSE_FOUND,
        };
        self.pause = (self.pause * 2).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(at: usize) -> Multiaddr {
        format!("/ip4/8.8.{}.{}/tcp/9333/p2p/{}", at / 256, at % 256, PeerId::random())
            .parse()
            .unwrap()
    }

    fn connection(at: usize) -> ConnectionId {
        ConnectionId::new_unchecked(at)
    }

    #[test]
    fn found_addresses_are_called_while_there_is_room_and_kept_ones_always() {
        let (mut calls, now) = (Calls::default(), Instant::now());
        let kept = address(0);
        calls.add(kept.clone(), Why::Kept, now);
        (1..=20).for_each(|at| calls.add(address(at), Why::Found, now));
        let due = calls.due(now, 0);
        assert_eq!((due.len(), &due[0].0), (1 + WANTED, &kept));
        assert_eq!(calls.due(now, 6).len(), 3);
        assert_eq!(calls.due(now, 20).len(), 1);
        // Those that are being called count, too.
        for (at, (found, _)) in due[1..].iter().enumerate() {
            calls.dialling(found, connection(at));
        }
        assert_eq!(calls.due(now, 0).len(), 1);
    }

    #[test]
    fn who_does_not_answer_is_asked_ever_more_rarely() {
        let (mut calls, mut now) = (Calls::default(), Instant::now());
        for (why, most) in [(Why::Kept, 60), (Why::Found, 600)] {
            let one = address(why as usize);
            calls.add(one.clone(), why, now);
            let mut pauses = Vec::new();
            for at in 0..12 {
                assert!(calls.due(now, 0).iter().any(|(due, _)| *due == one));
                calls.dialling(&one, connection(at));
                let (failed, pause) = calls.failed(connection(at), now).unwrap();
                assert_eq!(failed, one);
                assert!(!calls.due(now + pause / 2, 0).iter().any(|(due, _)| *due == one));
                now += pause;
                pauses.push(pause.as_secs());
            }
            assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
            assert_eq!(pauses[11], most);
        }
    }

    #[test]
    fn a_found_peer_that_ends_at_once_is_no_better_than_one_that_is_silent() {
        let (mut calls, mut now) = (Calls::default(), Instant::now());
        let one = address(1);
        calls.add(one.clone(), Why::Found, now);
        let peer = calls.due(now, 0)[0].1.unwrap();
        let mut again = Vec::new();
        for (at, lasts) in [0, 0, 0, 61, 0].into_iter().enumerate() {
            calls.dialling(&one, connection(at));
            assert_eq!(calls.answered(connection(at), peer, now).as_ref(), Some(&one));
            assert!(calls.leads_to(&peer) && calls.due(now, 0).is_empty());
            now += Duration::from_secs(lasts);
            calls.closed(&peer, now);
            let ended = now;
            while calls.due(now, 0).is_empty() {
                now += Duration::from_secs(1);
            }
            again.push((now - ended).as_secs());
        }
        assert_eq!(again, [1, 2, 4, 1, 2]);
    }

    #[test]
    fn found_addresses_have_a_limit_and_those_that_fail_give_way() {
        let (mut calls, now) = (Calls::default(), Instant::now());
        let all: Vec<_> = (0..=MAX_FOUND).map(address).collect();
        all[..MAX_FOUND]
            .iter()
            .for_each(|one| calls.add(one.clone(), Why::Found, now));
        calls.add(all[MAX_FOUND].clone(), Why::Found, now);
        assert_eq!(
            (calls.found(), calls.0.contains_key(&all[MAX_FOUND])),
            (MAX_FOUND, false)
        );
        calls.dialling(&all[7], connection(7));
        calls.failed(connection(7), now).unwrap();
        calls.add(all[MAX_FOUND].clone(), Why::Found, now);
        assert_eq!(
            (calls.found(), calls.0.contains_key(&all[MAX_FOUND])),
            (MAX_FOUND, true)
        );
        assert!(!calls.0.contains_key(&all[7]));
    }

    #[test]
    fn what_is_forgotten_is_not_called() {
        let (mut calls, now) = (Calls::default(), Instant::now());
        let one = address(1);
        calls.add(one.clone(), Why::Kept, now);
        let peer = calls.due(now, 0)[0].1.unwrap();
        assert_eq!(calls.forget(&peer), [one]);
        assert!(calls.due(now, 0).is_empty());
    }
}
