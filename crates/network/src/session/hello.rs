//! The first message of both sides, and later tips. Rule: docs/protocol.md#N3

use tally_chain::Height;

use super::name::PeerName;
use super::offence::Offence;
use super::peer::Peer;
use super::state::Session;
use crate::wire::{Claim, Hello, Message, OLDEST_VERSION, PROTOCOL_VERSION};

impl Session {
    /// A peer sends hello.
    pub(crate) fn hello(&mut self, name: &PeerName, hello: Hello) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if peer.ready() {
            return self.offend(name, Offence::Unrequested);
        }
        let (found, expected) = (hello.genesis, self.node.identity().genesis);
        if found != expected {
            return self.offend(name, Offence::WrongGenesis { found, expected });
        }
        let (found, expected) = (hello.version, PROTOCOL_VERSION);
        if !(OLDEST_VERSION..=PROTOCOL_VERSION).contains(&found) {
            return self.offend(name, Offence::WrongVersion { found, expected });
        }
        tracing::info!(peer = %name, agent = hello.agent, height = %hello.claim.height, "handshake complete");
        peer.version = hello.version;
        peer.agent = hello.agent;
        peer.claim = Some(hello.claim);
        peer.first = hello.first;
        let hello_tip = peer.hello_tip;
        // First of all, so that its clock is known before its blocks are checked: docs/protocol.md#N13
        self.ping(name);
        let claim = self.own_claim();
        if claim.tip != hello_tip {
            // Ours has moved since our hello, and nothing is sent to a peer before its own hello.
            self.send_tip(name, claim);
        }
        self.offer_pool(name);
    }

    /// Whether a peer is connected and has sent hello as a node of this chain.
    pub fn is_greeted(&self, name: &PeerName) -> bool {
        self.peers.get(name).is_some_and(Peer::ready)
    }

    /// Sends the end of this node's chain.
    pub(crate) fn send_tip(&mut self, name: &PeerName, claim: Claim) {
        let first = self.first();
        if let Some(peer) = self.peers.get_mut(name) {
            peer.sent_weight = peer.sent_weight.max(claim.weight);
        }
        self.send(name, 0, Message::Tip { claim, first });
    }

    /// The lowest block that this node serves.
    pub(crate) fn first(&self) -> Height {
        let tip = self.node.tip();
        // Where that cannot be read now, nothing is promised but what comes after the tip.
        let base = tip.snapshot.base().unwrap_or(tip.record.height());
        base.next()
    }

    /// This node's claim about its own chain.
    pub(crate) fn own_claim(&self) -> Claim {
        let tip = self.node.tip();
        Claim {
            tip: tip.record.id,
            height: tip.record.height(),
            weight: tip.record.weight,
        }
    }
}
