//! While nothing can be written nothing is fetched: it would be dropped, and fetched again, for ever. What was learnt of peers
//! stays, and all goes on once there is room. Rule: docs/protocol.md#N6

use tally_node::StoreError;

use super::attempt::Ended;
use crate::session::state::Session;

/// Blocks remembered that were too long for the disk.
const MAX_TOO_LONG: usize = 64;

impl Session {
    /// Looks whether what would be fetched now could be kept; ends what is under way if not.
    pub(crate) fn can_store(&mut self) -> bool {
        let room = self.needs_room.is_none_or(|needed| self.node.has_room(needed));
        self.full = !room || self.node.cannot_store().is_some();
        if room {
            self.needs_room = None;
        }
        if self.full {
            self.full_since = self.full_since.or(Some(self.now));
        } else if let Some(since) = self.full_since.take() {
            let waited = self.now.saturating_sub(since);
            self.early.put_off(waited, self.now);
            if let Some(sync) = &mut self.checkpoint_sync {
                sync.put_off(waited);
            }
        }
        if self.full && !self.syncs.is_empty() {
            // No peer's fault: their sources are sent new requests later. Answers that still come are dropped.
            self.syncs.clear();
            self.drop_bodies();
        }
        !self.full
    }

    /// Remembers how much room it takes to go on with a checkpoint: less lets the node look ready, and the same write would
    /// fail again.
    pub(crate) fn note_room(&mut self, error: &StoreError) {
        if let StoreError::NoRoom { needed, .. } = error {
            self.needs_room = Some(*needed);
        }
    }

    /// Ends what waits for a block that was too long for the disk, while it is. It is not fetched again before; shorter blocks
    /// of other chains are.
    pub(crate) fn end_without_room(&mut self) {
        let Self {
            node, bodies, syncs, ..
        } = self;
        bodies.too_long.retain(|_, needed| !node.has_room(*needed));
        while bodies.too_long.len() > MAX_TOO_LONG {
            bodies.too_long.pop_first();
        }
        let stuck = syncs.iter().filter_map(|sync| {
            let needed = bodies.too_long.get(sync.plan.front()?)?;
            Some((sync.number, *needed))
        });
        let stuck: Vec<_> = stuck.collect();
        for (number, needed) in stuck {
            self.end_sync(number, Ended::NoRoom { needed });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::sync::Arc;

    use tally_chain::pow::{Search, Target};
    use tally_chain::{B256, BlockId, ChainSpec, Header, Height, UnixSecs};
    use tally_node::{Node, NodeConfig};

    use crate::session::{Output, PeerName, Session};
    use crate::wire::{Claim, Frame, Hello, Message, PROTOCOL_VERSION};

    /// So much is never free: no test has to fill a disk for this.
    const TOO_MUCH: u64 = u64::MAX;

    fn open(dir: &Path) -> Node {
        let spec = ChainSpec::built_in("test").unwrap();
        let now = UnixSecs(u64::from(spec.genesis_time) + 1_000);
        Node::open(NodeConfig::new(dir.to_owned(), spec), Arc::new(move || now)).unwrap()
    }

    /// Headers with work after genesis; `mark` makes them a chain of their own.
    fn chain(node: &Node, mark: u8, count: usize) -> Vec<Header> {
        let genesis = node.tip().record.header;
        let mut headers: Vec<Header> = Vec::new();
        for _ in 0..count {
            let parent = headers.last().copied().unwrap_or(genesis);
            let mut header = Header {
                version: 1,
                parent: parent.id(),
                manifest_root: B256::repeat_byte(mark),
                time: parent.time + 1,
                bits: parent.bits,
                nonce: 0,
            };
            let target = Target::from_bits(header.bits).unwrap();
            header.nonce = Search::new(&header, target).scan(0, 1 << 24).unwrap();
            headers.push(header);
        }
        headers
    }

    fn sends(network: &mut Session, name: &PeerName, request: u64, message: Message, now: u64) {
        let frame = Frame { request, message }.encode();
        network.received(name, &frame, now);
    }

    fn enters(network: &mut Session, name: &PeerName, headers: &[Header]) {
        let engine = network.node().spec().engine();
        let ours = network.node().tip().record.weight;
        let claim = Claim {
            tip: headers[headers.len() - 1].id(),
            height: Height(headers.len() as u64),
            weight: headers.iter().fold(ours, |sum, header| sum.plus(engine.weight(header))),
        };
        let hello = Hello {
            version: PROTOCOL_VERSION,
            genesis: network.node().identity().genesis,
            claim,
            first: Height(1),
            agent: "scripted".to_owned(),
        };
        network.connected(name.clone(), false, 0);
        sends(network, name, 0, Message::Hello(hello), 0);
    }

    /// Blocks that are requested in twenty seconds; none of them is sent.
    fn requested_blocks(network: &mut Session, chains: &[(PeerName, Vec<Header>); 2], begin: u64) -> BTreeSet<BlockId> {
        let block_bytes = network.node().spec().limits.block_bytes;
        let mut requested = BTreeSet::new();
        for now in (begin..begin + 20_000).step_by(500) {
            network.poll(now);
            let outputs: Vec<_> = network.outputs().collect();
            for output in outputs {
                let Output::Send { peer, frame } = output else {
                    panic!("{output:?}")
                };
                let Frame { request, message } = Frame::decode(&frame, block_bytes).unwrap();
                let (_, headers) = chains.iter().find(|(name, _)| *name == peer).unwrap();
                match message {
                    Message::Ping => sends(network, &peer, request, Message::Pong, now),
                    Message::GetHeaders { .. } => {
                        sends(network, &peer, request, Message::Headers(headers.clone()), now);
                    }
                    Message::GetBlocks(ids) => requested.extend(ids),
                    _ => {}
                }
            }
        }
        requested
    }

    #[test]
    fn a_block_that_is_too_long_for_the_disk_keeps_no_shorter_one_of_another_chain_out() {
        let dir = tempfile::tempdir().unwrap();
        let node = open(dir.path());
        let mut network = Session::new(node.clone(), "own");
        let chains = [
            (PeerName::from("long"), chain(&node, 1, 3)),
            (PeerName::from("short"), chain(&node, 2, 2)),
        ];
        for (name, headers) in &chains {
            enters(&mut network, name, headers);
        }
        let [long, short] = [chains[0].1[0].id(), chains[1].1[0].id()];
        // It came, and could not be stored.
        network.bodies.too_long.insert(long, TOO_MUCH);
        let before = requested_blocks(&mut network, &chains, 1_000);
        assert!(before.contains(&short) && !before.contains(&long), "{before:?}");
        // There is room again.
        network.bodies.too_long.clear();
        let after = requested_blocks(&mut network, &chains, 21_000);
        assert!(after.contains(&long), "{after:?}");
        assert!(network.peers().all(|peer| peer.score == 0));
    }
}
