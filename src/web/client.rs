//! Who sends a request: the address of the connection, or the one that a trusted proxy names.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::server::Shared;

/// The address that limits and logs go by; an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

impl Client {
    /// That of a request; this machine itself where no connection carried it.
    pub fn of(request: &Request) -> Self {
        let known = request.extensions().get::<Self>().copied();
        known.unwrap_or(Self(Ipv4Addr::LOCALHOST.into()))
    }
}

/// Notes the client of a request.
pub async fn identify(State(server): State<Shared>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let client = server.proxies.client(peer.ip(), request.headers());
        request.extensions_mut().insert(Client(client));
    }
    next.run(request).await
}
