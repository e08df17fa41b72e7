//! A task for each direction of each link.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError};

use futures::{AsyncReadExt as _, FutureExt as _};
use libp2p::PeerId;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::events::DriverEvent;
use super::link::{self, End, PATIENCE, PeerSender, Total};
use super::origins::Origins;
use super::room::Room;
use crate::session::PeerName;
use crate::session::peers::range::Origin;

/// Bytes that the long frames of all inbound peers take together.
const INBOUND_ROOM: usize = 192 << 20;

/// Substreams of one peer: one each way where both have dialled at once, and one more for a peer that has lost both.
const MAX_OF_ONE: usize = 3;

/// The links that are open, and how more are.
#[derive(Clone)]
pub(super) struct Links {
    events: SyncSender<DriverEvent>,
    /// Bytes of the longest frame.
    max_frame: usize,
    origins: Origins,
    numbers: Arc<AtomicU64>,
    inbound: Room,
    waiting: Total,
    /// Links by peer and number, and whether we dialled. Where both have dialled there are two for a moment.
    open: Arc<Mutex<BTreeMap<(PeerId, u64), bool>>>,
    /// Peers whose last link has ended.
    ended: UnboundedSender<PeerId>,
}

impl Links {
    /// No link yet, and the peers whose last link will have ended: of each link there is one at most.
    pub(super) fn new(
        events: SyncSender<DriverEvent>,
        max_frame: usize,
        origins: Origins,
    ) -> (Self, UnboundedReceiver<PeerId>) {
        let (ended, all_ended) = unbounded_channel();
        let links = Self {
            events,
            max_frame,
            origins,
            numbers: Arc::new(AtomicU64::new(1)),
            inbound: Room::of(INBOUND_ROOM),
            waiting: Total::default(),
            open: Arc::default(),
            ended,
        };
        (links, all_ended)
    }

    /// Peers that this node dialled.
    pub(super) fn outbound(&self) -> usize {
        let open = self.open.lock();
        let ours = open.iter().filter(|(_, outbound)| **outbound);
        ours.map(|((peer, _), _)| peer).collect::<BTreeSet<_>>().len()
    }

    pub(super) fn is_connected_to(&self, peer: &PeerId) -> bool {
        self.count(peer) > 0
    }

    /// Whether another substream of a peer is rejected unread: each takes two tasks until the conversation sees it.
    pub(super) fn are_enough(&self, peer: &PeerId) -> bool {
        self.count(peer) >= MAX_OF_ONE
    }

    fn count(&self, peer: &PeerId) -> usize {
        self.open.lock().range((*peer, 0)..=(*peer, u64::MAX)).count()
    }

