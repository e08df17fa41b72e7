//! `/peers`: other nodes. Reading is open; changing needs the operator's token with the scope `peers`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tally_node::P2p;
use tally_node::net::PeerName;
use utoipa::ToSchema;

use super::auth;
use super::extract::JsonBody;
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
    /// Points for offences; at 100 it is banned.
    pub score: u32,
    pub connected_secs: u64,
    pub messages_in: u64,
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// A node that is not spoken to.
#[derive(Debug, Serialize, ToSchema)]
pub struct BanBody {
    pub id: String,
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

fn list(server: &Server) -> PeersBody {
    let Some(network) = server.node.network() else {
        return PeersBody {
            networking: false,
            id: None,
            addresses: Vec::new(),
            peers: Vec::new(),
            bans: Vec::new(),
            sync: None,
            best_height: server.node.tip().record.height().0,
            found: FoundBody::default(),
        };
    };
    let status = network.status();
    let peers = status.peers.into_iter().map(|peer| PeerBody {
        address: network.address_of(&peer.name).map(|address| address.to_string()),
        id: peer.name.0,
        inbound: !peer.outbound,
        height: peer.height.map(|height| height.0),
        agent: peer.agent,
        latency_ms: peer.latency_ms,
        score: peer.score,
        connected_secs: peer.connected_secs,
        messages_in: peer.traffic.messages_in,
        messages_out: peer.traffic.messages_out,
        bytes_in: peer.traffic.bytes_in,
        bytes_out: peer.traffic.bytes_out,
    });
    let bans = status.bans.into_iter().map(|ban| BanBody {
        id: ban.name.0,
        reason: ban.reason,
    });
    PeersBody {
        networking: true,
        id: Some(network.id().to_string()),
        addresses: network.addresses().iter().map(ToString::to_string).collect(),
        peers: peers.collect(),
        bans: bans.collect(),
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
pub async fn peers(State(server): State<Shared>) -> Json<PeersBody> {
    Json(list(&server))
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
    network(&server)?.add(address).await;
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
    network(&server)?.ban(name, secs, reason).await;
    Ok(StatusCode::NO_CONTENT)
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
