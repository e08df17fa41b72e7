//! A task for each direction of each link.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError};

use futures::{AsyncReadExt as _, FutureExt as _};
use libp2p::PeerId;
use parking_lot::Mutex;

use super::conversation::Heard;
use super::link::{self, End, PATIENCE, Total, Way};
use super::room::Room;
use crate::net::PeerName;
use crate::peers::range::Origin;

/// Bytes that the long frames of all who came to us take together.
const INBOUND_ROOM: usize = 192 << 20;

/// Substreams of one peer: one each way where both have dialled at once, and one more for a peer that has lost both.
const MAX_OF_ONE: usize = 3;

/// The links that are open, and how more are.
#[derive(Clone)]
pub(super) struct Links {
    heard: SyncSender<Heard>,
    /// Bytes of the longest frame.
    max_frame: usize,
    numbers: Arc<AtomicU64>,
    inbound: Room,
    waiting: Total,
    /// Links by peer and number, and whether we called. Where both have called there are two for a moment.
    open: Arc<Mutex<BTreeMap<(PeerId, u64), bool>>>,
}

impl Links {
    pub(super) fn new(heard: SyncSender<Heard>, max_frame: usize) -> Self {
        Self {
            heard,
            max_frame,
            numbers: Arc::new(AtomicU64::new(1)),
            inbound: Room::of(INBOUND_ROOM),
            waiting: Total::default(),
            open: Arc::default(),
        }
    }

    /// Peers that we called.
    pub(super) fn outbound(&self) -> usize {
        let open = self.open.lock();
        let ours = open.iter().filter(|(_, outbound)| **outbound);
        ours.map(|((peer, _), _)| peer).collect::<BTreeSet<_>>().len()
    }

    pub(super) fn speaks_to(&self, peer: &PeerId) -> bool {
        self.count(peer) > 0
    }

    /// Whether another substream of a peer is rejected unread: each takes two tasks until the conversation sees it.
    pub(super) fn are_enough(&self, peer: &PeerId) -> bool {
        self.count(peer) >= MAX_OF_ONE
    }

    fn count(&self, peer: &PeerId) -> usize {
        self.open.lock().range((*peer, 0)..=(*peer, u64::MAX)).count()
    }

    /// Reads and writes a substream until it ends, and tells the conversation.
    pub(super) fn spawn(&self, peer: PeerId, stream: libp2p::Stream, outbound: bool, origin: Origin) {
        let links = self.clone();
        let number = links.numbers.fetch_add(1, Relaxed);
        links.open.lock().insert((peer, number), outbound);
        tokio::spawn(async move {
            let run = AssertUnwindSafe(links.run(peer, number, stream, outbound, origin));
            let ended = run.catch_unwind().await;
            links.open.lock().remove(&(peer, number));
            if ended.is_err() {
                // A panic over what one peer sent costs this link, not the node; the panic itself is in the log.
                let name = PeerName(peer.to_string());
                links.tell(Heard::Gone { name, link: number }).await;
            }
        });
    }

    async fn run(&self, peer: PeerId, link: u64, stream: libp2p::Stream, outbound: bool, origin: Origin) {
        let name = PeerName(peer.to_string());
        let (mut from, to) = stream.split();
        let (way, outbox) = Way::new(self.waiting.clone());
        let arrived = way.arrived();
        let room = if outbound {
            Room::unlimited()
        } else {
            self.inbound.clone()
        };
        let connected = Heard::Connected {
            name: name.clone(),
            outbound,
            origin,
            link,
            way,
        };
        if !self.tell(connected).await {
            return;
        }
        let writing = async {
            // What waited for room is looked at again.
            let written = || {
                let _ = self.heard.try_send(Heard::News);
            };
            match link::write(to, outbox, written).await {
                Ok(()) => {}
                Err(error) => tracing::debug!(%name, %error, "cannot be written to"),
            }
        };
        let reading = async {
            loop {
                let name = name.clone();
                let told = match link::read(&mut from, self.max_frame, PATIENCE, &room, &arrived).await {
                    Ok(frame) => Heard::Frame { name, link, frame },
                    Err(End::Closed(error)) => return tracing::debug!(%name, %error, "closed"),
                    Err(End::Broken(offence)) => {
                        self.tell(Heard::Broken { name, link, offence }).await;
                        return;
                    }
                };
                if !self.tell(told).await {
                    return;
                }
            }
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
        let name = name.clone();
        self.tell(Heard::Gone { name, link }).await;
    }

    /// How a connected peer counts has changed.
    pub(super) async fn placed(&self, peer: PeerId, origin: Origin) {
        let name = PeerName(peer.to_string());
        self.tell(Heard::Placed { name, origin }).await;
    }

    /// Tells the conversation; where its inbox is full, waits beside the runtime's own threads.
    async fn tell(&self, told: Heard) -> bool {
        match self.heard.try_send(told) {
            Ok(()) => true,
            Err(TrySendError::Disconnected(_)) => false,
            Err(TrySendError::Full(told)) => {
                let heard = self.heard.clone();
                tokio::task::spawn_blocking(move || heard.send(told).is_ok())
                    .await
                    .unwrap_or(false)
            }
        }
    }
}
