//! Transactions that peers announced and this node lacks: who has them, who gets the request, and who yields where there are
//! too many. Rule: docs/protocol.md#N7

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tally_chain::TxId;

use crate::session::name::PeerName;
use crate::wire::limits::{MAX_WANTED, REQUEST_NEXT_MS};

/// Peers remembered of those who announced one transaction.
pub(super) const MAX_HOLDERS: usize = 6;

/// The order in which announcements came: transactions of one sender are requested in that order, which is that of their
/// nonces.
type Turn = u64;

#[derive(Debug)]
struct Entry {
    turn: Turn,
    /// When it was first announced, milliseconds.
    since: u64,
    /// Since when the first of its holders is the first.
    turned: u64,
    /// Who has it; the entry counts against the first, which gets the request.
    holders: VecDeque<PeerName>,
    /// When the request was sent to the first.
    requested: Option<u64>,
}

/// At most [`MAX_WANTED`] transactions. One peer may use all of that while no other needs it, and none more than a fair
/// share when others do: made-up ids keep out no true ones. Shares are of names, and not of ranges as those of payments that wait
/// for a block: a share ends with its peer's conversation, so a range has no more of them than inbound slots (N11).
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    entries: BTreeMap<TxId, Entry>,
    /// What counts against each peer, in the order in which it came.
    shares: BTreeMap<PeerName, BTreeSet<(Turn, TxId)>>,
    /// Ids with no open request, by the peer that is next to be sent one.
    unrequested: BTreeMap<PeerName, BTreeSet<(Turn, TxId)>>,
    turn: Turn,
    /// When the entries were last searched for requests that take too long.
    looked: u64,
}

impl Wanted {
    #[cfg(test)]
    fn contains(&self, id: &TxId) -> bool {
        self.entries.contains_key(id)
    }

