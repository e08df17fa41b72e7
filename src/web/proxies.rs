//! Trusted proxies, and the addresses of clients that they name.
//!
//! One header counts, the one that the proxy writes. The other one may come from the client through a proxy that knows
//! nothing of it, so it is never read, whether it agrees or not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use clap::ValueEnum;
use ipnet::IpNet;
use serde::Deserialize;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The header in which trusted proxies name their clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    #[default]
    XForwardedFor,
    Forwarded,
}

/// The proxies whose headers about their clients are trusted.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    networks: Vec<IpNet>,
    header: ProxyHeader,
}

impl Proxies {
    /// Connections of a proxy are counted as this machine's own: it carries those of many clients.
    pub const COUNTED_AS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    pub fn new(networks: Vec<IpNet>, header: ProxyHeader) -> Self {
        Self { networks, header }
    }

    pub fn trust(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(&ip))
    }

    /// The right-most address that is no trusted proxy's. What stands left of it may be made up by the client.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        for named in named(headers, self.header).into_iter().rev() {
            if !self.trust(client) {
                break;
            }
            // An address that is hidden or nonsense: the last one that is known answers for it.
            let Some(ip) = named else { break };
            client = ip.to_canonical();
        }
        client
    }
}

/// The addresses in the order in which proxies have written them.
fn named(headers: &HeaderMap, header: ProxyHeader) -> Vec<Option<IpAddr>> {
    let (name, read): (HeaderName, fn(&str) -> Option<IpAddr>) = match header {
        ProxyHeader::XForwardedFor => (X_FORWARDED_FOR, address),
        ProxyHeader::Forwarded => (header::FORWARDED, forwarded),
    };
    let values = headers.get_all(name).iter();
    let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    texts
        .flat_map(|text| text.split(',').map(|entry| read(entry.trim())).collect::<Vec<_>>())
        .collect()
}

/// The `for` of one element of `Forwarded`. RFC 7239, section 4
fn forwarded(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for")
            .then(|| address(value.trim().trim_matches('"')))?
    })
}

/// An address with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let ip = bare.parse().ok();
    ip.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &str)]) -> String {
        client_by(ProxyHeader::XForwardedFor, peer, headers)
    }

    fn client_by(header: ProxyHeader, peer: &str, headers: &[(&'static str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"];
        let proxies = Proxies::new(networks.map(|net| net.parse().expect("a network")).into(), header);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        proxies.client(peer.parse().expect("an address"), &map).to_string()
    }

    #[test]
    fn only_headers_of_trusted_proxies_count() {
        let forwarded = [("x-forwarded-for", "192.0.2.66")];
        assert_eq!(client("198.51.100.1", &forwarded), "198.51.100.1");
        assert_eq!(client("10.1.2.3", &forwarded), "192.0.2.66");
        assert_eq!(client("::ffff:10.1.2.3", &forwarded), "192.0.2.66");
        assert_eq!(client("10.1.2.3", &[]), "10.1.2.3");
    }

    #[test]
    fn the_right_most_untrusted_address_counts() {
        for (value, expected) in [
            ("1.1.1.1, 192.0.2.66", "192.0.2.66"),
            ("192.0.2.66, 10.9.9.9", "192.0.2.66"),
            ("1.1.1.1, 192.0.2.66, 10.9.9.9, fd00::7", "192.0.2.66"),
            ("10.0.0.1, 10.0.0.2", "10.0.0.1"),
            ("192.0.2.66:1234", "192.0.2.66"),
            ("[2001:db8::1]:1234", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("nonsense", "127.0.0.1"),
            ("192.0.2.66, unknown, 10.0.0.9", "10.0.0.9"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(client("127.0.0.1", &[("x-forwarded-for", value)]), expected, "{value}");
        }
        let two = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.66")];
        assert_eq!(client("127.0.0.1", &two), "192.0.2.66");
    }

    #[test]
    fn forwarded_is_read_where_proxies_write_it() {
        for (value, expected) in [
            ("for=192.0.2.66;proto=https", "192.0.2.66"),
            ("for=1.1.1.1, For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=\"1.1.1.1, for=192.0.2.66", "192.0.2.66"),
            ("for=_hidden", "127.0.0.1"),
            ("proto=https", "127.0.0.1"),
        ] {
            let found = client_by(ProxyHeader::Forwarded, "127.0.0.1", &[("forwarded", value)]);
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn the_header_that_the_proxy_does_not_write_is_the_clients_and_never_counts() {
        let (forwarded, x_forwarded_for) = (ProxyHeader::Forwarded, ProxyHeader::XForwardedFor);
        let (one, other) = (("forwarded", "for=198.51.100.1"), ("x-forwarded-for", "192.0.2.66"));
        let agreeing = ("forwarded", "for=192.0.2.66");
        for (header, headers, expected) in [
            (x_forwarded_for, &[one, other][..], "192.0.2.66"),
            (x_forwarded_for, &[other, one][..], "192.0.2.66"),
            (x_forwarded_for, &[agreeing, other][..], "192.0.2.66"),
            (x_forwarded_for, &[one][..], "127.0.0.1"),
            (forwarded, &[one, other][..], "198.51.100.1"),
            (forwarded, &[other, one][..], "198.51.100.1"),
            (forwarded, &[other][..], "127.0.0.1"),
            (forwarded, &[][..], "127.0.0.1"),
        ] {
            assert_eq!(
                client_by(header, "127.0.0.1", headers),
                expected,
                "{header:?} {headers:?}"
            );
            // An address that is no proxy names no client.
            assert_eq!(client_by(header, "203.0.113.9", headers), "203.0.113.9");
        }
    }
}