    /// Reads and writes a substream until it ends, and sends the session's thread what comes.
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
                links.send(DriverEvent::Disconnected { name, link: number }).await;
            }
            if !links.is_connected_to(&peer) {
                let _ = links.ended.send(peer);
            }
        });
    }

    async fn run(&self, peer: PeerId, link: u64, stream: libp2p::Stream, outbound: bool) {
        let name = PeerName(peer.to_string());
        let (mut from, to) = stream.split();
        let (sender, outbox) = PeerSender::new(self.waiting.clone());
        let arrived = sender.arrived();
        let room = if outbound {
            Room::unlimited()
        } else {
            self.inbound.clone()
        };
        let connected = |origin| DriverEvent::Connected {
            name: name.clone(),
            outbound,
            origin,
            link,
            sender,
        };
        if !self.begin(&peer, connected).await {
            return;
        }
        let writing = async {
            // What waited for room is looked at again.
            let written = || {
                let _ = self.events.try_send(DriverEvent::Wake);
            };
            match link::write(to, outbox, written).await {
                Ok(()) => {}
                Err(error) => tracing::debug!(%name, %error, "cannot be written to"),
            }
        };
        let reading = async {
            loop {
                let name = name.clone();
                let event = match link::read(&mut from, self.max_frame, PATIENCE, &room, &arrived).await {
                    Ok(frame) => DriverEvent::Frame { name, link, frame },
                    Err(End::Closed(error)) => return tracing::debug!(%name, %error, "closed"),
                    Err(End::Broken(offence)) => {
                        self.send(DriverEvent::Broken { name, link, offence }).await;
                        return;
                    }
                };
                if !self.send(event).await {
                    return;
                }
            }
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
        let name = name.clone();
        self.send(DriverEvent::Disconnected { name, link }).await;
    }

    /// Sends that a conversation begins, and how its peer counts. A change by the operator may arrive before that, while the
    /// session does not know the peer: so the origin is compared again afterwards, until what was sent is true.
    /// Returns whether it has begun.
    async fn begin(&self, peer: &PeerId, connected: impl FnOnce(Origin) -> DriverEvent) -> bool {
        // Without a host no limit of a host would apply: a peer that ends its connection at once would take the place of others.
        let Some(mut sent) = self.origins.of(peer) else {
            return false;
        };
        if !self.send(connected(sent)).await {
            return false;
        }
        while let Some(origin) = self.origins.of(peer).filter(|origin| *origin != sent) {
            sent = origin;
            let name = PeerName(peer.to_string());
            if !self.send(DriverEvent::OriginChanged { name, origin }).await {
                return false;
            }
        }
        true
    }

    /// Takes how connected peers count from now on, and sends it to the session's thread in the same order, even where its
    /// inbox is full. What waits for that is bounded by what the operator names. The task ends with the sender.
    pub(super) fn placings(&self) -> UnboundedSender<(PeerId, Origin)> {
        let (placings, mut changed) = unbounded_channel::<(PeerId, Origin)>();
        let links = self.clone();
        tokio::spawn(async move {
            while let Some((peer, origin)) = changed.recv().await {
                let name = PeerName(peer.to_string());
                if !links.send(DriverEvent::OriginChanged { name, origin }).await {
                    return;
                }
            }
        });
        placings
    }

    /// Sends an event to the session's thread; where its inbox is full, waits beside the runtime's own threads.
    async fn send(&self, event: DriverEvent) -> bool {
        match self.events.try_send(event) {
            Ok(()) => true,
            Err(TrySendError::Disconnected(_)) => false,
            Err(TrySendError::Full(event)) => {
                let events = self.events.clone();
                tokio::task::spawn_blocking(move || events.send(event).is_ok())
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
    use crate::session::peers::range::Exempt;
    use crate::transport::origins::Remotes;

    /// No peer is named, and this one is connected.
    fn origins_with(peer: PeerId) -> Origins {
        let remote = "/ip4/9.9.9.9/tcp/9333".parse().unwrap();
        let remotes = Remotes::new(RwLock::new(BTreeMap::from([(peer, remote)])));
        Origins::new(Exempt::default(), remotes)
    }

    /// The substream was accepted, and the connection ended long before its conversation began.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_conversation_with_a_peer_that_is_nowhere_is_not_begun() {
        let (events, inbox) = sync_channel(1);
        let ((links, _), peer) = (Links::new(events, 1, Origins::default()), PeerId::random());
        let (sender, _outbox) = PeerSender::new(Total::default());
        let connected = |origin| DriverEvent::Connected {
            name: PeerName(peer.to_string()),
            outbound: false,
            origin,
            link: 1,
            sender,
        };
        assert!(!links.begin(&peer, connected).await);
        drop(links);
        assert_eq!(inbox.iter().count(), 0, "nothing is sent of it");
    }

    /// Named, removed, named again, while the session's thread is busy.
    #[tokio::test(flavor = "multi_thread")]
    async fn how_a_peer_counts_is_sent_in_the_order_in_which_it_changed() {
        let (events, inbox) = sync_channel(1);
        let placings = Links::new(events, 1, Origins::default()).0.placings();
        let peer = PeerId::random();
        for change in 0..200 {
            let origin = Origin {
                configured: change % 3 == 0,
                ..Origin::default()
            };
            placings.send((peer, origin)).unwrap();
        }
        drop(placings);
        let sent = tokio::task::spawn_blocking(move || {
            let placed = inbox.iter().map(|event| match event {
                DriverEvent::OriginChanged { origin, .. } => origin.configured,
                _ => panic!("nothing else is sent"),
            });
            placed.collect::<Vec<_>>()
        });
        let expected: Vec<_> = (0..200).map(|change| change % 3 == 0).collect();
        assert_eq!(sent.await.unwrap(), expected);
    }

    /// The operator names the peer of a conversation whose beginning is still to be sent; in the second story, names it no more.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_conversation_that_has_just_begun_counts_by_the_operators_last_command() {
        for named in [true, false] {
            let peer = PeerId::random();
            let origins = origins_with(peer);
            let name = |named: bool| origins.name(Vec::new(), BTreeSet::from_iter(named.then_some(peer)));
            name(!named);
            let (events, inbox) = sync_channel(1);
            // The session's thread is busy: what is sent waits.
            events.send(DriverEvent::Wake).unwrap();
            let (links, _) = Links::new(events, 1, origins.clone());
            let placings = links.placings();
            let (looked, has_looked) = tokio::sync::oneshot::channel();
            let begins = tokio::spawn(async move {
                let (sender, _outbox) = PeerSender::new(Total::default());
                let connected = |origin| {
                    looked.send(()).unwrap();
                    DriverEvent::Connected {
                        name: PeerName(peer.to_string()),
                        outbound: false,
                        origin,
                        link: 1,
                        sender,
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
                for event in inbox {
                    match event {
                        DriverEvent::Connected { origin, .. } => counts = Some(origin.configured),
                        // Of a peer that is not known yet this shows nothing.
                        DriverEvent::OriginChanged { origin, .. } => counts = counts.map(|_| origin.configured),
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
