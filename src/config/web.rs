//! Settings of the HTTP side, and what pages may show of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use tally_app::base::BasePath;
use tally_app::model::{SelfCheck, Verdict};
use tally_pages::ServerFacts;

use super::{ConfigError, HostName};
use crate::web::{Protected, ProxyHeader, Times};

/// Settings of the HTTP side.
#[derive(Debug, Clone)]
pub struct WebConfig {
    pub listen: SocketAddr,
    /// What stands before every path.
    pub base_path: BasePath,
    /// Names beside loopback and [`Self::listen`].
    pub allow_hosts: Vec<HostName>,
    pub cors_origins: Vec<axum::http::HeaderValue>,
    /// Requests a second from one remote address; 0 is no limit.
    pub rate_limit: u32,
    /// The same for loopback addresses.
    pub rate_limit_local: u32,
    /// Event streams, in all and of one remote address.
    pub max_streams: usize,
    pub max_streams_per_address: usize,
    /// Connections, in all and of one remote address.
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    /// Who may name the client of a request: trusted proxies.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they name it.
    pub proxy_header: ProxyHeader,
    /// What needs a token that is open elsewhere.
    pub require_token: Vec<Protected>,
    /// How long clients may take.
    pub times: Times,
    pub tls: Option<TlsFiles>,
}

/// PEM files of the certificate chain and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Whether the node makes them itself.
    pub self_signed: bool,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            base_path: BasePath::default(),
            allow_hosts: Vec::new(),
            cors_origins: Vec::new(),
            rate_limit: 50,
            rate_limit_local: 2_000,
            max_streams: 512,
            max_streams_per_address: 32,
            max_connections: 4_096,
            max_connections_per_address: 256,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::default(),
            require_token: Vec::new(),
            times: Times::default(),
            tls: None,
        }
    }
}

impl WebConfig {
    /// The server's URL, as people type it.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.listen, self.base_path.as_str())
    }

    /// What the pages may show of how this server is reached.
    pub fn facts(&self) -> ServerFacts {
        let loopback = self.listen.ip().is_loopback();
        let check = |name: &str, good: bool, pass: &str, warn: &str| SelfCheck {
            name: name.to_owned(),
            verdict: if good { Verdict::Pass } else { Verdict::Warn },
            detail: if good { pass } else { warn }.to_owned(),
        };
        let checks = vec![
            check(
                "Transport",
                self.tls.is_some() || loopback,
                if self.tls.is_some() {
                    "Answers are encrypted (TLS)."
                } else {
                    "Only this machine can reach the node."
                },
                "The node can be reached from outside without encryption; start it with --tls-cert and --tls-key, or with --tls-self-signed.",
            ),
            check(
                "Other sites",
                self.cors_origins.is_empty(),
                "No other site may read this node's answers.",
                "Other sites were allowed with --cors-origin to read this node's answers.",
            ),
            check(
                "Request limits",
                self.rate_limit > 0,
                "Each remote address has a limit of requests.",
                "Requests are not limited; start the node with --rate-limit.",
            ),
        ];
        ServerFacts {
            listening: vec![self.url()].into(),
            checks: checks.into(),
        }
    }
}

/// Where the certificate is, if there is to be one.
pub(super) fn tls(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    self_signed: bool,
    data_dir: &Path,
) -> Result<Option<TlsFiles>, ConfigError> {
    match (cert, key) {
        (Some(_), Some(_)) if self_signed => Err(ConfigError::TwoCertificates),
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert, key, self_signed })),
        (None, None) => Ok(self_signed.then(|| TlsFiles {
            cert: data_dir.join("tls-cert.pem"),
            key: data_dir.join("tls-key.pem"),
            self_signed,
        })),
        (Some(_), None) => Err(ConfigError::HalfTls { found: "tls-cert" }),
        (None, Some(_)) => Err(ConfigError::HalfTls { found: "tls-key" }),
    }
}

/// Another site that may read answers, as a browser names it.
pub(super) fn origin(text: &str) -> Result<axum::http::HeaderValue, ConfigError> {
    let error = || ConfigError::CorsOrigin { found: text.to_owned() };
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or_else(error)?;
    // No browser sends an origin with a user, and the answer to others would carry the password.
    if rest.is_empty() || rest.contains(['/', '?', '#', '*', ' ', '@']) {
        return Err(error());
    }
    text.parse().map_err(|_| error())
}

/// The path that stands before all others.
pub(super) fn base_path(given: Option<&str>) -> Result<BasePath, ConfigError> {
    let text = given.unwrap_or_default();
    BasePath::parse(text).map_err(|reason| ConfigError::BasePath {
        found: text.to_owned(),
        reason,
    })
}

/// A further name under which the node answers.
pub(super) fn allowed_host(text: &str) -> Result<HostName, ConfigError> {
    HostName::parse(text).map_err(|reason| ConfigError::AllowHost {
        found: text.to_owned(),
        reason,
    })
}

/// A proxy, or a network of them.
pub(super) fn proxy(text: &str) -> Result<IpNet, ConfigError> {
    let text = text.trim();
    let network = text.parse().ok();
    let network = network.or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from));
    network.ok_or_else(|| ConfigError::TrustedProxy { found: text.to_owned() })
}
