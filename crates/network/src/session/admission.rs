//! Who is let in, and who is not: slots and bans, as the session carries them out. The decisions themselves are in
//! [`crate::session::peers`]. Rules: docs/protocol.md#N11, #N12

use ipnet::IpNet;

use super::name::PeerName;
use super::offence::{BAN_MS, Offence};
use super::state::Session;
use crate::session::peers::bans::{Ban, Bans, RangeBan};
use crate::session::peers::range::Origin;
use crate::session::peers::slots::{Inbound, SlotError, admit};

impl Session {
    /// A session with what its node knows from earlier: bans, and a secret number, so that no one can choose addresses that
    /// suit it.
    pub fn begin_with(&mut self, bans: Bans, secret: [u8; 32]) {
        (self.bans, self.secret) = (bans, secret);
    }

    /// Why there is no conversation with a peer that connects now, if there is none: a banned address only keeps newcomers
    /// out. Whom this node dials there is another, whose name is not banned.
    pub(crate) fn ban_reason(&self, name: &PeerName, origin: &Origin, outbound: bool) -> Option<&str> {
        match outbound {
            true => self.bans.own_reason(name, origin, self.now),
            false => self.bans.reason(name, origin, self.now),
        }
    }

    /// Whether an inbound peer is taken in: its host may begin a conversation, and there is a slot for it.
    pub(crate) fn admit(&mut self, newcomer: &Origin) -> Result<(), SlotError> {
        self.rates.begin(newcomer, self.now)?;
        self.make_slot(newcomer)
    }

    /// How a peer counts that is connected: the operator may name it, or not any more, while it is.
    pub fn place(&mut self, name: &PeerName, origin: Origin) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.origin = origin;
        }
    }

    /// Makes sure that there is a slot for an inbound peer; another one may have to go for it.
    fn make_slot(&mut self, newcomer: &Origin) -> Result<(), SlotError> {
        let inbound = self.peers.iter().filter(|(_, peer)| !peer.outbound);
        let inbound: Vec<_> = inbound
            .map(|(name, peer)| Inbound {
                name: name.clone(),
                origin: peer.origin,
                connected: peer.connected,
                latency: peer.least_latency,
                block: peer.brought_block,
                transaction: peer.brought_transaction,
            })
            .collect();
        if let Some(name) = admit(&inbound, newcomer, &self.secret)? {
            self.end(&name, "its slot goes to another peer".to_owned());
        }
        Ok(())
    }

    /// A peer brought a block that was new and right: that protects its slot.
    pub(crate) fn brought_block(&mut self, name: &PeerName) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.brought_block = Some(self.now);
        }
    }

    /// Bans a peer for an offence; its address, too, where no honest node behind it could have done the same.
    pub(crate) fn ban_for(&mut self, name: &PeerName, offence: &Offence) {
        let with_host = offence.bans_address();
        self.ban_peer(name, with_host, self.now.saturating_add(BAN_MS), offence.to_string());
    }

    /// Ends the conversation with a peer and bans it until `until`, milliseconds on the session's clock.
    pub fn ban(&mut self, name: &PeerName, until: u64, reason: String) {
        self.ban_peer(name, false, until, reason);
    }

    fn ban_peer(&mut self, name: &PeerName, with_host: bool, until: u64, reason: String) {
        self.counters.bans += 1;
        let origin = self.peers.get(name).map(|peer| peer.origin).unwrap_or_default();
        self.bans.ban(name, &origin, with_host, until, &reason);
        // Others at its address go on: they have done nothing.
        self.end(name, reason);
    }

    /// Bans an address range until `until`, milliseconds on the session's clock; false if too many are banned already.
    pub fn ban_range(&mut self, range: IpNet, until: u64, reason: &str) -> bool {
        let banned = self.bans.ban_range(range, until, reason);
        self.counters.bans += u64::from(banned);
        self.end_banned();
        banned
    }

    /// Ends the conversations with all who are in a range that the operator banned.
    fn end_banned(&mut self) {
        let banned = self.peers.iter().filter_map(|(name, peer)| {
            let reason = self.bans.own_reason(name, &peer.origin, self.now)?;
            Some((name.clone(), format!("banned: {reason}")))
        });
        let banned: Vec<_> = banned.collect();
        for (name, reason) in banned {
            self.end(&name, reason);
        }
    }

    /// Lifts the ban of a peer; false if there is none.
    pub fn unban(&mut self, name: &PeerName) -> bool {
        self.bans.unban(name)
    }

    /// Lifts the ban of a range; false if there is none.
    pub fn unban_range(&mut self, range: IpNet) -> bool {
        self.bans.unban_range(range)
    }

    /// The ban of a peer by its name, if it is still one.
    pub fn ban_of(&self, name: &PeerName) -> Option<&Ban> {
        self.bans.of_peer(name).filter(|ban| ban.until > self.now)
    }

    /// Bans of peers that have not ended.
    pub fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.bans.peers().filter(|ban| ban.until > self.now)
    }

    /// Bans of address ranges that have not ended.
    pub fn range_bans(&self) -> impl Iterator<Item = &RangeBan> {
        self.bans.ranges().filter(|ban| ban.until > self.now)
    }

    /// All bans, to be kept over a restart.
    pub fn all_bans(&self) -> &Bans {
        &self.bans
    }
}