    /// A peer has a transaction. A peer that is `proven` takes the place of the last one of too many holders.
    pub(crate) fn announced(&mut self, name: &PeerName, id: TxId, proven: bool, now: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            if entry.holders.contains(name) {
                return;
            }
            if entry.holders.len() == MAX_HOLDERS {
                if !proven {
                    return;
                }
                entry.holders.pop_back();
            }
            entry.holders.push_back(name.clone());
            return;
        }
        if self.entries.len() >= MAX_WANTED && !self.make_room(name, now) {
            return;
        }
        self.turn += 1;
        let turn = self.turn;
        let entry = Entry {
            turn,
            since: now,
            turned: now,
            holders: VecDeque::from([name.clone()]),
            requested: None,
        };
        self.entries.insert(id, entry);
        self.count(name, (turn, id));
    }

    /// Lets go of the newest entry of the peer that has most, unless that is `name`; returns whether there is room now.
    fn make_room(&mut self, name: &PeerName, now: u64) -> bool {
        let own = self.shares.get(name).map_or(0, BTreeSet::len);
        // An entry that others announced, too, moves to their share instead: a few steps find one that does not.
        for _ in 0..8 {
            let greatest = self.shares.iter().max_by_key(|(_, share)| share.len());
            let Some((_, share)) = greatest.filter(|(_, share)| share.len() > own + 1) else {
                return false;
            };
            let Some((_, id)) = share.last().copied() else {
                return false;
            };
            if !self.next_holder(&id, now) {
                return true;
            }
        }
        false
    }

    /// Goes on to the next peer that has a transaction; without one it is not wanted any more. Returns whether it still is.
    fn next_holder(&mut self, id: &TxId, now: u64) -> bool {
        let Some(entry) = self.entries.get_mut(id) else {
            return false;
        };
        let key = (entry.turn, *id);
        if let Some(last) = entry.holders.pop_front() {
            self.uncount(&last, key);
        }
        let Some(entry) = self.entries.get_mut(id) else {
            return false;
        };
        (entry.requested, entry.turned) = (None, now);
        match entry.holders.front().cloned() {
            Some(next) => {
                self.count(&next, key);
                true
            }
            None => {
                self.entries.remove(id);
                false
            }
        }
    }

    /// An entry counts against a peer now, which is to get the request.
    fn count(&mut self, name: &PeerName, key: (Turn, TxId)) {
        for set in [&mut self.shares, &mut self.unrequested] {
            set.entry(name.clone()).or_default().insert(key);
        }
    }

    fn uncount(&mut self, name: &PeerName, key: (Turn, TxId)) {
        for sets in [&mut self.shares, &mut self.unrequested] {
            if let Some(set) = sets.get_mut(name) {
                set.remove(&key);
                if set.is_empty() {
                    sets.remove(name);
                }
            }
        }
    }

    /// The transaction is here, or not wanted any more; the moment at which it was first announced, and who has it.
    pub(crate) fn remove(&mut self, id: &TxId) -> Option<(u64, VecDeque<PeerName>)> {
        let entry = self.entries.remove(id)?;
        if let Some(holder) = entry.holders.front() {
            self.uncount(holder, (entry.turn, *id));
        }
        Some((entry.since, entry.holders))
    }

    /// A peer did not send these; others get the request.
    pub(crate) fn missing(&mut self, name: &PeerName, ids: &[TxId], now: u64) {
        for id in ids {
            let requested = self
                .entries
                .get(id)
                .is_some_and(|entry| entry.requested.is_some() && entry.holders.front() == Some(name));
            if requested {
                self.next_holder(id, now);
            }
        }
    }

    /// A peer is gone.
    pub(crate) fn forget(&mut self, name: &PeerName, now: u64) {
        let share = self.shares.remove(name).unwrap_or_default();
        self.unrequested.remove(name);
        share.iter().for_each(|(_, id)| {
            self.next_holder(id, now);
        });
    }

    /// What is to be requested now, and from which peer, in the order of the announcements; of each peer as many as there is
    /// `room` for; none where it is gone.
    pub(crate) fn due(&mut self, room: impl Fn(&PeerName) -> Option<usize>, now: u64) -> BTreeMap<PeerName, Vec<TxId>> {
        self.give_up_waiting(now);
        while let Some(gone) = self.unrequested.keys().find(|name| room(name).is_none()).cloned() {
            self.forget(&gone, now);
        }
        let mut requests = BTreeMap::new();
        let names: Vec<_> = self.unrequested.keys().cloned().collect();
        for name in names {
            let ids = self.take_unrequested(&name, room(&name).unwrap_or(0), now);
            if !ids.is_empty() {
                requests.insert(name, ids);
            }
        }
        requests
    }

    /// The next to request from a peer, `most` of them.
    fn take_unrequested(&mut self, name: &PeerName, most: usize, now: u64) -> Vec<TxId> {
        let mut ids = Vec::new();
        let Some(unrequested) = self.unrequested.get_mut(name) else {
            return ids;
        };
        while ids.len() < most
            && let Some((_, id)) = unrequested.pop_first()
        {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.requested = Some(now);
                ids.push(id);
            }
        }
        if unrequested.is_empty() {
            self.unrequested.remove(name);
        }
        ids
    }

    /// Where another peer has it, a slow peer is not waited for, whether it was sent the request or has too much to answer
    /// already: what it sends is still taken when it comes.
    fn give_up_waiting(&mut self, now: u64) {
        if now < self.looked + REQUEST_NEXT_MS / 3 {
            return;
        }
        self.looked = now;
        let slow = self.entries.iter().filter(|(_, entry)| {
            let since = entry.requested.unwrap_or(entry.turned);
            entry.holders.len() > 1 && since + REQUEST_NEXT_MS <= now
        });
        let slow: Vec<_> = slow.map(|(id, _)| *id).collect();
        slow.iter().for_each(|id| {
            self.next_holder(id, now);
        });
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::B256;

    use super::*;

    fn id(of: u8, number: usize) -> TxId {
        let mut bytes = [0; 32];
        bytes[0] = of;
        bytes[24..].copy_from_slice(&number.to_be_bytes());
        TxId(B256::new(bytes))
    }

    fn names() -> [PeerName; 3] {
        ["greedy", "honest", "other"].map(PeerName::from)
    }

    fn all(_: &PeerName) -> Option<usize> {
        Some(usize::MAX)
    }

    #[test]
    fn one_peer_may_use_all_of_it_and_yields_to_others() {
        let ([greedy, honest, _], mut wanted) = (names(), Wanted::default());
        (0..MAX_WANTED + 10).for_each(|number| wanted.announced(&greedy, id(1, number), false, 0));
        assert_eq!(wanted.len(), MAX_WANTED);
        // Requested or not: what is held back by silence yields, too.
        assert_eq!(wanted.due(all, 0)[&greedy].len(), MAX_WANTED);
        (0..1_000).for_each(|number| wanted.announced(&honest, id(2, number), false, 1));
        assert_eq!(wanted.len(), MAX_WANTED);
        assert_eq!(wanted.shares[&honest].len(), 1_000);
        let requested = wanted.due(all, 2);
        assert_eq!(requested.keys().collect::<Vec<_>>(), [&honest]);
        assert_eq!(
            requested[&honest],
            (0..1_000).map(|number| id(2, number)).collect::<Vec<_>>()
        );
        // Half each, and none more.
        (0..MAX_WANTED).for_each(|number| wanted.announced(&honest, id(2, number), false, 3));
        assert_eq!(wanted.shares[&honest].len(), wanted.shares[&greedy].len());
    }

    #[test]
    fn what_yields_is_taken_from_the_next_peer_that_announces_it() {
        let ([greedy, honest, other], mut wanted) = (names(), Wanted::default());
        (0..MAX_WANTED).for_each(|number| wanted.announced(&greedy, id(1, number), false, 0));
        let last = id(1, MAX_WANTED - 1);
        wanted.announced(&honest, id(2, 0), false, 1);
        assert!(!wanted.contains(&last));
        wanted.announced(&other, last, false, 2);
        assert!(wanted.contains(&last));
        assert_eq!(wanted.due(all, 2)[&other], [last]);
    }

    #[test]
    fn a_slow_peer_is_not_waited_for_where_another_has_it() {
        let ([slow, honest, _], mut wanted) = (names(), Wanted::default());
        wanted.announced(&slow, id(1, 0), false, 0);
        wanted.announced(&slow, id(1, 1), false, 0);
        wanted.announced(&honest, id(1, 0), false, 0);
        assert_eq!(wanted.due(all, 0)[&slow], [id(1, 0), id(1, 1)]);
        assert!(wanted.due(all, REQUEST_NEXT_MS - 1).is_empty());
        let requested = wanted.due(all, 2 * REQUEST_NEXT_MS);
        assert_eq!((requested.len(), &requested[&honest][..]), (1, &[id(1, 0)][..]));
        // The slow one answers in the end, with nothing: the other still gets the request.
        wanted.missing(&slow, &[id(1, 0), id(1, 1)], 7_000);
        assert!(wanted.contains(&id(1, 0)) && !wanted.contains(&id(1, 1)));
        wanted.missing(&honest, &[id(1, 0)], 7_000);
        assert_eq!((wanted.len(), wanted.shares.len(), wanted.unrequested.len()), (0, 0, 0));
    }

    #[test]
    fn of_one_peer_no_more_is_requested_than_there_is_room_for() {
        let ([busy, other, _], mut wanted) = (names(), Wanted::default());
        (0..10).for_each(|number| wanted.announced(&busy, id(1, number), false, 0));
        wanted.announced(&other, id(1, 7), false, 0);
        let room = |name: &PeerName| Some(if *name == busy { 4 } else { 100 });
        let first: Vec<_> = (0..4).map(|number| id(1, number)).collect();
        assert_eq!(wanted.due(room, 0), BTreeMap::from([(busy.clone(), first)]));
        assert!(wanted.due(|_| Some(0), 1).is_empty());
        // Another one has what still waits for the busy one.
        let room = |name: &PeerName| Some(if *name == busy { 0 } else { 100 });
        assert_eq!(wanted.due(room, REQUEST_NEXT_MS)[&other], [id(1, 7)]);
        let rest: Vec<_> = [4, 5, 6, 8, 9].map(|number| id(1, number)).to_vec();
        assert_eq!(wanted.due(all, REQUEST_NEXT_MS)[&busy], rest);
    }

    #[test]
    fn many_false_holders_do_not_hide_a_proven_one() {
        let ([_, honest, _], mut wanted) = (names(), Wanted::default());
        (0..MAX_HOLDERS)
            .for_each(|number| wanted.announced(&format!("false-{number}").as_str().into(), id(1, 0), false, 0));
        wanted.announced(&honest, id(1, 0), true, 0);
        assert!(wanted.entries[&id(1, 0)].holders.contains(&honest));
    }

    #[test]
    fn a_peer_that_is_gone_gets_no_request() {
        let ([gone, honest, other], mut wanted) = (names(), Wanted::default());
        wanted.announced(&gone, id(1, 0), false, 0);
        wanted.announced(&other, id(1, 0), false, 0);
        wanted.announced(&honest, id(1, 0), false, 0);
        wanted.announced(&gone, id(1, 1), false, 0);
        wanted.forget(&gone, 0);
        assert!(!wanted.contains(&id(1, 1)));
        assert_eq!(wanted.due(|name| (*name != other).then_some(9), 0)[&honest], [id(1, 0)]);
        assert_eq!(wanted.remove(&id(1, 0)), Some((0, VecDeque::from([honest]))));
        assert!(wanted.shares.is_empty() && wanted.unrequested.is_empty());
    }
}
