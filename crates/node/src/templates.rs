//! Block templates: for the native miner, for browsers, for every client that requests one.
//!
//! The transactions are assembled once for all (`SharedBlock`), so a template for another producer costs next to nothing,
//! and a flood of requests neither keeps the node busy nor pushes out the templates of others.

mod body;
mod error;
mod handed_out;
mod serve;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use tally_chain::manifest::EXTRA_NONCE_BYTES;
use tally_chain::{Address, BlockId, Header, Manifest};

use crate::miner::MiningJob;
use body::Body;
use handed_out::HandedOut;

pub use error::{TemplateError, WorkError};
pub use handed_out::{MAX_PRODUCERS, MAX_PRODUCERS_PER_CLIENT};

/// On one tip, the time to the next assembly is at least a second, and at least the tip's age divided by this: the longer a
/// block takes, the rarer. So a tip has some dozens of bodies at most, all of which are kept.
const AGE_SHARE: u32 = 16;
/// Seconds after which transactions are chosen again even if the pool did not change: some become includable with time.
const MAX_AGE: u32 = 15;
/// Producers on one tip that get a block of their own because code in the pool looks at producers; the others get what can
/// be shared. One client takes at most half of what others have left of them.
const OWN_PER_TIP: usize = 32;

/// Templates, and what they are made from.
#[derive(Default)]
pub(crate) struct Templates {
    next_id: AtomicU64,
    next_body: AtomicU64,
    /// Assemblies so far.
    assembled: AtomicU64,
    /// Changes of the pool so far.
    pool_version: AtomicU64,
    current: Mutex<Option<Current>>,
    /// Held while the transactions of a tip are assembled: once, not by everyone who waits for it.
    assembling: Mutex<()>,
    handed_out: Mutex<HandedOut>,
}

/// The newest bodies on one tip.
#[derive(Clone)]
struct Current {
    shared: Arc<Body>,
    /// The same without transactions that run code; made when it is needed.
    plain: Option<Arc<Body>>,
    own: Vec<(Address, Arc<Body>)>,
    /// Blocks of their own on this tip so far, by client.
    own_made: BTreeMap<Option<IpAddr>, usize>,
    pool_version: u64,
    /// When the first body on this tip was made, in Unix seconds.
    first: u32,
}

impl Current {
    /// Whether the transactions are to be chosen again. Times are Unix seconds.
    fn is_due(&self, now: u32, pool_version: u64) -> bool {
        let age = now.saturating_sub(self.shared.time);
        let changed = self.pool_version != pool_version || now > self.shared.latest_time() || age >= MAX_AGE;
        changed && age >= 1.max(now.saturating_sub(self.first) / AGE_SHARE)
    }

    /// Counts another block of its own for `client`, where there is room: this node itself has all that is left, a client
    /// from outside a half of it, so that none takes what others would come for.
    fn take_own(&mut self, client: Option<IpAddr>) -> bool {
        let all: usize = self.own_made.values().sum();
        let made = self.own_made.get(&client).copied().unwrap_or_default();
        let left = OWN_PER_TIP.saturating_sub(all - made);
        let share = if client.is_some() { left.div_ceil(2) } else { left };
        let room = made < share;
        if room {
            self.own_made.insert(client, made + 1);
        }
        room
    }
}

impl Templates {
    /// What was made on the tip before is not made again, and lets go of its snapshot.
    pub(crate) fn tip_changed(&self, tip: BlockId) {
        let mut current = self.current.lock();
        if current.as_ref().is_some_and(|current| current.shared.parent() != tip) {
            *current = None;
        }
        drop(current);
        self.handed_out.lock().new_tip(tip);
    }

    pub(crate) fn pool_changed(&self) {
        self.pool_version.fetch_add(1, Relaxed);
    }
}

/// What a miner found for a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// The `id` of the job that it solves.
    pub template: u64,
    /// The last bytes of the manifest's `extra`. Rule: docs/protocol.md#M2
    pub extra_nonce: [u8; EXTRA_NONCE_BYTES],
    /// Of the header, Unix seconds.
    pub time: u32,
    /// Of the header.
    pub nonce: u32,
}

impl MiningJob {
    /// Header and manifest with what a miner found.
    pub fn sealed(&self, extra_nonce: &[u8; EXTRA_NONCE_BYTES], time: u32, nonce: u32) -> (Header, Manifest) {
        let mut manifest = self.manifest.clone();
        let mut extra = manifest.extra.to_vec();
        let at = extra.len() - EXTRA_NONCE_BYTES;
        extra[at..].copy_from_slice(extra_nonce);
        manifest.extra = extra.into();
        let header = Header {
            manifest_root: manifest.root(),
            time,
            nonce,
            ..self.header
        };
        (header, manifest)
    }
}
