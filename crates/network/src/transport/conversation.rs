//! The thread that owns the conversation.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio::sync::mpsc::Sender;

use super::caps::Banned;
use super::events::{Asked, Heard, Order};
use super::kept::BansFile;
use super::link::Way;
use super::status::NetworkStatus;
use crate::session::{Network, Output, PeerName};
use crate::wire;

/// Messages that may wait for the thread; then peers wait in their sockets.
pub(super) const INBOX: usize = 256;
/// How often time is looked at, and how old the status may be.
const TICK: Duration = Duration::from_millis(250);
/// Calls of two peers that are so close together were made at once.
const AT_ONCE: Duration = Duration::from_secs(3);
/// A conversation that the other end began is not given up for another one that it begins before this age: a substream
/// costs it nothing, and with each the conversation would begin anew. Rule: docs/protocol.md#N8
const YOUNG: Duration = Duration::from_secs(10);
/// Between two lines of the log on a long synchronisation.
const REPORT: Duration = Duration::from_secs(5);
/// Frames that may wait to be written to one peer, in the longest frames.
const MAX_WAITING_FRAMES: usize = 2;

/// The link to a peer.
struct Link {
    number: u64,
    /// Whether we called.
    outbound: bool,
    way: Way,
    since: Instant,
    /// Whether those who dial know that the peer has said hello.
    greeted: bool,
}

type Ways = BTreeMap<PeerName, Link>;

/// Speaks until it is told to stop.
pub(super) fn run(
    mut network: Network,
    own: &PeerName,
    inbox: &Receiver<Heard>,
    orders: &Sender<Order>,
    status: &RwLock<NetworkStatus>,
    kept: &mut KeptBans,
) {
    let begun = Instant::now();
    let max_waiting = MAX_WAITING_FRAMES * wire::max_frame_bytes(network.node().spec().limits.block_bytes);
    let mut ways = Ways::new();
    let mut ticked = Instant::now();
    let mut reported = Instant::now();
    loop {
        let wait = if network.busy() {
            Duration::ZERO
        } else {
            TICK.saturating_sub(ticked.elapsed())
        };
        let heard = inbox.recv_timeout(wait);
        let now = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match heard {
            Ok(Heard::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Heard::Asked(asked, done)) => {
                let did = obey(&mut network, asked, now);
                carry_out(&mut network, &mut ways, orders, max_waiting, now);
                kept.keep(&network, now);
                *status.write() = NetworkStatus::of(&network);
                let _ = done.send(did);
            }
            Ok(heard) => hear(&mut network, own, &mut ways, orders, heard, now),
            Err(RecvTimeoutError::Timeout) => network.poll(now),
        }
        carry_out(&mut network, &mut ways, orders, max_waiting, now);
        if ticked.elapsed() >= TICK {
            network.poll(now);
            carry_out(&mut network, &mut ways, orders, max_waiting, now);
            ticked = Instant::now();
            kept.keep(&network, now);
            report(&network, &mut reported);
            *status.write() = NetworkStatus::of(&network);
        }
    }
}

/// Bans, in the file and where connections are rejected before they begin.
pub(super) struct KeptBans {
    pub(super) file: BansFile,
    pub(super) banned: Banned,
}

impl KeptBans {
    fn keep(&mut self, network: &Network, now: u64) {
        let bans = network.all_bans();
        if self.file.keep(bans, now) {
            *self.banned.write() = bans.hosts();
        }
    }
}

/// Says now and then how far a long synchronisation is.
fn report(network: &Network, reported: &mut Instant) {
    let Some(sync) = network.sync_status().filter(|_| reported.elapsed() >= REPORT) else {
        return;
    };
    *reported = Instant::now();
    let (done, left, secs) = (sync.blocks_done, sync.blocks_left as u64, sync.millis / 1_000);
    if network.node().awaits_checkpoint() {
        let (headers, parts) = (sync.headers.map(|height| height.0), sync.parts);
        return tracing::info!(source = %sync.source, headers, ?parts, "beginning with a checkpoint");
    }
    let left_secs = (done > 0).then(|| left.saturating_mul(secs) / done);
    tracing::info!(source = %sync.source, done, left, transactions = sync.transactions_done, left_secs, "catching up");
}

