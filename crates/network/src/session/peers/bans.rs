//! Bans: of a peer by its name, together with its address where that is just, and of address ranges. Rule:
//! docs/protocol.md#N12
//!
//! A name costs nothing, so a ban for what no honest node does covers the address, too: the IPv4 address or the IPv6 /64.
//! Behind one address there may be others, so lesser offences ban the peer id alone, and a banned address only lets no one
//! new in: conversations that go on with others there are not ended, and nodes there are still dialled.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize, Serializer};

use super::range::{Host, Origin};
use crate::session::name::PeerName;
use crate::wire::limits::MAX_BANS;

/// The longest ban, milliseconds: a year.
const MAX_BAN_MS: u64 = 31_536_000_000;
/// Characters of a reason that are kept.
const MAX_REASON: usize = 300;
/// Bytes of the file that are read at most.
pub const MAX_FILE: u64 = 4 << 20;

/// A peer that this node has nothing to do with for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ban {
    /// Its peer id.
    pub name: PeerName,
    /// The addresses that are banned with it.
    #[serde(serialize_with = "option_as_text")]
    pub host: Option<IpNet>,
    /// Milliseconds on the session's clock.
    pub until: u64,
    /// Why it is banned.
    pub reason: String,
}

/// An address range that this node has nothing to do with for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RangeBan {
    /// The addresses that are banned.
    #[serde(serialize_with = "as_text")]
    pub range: IpNet,
    /// Milliseconds on the session's clock.
    pub until: u64,
    /// Why they are banned.
    pub reason: String,
}

/// All bans.
#[derive(Debug, Default)]
pub struct Bans {
    peers: BTreeMap<PeerName, Ban>,
    ranges: BTreeMap<IpNet, RangeBan>,
    /// Grows with every change.
    version: u64,
}

/// The file that keeps bans over a restart. Moments are Unix seconds.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct File {
    peers: Vec<PeerLine>,
    ranges: Vec<RangeLine>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PeerLine {
    id: PeerName,
    host: Option<String>,
    until: u64,
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct RangeLine {
    range: String,
    until: u64,
    reason: String,
}

/// The session's clock and the calendar, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Milliseconds on the session's clock.
    pub now: u64,
    /// Unix seconds.
    pub unix: u64,
}

impl Moment {
    fn on_calendar(self, until: u64) -> u64 {
        self.unix.saturating_add(until.saturating_sub(self.now).div_ceil(1_000))
    }

    /// A moment of the calendar on the session's clock; none for what is over.
    fn on_session(self, until: u64) -> Option<u64> {
        let left = until.checked_sub(self.unix).filter(|left| *left > 0)?;
        Some(self.now.saturating_add(left.saturating_mul(1_000).min(MAX_BAN_MS)))
    }
}

impl Bans {
    /// Bans a peer, and the address that it has where `with_host` is set and its origin allows it.
    pub fn ban(&mut self, name: &PeerName, origin: &Origin, with_host: bool, until: u64, reason: &str) {
        let host = origin.bannable().filter(|_| with_host).map(|Host(host)| host);
        let ban = Ban {
            name: name.clone(),
            host,
            until,
            reason: shortened(reason),
        };
        self.peers.insert(name.clone(), ban);
        self.version += 1;
        while self.peers.len() > MAX_BANS {
            let first = self.peers.values().min_by_key(|ban| ban.until);
            let Some(name) = first.map(|ban| ban.name.clone()) else {
                break;
            };
            self.peers.remove(&name);
        }
    }

    /// Bans a range; false if there are too many already.
    pub fn ban_range(&mut self, range: IpNet, until: u64, reason: &str) -> bool {
        let range = range.trunc();
        if self.ranges.len() >= MAX_BANS && !self.ranges.contains_key(&range) {
            return false;
        }
        let reason = shortened(reason);
        self.ranges.insert(range, RangeBan { range, until, reason });
        self.version += 1;
        true
    }

    /// Lifts the ban of a peer, and of the address banned with it; returns whether there was one.
    pub fn unban(&mut self, name: &PeerName) -> bool {
        let lifted = self.peers.remove(name).is_some();
        self.version += u64::from(lifted);
        lifted
    }

    /// Lifts the ban of a range; returns whether there was one.
    pub fn unban_range(&mut self, range: IpNet) -> bool {
        let lifted = self.ranges.remove(&range.trunc()).is_some();
        self.version += u64::from(lifted);
        lifted
    }

