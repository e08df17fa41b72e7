//! Address ranges: what one person can easily have many addresses of. Rule: docs/protocol.md#N11

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use ipnet::IpNet;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// Networks of one house or one machine.
const PRIVATE: [&str; 9] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

static PRIVATE_RANGES: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| PRIVATE.iter().filter_map(|range| range.parse().ok()).collect());

/// Whether an address belongs to a network of one house or one machine.
pub fn is_private(host: IpAddr) -> bool {
    PRIVATE_RANGES.iter().any(|range| range.contains(&host))
}

/// The IP address in a peer's address, if it begins with one.
pub fn host_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(host) => Some(host.into()),
        Protocol::Ip6(host) => Some(IpAddr::from(host).to_canonical()),
        _ => None,
    }
}

fn truncated(host: IpAddr, v4: u8, v6: u8) -> IpNet {
    let host = host.to_canonical();
    let length = if host.is_ipv4() { v4 } else { v6 };
    IpNet::new(host, length)
        .expect("at most 32 bits of IPv4 and 128 of IPv6")
        .trunc()
}

/// What one customer of a provider has: an IPv4 address, or an IPv6 /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(pub IpNet);

impl Host {
    /// The customer that this address belongs to.
    pub fn of(host: IpAddr) -> Self {
        Self(truncated(host, 32, 64))
    }
}

/// What one provider has: an IPv4 /16, or an IPv6 /32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range(pub IpNet);

impl Range {
    /// The provider that this address belongs to.
    pub fn of(host: IpAddr) -> Self {
        Self(truncated(host, 16, 32))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Addresses to which limits per range do not apply: where all peers are in one network, or come through one gateway.
#[derive(Debug, Clone, Default)]
pub struct Exempt {
    ranges: Vec<IpNet>,
    private: bool,
    loopback: bool,
}

impl Exempt {
    /// `ranges` as the operator configured them. On a LAN all private addresses are exempt; where the node listens on
    /// loopback only, or not at all, loopback is: no other host can connect from there.
    pub fn new(ranges: Vec<IpNet>, lan: bool, listen: Option<SocketAddr>) -> Self {
        Self {
            ranges,
            private: lan,
            loopback: listen.is_none_or(|listen| listen.ip().is_loopback()),
        }
    }

    /// Whether limits by address do not apply to this one. Rule: docs/protocol.md#N11
    pub fn contains(&self, host: IpAddr) -> bool {
        let host = host.to_canonical();
        (self.loopback && host.is_loopback())
            || (self.private && is_private(host))
            || self.ranges.iter().any(|range| range.contains(&host))
    }
}

/// Where a peer is, as its connection shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin {
    /// None where the transport has no IP addresses.
    pub host: Option<IpAddr>,
    /// Whether limits and bans by address leave it out.
    pub exempt: bool,
    /// Whether the operator named this peer.
    pub configured: bool,
}

impl Origin {
    /// The range that it counts in, if limits apply to it.
    pub fn range(&self) -> Option<Range> {
        self.host.filter(|_| !self.exempt).map(Range::of)
    }

    /// The host that it counts in, if limits apply to it.
    pub fn host(&self) -> Option<Host> {
        self.host.filter(|_| !self.exempt).map(Host::of)
    }

    /// What a ban of this peer covers beside its name. Never a private address: behind it may be a gateway, and with it
    /// all who come through.
    pub fn bannable(&self) -> Option<Host> {
        let host = self
            .host
            .filter(|host| !self.exempt && !self.configured && !is_private(*host))?;
        Some(Host::of(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_and_ranges_are_what_one_customer_and_one_provider_has() {
        for (address, host, range) in [
            ("8.8.4.4", "8.8.4.4/32", "8.8.0.0/16"),
            ("::ffff:8.8.4.4", "8.8.4.4/32", "8.8.0.0/16"),
            ("2600:1:2:3:4:5:6:7", "2600:1:2:3::/64", "2600:1::/32"),
        ] {
            assert_eq!(Host::of(ip(address)).to_string(), host);
            assert_eq!(Range::of(ip(address)).to_string(), range);
        }
    }

    #[test]
    fn all_private_ranges_are_read() {
        assert_eq!(PRIVATE_RANGES.len(), PRIVATE.len());
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.7",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(is_private(ip(host)), "{host}");
        }
        assert!(!is_private(ip("8.8.8.8")) && !is_private(ip("2600::1")));
    }

    #[test]
    fn exempt_is_what_the_operator_configured() {
        let listen = |text: &str| Some(text.parse().unwrap());
        let public = Exempt::new(Vec::new(), false, listen("0.0.0.0:9333"));
        assert!(!public.contains(ip("127.0.0.1")) && !public.contains(ip("10.0.0.1")));
        let local = Exempt::new(Vec::new(), false, listen("127.0.0.1:9333"));
        assert!(local.contains(ip("127.0.0.1")) && !local.contains(ip("10.0.0.1")));
        let lan = Exempt::new(Vec::new(), true, listen("0.0.0.0:9333"));
        assert!(lan.contains(ip("127.0.0.1")) && lan.contains(ip("10.0.0.1")) && !lan.contains(ip("8.8.8.8")));
        let gateway = Exempt::new(vec!["172.17.0.1/32".parse().unwrap()], false, listen("0.0.0.0:9333"));
        assert!(gateway.contains(ip("172.17.0.1")) && !gateway.contains(ip("172.17.0.2")));
    }

    #[test]
    fn private_configured_and_exempt_hosts_are_never_banned_by_address() {
        let origin = |host: &str, exempt, configured| Origin {
            host: Some(ip(host)),
            exempt,
            configured,
        };
        assert_eq!(
            origin("8.8.8.8", false, false).bannable(),
            Some(Host::of(ip("8.8.8.8")))
        );
        for origin in [
            origin("8.8.8.8", true, false),
            origin("8.8.8.8", false, true),
            origin("127.0.0.1", false, false),
            origin("172.17.0.1", false, false),
            Origin::default(),
        ] {
            assert_eq!(origin.bannable(), None, "{origin:?}");
        }
    }
}
