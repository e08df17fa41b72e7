//! Settings of `tally node`: flags, then `TALLY_*` environment, then the TOML file, then defaults.

mod chain;
mod host;
mod network;
mod web;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use tally_chain::{address, spec::SpecError};
use tally_node::{CheckpointConfig, DEFAULT_MAX_REORG_DEPTH, NodeConfig, P2pConfig, mempool::MempoolConfig};

use crate::logging::LogFormat;
use crate::operator::TokenSource;
use crate::regular_file::{self, NotRead};
use crate::web::ProxyHeader;
use chain::mining;
pub use chain::{chain_spec, default_data_dir, read_spec};
pub use host::{HostError, HostName};
pub use network::peer_address;
use network::{address_range, block_id, listen_address, multiaddr, some_listen_address};
pub use tally_app::base::{BasePath, BasePathError};
pub use web::{TlsFiles, WebConfig};
use web::{allowed_host, base_path, origin, proxy, tls};

/// First account of the PUBLIC test phrase: receives the rewards of playground chains until told otherwise.
pub const PUBLIC_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
/// Chains whose funded keys are public.
pub const PLAYGROUNDS: [&str; 2] = ["local", "test"];

/// Longest configuration file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {path}: {source}")]
    Read { path: PathBuf, source: NotRead },
    #[error("configuration file {path}: {message}")]
    File { path: PathBuf, message: String },
    #[error("cannot read the chain spec {path}: {source}")]
    SpecRead { path: PathBuf, source: NotRead },
    #[error("chain spec {path} is UTF-16; save it as UTF-8")]
    SpecUtf16 { path: PathBuf },
    #[error("chain spec {path} is not UTF-8 from byte {at} on; save it as UTF-8")]
    SpecNotUtf8 { path: PathBuf, at: usize },
    #[error("chain spec: {0}")]
    Spec(#[from] SpecError),
    #[error("no home directory was found for the data; name one with --data-dir")]
    NoDataDir,
    #[error("mine-to: {0}")]
    MineTo(#[from] address::AddressError),
    #[error("mining is on, but chain {chain} has no default account; name one with --mine-to ADDRESS")]
    NoProducer { chain: String },
    #[error("mine-threads is 0, expected 1 or more")]
    NoThreads,
    #[error("mine-threads is {found}, this machine has processors for {max}")]
    TooManyThreads { found: usize, max: usize },
    #[error("tls-cert and tls-key belong together; only {found} is given")]
    HalfTls { found: &'static str },
    #[error("tls-self-signed is for nodes without a certificate, and tls-cert names one")]
    TwoCertificates,
    #[error("allow-host {found:?} is not a name such as ledger.example.org, 192.0.2.7 or [2001:db8::7]: {reason}")]
    AllowHost { found: String, reason: HostError },
    #[error("trusted-proxy {found:?} is not an address or a network such as 127.0.0.1 or 10.0.0.0/8")]
    TrustedProxy { found: String },
    #[error("base-path {found:?} is not a path such as /ledger: {reason}")]
    BasePath { found: String, reason: BasePathError },
    #[error("cors-origin {found:?} is not an origin such as https://example.org")]
    CorsOrigin { found: String },
    #[error("{setting} {found:?} is not an address such as /ip4/192.0.2.7/tcp/9333: {message}")]
    Peer {
        setting: &'static str,
        found: String,
        message: String,
    },
    #[error("p2p-exempt {found:?} is no address and no range such as 172.17.0.1 or 10.0.0.0/8")]
    ExemptRange { found: String },
    #[error("checkpoint-every 0: a number of blocks, 1 or more")]
    NoCheckpoints,
    #[error("checkpoint {found:?} is not a block id: 64 hexadecimal digits, as the block's page shows it")]
    Checkpoint { found: String },
    #[error("checkpoint names a block to begin with, and from-checkpoint is false")]
    CheckpointUnused,
    #[error("log-level {found:?}: {message}")]
    LogLevel { found: String, message: String },
    #[error("operator-token has {len} characters, at least {min} are needed")]
    ShortToken { len: usize, min: usize },
    #[error("scope {found:?} is unknown; mining and peers exist")]
    UnknownScope { found: String },
    #[error("operator token file {path} is readable by others (mode {mode:o}); run chmod 600 on it")]
    OpenTokenFile { path: PathBuf, mode: u32 },
    #[error("operator token file {path}: {source}")]
    TokenFile { path: PathBuf, source: NotRead },
    #[error("operator token file {path} holds no token")]
    NoToken { path: PathBuf },
}

/// Every setting, as a flag, as an environment variable and as a key of the configuration file.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodeOptions {
    /// Configuration file (TOML); its keys are the long flags without the dashes
    #[arg(long, env = "TALLY_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where the chain is kept [default: the user's data directory, tally/CHAIN]
    #[arg(long, env = "TALLY_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Built-in chain (local, test) or the path of a chain spec [default: local]
    #[arg(long, env = "TALLY_CHAIN", value_name = "NAME|FILE", conflicts_with = "spec")]
    pub chain: Option<String>,
    /// Path of a chain spec (TOML)
    #[arg(long, env = "TALLY_SPEC", value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// Address and port of the interface and the API [default: 127.0.0.1:8080]
    #[arg(long, env = "TALLY_LISTEN", value_name = "ADDR:PORT", value_parser = listen_address)]
    #[serde(deserialize_with = "some_listen_address")]
    pub listen: Option<SocketAddr>,
    /// Path under which everything is served, such as /ledger, where a proxy keeps the root for something else; the proxy
    /// passes it on [default: /]
    #[arg(long, env = "TALLY_BASE_PATH", value_name = "PATH")]
    pub base_path: Option<String>,
    /// Mine with the native miner [default: true on chain local, else false]
    #[arg(long, env = "TALLY_MINE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub mine: Option<bool>,
    /// Do not mine; the same as --mine false
    #[arg(long, conflicts_with = "mine")]
    #[serde(skip)]
    pub no_mine: bool,
    /// Threads of the native miner: 1 up to one for each processor [default: 1]
    #[arg(long, env = "TALLY_MINE_THREADS", value_name = "N")]
    pub mine_threads: Option<usize>,
    /// Address that receives block rewards [default on local and test: the first PUBLIC account]
    #[arg(long, env = "TALLY_MINE_TO", value_name = "ADDRESS")]
    pub mine_to: Option<String>,
    /// Forks deeper than this are refused, in blocks [default: 6000]
    #[arg(long, env = "TALLY_MAX_REORG_DEPTH", value_name = "BLOCKS")]
    pub max_reorg_depth: Option<u64>,
    /// Further name under which the node may be asked, beside loopback and --listen; repeatable [default: none]
    #[arg(long, env = "TALLY_ALLOW_HOST", value_name = "HOST", value_delimiter = ',')]
    pub allow_host: Option<Vec<String>>,
    /// Origin of another site that may read the API; repeatable [default: none]
    #[arg(long, env = "TALLY_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Option<Vec<String>>,
    /// Operator token with every scope, 16 characters or more; a file or the generated one is safer, since others see
    /// command lines
    #[arg(
        long,
        env = "TALLY_OPERATOR_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        conflicts_with = "operator_token_file"
    )]
    pub operator_token: Option<String>,
    /// File of operator tokens: one a line, then its scopes (`mining,peers`; none: all)
    /// [default: DATA-DIR/operator-token, made at the first start]
    #[arg(long, env = "TALLY_OPERATOR_TOKEN_FILE", value_name = "FILE")]
    pub operator_token_file: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, trace, or a filter such as info,tally_node=debug [default: info]
    #[arg(long, env = "TALLY_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Form of log lines [default: text]
    #[arg(long, env = "TALLY_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// Requests a second of one remote address; 0 for no limit [default: 50]
    #[arg(long, env = "TALLY_RATE_LIMIT", value_name = "N")]
    pub rate_limit: Option<u32>,
    /// Requests a second of this machine itself; 0 for no limit [default: 2000]
    #[arg(long, env = "TALLY_RATE_LIMIT_LOCAL", value_name = "N")]
    pub rate_limit_local: Option<u32>,
    /// Event streams open at once [default: 512]
    #[arg(long, env = "TALLY_MAX_STREAMS", value_name = "N")]
    pub max_streams: Option<usize>,
    /// Event streams of one remote address [default: 32]
    #[arg(long, env = "TALLY_MAX_STREAMS_PER_ADDRESS", value_name = "N")]
    pub max_streams_per_address: Option<usize>,
    /// Connections open at once; fewer where the system allows few open files [default: 4096]
    #[arg(long, env = "TALLY_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,
    /// Connections of one remote address [default: 256]
    #[arg(long, env = "TALLY_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N")]
    pub max_connections_per_address: Option<usize>,
    /// Proxy that names its client (see --proxy-header), for limits and logs; repeatable [default: none]
    #[arg(long, env = "TALLY_TRUSTED_PROXY", value_name = "ADDR|CIDR", value_delimiter = ',')]
    pub trusted_proxy: Option<Vec<String>>,
    /// The header in which trusted proxies write their clients; the other one is not read [default: x-forwarded-for]
    #[arg(long, env = "TALLY_PROXY_HEADER", value_enum)]
    pub proxy_header: Option<ProxyHeader>,
    /// Address and port where other nodes may call, by TCP and QUIC [default: none; this node only calls others]
    #[arg(long, env = "TALLY_P2P_LISTEN", value_name = "ADDR:PORT", value_parser = listen_address)]
    #[serde(deserialize_with = "some_listen_address")]
    pub p2p_listen: Option<SocketAddr>,
    /// Another node to speak to, as /ip4/192.0.2.7/tcp/9333 or as its banner shows it; repeatable [default: none]
    #[arg(long, env = "TALLY_PEER", value_name = "MULTIADDR", value_delimiter = ',')]
    pub peer: Option<Vec<String>>,
    /// Begin with the state of a block that many others stand on, checked against its work, instead of executing every
    /// block from genesis on; older transactions are then not kept here [default: false]
    #[arg(long, env = "TALLY_FROM_CHECKPOINT", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub from_checkpoint: Option<bool>,
    /// Begin with a checkpoint of the chain that has this block, and of no other; implies --from-checkpoint
    #[arg(long, env = "TALLY_CHECKPOINT", value_name = "BLOCK-ID")]
    pub checkpoint: Option<String>,
    /// Offer the state of every Nth block to new nodes; 1 or more [default: 1000]
    #[arg(long, env = "TALLY_CHECKPOINT_EVERY", value_name = "BLOCKS")]
    pub checkpoint_every: Option<u64>,
    /// Blocks that must stand on such a block before it is offered or taken [default: 100]
    #[arg(long, env = "TALLY_CHECKPOINT_DEPTH", value_name = "BLOCKS")]
    pub checkpoint_depth: Option<u64>,
    /// Find nodes that nobody named, by asking those that are known [default: true]
    #[arg(long, env = "TALLY_P2P_DISCOVER", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub p2p_discover: Option<bool>,
    /// This is a LAN: find nodes by mDNS, and call private addresses that others tell of [default: false]
    #[arg(long, env = "TALLY_P2P_LAN", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub p2p_lan: Option<bool>,
    /// Where others can call this node, if that is not where it listens, as /ip4/192.0.2.7/tcp/9333; repeatable
    /// [default: none]
    #[arg(long, env = "TALLY_P2P_ANNOUNCE", value_name = "MULTIADDR", value_delimiter = ',')]
    pub p2p_announce: Option<Vec<String>>,
    /// Addresses or ranges to which limits per address range and bans by address do not apply, such as that of a gateway
    /// through which all peers come; repeatable [default: loopback where the node listens there; the LAN with --p2p-lan]
    #[arg(long, env = "TALLY_P2P_EXEMPT", value_name = "RANGE", value_delimiter = ',')]
    pub p2p_exempt: Option<Vec<String>>,
    /// Address and port for external miners that speak Stratum v1 [default: none]
    #[arg(long, env = "TALLY_STRATUM_LISTEN", value_name = "ADDR:PORT", value_parser = listen_address)]
    #[serde(deserialize_with = "some_listen_address")]
    pub stratum_listen: Option<SocketAddr>,
    /// End in order when standard input does: for programs that start nodes, so that none outlives them
    #[arg(long)]
    #[serde(skip)]
    pub until_stdin_closes: bool,
    /// Certificate chain (PEM): serve HTTPS
    #[arg(long, env = "TALLY_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of --tls-cert
    #[arg(long, env = "TALLY_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Serve HTTPS with a certificate of the node's own, made once in the data directory; the banner shows its
    /// fingerprint [default: false]
    #[arg(long, env = "TALLY_TLS_SELF_SIGNED", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub tls_self_signed: Option<bool>,
}

