//! Stratum v1 for external SHA-256d miners: lines of JSON over TCP, as stock miners speak it. docs/stratum.md says what is understood.

mod job;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tally_node::{ChainEvent, Node};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use session::Session;

/// Miners connected at once.
const MAX_MINERS: usize = 256;
/// Bytes of a line.
const MAX_LINE: u64 = 4_096;
/// How long a miner may say nothing.
const SILENCE: Duration = Duration::from_secs(600);
/// How long a miner may take to say who it works for.
const AUTHORIZE: Duration = Duration::from_secs(30);
/// How long a line may take to be taken by the miner.
const WRITE: Duration = Duration::from_secs(20);
/// Between two jobs on the same tip: fees come and go.
const REFRESH: Duration = Duration::from_secs(15);

/// A listener that takes miners.
pub struct Stratum {
    /// Where; the port is the real one, also if port 0 was asked for.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Stratum {
    /// Listens from now on.
    pub async fn start(listen: SocketAddr, node: Node) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen} for miners"))?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, node));
        Ok(Self { address, task })
    }

    /// Ends the listener and all conversations.
    pub fn stop(&self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, node: Node) {
    let room = Arc::new(Semaphore::new(MAX_MINERS));
    let next = AtomicU32::new(1);
    // Dropped with the task: so all conversations end with the listener.
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a miner cannot be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while sessions.try_join_next().is_some() {}
        let Ok(permit) = room.clone().try_acquire_owned() else {
            tracing::warn!(%remote, "there are {MAX_MINERS} miners already");
            continue;
        };
        let session = Session::new(node.clone(), next.fetch_add(1, Relaxed).to_be_bytes(), Instant::now());
        sessions.spawn(async move {
            let _permit = permit;
            match converse(stream, session).await {
                Ok(()) => tracing::info!(%remote, "miner left"),
                Err(error) => tracing::info!(%remote, error = format!("{error:#}"), "miner sent away"),
            }
        });
    }
}

async fn converse(stream: TcpStream, mut session: Session) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let (from, mut to) = stream.into_split();
    let (lines, mut heard) = mpsc::channel(16);
    let reading = tokio::spawn(read(from, lines));
    // The reader ends with the conversation.
    let _guard = AbortOnDrop(reading);
    let mut events = session.node().events().subscribe();
    let mut refresh = tokio::time::interval(REFRESH);
    refresh.tick().await;
    let late = tokio::time::sleep(AUTHORIZE);
    tokio::pin!(late);
    loop {
        tokio::select! {
            line = heard.recv() => match line {
                None => return Ok(()),
                // What follows executes transactions and imports blocks: other tasks go on elsewhere.
                Some(line) => tokio::task::block_in_place(|| session.hear(&line?, Instant::now()))?,
            },
            event = events.recv() => match event {
                Ok(numbered) if !matches!(numbered.event, ChainEvent::Block { .. }) => continue,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => tokio::task::block_in_place(|| session.new_tip())?,
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            },
            _ = refresh.tick() => tokio::task::block_in_place(|| session.refresh(Instant::now()))?,
            () = &mut late, if !session.authorized() => anyhow::bail!("it did not say who it works for"),
        }
        for line in session.outputs() {
            timeout(WRITE, to.write_all(format!("{line}\n").as_bytes()))
                .await
                .context("it does not read")??;
        }
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn read(from: OwnedReadHalf, lines: mpsc::Sender<anyhow::Result<String>>) {
    let mut from = BufReader::new(from);
    loop {
        let line = match read_line(&mut from).await {
            Ok(None) => return,
            Ok(Some(line)) => Ok(line),
            Err(error) => Err(error),
        };
        let over = line.is_err();
        if lines.send(line).await.is_err() || over {
            return;
        }
    }
}

/// The next line; none at the end.
async fn read_line(from: &mut BufReader<OwnedReadHalf>) -> anyhow::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut limited = from.take(MAX_LINE);
    timeout(SILENCE, limited.read_until(b'\n', &mut bytes))
        .await
        .context("it says nothing")??;
    match bytes.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(String::from_utf8(bytes).context("a line is not UTF-8")?)),
        Some(_) if bytes.len() as u64 + 1 >= MAX_LINE => anyhow::bail!("a line has more than {MAX_LINE} bytes"),
        Some(_) => Ok(None),
    }
}
