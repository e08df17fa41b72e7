//! A task for each direction of each link.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError};

use futures::{AsyncReadExt as _, FutureExt as _};
use libp2p::PeerId;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::conversation::Heard;
use super::link::{self, End, PATIENCE, Total, Way};
use super::origins::Origins;
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
    origins: Origins,
    numbers: Arc<AtomicU64>,
    inbound: Room,
    waiting: Total,
    /// Links by peer and number, and whether we called. Where both have called there are two for a moment.
    open: Arc<Mutex<BTreeMap<(PeerId, u64), bool>>>,
}

impl Links {
    pub(super) fn new(heard: SyncSender<Heard>, max_frame: usize, origins: Origins) -> Self {
        Self {
            heard,
            max_frame,
            origins,
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
    pub(super) fn spawn(&self, peer: PeerId, stream: libp2p::Stream, outbound: bool) {
        let links = self.clone();
        let number = links.numbers.fetch_add(1, Relaxed);
        links.open.lock().insert((peer, number), outbound);
        tokio::spawn(async move {
            let run = AssertUnwindSafe(links.run(peer, number, stream, outbound));
            let ended = run.catch_unwind().await;
            links.open.lock().remove(&(peer, number));
            if ended.is_err() {
                // A panic over what one peer sent costs this link, not the node; the panic itself is in the log.
                let name = PeerName(peer.to_string());
                links.tell(Heard::Gone { name, link: number }).await;
            }
        });
    }

    async fn run(&self, peer: PeerId, link: u64, stream: libp2p::Stream, outbound: bool) {
        let name = PeerName(peer.to_string());
        let (mut from, to) = stream.split();
        let (way, outbox) = Way::new(self.waiting.clone());
        let arrived = way.arrived();
        let room = if outbound {
            Room::unlimited()
        } else {
            self.inbound.clone()
        };
        let connected = |origin| Heard::Connected {
            name: name.clone(),
            outbound,
            origin,
            link,
            way,
        };
        if !self.begin(&peer, connected).await {
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

    /// Tells of a conversation that begins, and how its peer counts. What the operator changes while that waits may be told
    /// before it, when there is nobody yet to whom it applies: so it is looked at again afterwards, until what was told is true.
    /// Says whether it has begun.
    async fn begin(&self, peer: &PeerId, connected: impl FnOnce(Origin) -> Heard) -> bool {
        // Without a host no limit of a host would apply: who ends its connection at once would take the place of others.
        let Some(mut told) = self.origins.of(peer) else {
            return false;
        };
        if !self.tell(connected(told)).await {
            return false;
        }
        while let Some(origin) = self.origins.of(peer).filter(|origin| *origin != told) {
            told = origin;
            let name = PeerName(peer.to_string());
            if !self.tell(Heard::Placed { name, origin }).await {
                return false;
            }
        }
        true
    }

    /// Where to say how connected peers count from now on: the conversation is told in the same order, however full its inbox
    /// is. What waits for that is bounded by what the operator names. The task ends with the sender.
    pub(super) fn placings(&self) -> UnboundedSender<(PeerId, Origin)> {
        let (placings, mut changed) = unbounded_channel::<(PeerId, Origin)>();
        let links = self.clone();
        tokio::spawn(async move {
            while let Some((peer, origin)) = changed.recv().await {
                let name = PeerName(peer.to_string());
                if !links.tell(Heard::Placed { name, origin }).await {
                    return;
                }
            }
        });
        placings
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use parking_lot::RwLock;

    use super::*;
    use crate::p2p::origins::Remotes;
    use crate::peers::range::Exempt;

    /// Nobody is named, and this peer is connected.
    fn origins_with(peer: PeerId) -> Origins {
        let remote = "/ip4/9.9.9.9/tcp/9333".parse().unwrap();
        let remotes = Remotes::new(RwLock::new(BTreeMap::from([(peer, remote)])));
        Origins::new(Exempt::default(), remotes)
    }

    /// The substream was accepted, and the connection ended before its conversation began.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_conversation_whose_connection_has_ended_is_not_begun() {
        let (heard, inbox) = sync_channel(1);
        let (links, peer) = (Links::new(heard, 1, Origins::default()), PeerId::random());
        let (way, _outbox) = Way::new(Total::default());
        let connected = |origin| Heard::Connected {
            name: PeerName(peer.to_string()),
            outbound: false,
            origin,
            link: 1,
            way,
        };
        assert!(!links.begin(&peer, connected).await);
        drop(links);
        assert_eq!(inbox.iter().count(), 0, "nothing is told of it");
    }

    /// Named, removed, named again, while the conversation is busy.
    #[tokio::test(flavor = "multi_thread")]
    async fn how_a_peer_counts_is_told_in_the_order_in_which_it_changed() {
        let (heard, inbox) = sync_channel(1);
        let placings = Links::new(heard, 1, Origins::default()).placings();
        let peer = PeerId::random();
        for change in 0..200 {
            let origin = Origin {
                configured: change % 3 == 0,
                ..Origin::default()
            };
            placings.send((peer, origin)).unwrap();
        }
        drop(placings);
        let told = tokio::task::spawn_blocking(move || {
            let placed = inbox.iter().map(|heard| match heard {
                Heard::Placed { origin, .. } => origin.configured,
                _ => panic!("nothing else is told"),
            });
            placed.collect::<Vec<_>>()
        });
        let expected: Vec<_> = (0..200).map(|change| change % 3 == 0).collect();
        assert_eq!(told.await.unwrap(), expected);
    }

    /// The operator names the peer of a conversation that has just begun and is still to be told of, and names it no more in the
    /// story after that.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_conversation_that_has_just_begun_counts_as_the_operator_says_last() {
        for named in [true, false] {
            let peer = PeerId::random();
            let origins = origins_with(peer);
            let name = |named: bool| origins.name(Vec::new(), BTreeSet::from_iter(named.then_some(peer)));
            name(!named);
            let (heard, inbox) = sync_channel(1);
            // The conversation is busy: what is told waits.
            heard.send(Heard::News).unwrap();
            let links = Links::new(heard, 1, origins.clone());
            let placings = links.placings();
            let (looked, has_looked) = tokio::sync::oneshot::channel();
            let begins = tokio::spawn(async move {
                let (way, _outbox) = Way::new(Total::default());
                let connected = |origin| {
                    looked.send(()).unwrap();
                    Heard::Connected {
                        name: PeerName(peer.to_string()),
                        outbound: false,
                        origin,
                        link: 1,
                        way,
                    }
                };
                links.begin(&peer, connected).await
            });
            has_looked.await.unwrap();
            name(named);
            placings.send((peer, origins.of(&peer).unwrap())).unwrap();
            drop(placings);
            let counts = tokio::task::spawn_blocking(move || {
                let mut counts = None;
                for heard in inbox {
                    match heard {
                        Heard::Connected { origin, .. } => counts = Some(origin.configured),
                        // Of a peer that is not known yet this says nothing.
                        Heard::Placed { origin, .. } => counts = counts.map(|_| origin.configured),
                        _ => {}
                    }
                }
                counts
            });
            assert!(begins.await.unwrap());
            assert_eq!(counts.await.unwrap(), Some(named));
        }
    }
}
