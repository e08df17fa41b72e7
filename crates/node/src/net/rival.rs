//! A chain that leaves ours below the block with whose state this node began. It cannot be followed; if it is heavier, that is
//! said, loudly, for the operator to decide. Rule: docs/protocol.md#Q5

use serde::Serialize;
use tally_chain::{BlockId, Header, Height, Work};

use super::peer::{Peer, Question};
use super::sync::Ended;
use super::walk::Offer;
use super::wire::Message;
use super::{Network, PeerName};

/// Milliseconds between two looks at such chains: each look takes all headers.
const LOOK_MS: u64 = 600_000;

/// A heavier chain, all of its headers checked, on which the block is not with whose state this node began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeavierFork {
    /// Who showed it.
    pub peer: PeerName,
    /// Its end.
    pub tip: BlockId,
    pub height: Height,
    /// Expected hashes from genesis on.
    #[serde(serialize_with = "as_text")]
    pub weight: Work,
    /// The block with whose state this node began.
    pub base: Height,
}

fn as_text<S: serde::Serializer>(weight: &Work, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(weight)
}

impl Network {
    /// A chain heavier than ours, by its work, that this node can only follow by beginning anew.
    pub fn heavier_fork(&self) -> Option<&HeavierFork> {
        self.heavier_fork.as_ref().filter(|fork| fork.weight > self.weight())
    }

    /// A peer's chain leaves ours below the base: its headers are weighed, as far as nobody else's are just now.
    pub(super) fn leaves_below_base(&mut self, name: &PeerName) {
        let Some(claimed) = self
            .peers
            .get(name)
            .filter(|peer| peer.first <= Height(1))
            .map(Peer::weight)
        else {
            return;
        };
        if self.rival.is_some() || self.now < self.rival_after || claimed <= self.weight() {
            return;
        }
        if let Ok(mut walk) = self.new_walk((name.clone(), claimed)) {
            walk.offer = Offer::None;
            walk.trusted = true;
            self.rival = Some(walk);
        }
    }

    pub(super) fn advance_rival(&mut self) {
        let Some(walk) = self.rival.as_mut().filter(|walk| !walk.asking) else {
            return;
        };
        walk.asking = true;
        let (source, attempt, locator) = (walk.source.clone(), walk.number, walk.locator());
        let question = Question::JoinHeaders {
            attempt,
            locator: locator.clone(),
        };
        self.ask(&source, question, Message::GetHeaders { locator });
    }

    pub(super) fn rival_headers(&mut self, locator: &[BlockId], headers: &[Header]) {
        let Some(mut walk) = self.rival.take() else { return };
        walk.asking = false;
        match walk.take(locator, headers, self) {
            Ok(false) => self.rival = Some(walk),
            Ok(true) => match walk.ahead {
                // It has not shown what it claims, and need not yet: others are looked at meanwhile.
                Some(at) if walk.end.weight <= self.weight() => {
                    self.conclude(&walk.source, Ended::AheadOfClock { at });
                }
                _ => {
                    self.rival_after = self.now + LOOK_MS;
                    if walk.end.weight > self.weight() {
                        self.warn_of(walk.source, walk.end.id, walk.end.height, walk.end.weight);
                    }
                }
            },
            Err(Ended::Changed | Ended::Again(_)) => {}
            Err(ended) => self.conclude(&walk.source, ended),
        }
    }

    fn warn_of(&mut self, peer: PeerName, tip: BlockId, height: Height, weight: Work) {
        let base = self.node.tip().snapshot.base().unwrap_or_default();
        tracing::error!(
            %peer, %tip, %height, %weight, %base,
            "a heavier chain leaves this node's below the block with whose state it began: it cannot be followed. To follow it, \
             stop this node, move its data directory away, and start it with --from-checkpoint --checkpoint ID of a block \
             that you trust"
        );
        self.heavier_fork = Some(HeavierFork {
            peer,
            tip,
            height,
            weight,
            base,
        });
    }
}
