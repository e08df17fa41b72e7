//! Stratum v1 for external SHA-256d miners: lines of JSON over TCP, as stock miners use it. docs/stratum.md lists what is understood.

mod job;
mod request;
mod session;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tally_node::{ChainEvent, Node, supervise};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::net_guard::{self, Guard, Place, Room, Seldom};
pub use session::Session;

/// Bytes of a line.
const MAX_LINE: u64 = 4_096;
/// How long a miner may be silent.
const SILENCE: Duration = Duration::from_secs(600);
/// How long the first line may take: a client that connects has something to send.
const FIRST_LINE: Duration = Duration::from_secs(15);
/// Lines a second on and on, and at once; a client that sends more is read more slowly.
const LINES: f64 = 20.0;
const LINES_AT_ONCE: f64 = 200.0;
/// Miners connected at once. From one address: a farm behind one router, or a proxy.
const ROOM: Room = Room {
    all: 256,
    per_address: 64,
    kept_for_loopback: 16,
};
/// How long a miner may take to name whom it works for.
const AUTHORIZE: Duration = Duration::from_secs(30);
/// How long a line may take to be taken by the miner.
const WRITE: Duration = Duration::from_secs(20);
/// Between two jobs on the same tip: fees come and go.
const REFRESH: Duration = Duration::from_secs(15);

/// A listener that takes miners.
pub struct Stratum {
    /// Where; the port is the real one, also if the setting is port 0.
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
        let task = supervise::task("stratum listener", accept(listener, node));
        Ok(Self { address, task })
    }

    /// Ends the listener and all conversations.
    pub fn stop(&self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, node: Node) {
    let guard = Guard::new(ROOM);
    let next = AtomicU32::new(1);
    let (given_none, no_room) = (Seldom::default(), Seldom::default());
    // Dropped with the task: so all conversations end with the listener.
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        let (stream, remote) = net_guard::accept(&listener, "stratum", &given_none).await;
        while sessions.try_join_next().is_some() {}
        let place = match guard.admit(remote.ip()) {
            Ok(place) => place,
            Err(full) => {
                if let Some(unlogged) = no_room.now() {
                    tracing::warn!(%remote, %full, unlogged, "no room for a miner");
                }
                continue;
            }
        };
        let extra_1 = next.fetch_add(1, Relaxed).to_be_bytes();
        let mut session = Session::new(node.clone(), net_guard::household(remote.ip()), extra_1, Instant::now());
        sessions.spawn(async move {
            let outcome = converse(stream, &mut session, &place).await;
            let miner = session.summary();
            match outcome {
                Ok(()) => tracing::info!(%remote, miner, "miner left"),
                Err(error) => tracing::info!(%remote, miner, error = format!("{error:#}"), "miner dropped"),
            }
        });
    }
}

async fn converse(stream: TcpStream, session: &mut Session, place: &Place) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    // Until it names whom it works for, it gives way to one that comes.
    place.idle();
    let (from, mut to) = stream.into_split();
    let (lines, mut received) = mpsc::channel(16);
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
            line = received.recv() => match line {
                None => return Ok(()),
                // What follows executes transactions and imports blocks: other tasks go on elsewhere.
                Some(line) => tokio::task::block_in_place(|| session.handle_line(&line?, Instant::now()))?,
            },
            event = events.recv() => match event {
                Ok(numbered) if !matches!(numbered.event, ChainEvent::Block { .. }) => continue,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => tokio::task::block_in_place(|| session.new_tip()),
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            },
            _ = refresh.tick() => tokio::task::block_in_place(|| session.refresh(Instant::now())),
            () = &mut late, if !session.authorized() => anyhow::bail!("it did not authorize in time"),
            () = place.evicted(), if !session.authorized() => anyhow::bail!("its place went to another miner before it authorized"),
        }
        if session.authorized() {
            place.busy();
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
    let mut pace = Pace::new(Instant::now());
    let mut patience = FIRST_LINE;
    loop {
        let line = match read_line(&mut from, patience).await {
            Ok(None) => return,
            Ok(Some(line)) => Ok(line),
            Err(error) => Err(error),
        };
        patience = SILENCE;
        let over = line.is_err();
        if lines.send(line).await.is_err() || over {
            return;
        }
        // Not a reason to drop a miner: it waits, and so does what it sends.
        tokio::time::sleep(pace.line(Instant::now())).await;
    }
}

/// How many lines may come: a bucket that fills with time.
struct Pace {
    left: f64,
    last: Instant,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self {
            left: LINES_AT_ONCE,
            last: now,
        }
    }

    /// Counts a line; how long to wait before the next one is read.
    fn line(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.last).as_secs_f64();
        self.left = (self.left + passed * LINES).min(LINES_AT_ONCE) - 1.0;
        self.last = now;
        Duration::from_secs_f64((-self.left / LINES).max(0.0))
    }
}

/// The next line; none at the end.
async fn read_line(from: &mut BufReader<OwnedReadHalf>, patience: Duration) -> anyhow::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut limited = from.take(MAX_LINE);
    timeout(patience, limited.read_until(b'\n', &mut bytes))
        .await
        .with_context(|| format!("it sent no line for {} s", patience.as_secs()))??;
    match bytes.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(String::from_utf8(bytes).context("a line is not UTF-8")?)),
        Some(_) if bytes.len() as u64 + 1 >= MAX_LINE => anyhow::bail!("a line has more than {MAX_LINE} bytes"),
        Some(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_read_at_a_steady_pace() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let (mut now, mut lines) = (start, 0);
        while now < start + Duration::from_secs(60) {
            lines += 1;
            now += pace.line(now);
        }
        let most = LINES_AT_ONCE + 60.0 * LINES;
        assert!((most - 5.0..most + 5.0).contains(&f64::from(lines)), "{lines}");
        let later = now + Duration::from_secs(600);
        assert_eq!(pace.line(later), Duration::ZERO);
    }
}
