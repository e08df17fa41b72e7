//! What a peer may send and is sent, over all its conversations together: one that comes again has what was left, so
//! that neither another substream nor another connection renews anything. Rule: docs/protocol.md#N8

use std::collections::BTreeMap;

use super::budget::Budget;
use super::name::PeerName;
use crate::session::peers::range::{Host, Origin};
use crate::session::peers::slots::SlotError;
use crate::wire::limits::{
    ANNOUNCE_A_SECOND, ANNOUNCE_AT_ONCE, ANNOUNCE_IDS_A_SECOND, ANNOUNCE_IDS_AT_ONCE, BEGIN_SECS, BEGINNINGS_AT_ONCE,
    IDS_A_SECOND, IDS_AT_ONCE, MAX_BANS, MESSAGES_A_SECOND, MESSAGES_AT_ONCE, REQUESTS_A_SECOND, REQUESTS_AT_ONCE,
};

/// Budgets of one peer. This node sends less than it grants, so that no honest peer is over the limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// What it may send unrequested.
    pub(crate) messages: Budget,
    pub(crate) ids: Budget,
    /// What this node sends it.
    pub(crate) announcing: Budget,
    pub(crate) announcing_ids: Budget,
    /// Requests for blocks to it.
    pub(crate) requesting: Budget,
}

impl Rates {
    pub(crate) fn new(now: u64) -> Self {
        Self {
            messages: Budget::new(MESSAGES_A_SECOND, MESSAGES_AT_ONCE, now),
            ids: Budget::new(IDS_A_SECOND, IDS_AT_ONCE, now),
            announcing: Budget::new(ANNOUNCE_A_SECOND, ANNOUNCE_AT_ONCE, now),
            announcing_ids: Budget::new(ANNOUNCE_IDS_A_SECOND, ANNOUNCE_IDS_AT_ONCE, now),
            requesting: Budget::new(REQUESTS_A_SECOND, REQUESTS_AT_ONCE, now),
        }
    }

    /// Whether the peer may be sent an inventory of so many ids now; if so, that counts. What is not sent costs nothing.
    pub(crate) fn may_announce(&mut self, ids: u64, now: u64) -> bool {
        self.announcing_ids.has(ids, now) && self.announcing.spend(1, now) && self.announcing_ids.spend(ids, now)
    }

    /// Whether they are as good as new ones.
    fn are_whole(&self, now: u64) -> bool {
        let all = [
            self.messages,
            self.ids,
            self.announcing,
            self.announcing_ids,
            self.requesting,
        ];
        all.iter().all(|budget| budget.is_whole(now))
    }
}

/// Budgets of peers that are gone, and of hosts that peers came from, until they are as good as new ones: three
/// minutes at most.
#[derive(Debug, Default)]
pub(crate) struct KeptRates {
    /// Each with the moment at which its conversation ended, milliseconds.
    peers: BTreeMap<PeerName, (u64, Rates)>,
    /// Each with the moment at which its last conversation began, milliseconds.
    hosts: BTreeMap<Host, (u64, Budget)>,
    /// When to look at them again, milliseconds: a look takes time for each, and turns come with every message.
    prune_after: u64,
}

/// Milliseconds between two looks.
const PRUNE_MS: u64 = 1_000;

impl KeptRates {
    pub(crate) fn keep(&mut self, name: &PeerName, rates: Rates, now: u64) {
        self.peers.insert(name.clone(), (now, rates));
    }

    /// What a peer has that comes, or comes again.
    pub(crate) fn take(&mut self, name: &PeerName, now: u64) -> Rates {
        let kept = self.peers.remove(name);
        kept.map_or_else(|| Rates::new(now), |(_, rates)| rates)
    }

    /// Counts an inbound conversation for the host that it comes from: names cost nothing, so a new name for each would
    /// renew everything as well. No offence: behind one address there may be many.
    pub(crate) fn begin(&mut self, origin: &Origin, now: u64) -> Result<(), SlotError> {
        // What the operator named is not limited by its address.
        let Some(host) = origin.host().filter(|_| !origin.configured) else {
            return Ok(());
        };
        let full = || Budget::new(1, BEGINNINGS_AT_ONCE * BEGIN_SECS, now);
        let (last, budget) = self.hosts.entry(host).or_insert_with(|| (now, full()));
        *last = now;
        match budget.spend(BEGIN_SECS, now) {
            true => Ok(()),
            false => Err(SlotError::TooOften { host, secs: BEGIN_SECS }),
        }
    }

