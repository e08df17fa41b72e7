//! Feelers: dials only to see whether a node of this chain is at an address. Rule: docs/protocol.md#N10

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use super::SwarmTask;
use crate::session::peers::book::with_name;

/// Milliseconds in which a feeler's other end has to identify itself.
pub(super) const FEELING_MS: u64 = 20_000;

/// A feeler that was answered, by a peer that is not known yet.
pub(super) struct Feeling {
    pub(super) connection: ConnectionId,
    pub(super) address: Multiaddr,
    pub(super) peer: PeerId,
    /// When it is given up, milliseconds: the other end could keep the connection for ever.
    pub(super) until: u64,
}

impl SwarmTask {
    /// A feeler has found out whether a node of this chain is at its address: only such a one counts as answered.
    pub(super) fn felt(&mut self, connection: ConnectionId, ours: bool, now: u64) {
        let feeling = self.feeling.take_if(|feeling| feeling.connection == connection);
        let Some(Feeling { address, peer, .. }) = feeling else {
            return;
        };
        if self.dials.keeps(&address) {
            // The operator has named it meanwhile: its connection may carry a conversation.
            return;
        }
        if ours && self.dials.felt(&address, now) {
            self.dials.proven(&with_name(&address, peer), now);
            self.saved.save(&self.dials);
        } else {
            self.dials.failed(&address, now);
        }
        // That is all that this dial was for; other connections with the peer stay.
        self.swarm.close_connection(connection);
    }

    /// A feeler at a peer that the operator has removed would put it back into the book. Of dials that are under way
    /// [`SwarmTask::lead`] finds out when they are answered: the address of some does not name the peer.
    pub(super) fn end_feeler(&mut self, peer: PeerId) {
        let feeling = self.feeling.take_if(|feeling| feeling.peer == peer);
        if let Some(Feeling {
            connection, address, ..
        }) = feeling
            && !self.dials.keeps(&address)
        {
            self.dials.drop_address(&address);
            self.swarm.close_connection(connection);
        }
    }
}
