//! Listening: by TCP and by QUIC, on the same port.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use tokio::time::Instant;

use super::super::config::NetworkError;
use super::SwarmTask;

/// How long all addresses may take to be listened on.
const LISTEN: Duration = Duration::from_secs(10);

impl SwarmTask {
    /// Begins to listen; the addresses carry this node's name.
    pub(in super::super) async fn listen(
        mut self,
        listen: Option<SocketAddr>,
    ) -> Result<(Self, Vec<Multiaddr>), NetworkError> {
        let Some(address) = listen else {
            return Ok((self, Vec::new()));
        };
        let failed = |reason: String| NetworkError::Listen { address, reason };
        let host = Multiaddr::from(address.ip());
        let tcp = host.clone().with(Protocol::Tcp(address.port()));
        self.swarm.listen_on(tcp).map_err(|error| failed(error.to_string()))?;
        let mut found = Vec::new();
        let mut quic = false;
        let end = Instant::now() + LISTEN;
        loop {
            // Others may be let wait until both are there: nothing has been dialled yet.
            let event = tokio::time::timeout_at(end, self.swarm.select_next_some()).await;
            match event.map_err(|_| failed("it takes too long".to_owned()))? {
                SwarmEvent::NewListenAddr { address: at, .. } => {
                    let port = at.iter().find_map(|part| match part {
                        Protocol::Tcp(port) => Some(port),
                        _ => None,
                    });
                    let id = *self.swarm.local_peer_id();
                    found.push(at.with(Protocol::P2p(id)));
                    match port {
                        // QUIC takes the same number, also where the system chose it.
                        Some(port) if !quic => {
                            quic = true;
                            let udp = host.clone().with(Protocol::Udp(port)).with(Protocol::QuicV1);
                            self.swarm.listen_on(udp).map_err(|error| failed(error.to_string()))?;
                        }
                        Some(_) => {}
                        None => return Ok((self, found)),
                    }
                }
                SwarmEvent::ListenerClosed { reason: Err(error), .. } => return Err(failed(error.to_string())),
                SwarmEvent::ListenerError { error, .. } => return Err(failed(error.to_string())),
                _ => {}
            }
        }
    }
}
