//! The clocks of peers, as their answers to pings show them. Rule: docs/protocol.md#N13

use tally_node::ClockReading;

use super::name::PeerName;
use super::offence::Offence;
use super::state::Session;
use crate::session::peers::clock::{Sample, offset_secs, read};
use crate::session::peers::range::Host;

impl Session {
    /// A ping was answered; `time` is the peer's clock, Unix seconds, if it sent one.
    pub(crate) fn ponged(&mut self, name: &PeerName, sent: u64, time: Option<u64>) {
        let latency = self.now.saturating_sub(sent);
        let own = self.node.now().0;
        let Some(peer) = self.peers.get_mut(name) else { return };
        peer.latency = Some(latency);
        peer.least_latency = Some(peer.least_latency.map_or(latency, |least| least.min(latency)));
        if let Some(offset) = time.and_then(|time| offset_secs(own, time, latency)) {
            peer.clock_offset = Some(offset);
        }
        self.read_clocks();
    }

    /// Looks at the clocks of all peers again.
    fn read_clocks(&mut self) {
        let samples = self.peers.values().filter_map(|peer| {
            Some(Sample {
                offset_secs: peer.clock_offset?,
                outbound: peer.outbound,
                configured: peer.origin.configured,
                host: peer.origin.host.map(Host::of),
                range: peer.origin.range(),
            })
        });
        let samples: Vec<_> = samples.collect();
        // Without peers the last reading stays: that they are gone may be what a wrong clock has done.
        if let Some(reading) = read(&samples) {
            self.clock = Some(reading);
        } else if !samples.is_empty() {
            self.clock = None;
        }
        self.node.set_clock_reading(self.clock);
        self.log_clock();
    }

    fn log_clock(&mut self) {
        let allowed_secs = self.node.clock_allowance();
        let Some(reading) = self.clock.filter(|reading| reading.is_off(allowed_secs)) else {
            return;
        };
        let certain = reading.chosen;
        // The clock of the first peer does not delay a line about all of them for a minute.
        let line = if certain { "clock" } else { "clock, perhaps" };
        if self.lines.is_due(line, self.now) {
            tracing::warn!(allowed_secs, certain, "{}", reading.words());
        }
    }

    /// This machine's clock beside those of its peers, if enough of them are known.
    pub fn clock(&self) -> Option<ClockReading> {
        self.clock
    }

    /// Whether this machine's clock is so far off, by enough peers that it chose or by its own chain, that it cannot check
    /// times.
    pub(crate) fn clock_is_off(&self) -> bool {
        let allowance = self.node.clock_allowance();
        let by_peers = self
            .clock
            .is_some_and(|reading| reading.chosen && reading.is_off(allowance));
        by_peers || self.node.behind_own_chain().is_some()
    }

    /// Whether an offence may be only this machine's own clock: then it counts and costs no points.
    pub(crate) fn may_be_our_clock(&self, offence: &Offence) -> bool {
        offence.may_come_of_a_wrong_clock() && self.clock_is_off()
    }
}
