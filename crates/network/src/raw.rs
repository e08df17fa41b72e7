//! A peer that carries frames and is no node: for `tally bench floods`, and for tests of what a node accepts from others.

use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use futures::{FutureExt as _, StreamExt as _};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use libp2p_stream as stream;

/// The name under which nodes take frames. Rule: docs/protocol.md#N1
const PROTOCOL: StreamProtocol = StreamProtocol::new("/tally/1");

/// One connection under a name of its own, made up for it.
pub struct RawPeer {
    stream: libp2p::Stream,
    /// Substreams before it, which stay open.
    earlier: Vec<libp2p::Stream>,
    control: stream::Control,
    peer: PeerId,
    own: PeerId,
    swarm: tokio::task::JoinHandle<()>,
}

impl RawPeer {
    /// Connects with the node at an address. Runs on the tokio runtime that it is called on.
    ///
    /// # Errors
    /// If the node takes no more connections, or does not take this one.
    pub async fn connect(address: Multiaddr) -> std::io::Result<Self> {
        let failed = |error: String| std::io::Error::other(error);
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(
                tcp::Config::default().nodelay(true),
                noise::Config::new,
                yamux::Config::default,
            )
            .map_err(|error| failed(error.to_string()))?
            .with_behaviour(|_| stream::Behaviour::new())
            .map_err(|error| failed(error.to_string()))?
            .build();
        swarm
            .dial(DialOpts::from(address))
            .map_err(|error| failed(error.to_string()))?;
        let peer = loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => break peer_id,
                SwarmEvent::OutgoingConnectionError { error, .. } => return Err(failed(error.to_string())),
                _ => {}
            }
        };
        let own = *swarm.local_peer_id();
        let mut control = swarm.behaviour().new_control();
        let swarm = tokio::spawn(swarm.for_each(|_| std::future::ready(())).map(|()| ()));
        match control.open_stream(peer, PROTOCOL).await {
            Ok(stream) => Ok(Self {
                stream,
                earlier: Vec::new(),
                control,
                peer,
                own,
                swarm,
            }),
            Err(error) => {
                swarm.abort();
                Err(failed(error.to_string()))
            }
        }
    }

    /// The name that it made up for itself, as the node shows it.
    pub fn id(&self) -> String {
        self.own.to_string()
    }

    /// Goes on with another substream of the same connection, under the same name.
    ///
    /// # Errors
    /// If the node opens none.
    pub async fn begin_again(&mut self) -> std::io::Result<()> {
        let opened = self.control.open_stream(self.peer, PROTOCOL).await;
        let stream = opened.map_err(|error| std::io::Error::other(error.to_string()))?;
        self.earlier.push(std::mem::replace(&mut self.stream, stream));
        Ok(())
    }

    /// Goes back to the substream before, and gives up the one that it went on with.
    pub fn go_back(&mut self) {
        if let Some(before) = self.earlier.pop() {
            self.stream = before;
        }
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// If the substream is closed, or the frame is longer than a `u32` counts.
    pub async fn send(&mut self, frame: &[u8]) -> std::io::Result<()> {
        let len = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
        self.send_bytes(&len.to_be_bytes()).await?;
        self.send_bytes(frame).await
    }

    /// Sends bytes that need not be a frame.
    ///
    /// # Errors
    /// If the substream is closed.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next frame that the node sends, without its length. Of any length: memory for it is that of the caller.
    ///
    /// # Errors
    /// If the substream ends before it is whole.
    pub async fn recv(&mut self) -> std::io::Result<Vec<u8>> {
        let mut len = [0; 4];
        self.stream.read_exact(&mut len).await?;
        let mut frame = vec![0; u32::from_be_bytes(len) as usize];
        self.stream.read_exact(&mut frame).await?;
        Ok(frame)
    }
}

impl Drop for RawPeer {
    fn drop(&mut self) {
        self.swarm.abort();
    }
}
