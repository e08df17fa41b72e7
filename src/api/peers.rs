//! `/peers`: other nodes. Reading is open; changing needs the operator's token with the scope `peers`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use tally_api::ProblemBody;
use tally_api::peers::{
    BAN_SECS, BanBody, BanRequest, CallBody, CatchUpBody, FoundBody, MAX_BAN_SECS, MAX_REASON, PeerBody, PeersBody,
    RangeBanBody, RangeBanRequest, RangeQuery,
};
use tally_network::session::{PeerName, PeerStatus};
use tally_network::{IpNet, Network, NetworkSlot};
use tally_node::Node;

use super::auth;
use super::extract::{JsonBody, Params};
use super::problem::{Answer, Problem, kinds};
use crate::config::peer_address;
use crate::operator::Scope;
use crate::server::{Server, Shared};

/// The largest ranges that can be banned, bits: more by mistake would be most of the network.
const MIN_V4_BITS: u8 = 8;
const MIN_V6_BITS: u8 = 16;

fn peer_body(peer: PeerStatus, address: Option<String>) -> PeerBody {
    PeerBody {
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

fn list(node: &Node, network: &NetworkSlot) -> PeersBody {
    let Some(network) = network.get() else {
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
        peer_body(peer, address)
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
        sync: status.sync.map(|sync| CatchUpBody {
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

fn network(server: &Server) -> Answer<&Network> {
    server.network.get().ok_or_else(|| {
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

/// The peers of this node
#[utoipa::path(get, path = "/peers", tag = "node", responses(
    (status = 200, description = "The peers", body = PeersBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn peers(State(server): State<Shared>) -> Answer<Json<PeersBody>> {
    let network = server.network.clone();
    server.look(move |node| Json(list(node, &network))).await
}

/// Dials another node, now and whenever it is not connected. Needs the operator's token with the scope `peers`
#[utoipa::path(post, path = "/peers", tag = "node", request_body = CallBody, security(("operator" = ["peers"])), responses(
    (status = 202, description = "It will be dialled"),
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
    let name = Network::name(&name.0).ok_or_else(|| invalid("this is no peer's id, such as 12D3KooW…"))?;
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

/// Lifts a node's ban. Needs the operator's token with the scope `peers`
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

/// Lifts the ban of an address range. Needs the operator's token with the scope `peers`
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
    use tally_network::session::Traffic;

    use super::*;

    #[test]
    fn a_peer_whose_next_block_is_ahead_of_the_clock_shows_by_how_much() {
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
        let body = serde_json::to_value(peer_body(peer, None)).unwrap();
        assert_eq!(body["ahead_secs"], 276);
        assert_eq!(body["clock_offset_secs"], -288);
    }
}
