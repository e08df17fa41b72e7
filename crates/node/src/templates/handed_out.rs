//! Which templates were handed out: none of the present tip is ever forgotten, so no found block is lost for lack of space.
//!
//! A template is a body and an address, some 50 bytes. What bounds them is how many addresses may be paid on one tip.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use tally_chain::{Address, BlockId};

use super::TemplateError;
use super::body::Body;

/// After so many newer tips the templates of a tip are forgotten: a block found a little late is still a block.
const KEPT_TIPS: u32 = 3;
/// Producers for which one client may request templates on one tip: a pool behind one address has hundreds.
pub const MAX_PRODUCERS_PER_CLIENT: usize = 1_024;
/// Producers of all clients on one tip, beyond the first of each.
pub const MAX_PRODUCERS: usize = 16_384;

/// Templates by tip.
#[derive(Default)]
pub(super) struct HandedOut {
    tips: Vec<OnTip>,
}

struct OnTip {
    parent: BlockId,
    /// Tips that came after it.
    newer: u32,
    by_id: BTreeMap<u64, (Arc<Body>, Address)>,
    /// Ids by body and producer.
    ids: BTreeMap<(u64, Address), u64>,
    producers: BTreeSet<Address>,
    by_client: BTreeMap<IpAddr, BTreeSet<Address>>,
}

impl HandedOut {
    /// The id of the template of `body` for `producer`: the one it has, or `fresh`.
    ///
    /// `client` is the address of the request, where it is known. A producer that has a template on this tip is never turned away.
    pub fn note(
        &mut self,
        body: &Arc<Body>,
        producer: Address,
        client: Option<IpAddr>,
        fresh: impl FnOnce() -> u64,
    ) -> Result<u64, TemplateError> {
        let tip = self.on(body.parent());
        if let Some(id) = tip.ids.get(&(body.sequence, producer)) {
            return Ok(*id);
        }
        tip.admit(producer, client)?;
        let id = fresh();
        tip.by_id.insert(id, (body.clone(), producer));
        tip.ids.insert((body.sequence, producer), id);
        Ok(id)
    }

    pub fn get(&self, id: u64) -> Option<(Arc<Body>, Address)> {
        self.tips.iter().find_map(|tip| tip.by_id.get(&id)).cloned()
    }

    /// The chain has another tip: templates of the tips before it age, and with them the snapshots that they hold.
    pub fn new_tip(&mut self, parent: BlockId) {
        for tip in &mut self.tips {
            tip.newer = if tip.parent == parent { 0 } else { tip.newer + 1 };
        }
        self.tips.retain(|tip| tip.newer <= KEPT_TIPS);
    }

    fn on(&mut self, parent: BlockId) -> &mut OnTip {
        let at = match self.tips.iter().position(|tip| tip.parent == parent) {
            Some(at) => at,
            None => {
                self.tips.push(OnTip::new(parent));
                self.tips.len() - 1
            }
        };
        &mut self.tips[at]
    }
}

impl OnTip {
    fn new(parent: BlockId) -> Self {
        Self {
            parent,
            newer: 0,
            by_id: BTreeMap::new(),
            ids: BTreeMap::new(),
            producers: BTreeSet::new(),
            by_client: BTreeMap::new(),
        }
    }

    fn admit(&mut self, producer: Address, client: Option<IpAddr>) -> Result<(), TemplateError> {
        if self.producers.contains(&producer) {
            return Ok(());
        }
        if let Some(client) = client {
            let own = self.by_client.entry(client).or_default();
            room(own.len(), MAX_PRODUCERS_PER_CLIENT)?;
            // A miner for one address is never turned away because of the requests of others.
            if !own.is_empty() {
                room(self.producers.len(), MAX_PRODUCERS)?;
            }
            own.insert(producer);
        }
        self.producers.insert(producer);
        Ok(())
    }
}

fn room(count: usize, max: usize) -> Result<(), TemplateError> {
    match count < max {
        true => Ok(()),
        false => Err(TemplateError::TooManyProducers { max }),
    }
}
