//! Which names this node answers under: without this, a foreign site could reach it through a name of its own that
//! resolves to 127.0.0.1 (DNS rebinding).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::problem::{Answer, Problem, kinds};
use crate::config::{HostName, WebConfig};

/// Paths that answer under every name. Supervisors and scrapers use addresses that no operator can name beforehand (a pod's,
/// a container's), and what they learn is no secret of any user of a browser.
const FOR_MONITORS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Whether a path is one of theirs.
pub fn for_monitors(path: &str) -> bool {
    FOR_MONITORS.contains(&path)
}

/// The allowed names.
#[derive(Clone)]
pub struct Hosts(Arc<BTreeSet<HostName>>);

impl Hosts {
    pub fn of(web: &WebConfig) -> Self {
        let mut names: BTreeSet<HostName> = [
            HostName::Name("localhost".to_owned()),
            HostName::Ip(Ipv4Addr::LOCALHOST.into()),
            HostName::Ip(Ipv6Addr::LOCALHOST.into()),
        ]
        .into();
        let listen: IpAddr = web.listen.ip().to_canonical();
        if !listen.is_unspecified() {
            names.insert(HostName::Ip(listen));
        }
        names.extend(web.allow_hosts.iter().cloned());
        Self(Arc::new(names))
    }

    fn allow(&self, host: &str) -> bool {
        HostName::parse(host).is_ok_and(|name| self.0.contains(&name))
    }
}

/// The name that a request was sent to, with its port.
fn named(request: &Request) -> Answer<String> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let (first, second) = (headers.next(), headers.next());
    if second.is_some() {
        // RFC 9112, section 3.2: a proxy before this node may have chosen the other one.
        return Err(Problem::new(&kinds::BAD_REQUEST, "the request has more than one Host").field("host"));
    }
    // HTTP/2 and the absolute form carry the name in the target.
    if let Some(authority) = request.uri().authority() {
        return Ok(authority.as_str().to_owned());
    }
    match first {
        Some(value) => Ok(String::from_utf8_lossy(value.as_bytes()).into_owned()),
        None if request.version() >= Version::HTTP_11 => {
            Err(Problem::new(&kinds::BAD_REQUEST, "the request has no Host").field("host"))
        }
        None => Ok(String::new()),
    }
}

/// Rejects requests for other names.
pub async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let host = match named(&request) {
        Ok(host) => host,
        Err(problem) => return problem.into_response(),
    };
    if hosts.allow(&host) || for_monitors(request.uri().path()) {
        return next.run(request).await;
    }
    let shown: String = host.chars().take(256).collect();
    Problem::new(
        &kinds::UNKNOWN_HOST,
        format!("this node does not answer under the name {shown:?}"),
    )
    .field("host")
    .with("found", shown)
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_are_answered() {
        let names = ["Tally.example", "fd00::5", "192.0.2.7:18081", "büro.example"];
        let web = WebConfig {
            allow_hosts: names.map(|name| HostName::parse(name).expect("a name")).into(),
            ..WebConfig::default()
        };
        let hosts = Hosts::of(&web);
        for good in [
            "localhost",
            "localhost:8080",
            "LOCALHOST.:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "[::1]",
            "[::ffff:127.0.0.1]:8080",
            "TALLY.EXAMPLE:443",
            "tally.example.",
            "[fd00::5]:18081",
            "192.0.2.7",
            "xn--bro-hoa.example",
        ] {
            assert!(hosts.allow(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.2",
            "0.0.0.0",
            "localhost:x",
            "localhost@evil.example",
            "fd00::6",
        ] {
            assert!(!hosts.allow(bad), "{bad}");
        }
    }
}