    /// Why a peer that comes is banned now, if it is: by itself, or by the address that another has misused.
    pub fn reason(&self, name: &PeerName, origin: &Origin, now: u64) -> Option<&str> {
        let by_address = || self.reason_of_host(bannable_host(origin)?, now);
        self.own_reason(name, origin, now).or_else(by_address)
    }

    /// Why a peer is banned now for itself, if it is: by its name, or by a range that the operator banned. An address that
    /// another has misused is no reason to end what goes on, or not to dial: behind it there may be many.
    pub fn own_reason(&self, name: &PeerName, origin: &Origin, now: u64) -> Option<&str> {
        let by_name = self.peers.get(name).filter(|ban| ban.until > now);
        if let Some(ban) = by_name {
            return Some(&ban.reason);
        }
        let host = bannable_host(origin)?;
        let mut ranges = self.ranges.values().filter(|ban| ban.until > now);
        let ban = ranges.find(|ban| ban.range.contains(&host))?;
        Some(&ban.reason)
    }

    /// Why an address is banned now together with a peer, if it is.
    fn reason_of_host(&self, host: IpAddr, now: u64) -> Option<&str> {
        let mut peers = self.peers.values().filter(|ban| ban.until > now);
        let ban = peers.find(|ban| ban.host.is_some_and(|banned| banned.contains(&host)))?;
        Some(&ban.reason)
    }

    /// Forgets what is over.
    pub fn expire(&mut self, now: u64) {
        let before = self.peers.len() + self.ranges.len();
        self.peers.retain(|_, ban| ban.until > now);
        self.ranges.retain(|_, ban| ban.until > now);
        self.version += u64::from(before != self.peers.len() + self.ranges.len());
    }

    /// Bans of peers, those that have ended among them until they are removed.
    pub fn peers(&self) -> impl Iterator<Item = &Ban> {
        self.peers.values()
    }

    /// Bans of address ranges, those that have ended among them until they are removed.
    pub fn ranges(&self) -> impl Iterator<Item = &RangeBan> {
        self.ranges.values()
    }

    /// The ban of this peer, if there is one.
    pub fn of_peer(&self, name: &PeerName) -> Option<&Ban> {
        self.peers.get(name)
    }

    /// Everything by address that is banned, for a transport that rejects connections early.
    pub fn hosts(&self) -> Vec<IpNet> {
        let peers = self.peers.values().filter_map(|ban| ban.host);
        self.ranges.keys().copied().chain(peers).collect()
    }

    /// Grows with every change: what was written before is then out of date.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The text of the file.
    pub fn to_text(&self, moment: Moment) -> String {
        let peers = self.peers.values().map(|ban| PeerLine {
            id: ban.name.clone(),
            host: ban.host.map(|host| host.to_string()),
            until: moment.on_calendar(ban.until),
            reason: ban.reason.clone(),
        });
        let ranges = self.ranges.values().map(|ban| RangeLine {
            range: ban.range.to_string(),
            until: moment.on_calendar(ban.until),
            reason: ban.reason.clone(),
        });
        let file = File {
            peers: peers.collect(),
            ranges: ranges.collect(),
        };
        serde_json::to_string_pretty(&file).expect("names, numbers and texts are JSON")
    }

    /// Bans that are not over yet, from the text of the file.
    pub fn from_text(text: &str, moment: Moment) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        let mut bans = Self::default();
        for PeerLine {
            id,
            host,
            until,
            reason,
        } in file.peers.into_iter().take(MAX_BANS)
        {
            let Some(until) = moment.on_session(until) else {
                continue;
            };
            let reason = shortened(&reason);
            let host = host.and_then(|host| host.parse().ok());
            let name = id.clone();
            bans.peers.insert(
                id,
                Ban {
                    name,
                    host,
                    until,
                    reason,
                },
            );
        }
        for RangeLine { range, until, reason } in file.ranges.into_iter().take(MAX_BANS) {
            if let (Some(until), Ok(range)) = (moment.on_session(until), range.parse()) {
                bans.ban_range(range, until, &reason);
            }
        }
        bans.version = 0;
        Ok(bans)
    }
}

/// The host by which a peer can be banned: what the operator named or exempts is not banned by its address.
fn bannable_host(origin: &Origin) -> Option<IpAddr> {
    let host = origin.host.filter(|_| !origin.exempt && !origin.configured)?;
    Some(host.to_canonical())
}

fn as_text<S: Serializer>(range: &IpNet, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(range)
}

