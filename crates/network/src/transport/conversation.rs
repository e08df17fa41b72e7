//! The thread that owns the session.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio::sync::mpsc::Sender;

use super::caps::Banned;
use super::events::{DriverEvent, OperatorCommand, SwarmCommand};
use super::kept::BansFile;
use super::link::PeerSender;
use super::status::NetworkStatus;
use crate::session::{Output, PeerName, Session};
use crate::wire;

/// Messages that may wait for the thread; then peers wait in their sockets.
pub(super) const INBOX: usize = 256;
/// How often time is looked at, and how old the status may be.
const TICK: Duration = Duration::from_millis(250);
/// Dials of two peers that are so close together count as simultaneous.
const AT_ONCE: Duration = Duration::from_secs(3);
/// A conversation that the other end began is not given up for another one that it begins before this age: a substream
/// costs it nothing, and with each the conversation would start again. Rule: docs/protocol.md#N8
const YOUNG: Duration = Duration::from_secs(10);
/// Between two lines of the log on a long synchronisation.
const REPORT: Duration = Duration::from_secs(5);
/// Frames that may wait to be written to one peer, in the longest frames.
const MAX_WAITING_FRAMES: usize = 2;

/// The link to a peer.
struct Link {
    number: u64,
    /// Whether we dialled.
    outbound: bool,
    sender: PeerSender,
    since: Instant,
    /// Whether those who dial know that the peer has sent hello.
    greeted: bool,
}

type OpenLinks = BTreeMap<PeerName, Link>;

