//! Where a peer claims that it can be dialled, on real sockets: where no peer was seen at it, none has answered.
//! Rule: docs/protocol.md#N10

mod support;

use std::path::Path;
use std::time::Duration;

use support::clock;
use tally_network::{Multiaddr, Network, NetworkConfig};
use tally_node::{Node, NodeConfig};

/// Of another range than the one from which it comes; no node dials it while its peer is connected.
const ELSEWHERE: &str = "/ip4/8.8.8.8/tcp/9333";

async fn join(node: &Node, folder: &Path, peers: Vec<Multiaddr>, announce: Vec<Multiaddr>) -> Network {
    let config = NetworkConfig {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        discover: true,
        peers,
        announce,
        folder: folder.join("network"),
        ..NetworkConfig::default()
    };
    Network::start(node.clone(), config, "test").await.unwrap()
}

#[test]
fn what_a_connected_peer_claims_of_another_host_counts_as_no_answer() {
    let (dirs, clock) = ([(); 2].map(|()| tempfile::tempdir().unwrap()), clock());
    let [victim, claimant] = dirs.each_ref().map(|dir| support::open(dir.path(), &clock).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ours = join(&victim, dirs[0].path(), Vec::new(), Vec::new()).await;
        let (address, elsewhere) = (ours.addresses()[0].clone(), ELSEWHERE.parse().unwrap());
        let theirs = join(&claimant, dirs[1].path(), vec![address], vec![elsewhere]).await;
        let begun = std::time::Instant::now();
        while ours.status().found.addresses == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not announced");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // It is drawn at once, and what answered is written within two seconds.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(ours.status().peers.len(), 1, "they are connected");
        let kept = std::fs::read_to_string(dirs[0].path().join("network/peers")).unwrap_or_default();
        assert!(!kept.contains(ELSEWHERE), "{kept}");
        ours.stop().await;
        theirs.stop().await;
    });
}

/// The transport shows the name of the peer at an address, and not whether that is a node of this chain.
#[test]
fn a_node_of_another_chain_has_not_answered() {
    let (dirs, clock) = ([(); 3].map(|()| tempfile::tempdir().unwrap()), clock());
    let [node, own] = [0, 1].map(|at| support::open(dirs[at].path(), &clock).unwrap());
    let mut another = support::spec();
    another.genesis_time += 1;
    let foreign = Node::open(NodeConfig::new(dirs[2].path().to_owned(), another), clock.clock()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let address = |network: &Network| network.addresses()[0].clone();
        let own = join(&own, dirs[1].path(), Vec::new(), Vec::new()).await;
        let foreign = join(&foreign, dirs[2].path(), Vec::new(), Vec::new()).await;
        let seeker = join(&node, dirs[0].path(), vec![address(&foreign)], Vec::new()).await;
        let begun = std::time::Instant::now();
        // Either side may be the first to see it, and then ends the conversation.
        let seen = || {
            let counts = [&seeker, &foreign].map(|network| {
                let counters = network.status().counters;
                counters.offences.get("wrong_genesis").copied().unwrap_or(0)
            });
            counts.iter().sum::<u64>()
        };
        while seen() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "they do not meet");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        seeker.add(address(&own)).await;
        // All that answered is written together.
        let kept = || std::fs::read_to_string(dirs[0].path().join("network/peers")).unwrap_or_default();
        while !kept().contains(&address(&own).to_string()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", kept());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(!kept().contains(&address(&foreign).to_string()), "{}", kept());
        for network in [&seeker, &own, &foreign] {
            network.stop().await;
        }
    });
}
