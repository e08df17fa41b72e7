//! Why settings cannot be used.

use std::path::PathBuf;

use tally_app::base::BasePathError;
use tally_chain::address;
use tally_chain::spec::SpecError;

use super::HostError;
use crate::regular_file::NotRead;
use crate::tokens::Scope;

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
    #[error("scope {found:?} is unknown; there are {}", Scope::words())]
    UnknownScope { found: String },
    #[error("operator token file {path} is readable by others (mode {mode:o}); run chmod 600 on it")]
    OpenTokenFile { path: PathBuf, mode: u32 },
    #[error("operator token file {path}: {source}")]
    TokenFile { path: PathBuf, source: NotRead },
    #[error("operator token file {path} holds no token")]
    NoToken { path: PathBuf },
}