fn hear(network: &mut Network, own: &PeerName, ways: &mut Ways, orders: &Sender<Order>, heard: Heard, now: u64) {
    let current = |ways: &Ways, name: &PeerName, link: u64| ways.get(name).is_some_and(|known| known.number == link);
    match heard {
        Heard::Connected {
            name,
            outbound,
            origin,
            link,
            way,
        } => {
            let ours = *own < name;
            if ways
                .get(&name)
                .is_some_and(|known| stays(known.outbound, known.since.elapsed(), outbound, ours))
            {
                // The new one ends with its way, which is dropped here.
                return;
            }
            let number = link;
            let since = Instant::now();
            let (own_unread, all_unread) = way.unread();
            let arrived = way.arrived();
            let new = Link {
                number,
                outbound,
                way,
                since,
                greeted: false,
            };
            if ways.insert(name.clone(), new).is_some() {
                network.disconnected(&name, now);
            }
            network.connected_from(name.clone(), outbound, origin, now);
            network.count_unread(&name, own_unread, all_unread);
            network.count_arrived(&name, arrived);
        }
        Heard::Frame { name, link, frame } if current(ways, &name, link) => {
            network.received(&name, &frame.bytes, now);
            if let Some(link) = ways.get_mut(&name).filter(|link| !link.greeted)
                && network.is_greeted(&name)
            {
                // Where there are too many orders now, it is tried again with its next message.
                link.greeted = orders.try_send(Order::Greeted(name)).is_ok();
            }
        }
        Heard::Broken { name, link, offence } if current(ways, &name, link) => {
            network.broken(&name, offence, now);
            ways.remove(&name);
            network.disconnected(&name, now);
        }
        Heard::Gone { name, link } if current(ways, &name, link) => {
            ways.remove(&name);
            network.disconnected(&name, now);
        }
        Heard::Frame { .. } | Heard::Broken { .. } | Heard::Gone { .. } => {}
        Heard::Placed { name, origin } => network.place(&name, origin),
        Heard::Asked(..) | Heard::News | Heard::Stop => network.poll(now),
    }
}

/// Whether a link that is `age` old stays, and a new one to the same peer is rejected. Of both is known whether we dialled;
/// `ours`: whether our dial is kept where both have dialled at once.
fn stays(known_outbound: bool, age: Duration, outbound: bool, ours: bool) -> bool {
    match (known_outbound, outbound) {
        (false, false) => age < YOUNG,
        (true, true) => false,
        // Where both have dialled at once, both keep the dial of the one whose name comes first. Later a second one means
        // that the other end has lost the first: it was started anew, and no packet has shown it yet.
        _ => known_outbound == ours && age < AT_ONCE,
    }
}

/// Does what the operator asks; says whether there was anything to do.
fn obey(network: &mut Network, asked: Asked, now: u64) -> bool {
    match asked {
        Asked::Ban { name, secs, reason } => {
            network.ban(&name, now.saturating_add(secs.saturating_mul(1_000)), reason);
            true
        }
        Asked::Unban { name } => network.unban(&name),
        Asked::BanRange { range, secs, reason } => {
            network.ban_range(range, now.saturating_add(secs.saturating_mul(1_000)), &reason)
        }
        Asked::UnbanRange { range } => network.unban_range(range),
        Asked::End { name, reason } => {
            let known = network.peers().any(|peer| peer.name == name);
            network.end(&name, reason);
            known
        }
    }
}

fn carry_out(network: &mut Network, ways: &mut Ways, orders: &Sender<Order>, max_waiting: usize, now: u64) {
    let outputs: Vec<_> = network.outputs().collect();
    let mut slow = Vec::new();
    for output in outputs {
        match output {
            Output::Send { peer, frame } => {
                if let Some(link) = ways.get(&peer)
                    && !link.way.send(frame, max_waiting)
                {
                    slow.push(peer);
                }
            }
            Output::Disconnect { peer, reason } => {
                tracing::info!(%peer, reason, "connection ended");
                ways.remove(&peer);
                let _ = orders.try_send(Order::Close(peer));
            }
        }
    }
    for peer in slow {
        tracing::info!(%peer, "does not take what it asked for");
        ways.remove(&peer);
        network.disconnected(&peer, now);
        let _ = orders.try_send(Order::Close(peer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_conversation_is_not_given_up_for_another_that_the_peer_begins() {
        let secs = Duration::from_secs;
        for (known_outbound, age, outbound, ours, expected) in [
            // The peer dials, or opens a substream, again and again.
            (false, secs(0), false, true, true),
            (false, secs(9), false, false, true),
            (false, secs(10), false, true, false),
            // Both have dialled at once: both sides keep the same one of the two.
            (true, secs(0), false, true, true),
            (true, secs(0), false, false, false),
            (false, secs(0), true, false, true),
            (false, secs(0), true, true, false),
            // One of the two was started anew.
            (true, secs(3), false, true, false),
            (false, secs(3), true, false, false),
            (true, secs(0), true, true, false),
        ] {
            let stays = stays(known_outbound, age, outbound, ours);
            assert_eq!(stays, expected, "{known_outbound} {age:?} {outbound} {ours}");
        }
    }
}
