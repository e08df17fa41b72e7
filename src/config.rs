//! Settings of `tally node`: flags, then `TALLY_*` environment, then the TOML file, then defaults.

mod chain;
mod error;
mod host;
mod network;
mod options;
mod web;

use std::net::SocketAddr;

use tally_network::NetworkConfig;
use tally_node::{CheckpointConfig, DEFAULT_MAX_REORG_DEPTH, NodeConfig, mempool::MempoolConfig};

use crate::logging::LogFormat;
use crate::operator::TokenSource;
use chain::mining;
pub use chain::{chain_spec, default_data_dir, read_spec};
pub use error::ConfigError;
pub use host::{HostError, HostName};
pub use network::peer_address;
use network::{address_range, block_id, multiaddr};
pub use options::NodeOptions;
use options::read_file;
pub use tally_app::base::{BasePath, BasePathError};
pub use web::{TlsFiles, WebConfig};
use web::{allowed_host, base_path, origin, proxy, tls};

/// First account of the PUBLIC test phrase: receives the rewards of playground chains unless configured otherwise.
pub const PUBLIC_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
/// Chains whose funded keys are public.
pub const PLAYGROUNDS: [&str; 2] = ["local", "test"];

/// Checked settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub node: NodeConfig,
    pub web: WebConfig,
    /// `None`: this node stays alone.
    pub p2p: Option<NetworkConfig>,
    pub stratum_listen: Option<SocketAddr>,
    pub until_stdin_closes: bool,
    pub operator: TokenSource,
    pub log_level: String,
    pub log_format: LogFormat,
}

impl NodeOptions {
    /// Reads the configuration file, if one is named, and lays these options over it.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let file = match &self.config {
            Some(path) => read_file(path)?,
            None => Self::default(),
        };
        self.over(file).check()
    }

    fn check(self) -> Result<Config, ConfigError> {
        let spec = match self.spec {
            Some(path) => read_spec(&path)?,
            None => chain_spec(self.chain.as_deref().unwrap_or("local"))?,
        };
        let data_dir = match self.data_dir {
            Some(dir) => dir,
            None => default_data_dir(&spec.name)?,
        };
        let mining = mining(&spec, self.mine, self.mine_threads, self.mine_to.as_deref())?;
        let defaults = WebConfig::default();
        let tls = tls(
            self.tls_cert,
            self.tls_key,
            self.tls_self_signed.unwrap_or(false),
            &data_dir,
        )?;
        let web = WebConfig {
            listen: self.listen.unwrap_or(defaults.listen),
            base_path: base_path(self.base_path.as_deref())?,
            allow_hosts: each(self.allow_host, allowed_host)?,
            cors_origins: each(self.cors_origin, origin)?,
            trusted_proxies: each(self.trusted_proxy, proxy)?,
            proxy_header: self.proxy_header.unwrap_or_default(),
            rate_limit: self.rate_limit.unwrap_or(defaults.rate_limit),
            rate_limit_local: self.rate_limit_local.unwrap_or(defaults.rate_limit_local),
            max_streams: self.max_streams.unwrap_or(defaults.max_streams),
            max_streams_per_address: self.max_streams_per_address.unwrap_or(defaults.max_streams_per_address),
            max_connections: self.max_connections.unwrap_or(defaults.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .unwrap_or(defaults.max_connections_per_address),
            require_token: self.require_token.unwrap_or_default(),
            times: defaults.times,
            tls,
        };
        let operator = match (self.operator_token, self.operator_token_file) {
            (Some(token), _) => TokenSource::inline(token)?,
            (None, Some(path)) => TokenSource::File(path),
            (None, None) => TokenSource::DataDir(data_dir.join("operator-token")),
        };
        let usual = CheckpointConfig::default();
        let checkpoints = CheckpointConfig {
            every: self.checkpoint_every.unwrap_or(usual.every),
            depth: self.checkpoint_depth.unwrap_or(usual.depth),
            begin: self.from_checkpoint.unwrap_or(self.checkpoint.is_some()),
            trusted: self.checkpoint.as_deref().map(block_id).transpose()?,
            ..usual
        };
        if checkpoints.every == 0 {
            return Err(ConfigError::NoCheckpoints);
        }
        if checkpoints.trusted.is_some() && !checkpoints.begin {
            return Err(ConfigError::CheckpointUnused);
        }
        let node = NodeConfig {
            data_dir,
            spec,
            max_reorg_depth: self.max_reorg_depth.unwrap_or(DEFAULT_MAX_REORG_DEPTH),
            mempool: MempoolConfig::default(),
            mining,
            checkpoints,
        };
        let addresses = |setting, given: Option<Vec<String>>| -> Result<Vec<_>, _> {
            let given = given.unwrap_or_default();
            given.iter().map(|address| multiaddr(setting, address)).collect()
        };
        let peers = addresses("peer", self.peer)?;
        let announce = addresses("p2p-announce", self.p2p_announce)?;
        let exempt = self.p2p_exempt.unwrap_or_default();
        let exempt = exempt
            .iter()
            .map(|range| address_range(range))
            .collect::<Result<_, _>>()?;
        let lan = self.p2p_lan.unwrap_or(false);
        let p2p = (self.p2p_listen.is_some() || lan || !peers.is_empty()).then(|| NetworkConfig {
            listen: self.p2p_listen,
            peers,
            discover: self.p2p_discover.unwrap_or(true),
            lan,
            announce,
            exempt,
            folder: node.data_dir.join("network"),
        });
        let log_level = self.log_level.unwrap_or_else(|| "info".to_owned());
        Ok(Config {
            node,
            web,
            p2p,
            stratum_listen: self.stratum_listen,
            until_stdin_closes: self.until_stdin_closes,
            operator,
            log_level,
            log_format: self.log_format.unwrap_or_default(),
        })
    }
}

/// Every value of a repeatable setting, checked.
fn each<T>(given: Option<Vec<String>>, check: impl Fn(&str) -> Result<T, ConfigError>) -> Result<Vec<T>, ConfigError> {
    given.unwrap_or_default().iter().map(|text| check(text)).collect()
}

#[cfg(test)]
mod tests;
