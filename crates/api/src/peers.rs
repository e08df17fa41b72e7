//! `/peers` and `/bans`: other nodes.

use serde::{Deserialize, Serialize};

/// How long a ban lasts where the request has no term, seconds.
pub const BAN_SECS: u64 = 3_600;
/// The longest ban, seconds: a year.
pub const MAX_BAN_SECS: u64 = 31_536_000;
/// Most characters of a ban's reason.
pub const MAX_REASON: usize = 200;

/// Another node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeerBody {
    /// The name that its connections prove.
    pub id: String,
    /// A multiaddress.
    pub address: Option<String>,
    /// Whether it has dialled this node.
    pub inbound: bool,
    /// The height of its chain, as it claims; none before its hello.
    pub height: Option<u64>,
    /// Its program and version, as it claims.
    pub agent: String,
    /// Round trip of the last ping.
    pub latency_ms: Option<u64>,
    /// This machine's clock less the peer's, seconds; none where the peer does not send its time.
    pub clock_offset_secs: Option<i64>,
    /// Seconds until its next block is not too far ahead of this node's clock any more; none where it is not.
    pub ahead_secs: Option<u64>,
    /// Points for offences; at 100 it is banned.
    pub score: u32,
    /// Since its handshake.
    pub connected_secs: u64,
    /// Received from it.
    pub messages_in: u64,
    /// Sent to it.
    pub messages_out: u64,
    /// Received from it.
    pub bytes_in: u64,
    /// Sent to it.
    pub bytes_out: u64,
}

/// A banned node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BanBody {
    /// The name that its connections prove.
    pub id: String,
    /// The addresses that are banned with it, if any: an IPv4 address or an IPv6 /64.
    #[cfg_attr(feature = "openapi", schema(example = "198.51.100.7/32"))]
    pub address: Option<String>,
    /// Seconds that are left.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub secs: u64,
    /// At most 200 characters where the operator gave it.
    pub reason: String,
}

/// A banned address range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RangeBanBody {
    /// An address and the length of its prefix.
    #[cfg_attr(feature = "openapi", schema(example = "198.51.100.0/24"))]
    pub range: String,
    /// Seconds that are left.
    pub secs: u64,
    /// At most 200 characters where the operator gave it.
    pub reason: String,
}

/// A chain that is being taken over from a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatchUpBody {
    /// The peer.
    pub source: String,
    /// Height that the headers reach.
    pub headers: Option<u64>,
    /// Blocks that are missing.
    pub blocks_left: u64,
    /// Blocks that were imported.
    pub blocks_done: u64,
    /// Transactions in them.
    pub transactions_done: u64,
    /// Parts of a checkpoint's state that are here, while this node begins with one.
    pub parts_done: Option<u64>,
    /// All parts of that state.
    pub parts: Option<u64>,
    /// Since it began.
    pub millis: u64,
}

/// What is known of nodes that no operator named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundBody {
    /// Addresses that were found or remembered, and may be dialled.
    pub addresses: u64,
    /// Addresses that others announced and that this node does not dial.
    pub refused: u64,
    /// Rounds of requests for other nodes since the start.
    pub rounds: u64,
}

/// The peers of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeersBody {
    /// Whether this node has a network at all.
    pub networking: bool,
    /// This node's own name.
    pub id: Option<String>,
    /// The addresses at which others can dial it.
    pub addresses: Vec<String>,
    /// Those that are connected.
    pub peers: Vec<PeerBody>,
    /// Banned nodes.
    pub bans: Vec<BanBody>,
    /// Banned address ranges.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub range_bans: Vec<RangeBanBody>,
    /// None while nothing is missing.
    pub sync: Option<CatchUpBody>,
    /// The greatest height that any peer claims.
    pub best_height: u64,
    /// What is known of nodes that no operator named.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub found: FoundBody,
}

/// The node to dial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CallBody {
    /// A multiaddress, or host and port.
    #[cfg_attr(feature = "openapi", schema(example = "/ip4/192.0.2.7/tcp/9333"))]
    pub address: String,
}

/// How long, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BanRequest {
    /// Seconds; an hour if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 31_536_000))]
    pub secs: Option<u64>,
    /// At most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub reason: Option<String>,
}

/// Which addresses, how long, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RangeBanRequest {
    /// An address, or a range of them.
    #[cfg_attr(feature = "openapi", schema(example = "198.51.100.0/24"))]
    pub range: String,
    /// Seconds; an hour if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secs: Option<u64>,
    /// At most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Which addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct RangeQuery {
    /// An address, or a range of them.
    #[cfg_attr(feature = "openapi", param(example = "198.51.100.0/24"))]
    pub range: String,
}