fn option_as_text<S: Serializer>(range: &Option<IpNet>, serializer: S) -> Result<S::Ok, S::Error> {
    match range {
        Some(range) => serializer.collect_str(range),
        None => serializer.serialize_none(),
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn at(host: &str) -> Origin {
        Origin {
            host: Some(host.parse().unwrap()),
            ..Origin::default()
        }
    }

    fn range(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn a_new_name_from_the_same_address_stays_banned() {
        let mut bans = Bans::default();
        bans.ban(&"a".into(), &at("8.8.8.8"), true, HOUR, "forged a block");
        bans.ban(&"c".into(), &at("2600:1:2:3::1"), true, HOUR, "forged another");
        let reason = |name: &str, host: &str, now| bans.reason(&name.into(), &at(host), now);
        assert_eq!(reason("a", "9.9.9.9", 0), Some("forged a block"));
        assert_eq!(reason("b", "8.8.8.8", 0), Some("forged a block"));
        assert_eq!(reason("b", "8.8.8.9", 0), None, "its neighbours are others");
        assert_eq!(reason("b", "2600:1:2:3:ffff::9", 0), Some("forged another"));
        assert_eq!(reason("b", "2600:1:2:4::1", 0), None);
        assert_eq!(reason("b", "8.8.8.8", HOUR), None, "it is over");
        assert!(bans.unban(&"a".into()));
        assert_eq!(bans.reason(&"b".into(), &at("8.8.8.8"), 0), None, "both are lifted");
        let own = |name: &str| bans.own_reason(&name.into(), &at("2600:1:2:3::1"), 0);
        assert_eq!((own("c"), own("d")), (Some("forged another"), None));
    }

    #[test]
    fn honest_people_behind_one_address_are_left_alone() {
        let mut bans = Bans::default();
        bans.ban(&"a".into(), &at("8.8.8.8"), false, HOUR, "many small offences");
        bans.ban(&"c".into(), &at("192.168.0.1"), true, HOUR, "came through a gateway");
        for host in ["8.8.8.8", "192.168.0.1"] {
            assert_eq!(bans.reason(&"b".into(), &at(host), 0), None, "{host}");
        }
        assert!(bans.hosts().is_empty());
    }

    #[test]
    fn a_range_is_banned_but_for_what_the_operator_named() {
        let mut bans = Bans::default();
        assert!(bans.ban_range(range("8.8.7.9/16"), HOUR, "noise"));
        assert_eq!(bans.reason(&"a".into(), &at("8.8.200.1"), 0), Some("noise"));
        assert_eq!(bans.own_reason(&"a".into(), &at("8.8.200.1"), 0), Some("noise"));
        let mut configured = at("8.8.200.1");
        configured.configured = true;
        assert_eq!(bans.reason(&"a".into(), &configured, 0), None);
        assert_eq!(bans.hosts(), [range("8.8.0.0/16")]);
        assert!(bans.unban_range(range("8.8.0.0/16")) && !bans.unban_range(range("8.8.0.0/16")));
    }

    #[test]
    fn bans_are_the_same_after_a_restart_and_over_when_they_are() {
        let mut bans = Bans::default();
        bans.ban(&"a".into(), &at("8.8.8.8"), true, 5_000 + HOUR, "forged a block");
        bans.ban_range(range("9.9.0.0/16"), 5_000 + HOUR / 2, "noise");
        let text = bans.to_text(Moment {
            now: 5_000,
            unix: 1_800_000_000,
        });
        let moment = Moment {
            now: 70,
            unix: 1_800_000_000 + 1_800,
        };
        let read = Bans::from_text(&text, moment).unwrap();
        let expected = Ban {
            name: "a".into(),
            host: Some(range("8.8.8.8/32")),
            until: 70 + HOUR / 2,
            reason: "forged a block".to_owned(),
        };
        assert_eq!(read.peers().collect::<Vec<_>>(), [&expected]);
        assert_eq!(read.ranges().count(), 0, "its half hour is over");
        let error = Bans::from_text("no JSON", moment).unwrap_err();
        assert_eq!(error.to_string(), "expected ident at line 1 column 2");
        let endless = r#"{"ranges":[{"range":"9.9.0.0/16","until":18446744073709551615,"reason":""}]}"#;
        let read = Bans::from_text(endless, moment).unwrap();
        assert_eq!(read.ranges().next().unwrap().until, 70 + MAX_BAN_MS);
    }

    #[test]
    fn bans_have_a_limit_and_the_shortest_go_first() {
        let mut bans = Bans::default();
        for at in 0..=MAX_BANS as u64 {
            let name = PeerName(format!("peer-{at:06}"));
            bans.ban(&name, &Origin::default(), false, 1_000 + at, "");
        }
        assert_eq!(bans.peers().count(), MAX_BANS);
        assert!(bans.of_peer(&"peer-000000".into()).is_none());
    }
}
