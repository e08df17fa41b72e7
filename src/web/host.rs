//! Which names this node answers under: without this, a foreign site could reach it through a name of its own that
//! resolves to 127.0.0.1 (DNS rebinding).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::problem::{Problem, kinds};
use crate::config::WebConfig;

/// The allowed names, in lower case, without port.
#[derive(Clone)]
pub struct Hosts(Arc<BTreeSet<String>>);

impl Hosts {
    pub fn of(web: &WebConfig) -> Self {
        let mut names: BTreeSet<String> = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into();
        if !web.listen.ip().is_unspecified() {
            names.insert(match web.listen.ip() {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            });
        }
        names.extend(web.allow_hosts.iter().map(|name| name.trim().to_ascii_lowercase()));
        Self(Arc::new(names))
    }

    fn allow(&self, host: &str) -> bool {
        self.0.contains(&without_port(host).to_ascii_lowercase())
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// Refuses requests for other names.
pub async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    // HTTP/2 carries the name in the URI, HTTP/1 in the header.
    let named = Uri::host(request.uri()).map(str::to_owned);
    let header = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let host = named.or(header).unwrap_or_default();
    if hosts.allow(&host) {
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
        let web = WebConfig {
            allow_hosts: vec!["Tally.example".to_owned()],
            ..WebConfig::default()
        };
        let hosts = Hosts::of(&web);
        for good in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "[::1]",
            "TALLY.EXAMPLE:443",
        ] {
            assert!(hosts.allow(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.2",
            "::1",
            "localhost:x",
        ] {
            assert!(!hosts.allow(bad), "{bad}");
        }
    }
}