    /// Forgets what is as good as new; of more than may be kept, the oldest.
    pub(crate) fn prune(&mut self, now: u64) {
        if now < self.prune_after {
            return;
        }
        self.prune_after = now + PRUNE_MS;
        self.peers.retain(|_, (_, rates)| !rates.are_whole(now));
        self.hosts.retain(|_, (_, budget)| !budget.is_whole(now));
        drop_oldest(&mut self.peers);
        drop_oldest(&mut self.hosts);
    }
}

fn drop_oldest<K: Ord + Clone, V>(kept: &mut BTreeMap<K, (u64, V)>) {
    while kept.len() > MAX_BANS {
        let oldest = kept.iter().min_by_key(|(_, (since, _))| *since);
        let Some(key) = oldest.map(|(key, _)| key.clone()) else {
            return;
        };
        kept.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host: &str) -> Origin {
        Origin {
            host: Some(host.parse().unwrap()),
            ..Origin::default()
        }
    }

    #[test]
    fn a_node_that_fetches_small_blocks_as_fast_as_it_may_requests_no_more_than_it_is_granted() {
        let (mut sends, mut grants) = (Rates::new(0), Rates::new(0));
        let mut requested = 0;
        for now in 0..600_000 {
            for budget in [&mut sends.requesting, &mut sends.announcing] {
                if budget.left(now) > 0 && budget.spend(1, now) {
                    assert!(grants.messages.spend(1, now), "{requested} messages after {now} ms");
                    requested += 1;
                }
            }
        }
        assert!(
            requested > REQUESTS_AT_ONCE + 600 * REQUESTS_A_SECOND / 2,
            "{requested}"
        );
    }

    #[test]
    fn an_inventory_that_is_not_sent_costs_nothing() {
        let mut rates = Rates::new(0);
        assert!(rates.announcing.spend(ANNOUNCE_AT_ONCE, 0));
        assert!(!rates.may_announce(1_000, 0));
        assert_eq!(rates.announcing_ids.left(0), ANNOUNCE_IDS_AT_ONCE);
        let mut rates = Rates::new(0);
        assert!(rates.announcing_ids.spend(ANNOUNCE_IDS_AT_ONCE, 0));
        assert!(!rates.may_announce(1_000, 0));
        assert_eq!(rates.announcing.left(0), ANNOUNCE_AT_ONCE);
    }

    #[test]
    fn a_peer_that_comes_again_has_what_was_left_until_it_is_whole() {
        let (mut kept, name) = (KeptRates::default(), PeerName::from("a"));
        let mut rates = kept.take(&name, 0);
        assert!(rates.messages.spend(MESSAGES_AT_ONCE, 0));
        kept.keep(&name, rates, 0);
        kept.prune(1_000);
        let mut rates = kept.take(&name, 1_000);
        assert!(rates.messages.spend(MESSAGES_A_SECOND, 1_000));
        assert!(
            !rates.messages.spend(1, 1_000),
            "a second brings no more than a second's"
        );
        kept.keep(&name, rates, 1_000);
        kept.prune(200_000);
        assert!(kept.peers.is_empty(), "nothing is left to remember");
    }

    #[test]
    fn a_host_begins_as_many_conversations_as_it_may_and_others_are_not_concerned() {
        let (mut kept, noisy) = (KeptRates::default(), origin("8.8.8.8"));
        for _ in 0..BEGINNINGS_AT_ONCE {
            assert_eq!(kept.begin(&noisy, 0), Ok(()));
        }
        let error = kept.begin(&noisy, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "8.8.8.8/32 has begun too many conversations: one every 5 s is taken"
        );
        assert_eq!(kept.begin(&origin("8.8.8.9"), 0), Ok(()));
        let exempt = Origin { exempt: true, ..noisy };
        let configured = Origin {
            configured: true,
            ..noisy
        };
        assert_eq!((kept.begin(&exempt, 0), kept.begin(&configured, 0)), (Ok(()), Ok(())));
        kept.prune(5_000);
        assert_eq!(kept.begin(&noisy, 5_000), Ok(()));
        assert_eq!(kept.begin(&noisy, 5_000), Err(error));
    }

    #[test]
    fn what_is_kept_has_a_limit_and_the_oldest_goes_first() {
        let mut kept = KeptRates::default();
        for at in 0..=MAX_BANS as u64 {
            let mut rates = Rates::new(at);
            assert!(rates.messages.spend(MESSAGES_AT_ONCE, at));
            kept.keep(&PeerName(format!("peer-{at:06}")), rates, at);
        }
        kept.prune(MAX_BANS as u64);
        assert_eq!(kept.peers.len(), MAX_BANS);
        assert!(!kept.peers.contains_key(&PeerName::from("peer-000000")));
    }
}
