//! `/peers`: other nodes. Reading is open; changing needs the operator's token with the scope `peers`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tally_node::net::{PeerName, PeerStatus};
use tally_node::{IpNet, Node, P2p};
use utoipa::{IntoParams, ToSchema};

use super::auth;
use super::extract::{JsonBody, Params};
use super::problem::{Answer, Problem, ProblemBody, kinds};
use crate::config::peer_address;
use crate::operator::Scope;
use crate::server::{Server, Shared};

/// How long a ban lasts unless told otherwise, seconds.
const BAN_SECS: u64 = 3_600;
/// The longest ban, seconds: a year.
const MAX_BAN_SECS: u64 = 31_536_000;
/// Most characters of a ban's reason.
const MAX_REASON: usize = 200;
/// The largest ranges that can be banned, bits: more by mistake would be most of the network.
const MIN_V4_BITS: u8 = 8;
const MIN_V6_BITS: u8 = 16;

/// Another node.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeerBody {
    /// The name that its connections prove.
    pub id: String,
    pub address: Option<String>,
    /// Whether it has called this node.
    pub inbound: bool,
    /// The height of its chain, as it says; none before its hello.
    pub height: Option<u64>,
    /// Its program and version, as it says.
    pub agent: String,
    /// Round trip of the last ping.
    pub latency_ms: Option<u64>,
    /// This machine's clock less the peer's, seconds; none where the peer does not tell its time.
    pub clock_offset_secs: Option<i64>,
    /// Seconds until its next block is not too far ahead of this node's clock any more; none where it is not.
    pub ahead_secs: Option<u64>,
    /// Points for offences; at 100 it is banned.
    pub score: u32,
    pub connected_secs: u64,
    pub messages_in: u64,
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

impl PeerBody {
    fn of(peer: PeerStatus, address: Option<String>) -> Self {
        Self {
            id: peer.name.0,
            address,
            inbound: !peer.outbound,
            height: peer.height.map(|height| height.0),
            agent: peer.agent,
            latency_ms: peer.latency_ms,
            clock_offset_secs: peer.clock_offset_secs,
            ahead_secs: peer.ahead_secs,
            score: peer.score,
            connected_secs: peer.connected_secs,
            messages_in: peer.traffic.messages_in,
            messages_out: peer.traffic.messages_out,
            bytes_in: peer.traffic.bytes_in,
            bytes_out: peer.traffic.bytes_out,
        }
    }
}

/// A node that is not spoken to.
#[derive(Debug, Serialize, ToSchema)]
pub struct BanBody {
    pub id: String,
    /// The addresses that are banned with it, if any: an IPv4 address or an IPv6 /64.
    #[schema(example = "198.51.100.7/32")]
    pub address: Option<String>,
    /// Seconds that are left.
    pub secs: u64,
    pub reason: String,
}

/// An address range that is not spoken to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RangeBanBody {
    #[schema(example = "198.51.100.0/24")]
    pub range: String,
    /// Seconds that are left.
    pub secs: u64,
    pub reason: String,
}

/// A chain that is being taken over from a peer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatchUpBody)]
pub struct SyncBody {
    pub source: String,
    /// Height that the headers reach.
    pub headers: Option<u64>,
    pub blocks_left: u64,
    pub blocks_done: u64,
    pub transactions_done: u64,
    /// Parts of a checkpoint's state that are here, while this node begins with one.
    pub parts_done: Option<u64>,
    pub parts: Option<u64>,
    pub millis: u64,
}

/// What is known of nodes that nobody named.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct FoundBody {
    /// Addresses that were found or remembered, and may be called.
    pub addresses: u64,
    /// Addresses that others told of and that this node does not call.
    pub refused: u64,
    /// Times that nodes were asked for other nodes since the start.
    pub rounds: u64,
}

/// Other nodes that this one speaks to.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeersBody {
    /// Whether this node speaks to others at all.
    pub networking: bool,
    /// This node's own name.
    pub id: Option<String>,
    /// Where others can call it.
    pub addresses: Vec<String>,
    pub peers: Vec<PeerBody>,
    pub bans: Vec<BanBody>,
    pub range_bans: Vec<RangeBanBody>,
    /// None while nothing is missing.
    pub sync: Option<SyncBody>,
    /// The greatest height that anybody speaks of.
    pub best_height: u64,
    pub found: FoundBody,
}

/// Whom to call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallBody {
    #[schema(example = "/ip4/192.0.2.7/tcp/9333")]
    pub address: String,
}

/// How long, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BanRequest {
    /// Seconds; an hour if left out.
    #[schema(minimum = 1, maximum = 31_536_000)]
    pub secs: Option<u64>,
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

