//! Where a peer says that it can be dialled, on real sockets: where nobody has seen it, nobody has answered.
//! Rule: docs/protocol.md#N10

mod support;

use std::path::Path;
use std::time::Duration;

use support::clock;
use tally_node::{Multiaddr, Node, P2pConfig};

/// Of another range than the one from which it comes; nobody dials it while its peer is connected.
const ELSEWHERE: &str = "/ip4/8.8.8.8/tcp/9333";

async fn join(node: &Node, folder: &Path, peers: Vec<Multiaddr>, announce: Vec<Multiaddr>) {
    let config = P2pConfig {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        discover: true,
        peers,
        announce,
        folder: folder.join("network"),
        ..P2pConfig::default()
    };
    node.join(config, "test").await.unwrap();
}

#[test]
fn what_a_connected_peer_says_of_another_host_counts_as_no_answer() {
    let (dirs, clock) = ([(); 2].map(|()| tempfile::tempdir().unwrap()), clock());
    let [victim, claimant] = dirs.each_ref().map(|dir| support::open(dir.path(), &clock).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        join(&victim, dirs[0].path(), Vec::new(), Vec::new()).await;
        let ours = victim.network().unwrap();
        let (address, elsewhere) = (ours.addresses()[0].clone(), ELSEWHERE.parse().unwrap());
        join(&claimant, dirs[1].path(), vec![address], vec![elsewhere]).await;
        let begun = std::time::Instant::now();
        while ours.status().found.addresses == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not told of");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // It is drawn at once, and what answered is written within two seconds.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(ours.status().peers.len(), 1, "they are connected");
        let kept = std::fs::read_to_string(dirs[0].path().join("network/peers")).unwrap_or_default();
        assert!(!kept.contains(ELSEWHERE), "{kept}");
        ours.stop().await;
        claimant.network().unwrap().stop().await;
    });
}
