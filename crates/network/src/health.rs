//! Whether a node can do its work, with what its peers show: the one answer behind `/readyz`, the pages and the API.

use tally_chain::Height;
use tally_node::{ClockReading, Health, NetworkFindings, Node};

use crate::session::PeerStatus;
use crate::transport::NetworkStatus;

/// Whether `node` can do its work now, and why not; `network`: the state of its network, where it has one. Cheap: it sends no
/// peer and reads no disk.
pub fn health(node: &Node, network: Option<&NetworkStatus>) -> Health {
    network.map_or_else(
        || node.health(),
        |status| node.health_with(&findings(status, node.clock_allowance())),
    )
}

/// `allowance`: seconds that a block's time may be ahead. Rule: docs/protocol.md#B4
fn findings(status: &NetworkStatus, allowance: u64) -> NetworkFindings {
    NetworkFindings {
        best: Some(Height(status.best_height)),
        headers: status.sync.as_ref().and_then(|sync| sync.headers),
        clock: status
            .clock
            .and_then(|reading| held_up(reading, allowance, &status.peers)),
        heavier_fork: status.heavier_fork.as_ref().map(|fork| (fork.height, fork.base)),
    }
}

/// A clock that is off by the times of too few peers to pause the miner, and that keeps this node from a chain: a peer's next
/// block, whose work is checked, is ahead of it. To show that costs work.
fn held_up(reading: ClockReading, allowance: u64, peers: &[PeerStatus]) -> Option<ClockReading> {
    let behind = reading.offset_secs < 0 && reading.is_off(allowance);
    (behind && peers.iter().any(|peer| peer.ahead_secs.is_some())).then_some(reading)
}

#[cfg(test)]
mod tests {
    use tally_chain::{BlockId, Weight};

    use super::*;
    use crate::session::{HeavierFork, PeerName, SyncStatus, Traffic};

    fn peer(ahead_secs: Option<u64>) -> PeerStatus {
        PeerStatus {
            name: PeerName("a".to_owned()),
            outbound: true,
            connected_secs: 9,
            height: Some(Height(90)),
            agent: String::new(),
            latency_ms: None,
            clock_offset_secs: Some(-300),
            score: 0,
            ahead_secs,
            traffic: Traffic::default(),
        }
    }

    #[test]
    fn a_clock_that_one_peer_shows_to_be_wrong_counts_where_it_keeps_the_node_from_a_chain() {
        let reading = |offset_secs| ClockReading {
            offset_secs,
            peers: 1,
            chosen: false,
        };
        let (behind, ahead) = (reading(-300), reading(300));
        assert_eq!(held_up(behind, 12, &[peer(None), peer(Some(278))]), Some(behind));
        assert_eq!(held_up(behind, 12, &[peer(None)]), None, "nothing is waited for");
        assert_eq!(held_up(behind, 12, &[]), None);
        assert_eq!(
            held_up(behind, 300, &[peer(Some(278))]),
            None,
            "within what blocks may be ahead"
        );
        assert_eq!(
            held_up(ahead, 12, &[peer(Some(278))]),
            None,
            "the block is ahead of the peers, too"
        );
    }

    #[test]
    fn a_node_learns_of_its_network_what_was_checked_and_nothing_else() {
        let sync = SyncStatus {
            source: "a".into(),
            headers: Some(Height(40)),
            blocks_left: 7,
            blocks_done: 0,
            transactions_done: 0,
            parts: None,
            millis: 5,
        };
        let fork = HeavierFork {
            peer: "a".into(),
            tip: BlockId::default(),
            height: Height(9),
            weight: Weight::default(),
            base: Height(4),
        };
        let status = NetworkStatus {
            best_height: 90,
            sync: Some(sync),
            heavier_fork: Some(fork),
            ..NetworkStatus::default()
        };
        let expected = NetworkFindings {
            best: Some(Height(90)),
            headers: Some(Height(40)),
            clock: None,
            heavier_fork: Some((Height(9), Height(4))),
        };
        assert_eq!(findings(&status, 12), expected);
        let nothing = NetworkFindings {
            best: Some(Height(0)),
            ..NetworkFindings::default()
        };
        assert_eq!(findings(&NetworkStatus::default(), 12), nothing);
    }
}