/// Checked settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub node: NodeConfig,
    pub web: WebConfig,
    /// `None`: this node stays alone.
    pub p2p: Option<P2pConfig>,
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

    /// These options, and what `file` says where they say nothing.
    fn over(self, file: Self) -> Self {
        // A chain on the command line replaces a spec in the file, and the other way round.
        let named = self.chain.is_some() || self.spec.is_some();
        let token_named = self.operator_token.is_some() || self.operator_token_file.is_some();
        let mine = if self.no_mine {
            Some(false)
        } else {
            self.mine.or(file.mine)
        };
        Self {
            config: self.config,
            data_dir: self.data_dir.or(file.data_dir),
            chain: self.chain.or(file.chain.filter(|_| !named)),
            spec: self.spec.or(file.spec.filter(|_| !named)),
            listen: self.listen.or(file.listen),
            base_path: self.base_path.or(file.base_path),
            mine,
            no_mine: false,
            mine_threads: self.mine_threads.or(file.mine_threads),
            mine_to: self.mine_to.or(file.mine_to),
            max_reorg_depth: self.max_reorg_depth.or(file.max_reorg_depth),
            allow_host: self.allow_host.or(file.allow_host),
            cors_origin: self.cors_origin.or(file.cors_origin),
            operator_token: self.operator_token.or(file.operator_token.filter(|_| !token_named)),
            operator_token_file: self
                .operator_token_file
                .or(file.operator_token_file.filter(|_| !token_named)),
            log_level: self.log_level.or(file.log_level),
            log_format: self.log_format.or(file.log_format),
            rate_limit: self.rate_limit.or(file.rate_limit),
            rate_limit_local: self.rate_limit_local.or(file.rate_limit_local),
            max_streams: self.max_streams.or(file.max_streams),
            max_streams_per_address: self.max_streams_per_address.or(file.max_streams_per_address),
            max_connections: self.max_connections.or(file.max_connections),
            max_connections_per_address: self.max_connections_per_address.or(file.max_connections_per_address),
            trusted_proxy: self.trusted_proxy.or(file.trusted_proxy),
            proxy_header: self.proxy_header.or(file.proxy_header),
            p2p_listen: self.p2p_listen.or(file.p2p_listen),
            peer: self.peer.or(file.peer),
            from_checkpoint: self.from_checkpoint.or(file.from_checkpoint),
            checkpoint: self.checkpoint.or(file.checkpoint),
            checkpoint_every: self.checkpoint_every.or(file.checkpoint_every),
            checkpoint_depth: self.checkpoint_depth.or(file.checkpoint_depth),
            p2p_discover: self.p2p_discover.or(file.p2p_discover),
            p2p_lan: self.p2p_lan.or(file.p2p_lan),
            p2p_announce: self.p2p_announce.or(file.p2p_announce),
            p2p_exempt: self.p2p_exempt.or(file.p2p_exempt),
            stratum_listen: self.stratum_listen.or(file.stratum_listen),
            until_stdin_closes: self.until_stdin_closes,
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            tls_self_signed: self.tls_self_signed.or(file.tls_self_signed),
        }
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
            times: defaults.times,
            tls,
        };
        let operator = match (self.operator_token, self.operator_token_file) {
            (Some(token), _) => TokenSource::given(token)?,
            (None, Some(path)) => TokenSource::File(path),
            (None, None) => TokenSource::Kept(data_dir.join("operator-token")),
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
        let p2p = (self.p2p_listen.is_some() || lan || !peers.is_empty()).then(|| P2pConfig {
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

fn read_file(path: &Path) -> Result<NodeOptions, ConfigError> {
    let text = regular_file::read_text(path, MAX_FILE).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| ConfigError::File {
        path: path.to_owned(),
        message: error.message().to_owned(),
    })
}

#[cfg(test)]
mod tests;
