//! Every setting as it can be given: on the command line, in the environment, in a file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::ConfigError;
use super::network::{listen_address, some_listen_address};
use crate::logging::LogFormat;
use crate::regular_file;
use crate::web::{Protected, ProxyHeader};

/// Longest configuration file, in bytes.
const MAX_FILE: u64 = 1 << 20;

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
    /// Path below which everything is served, such as /ledger, behind a proxy that serves other things at the root; the
    /// proxy forwards it [default: /]
    #[arg(long, env = "TALLY_BASE_PATH", value_name = "PATH")]
    pub base_path: Option<String>,
    /// Mine with the native miner [default: true on chain local, else false]
    #[arg(long, env = "TALLY_MINE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub mine: Option<bool>,
    /// Do not mine; the same as --mine false
    #[arg(long, conflicts_with = "mine")]
    #[serde(skip)]
    pub no_mine: bool,
    /// Threads of the native miner, from 1 to the number of processors [default: 1]
    #[arg(long, env = "TALLY_MINE_THREADS", value_name = "N")]
    pub mine_threads: Option<usize>,
    /// Address that receives block rewards [default on local and test: the first PUBLIC account]
    #[arg(long, env = "TALLY_MINE_TO", value_name = "ADDRESS")]
    pub mine_to: Option<String>,
    /// Forks deeper than this many blocks are rejected [default: 6000]
    #[arg(long, env = "TALLY_MAX_REORG_DEPTH", value_name = "BLOCKS")]
    pub max_reorg_depth: Option<u64>,
    /// Further host name under which the node answers, in addition to loopback and --listen; repeatable [default: none]
    #[arg(long, env = "TALLY_ALLOW_HOST", value_name = "HOST", value_delimiter = ',')]
    pub allow_host: Option<Vec<String>>,
    /// Origin of another site that may read the API; repeatable [default: none]
    #[arg(long, env = "TALLY_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Option<Vec<String>>,
    /// Operator token with every scope, 16 characters or more; a file or the generated one is safer, since other users
    /// can see command lines
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
    /// What needs a token that is open otherwise: metrics for /metrics, read for all that the node shows, pages and /metrics too;
    /// repeatable [default: none]
    #[arg(long, env = "TALLY_REQUIRE_TOKEN", value_enum, value_delimiter = ',')]
    pub require_token: Option<Vec<Protected>>,
    /// What is logged: error, warn, info, debug, trace, or a filter such as info,tally_node=debug [default: info]
    #[arg(long, env = "TALLY_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Form of log lines [default: text]
    #[arg(long, env = "TALLY_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// Requests a second from one remote address; 0 for no limit [default: 50]
    #[arg(long, env = "TALLY_RATE_LIMIT", value_name = "N")]
    pub rate_limit: Option<u32>,
    /// Requests a second from this machine itself; 0 for no limit [default: 2000]
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
    /// Trusted proxy: limits and logs use the client that it names (see --proxy-header); repeatable [default: none]
    #[arg(long, env = "TALLY_TRUSTED_PROXY", value_name = "ADDR|CIDR", value_delimiter = ',')]
    pub trusted_proxy: Option<Vec<String>>,
    /// The header in which trusted proxies name the client; the other one is not read [default: x-forwarded-for]
    #[arg(long, env = "TALLY_PROXY_HEADER", value_enum)]
    pub proxy_header: Option<ProxyHeader>,
    /// Address and port on which other nodes are accepted, by TCP and QUIC [default: none; this node only dials others]
    #[arg(long, env = "TALLY_P2P_LISTEN", value_name = "ADDR:PORT", value_parser = listen_address)]
    #[serde(deserialize_with = "some_listen_address")]
    pub p2p_listen: Option<SocketAddr>,
    /// Another node to dial, as /ip4/192.0.2.7/tcp/9333 or as its banner shows it; repeatable [default: none]
    #[arg(long, env = "TALLY_PEER", value_name = "MULTIADDR", value_delimiter = ',')]
    pub peer: Option<Vec<String>>,
    /// Begin with the state of a block with many blocks on top, after a check of all headers' work, instead of
    /// executing every block from genesis on; older transactions are then not kept [default: false]
    #[arg(long, env = "TALLY_FROM_CHECKPOINT", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub from_checkpoint: Option<bool>,
    /// Begin only with a checkpoint of a chain that contains this block; implies --from-checkpoint
    #[arg(long, env = "TALLY_CHECKPOINT", value_name = "BLOCK-ID")]
    pub checkpoint: Option<String>,
    /// Offer the state of every Nth block to new nodes; 1 or more [default: 1000]
    #[arg(long, env = "TALLY_CHECKPOINT_EVERY", value_name = "BLOCKS")]
    pub checkpoint_every: Option<u64>,
    /// Blocks that must be on top of such a block before it is offered or taken [default: 100]
    #[arg(long, env = "TALLY_CHECKPOINT_DEPTH", value_name = "BLOCKS")]
    pub checkpoint_depth: Option<u64>,
    /// Find further nodes through the nodes that are known [default: true]
    #[arg(long, env = "TALLY_P2P_DISCOVER", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub p2p_discover: Option<bool>,
    /// This is a LAN: find nodes by mDNS, and dial private addresses that others announce [default: false]
    #[arg(long, env = "TALLY_P2P_LAN", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub p2p_lan: Option<bool>,
    /// The address at which others can dial this node, if that is not where it listens, as /ip4/192.0.2.7/tcp/9333; repeatable
    /// [default: none]
    #[arg(long, env = "TALLY_P2P_ANNOUNCE", value_name = "MULTIADDR", value_delimiter = ',')]
    pub p2p_announce: Option<Vec<String>>,
    /// Addresses or ranges to which limits per address range and bans by address do not apply, such as a gateway through
    /// which all peers connect; repeatable [default: loopback where the node listens there; the LAN with --p2p-lan]
    #[arg(long, env = "TALLY_P2P_EXEMPT", value_name = "RANGE", value_delimiter = ',')]
    pub p2p_exempt: Option<Vec<String>>,
    /// Address and port for external miners that speak Stratum v1 [default: none]
    #[arg(long, env = "TALLY_STRATUM_LISTEN", value_name = "ADDR:PORT", value_parser = listen_address)]
    #[serde(deserialize_with = "some_listen_address")]
    pub stratum_listen: Option<SocketAddr>,
    /// End in order when standard input closes, so that no node outlives the program that started it
    #[arg(long)]
    #[serde(skip)]
    pub until_stdin_closes: bool,
    /// Certificate chain (PEM): serve HTTPS
    #[arg(long, env = "TALLY_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of --tls-cert
    #[arg(long, env = "TALLY_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Serve HTTPS with a self-signed certificate, made once in the data directory; the banner shows its
    /// fingerprint [default: false]
    #[arg(long, env = "TALLY_TLS_SELF_SIGNED", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub tls_self_signed: Option<bool>,
}

impl NodeOptions {
    /// These options, and those of `file` where these are not set.
    pub(super) fn over(self, file: Self) -> Self {
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
            require_token: self.require_token.or(file.require_token),
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
}

/// The options in a configuration file (TOML).
pub(super) fn read_file(path: &Path) -> Result<NodeOptions, ConfigError> {
    let text = regular_file::read_text(path, MAX_FILE).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| ConfigError::File {
        path: path.to_owned(),
        message: error.message().to_owned(),
    })
}