/// Runs the session until [`DriverEvent::Stop`].
pub(super) fn run(
    mut session: Session,
    own: &PeerName,
    inbox: &Receiver<DriverEvent>,
    commands: &Sender<SwarmCommand>,
    status: &RwLock<NetworkStatus>,
    kept: &mut KeptBans,
) {
    let begun = Instant::now();
    let max_waiting = MAX_WAITING_FRAMES * wire::max_frame_bytes(session.node().spec().limits.block_bytes);
    let mut links = OpenLinks::new();
    let mut ticked = Instant::now();
    let mut reported = Instant::now();
    loop {
        let wait = if session.busy() {
            Duration::ZERO
        } else {
            TICK.saturating_sub(ticked.elapsed())
        };
        let event = inbox.recv_timeout(wait);
        let now = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match event {
            Ok(DriverEvent::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(DriverEvent::Command(command, done)) => {
                let did = handle_command(&mut session, command, now);
                carry_out(&mut session, &mut links, commands, max_waiting, now);
                kept.keep(&session, now);
                *status.write() = NetworkStatus::of(&session);
                let _ = done.send(did);
            }
            Ok(event) => handle_event(&mut session, own, &mut links, commands, event, now),
            Err(RecvTimeoutError::Timeout) => session.poll(now),
        }
        carry_out(&mut session, &mut links, commands, max_waiting, now);
        if ticked.elapsed() >= TICK {
            session.poll(now);
            carry_out(&mut session, &mut links, commands, max_waiting, now);
            ticked = Instant::now();
            kept.keep(&session, now);
            report(&session, &mut reported);
            *status.write() = NetworkStatus::of(&session);
        }
    }
}

/// Bans, in the file and where connections are rejected before they begin.
pub(super) struct KeptBans {
    pub(super) file: BansFile,
    pub(super) banned: Banned,
}

impl KeptBans {
    fn keep(&mut self, session: &Session, now: u64) {
        let bans = session.all_bans();
        if self.file.keep(bans, now) {
            *self.banned.write() = bans.hosts();
        }
    }
}

/// Logs now and then how far a long synchronisation is.
fn report(session: &Session, reported: &mut Instant) {
    let Some(sync) = session.sync_status().filter(|_| reported.elapsed() >= REPORT) else {
        return;
    };
    *reported = Instant::now();
    let (done, left, secs) = (sync.blocks_done, sync.blocks_left as u64, sync.millis / 1_000);
    if session.node().awaits_checkpoint() {
        let (headers, parts) = (sync.headers.map(|height| height.0), sync.parts);
        return tracing::info!(source = %sync.source, headers, ?parts, "checkpoint sync");
    }
    let left_secs = (done > 0).then(|| left.saturating_mul(secs) / done);
    tracing::info!(source = %sync.source, done, left, transactions = sync.transactions_done, left_secs, "catching up");
}

fn handle_event(
    session: &mut Session,
    own: &PeerName,
    links: &mut OpenLinks,
    commands: &Sender<SwarmCommand>,
    event: DriverEvent,
    now: u64,
) {
    let current =
        |links: &OpenLinks, name: &PeerName, link: u64| links.get(name).is_some_and(|known| known.number == link);
    match event {
        DriverEvent::Connected {
            name,
            outbound,
            origin,
            link,
            sender,
        } => {
            let ours = *own < name;
            if links
                .get(&name)
                .is_some_and(|known| stays(known.outbound, known.since.elapsed(), outbound, ours))
            {
                // The new one ends with its sender, which is dropped here.
                return;
            }
            let number = link;
            let since = Instant::now();
            let (own_unread, all_unread) = sender.unread();
            let arrived = sender.arrived();
            let new = Link {
                number,
                outbound,
                sender,
                since,
                greeted: false,
            };
            if links.insert(name.clone(), new).is_some() {
                session.disconnected(&name, now);
            }
            session.connected_from(name.clone(), outbound, origin, now);
            session.count_unread(&name, own_unread, all_unread);
            session.count_arrived(&name, arrived);
        }
        DriverEvent::Frame { name, link, frame } if current(links, &name, link) => {
            session.received(&name, &frame.bytes, now);
            if let Some(link) = links.get_mut(&name).filter(|link| !link.greeted)
                && session.is_greeted(&name)
            {
                // Where there are too many commands now, it is tried again with its next message.
                link.greeted = commands.try_send(SwarmCommand::Greeted(name)).is_ok();
            }
        }
        DriverEvent::Broken { name, link, offence } if current(links, &name, link) => {
            session.broken(&name, offence, now);
            links.remove(&name);
            session.disconnected(&name, now);
        }
        DriverEvent::Disconnected { name, link } if current(links, &name, link) => {
            links.remove(&name);
            session.disconnected(&name, now);
        }
        DriverEvent::Frame { .. } | DriverEvent::Broken { .. } | DriverEvent::Disconnected { .. } => {}
        DriverEvent::OriginChanged { name, origin } => session.place(&name, origin),
        DriverEvent::Command(..) | DriverEvent::Wake | DriverEvent::Stop => session.poll(now),
    }
}

/// Whether a link that is `age` old stays, and a new one to the same peer is rejected. Of both is known whether we dialled;
/// `ours`: whether our dial is kept where both have dialled at once.
fn stays(known_outbound: bool, age: Duration, outbound: bool, ours: bool) -> bool {
    match (known_outbound, outbound) {
        (false, false) => age < YOUNG,
        (true, true) => false,
        // Where both have dialled at once, both keep the dial of the one whose name comes first. Later a second one means
        // that the other end has lost the first: it was started again, and no packet has shown it yet.
        _ => known_outbound == ours && age < AT_ONCE,
    }
}

/// Carries out an operator's command; false if there was nothing to do.
fn handle_command(session: &mut Session, command: OperatorCommand, now: u64) -> bool {
    match command {
        OperatorCommand::Ban { name, secs, reason } => {
            session.ban(&name, now.saturating_add(secs.saturating_mul(1_000)), reason);
            true
        }
        OperatorCommand::Unban { name } => session.unban(&name),
        OperatorCommand::BanRange { range, secs, reason } => {
            session.ban_range(range, now.saturating_add(secs.saturating_mul(1_000)), &reason)
        }
        OperatorCommand::UnbanRange { range } => session.unban_range(range),
        OperatorCommand::End { name, reason } => {
            let known = session.peers().any(|peer| peer.name == name);
            session.end(&name, reason);
            known
        }
    }
}

fn carry_out(
    session: &mut Session,
    links: &mut OpenLinks,
    commands: &Sender<SwarmCommand>,
    max_waiting: usize,
    now: u64,
) {
    let outputs: Vec<_> = session.outputs().collect();
    let mut slow = Vec::new();
    for output in outputs {
        match output {
            Output::Send { peer, frame } => {
                if let Some(link) = links.get(&peer)
                    && !link.sender.send(frame, max_waiting)
                {
                    slow.push(peer);
                }
            }
            Output::Disconnect { peer, reason } => {
                tracing::info!(%peer, reason, "connection ended");
                links.remove(&peer);
                let _ = commands.try_send(SwarmCommand::Disconnect(peer));
            }
        }
    }
    for peer in slow {
        tracing::info!(%peer, "does not read the answers to its requests");
        links.remove(&peer);
        session.disconnected(&peer, now);
        let _ = commands.try_send(SwarmCommand::Disconnect(peer));
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
            // One of the two was started again.
            (true, secs(3), false, true, false),
            (false, secs(3), true, false, false),
            (true, secs(0), true, true, false),
        ] {
            let stays = stays(known_outbound, age, outbound, ours);
            assert_eq!(stays, expected, "{known_outbound} {age:?} {outbound} {ours}");
        }
    }
}
