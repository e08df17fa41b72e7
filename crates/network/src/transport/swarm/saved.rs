//! What is written of the addresses that are kept over a restart.

use std::path::{Path, PathBuf};
use std::time::Duration;

use libp2p::Multiaddr;
use tokio::time::Instant;

use super::super::kept;
use crate::session::peers::dialer::Dialer;

/// Between two writings of the addresses that are kept over a restart, where they change.
const KEEP: Duration = Duration::from_secs(2);

/// What was written of them.
pub(super) struct Saved {
    folder: PathBuf,
    next: Instant,
    tried: u64,
    anchors: Vec<Multiaddr>,
}

impl Saved {
    /// Takes what an earlier run has written into the dials.
    pub(super) fn read(folder: &Path, dials: &mut Dialer, now: Instant) -> Self {
        let remembered = kept::addresses(folder, kept::PEERS);
        remembered.iter().for_each(|address| dials.remember(address, 0));
        let anchors = kept::addresses(folder, kept::ANCHORS);
        anchors.iter().for_each(|address| dials.anchor(address.clone(), 0));
        Self {
            folder: folder.to_owned(),
            next: now,
            tried: dials.book().version(),
            anchors,
        }
    }

    /// Keeps the addresses that answered, and the anchors, for the next run.
    pub(super) fn save(&mut self, dials: &Dialer) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let book = dials.book();
        if book.version() != self.tried {
            // What is new is written at once: a node may be killed at any moment. What follows soon waits a little.
            self.next = now + KEEP;
            self.tried = book.version();
            kept::write_addresses(&self.folder, kept::PEERS, book.tried());
        }
        let anchors = dials.best();
        // Without any, the last ones stay: the network may be down.
        if !anchors.is_empty() && anchors != self.anchors {
            self.next = now + KEEP;
            kept::write_addresses(&self.folder, kept::ANCHORS, anchors.iter());
            self.anchors = anchors;
        }
    }
}
