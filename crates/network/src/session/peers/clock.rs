//! Whose clock is off: this machine's time beside that of its peers. Rule: docs/protocol.md#N13
//!
//! The result warns, pauses the miner and keeps this node from punishing others for what its own clock decides. It never
//! changes the time by which blocks are checked: otherwise an attacker with many peers would set every node's clock.

use std::collections::BTreeMap;

use tally_node::ClockReading;

use super::range::{Host, Range};

/// Peers of as many ranges, or hosts that the operator named, are compared at least until their median counts: one clock alone
/// may be the wrong one, or set at will.
pub const MIN_PEERS: usize = 3;
/// Of peers that came by themselves, as many are needed: coming costs nothing.
pub const MIN_INBOUND: usize = 5;
/// A round trip longer than this shows too little of the time, milliseconds.
pub const MAX_ROUND_TRIP_MS: u64 = 10_000;

/// One peer's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// This machine's clock less the peer's, seconds: below 0, this machine's is behind.
    pub offset_secs: i64,
    /// Whether this node dialled it.
    pub outbound: bool,
    /// Whether the operator named it.
    pub configured: bool,
    /// Where it is; None where the transport has no IP addresses.
    pub host: Option<Host>,
    /// None for peers that limits per range leave out.
    pub range: Option<Range>,
}

/// This machine's clock less the peer's, seconds. The peer's is taken to be read half way through the round trip.
pub fn offset_secs(own: u64, peer: u64, round_trip_ms: u64) -> Option<i64> {
    if round_trip_ms > MAX_ROUND_TRIP_MS {
        return None;
    }
    let peer = i128::from(peer) * 1_000 + i128::from(round_trip_ms / 2);
    i64::try_from((i128::from(own) * 1_000 - peer) / 1_000).ok()
}

/// The median of the peers that this node chose, one of each range or named host, if there are enough; else, only to warn,
/// of those that the operator named, or of all, if there are many.
pub fn read(samples: &[Sample]) -> Option<ClockReading> {
    let chosen = diverse(samples.iter().filter(|sample| sample.outbound || sample.configured));
    if chosen.len() >= MIN_PEERS {
        return reading(chosen, true);
    }
    let named = diverse(samples.iter().filter(|sample| sample.configured));
    if !named.is_empty() {
        return reading(named, false);
    }
    let all = diverse(samples.iter());
    (all.len() >= MIN_INBOUND).then(|| reading(all, false))?
}

/// What counts as one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Range(Range),
    /// Of those that the operator named, or exempts from limits per range.
    Host(Host),
}

/// One offset of each range, or of each host where limits per range do not apply: the median of its peers. Peers without
/// an address count each.
fn diverse<'a>(samples: impl Iterator<Item = &'a Sample>) -> Vec<i64> {
    let (mut places, mut offsets) = (BTreeMap::<Place, Vec<i64>>::new(), Vec::new());
    for sample in samples {
        let range = sample.range.filter(|_| !sample.configured).map(Place::Range);
        match range.or(sample.host.map(Place::Host)) {
            Some(place) => places.entry(place).or_default().push(sample.offset_secs),
            None => offsets.push(sample.offset_secs),
        }
    }
    offsets.extend(places.into_values().filter_map(median));
    offsets
}

/// Of an even number the middle one nearer to zero: no warning without a majority for it.
fn median(mut offsets: Vec<i64>) -> Option<i64> {
    offsets.sort_unstable();
    let count = offsets.len();
    let middle = [offsets.get(count.checked_sub(1)? / 2)?, offsets.get(count / 2)?];
    middle.into_iter().min_by_key(|offset| offset.unsigned_abs()).copied()
}

fn reading(offsets: Vec<i64>, chosen: bool) -> Option<ClockReading> {
    let peers = offsets.len();
    let offset_secs = median(offsets)?;
    Some(ClockReading {
        offset_secs,
        peers,
        chosen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(offset_secs: i64, range: u8, outbound: bool) -> Sample {
        Sample {
            offset_secs,
            outbound,
            configured: false,
            host: Some(Host::of([range, 1, 1, 1].into())),
            range: Some(Range::of([range, 1, 1, 1].into())),
        }
    }

    fn read_of(samples: &[Sample]) -> Option<(i64, usize, bool)> {
        read(samples).map(|reading| (reading.offset_secs, reading.peers, reading.chosen))
    }

    #[test]
    fn half_of_the_round_trip_is_the_way_back() {
        assert_eq!(offset_secs(1_000, 1_000, 0), Some(0));
        assert_eq!(offset_secs(700, 1_000, 100), Some(-300));
        assert_eq!(offset_secs(1_004, 1_000, 8_000), Some(0));
        assert_eq!(offset_secs(1_000, 1_000, MAX_ROUND_TRIP_MS + 1), None);
        assert_eq!(offset_secs(0, u64::MAX, 0), None, "no clock shows that");
    }

    #[test]
    fn a_hostile_minority_does_not_move_the_median() {
        let mut samples: Vec<_> = (0..4).map(|at| sample(0, 10 + at, true)).collect();
        samples.extend((0..3).map(|at| sample(-9_000, 20 + at, true)));
        assert_eq!(read_of(&samples), Some((0, 7, true)));
        // A hundred of one range are one, and those who came do not count beside enough chosen ones.
        samples.extend((0..100).map(|_| sample(-9_000, 20, true)));
        samples.extend((0..100).map(|at| sample(-9_000, 100 + at, false)));
        assert_eq!(read_of(&samples), Some((0, 7, true)));
        samples.push(sample(-9_000, 30, true));
        assert_eq!(read_of(&samples), Some((0, 8, true)), "half is no majority");
    }

    #[test]
    fn too_few_peers_show_nothing_and_few_that_the_operator_named_only_warn() {
        let few = [sample(-300, 10, true), sample(-300, 11, true)];
        assert_eq!(read_of(&few), None);
        let mut named = sample(-300, 10, true);
        named.configured = true;
        assert_eq!(read_of(&[named]), Some((-300, 1, false)));
        let at_host = |host: u8| Sample {
            host: Some(Host::of([10, 1, 1, host].into())),
            ..named
        };
        let on_one_host = [at_host(1); 5];
        assert_eq!(read_of(&on_one_host), Some((-300, 1, false)), "five names are one host");
        assert_eq!(read_of(&[at_host(1), at_host(2)]), Some((-300, 2, false)));
        let on_three = [at_host(1), at_host(2), at_host(3)];
        assert_eq!(read_of(&on_three), Some((-300, 3, true)));
        let came: Vec<_> = (0..4).map(|at| sample(60, 10 + at, false)).collect();
        assert_eq!(read_of(&came), None);
        let came: Vec<_> = (0..5).map(|at| sample(60, 10 + at, false)).collect();
        assert_eq!(read_of(&came), Some((60, 5, false)));
        assert_eq!(read_of(&[]), None);
    }
}
