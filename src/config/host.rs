//! Names of hosts as operators write them and as clients send them: both are brought into one form, and compared in it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A name or an address without its port: names in lower case, in ASCII and without the dot at the end; IPv4 written as
/// IPv6 is IPv4.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostName {
    Ip(IpAddr),
    Name(String),
}

/// Why a text is no name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("it is empty")]
    Empty,
    #[error("it is a URL; only the name in it belongs here")]
    Url,
    #[error("it has a path; only the name before it belongs here")]
    Path,
    #[error("there are no patterns; each name is given by itself")]
    Pattern,
    #[error("what follows the name is no port")]
    Port,
    #[error("what is in brackets is no IPv6 address")]
    Brackets,
    #[error("it has a character that no name has")]
    Character,
}

/// Longest name in bytes. RFC 1035, section 2.3.4
const MAX_NAME: usize = 253;

impl HostName {
    /// Reads `name`, `name:port`, an IPv4 address, or an IPv6 address with or without brackets. The port is left out: a
    /// node answers under its names on whatever port it is reached by.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.contains("://") {
            return Err(HostError::Url);
        }
        if text.contains(['/', '?', '#']) {
            return Err(HostError::Path);
        }
        if text.contains('*') {
            return Err(HostError::Pattern);
        }
        if let Ok(ip) = text.parse::<Ipv6Addr>() {
            return Ok(Self::Ip(IpAddr::V6(ip).to_canonical()));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (ip, port) = rest.split_once(']').ok_or(HostError::Brackets)?;
            let ip: Ipv6Addr = ip.parse().map_err(|_| HostError::Brackets)?;
            return match port.is_empty() || port.strip_prefix(':').is_some_and(is_port) {
                true => Ok(Self::Ip(IpAddr::V6(ip).to_canonical())),
                false => Err(HostError::Port),
            };
        }
        let name = match text.split_once(':') {
            Some((name, port)) if is_port(port) => name,
            Some(_) => return Err(HostError::Port),
            None => text,
        };
        Self::name(name)
    }

    fn name(name: &str) -> Result<Self, HostError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        // Browsers send names of other alphabets in this form.
        let ascii = idna::domain_to_ascii(name).map_err(|_| HostError::Character)?;
        if ascii.is_empty() {
            return Err(HostError::Empty);
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if ascii.len() > MAX_NAME || !ascii.chars().all(legal) || ascii.split('.').any(str::is_empty) {
            return Err(HostError::Character);
        }
        Ok(match ascii.parse::<IpAddr>() {
            Ok(ip) => Self::Ip(ip),
            Err(_) => Self::Name(ascii),
        })
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_name_is_one_name_or_an_error() {
        for (text, expected) in [
            ("ledger.example.org", Ok("ledger.example.org")),
            (" Ledger.Example.ORG ", Ok("ledger.example.org")),
            ("ledger.example.org.", Ok("ledger.example.org")),
            ("ledger.example.org:8443", Ok("ledger.example.org")),
            ("ledger.example.org.:8443", Ok("ledger.example.org")),
            ("my_node", Ok("my_node")),
            ("büro.example", Ok("xn--bro-hoa.example")),
            ("xn--bro-hoa.example", Ok("xn--bro-hoa.example")),
            ("192.0.2.7", Ok("192.0.2.7")),
            ("192.0.2.7:18081", Ok("192.0.2.7")),
            ("fd00::5", Ok("fd00::5")),
            ("[fd00::5]", Ok("fd00::5")),
            ("[FD00:0::5]:18081", Ok("fd00::5")),
            ("[0:0:0:0:0:0:0:1]:1", Ok("::1")),
            ("[::ffff:127.0.0.1]", Ok("127.0.0.1")),
            ("", Err(HostError::Empty)),
            (" ", Err(HostError::Empty)),
            (".", Err(HostError::Empty)),
            ("https://ledger.example.org", Err(HostError::Url)),
            ("ledger.example.org/", Err(HostError::Path)),
            ("ledger.example.org/tally", Err(HostError::Path)),
            ("*", Err(HostError::Pattern)),
            ("*.example.org", Err(HostError::Pattern)),
            ("ledger.example.org:http", Err(HostError::Port)),
            ("ledger.example.org:99999", Err(HostError::Port)),
            ("[fd00::5]x", Err(HostError::Port)),
            ("[fd00::5", Err(HostError::Brackets)),
            ("[192.0.2.7]", Err(HostError::Brackets)),
            ("a b", Err(HostError::Character)),
            ("a..b", Err(HostError::Character)),
            ("user@host", Err(HostError::Character)),
        ] {
            let found = HostName::parse(text).map(|name| name.to_string());
            assert_eq!(found, expected.map(str::to_owned), "{text:?}");
        }
    }
}