fn list(node: &Node) -> PeersBody {
    let Some(network) = node.network() else {
        return PeersBody {
            networking: false,
            id: None,
            addresses: Vec::new(),
            peers: Vec::new(),
            bans: Vec::new(),
            range_bans: Vec::new(),
            sync: None,
            best_height: node.tip().record.height().0,
            found: FoundBody::default(),
        };
    };
    let status = network.status();
    let peers = status.peers.into_iter().map(|peer| {
        let address = network.address_of(&peer.name).map(|address| address.to_string());
        PeerBody::of(peer, address)
    });
    let now = status.now;
    let left = |until: u64| until.saturating_sub(now).div_ceil(1_000);
    let bans = status.bans.into_iter().map(|ban| BanBody {
        id: ban.name.0,
        address: ban.host.map(|host| host.to_string()),
        secs: left(ban.until),
        reason: ban.reason,
    });
    let range_bans = status.range_bans.into_iter().map(|ban| RangeBanBody {
        range: ban.range.to_string(),
        secs: left(ban.until),
        reason: ban.reason,
    });
    PeersBody {
        networking: true,
        id: Some(network.id().to_string()),
        addresses: network.addresses().iter().map(ToString::to_string).collect(),
        peers: peers.collect(),
        bans: bans.collect(),
        range_bans: range_bans.collect(),
        sync: status.sync.map(|sync| SyncBody {
            source: sync.source.0,
            headers: sync.headers.map(|height| height.0),
            blocks_left: sync.blocks_left as u64,
            blocks_done: sync.blocks_done,
            transactions_done: sync.transactions_done,
            parts_done: sync.parts.map(|(done, _)| done as u64),
            parts: sync.parts.map(|(_, all)| all as u64),
            millis: sync.millis,
        }),
        best_height: status.best_height,
        found: FoundBody {
            addresses: status.found.addresses,
            refused: status.found.refused,
            rounds: status.found.rounds,
        },
    }
}

fn network(server: &Server) -> Answer<&P2p> {
    server.node.network().ok_or_else(|| {
        Problem::new(
            &kinds::NETWORK_OFF,
            "this node runs alone; start it with --p2p-listen or --peer",
        )
    })
}

fn parse_name(text: String) -> Answer<PeerName> {
    let known = text.len() <= 64 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match known {
        true => Ok(PeerName(text)),
        false => Err(Problem::new(&kinds::INVALID_PEER, "a peer's id has 1 to 64 letters and digits").field("id")),
    }
}

/// Other nodes that this one speaks to
#[utoipa::path(get, path = "/peers", tag = "node", responses(
    (status = 200, description = "The peers", body = PeersBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn peers(State(server): State<Shared>) -> Answer<Json<PeersBody>> {
    server.read(|node, _| Ok(Json(list(node)))).await
}

/// Calls another node, now and whenever it is not connected. Needs the operator's token with the scope `peers`
#[utoipa::path(post, path = "/peers", tag = "node", request_body = CallBody, security(("operator" = ["peers"])), responses(
    (status = 202, description = "It will be called"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn call(
    State(server): State<Shared>,
    headers: HeaderMap,
    body: Answer<JsonBody<CallBody>>,
) -> Answer<StatusCode> {
    auth::require(&server.tokens, &headers, Scope::Peers)?;
    let JsonBody(CallBody { address }) = body?;
    let address = peer_address(&address)
        .map_err(|error| Problem::new(&kinds::INVALID_PEER, error.to_string()).field("address"))?;
    let network = network(&server)?;
    if network.is_own(&address) {
        let problem = Problem::new(&kinds::INVALID_PEER, "this is the address of the node itself");
        return Err(problem.field("address"));
    }
    network.add(address).await;
    Ok(StatusCode::ACCEPTED)
}

/// Ends the connection with a node and forgets its address. Needs the operator's token with the scope `peers`
#[utoipa::path(delete, path = "/peers/{id}", tag = "node", params(("id" = String, Path, description = "The peer's id")),
    security(("operator" = ["peers"])), responses(
    (status = 204, description = "It is gone"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn remove(State(server): State<Shared>, headers: HeaderMap, Path(id): Path<String>) -> Answer<StatusCode> {
    auth::require(&server.tokens, &headers, Scope::Peers)?;
    let name = parse_name(id)?;
    match network(&server)?.remove(&name).await {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(&kinds::UNKNOWN_PEER, format!("{name} is not connected"))),
    }
}

/// Has nothing to do with a node for a while. Needs the operator's token with the scope `peers`
#[utoipa::path(put, path = "/peers/{id}/ban", tag = "node", params(("id" = String, Path, description = "The peer's id")),
    request_body = BanRequest, security(("operator" = ["peers"])), responses(
    (status = 204, description = "It is banned"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn ban(
    State(server): State<Shared>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Answer<JsonBody<BanRequest>>,
) -> Answer<StatusCode> {
    auth::require(&server.tokens, &headers, Scope::Peers)?;
    let name = parse_name(id)?;
    let JsonBody(BanRequest { secs, reason }) = body?;
    let (secs, reason) = term(secs, reason)?;
    let network = network(&server)?;
    let invalid = |message: &str| Problem::new(&kinds::INVALID_PEER, message).field("id");
    let name = P2p::name(&name.0).ok_or_else(|| invalid("this is no peer's id, such as 12D3KooW…"))?;
    if name.0 == network.id().to_string() {
        return Err(invalid("this is the id of the node itself"));
    }
    network.ban(name, secs, reason).await;
    Ok(StatusCode::NO_CONTENT)
}

/// How long a ban lasts, and why, within their limits.
fn term(secs: Option<u64>, reason: Option<String>) -> Answer<(u64, String)> {
    let secs = secs.unwrap_or(BAN_SECS);
    if !(1..=MAX_BAN_SECS).contains(&secs) {
        let problem = Problem::new(
            &kinds::INVALID_PEER,
            format!("secs is {secs}, expected 1 to {MAX_BAN_SECS}"),
        );
        return Err(problem.field("secs"));
    }
    let reason = reason.unwrap_or_else(|| "banned by the operator".to_owned());
    if reason.chars().count() > MAX_REASON {
        let problem = Problem::new(
            &kinds::INVALID_PEER,
            format!("reason is longer than {MAX_REASON} characters"),
        );
        return Err(problem.field("reason"));
    }
    Ok((secs, reason))
}

/// Speaks with a node again. Needs the operator's token with the scope `peers`
#[utoipa::path(delete, path = "/peers/{id}/ban", tag = "node", params(("id" = String, Path, description = "The peer's id")),
    security(("operator" = ["peers"])), responses(
    (status = 204, description = "It is not banned any more"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn unban(State(server): State<Shared>, headers: HeaderMap, Path(id): Path<String>) -> Answer<StatusCode> {
    auth::require(&server.tokens, &headers, Scope::Peers)?;
    let name = parse_name(id)?;
    network(&server)?.unban(name).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Which addresses, how long, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeBanRequest {
    /// An address, or a range of them.
    #[schema(example = "198.51.100.0/24")]
    pub range: String,
    /// Seconds; an hour if left out.
    pub secs: Option<u64>,
    pub reason: Option<String>,
}

/// Which addresses.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RangeQuery {
    /// An address, or a range of them.
    #[param(example = "198.51.100.0/24")]
    pub range: String,
}

/// A range, or one address as a range.
fn parse_range(text: &str) -> Answer<IpNet> {
    let range = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    let range = range.map_err(|_| {
        let message = "this is no address and no range, such as 198.51.100.0/24";
        Problem::new(&kinds::INVALID_PEER, message).field("range")
    })?;
    let least = if range.addr().is_ipv4() {
        MIN_V4_BITS
    } else {
        MIN_V6_BITS
    };
    if range.prefix_len() < least {
        let message = format!("the range has {} bits, at least {least} are needed", range.prefix_len());
        return Err(Problem::new(&kinds::INVALID_PEER, message).field("range"));
    }
    Ok(range.trunc())
}

/// Has nothing to do with an address range for a while. Needs the operator's token with the scope `peers`
#[utoipa::path(put, path = "/bans", tag = "node", request_body = RangeBanRequest, security(("operator" = ["peers"])),
    responses(
    (status = 204, description = "It is banned; peers there are gone"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn ban_range(
    State(server): State<Shared>,
    headers: HeaderMap,
    body: Answer<JsonBody<RangeBanRequest>>,
) -> Answer<StatusCode> {
    auth::require(&server.tokens, &headers, Scope::Peers)?;
    let JsonBody(RangeBanRequest { range, secs, reason }) = body?;
    let range = parse_range(&range)?;
    let (secs, reason) = term(secs, reason)?;
    match network(&server)?.ban_range(range, secs, reason).await {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(&kinds::INVALID_PEER, "too many ranges are banned; lift a ban first").field("range")),
    }
}

/// Speaks with an address range again. Needs the operator's token with the scope `peers`
#[utoipa::path(delete, path = "/bans", tag = "node", params(RangeQuery), security(("operator" = ["peers"])), responses(
    (status = 204, description = "It is not banned any more"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn unban_range(
    State(server): State<Shared>,
    headers: HeaderMap,
    query: Answer<Params<RangeQuery>>,
) -> Answer<StatusCode> {
    auth::require(&server.tokens, &headers, Scope::Peers)?;
    let Params(RangeQuery { range }) = query?;
    let range = parse_range(&range)?;
    network(&server)?.unban_range(range).await;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use tally_node::net::Traffic;

    use super::*;

    #[test]
    fn a_peer_whose_next_block_is_ahead_of_the_clock_says_by_how_much() {
        let peer = PeerStatus {
            name: "12D3KooW".into(),
            outbound: true,
            connected_secs: 5,
            height: None,
            agent: "tally".to_owned(),
            latency_ms: Some(3),
            clock_offset_secs: Some(-288),
            score: 0,
            ahead_secs: Some(276),
            traffic: Traffic::default(),
        };
        let body = serde_json::to_value(PeerBody::of(peer, None)).unwrap();
        assert_eq!(body["ahead_secs"], 276);
        assert_eq!(body["clock_offset_secs"], -288);
    }
}
