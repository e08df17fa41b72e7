//! Nodes of the sandbox: processes of this very program. None outlives the laboratory, and nothing of the user's is touched.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use serde_json::Value;
use tally_api::status::{StatusBody, TipBody};
use tally_network::Multiaddr;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

use crate::cli::client::Client;

/// How long a node may take to serve, to answer, or to end.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often something is looked at that a node changes by itself.
const LOOK: Duration = Duration::from_millis(10);
/// Lines of a node's log that are kept.
const MAX_LINES: usize = 10_000;

/// Listens to SIGINT and SIGTERM from now on; what it returns ends with the first of them.
///
/// # Errors
/// If the system does not allow it.
pub fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Looks again and again until there is something, or the patience is over.
///
/// # Errors
/// If `look` fails, or nothing is found in time.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > end {
            bail!("{what} has not come in {} s", PATIENCE.as_secs());
        }
        sleep(LOOK).await;
    }
}

/// What a node is made from.
#[derive(Debug, Clone)]
pub struct Place {
    /// A folder of the sandbox, in which each node has its own.
    pub folder: PathBuf,
    /// The chain spec.
    pub spec: PathBuf,
}

/// A line of a node's log.
#[derive(Debug, Clone)]
pub struct Line(Value);

impl Line {
    /// A field of it as text.
    pub fn text(&self, field: &str) -> String {
        match &self.0[field] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }
}

/// A running node; its process is killed when this is dropped.
pub struct Node {
    child: Child,
    /// The node ends with it, also where this process is killed.
    _stdin: Option<ChildStdin>,
    /// Its REST interface.
    pub client: Client,
    /// Where peers connect.
    pub address: Multiaddr,
    data_dir: PathBuf,
    log: Arc<Mutex<Vec<Line>>>,
}

impl Node {
    /// Starts a node with a folder of this name, and waits until it serves.
    ///
    /// # Errors
    /// If it does not serve in time.
    pub async fn start(place: &Place, name: &str, more: &[&str]) -> anyhow::Result<Self> {
        let data_dir = place.folder.join(name);
        let mut command = Command::new(std::env::current_exe().context("this program is not found")?);
        command
            .args([
                "node",
                "--no-mine",
                "--log-level",
                "warn",
                "--log-format",
                "json",
                "--listen",
                "127.0.0.1:0",
            ])
            .args([
                "--p2p-listen",
                "127.0.0.1:0",
                "--p2p-discover",
                "false",
                "--until-stdin-closes",
                "--spec",
            ])
            .arg(&place.spec)
            .arg("--data-dir")
            .arg(&data_dir)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // What the user has set is for the user's node: this one must not dial its peers or use its folders.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("TALLY_") {
                command.env_remove(variable);
            }
        }
        let mut child = command.spawn().context("cannot start a node")?;
        let log: Arc<Mutex<Vec<Line>>> = Arc::default();
        keep_log(child.stderr.take(), Arc::clone(&log));
        let banner = timeout(PATIENCE, read_banner(child.stdout.take())).await;
        let served = banner.context("the node does not serve in time")?;
        let Some((url, address)) = served else {
            let status = timeout(PATIENCE, child.wait())
                .await
                .context("the node does not end")??;
            let lines = log.lock().iter().map(|line| line.0.to_string()).collect::<Vec<_>>();
            bail!("the node does not start ({status}) {}", lines.join("\n"));
        };
        Ok(Self {
            _stdin: child.stdin.take(),
            child,
            client: Client::new(&url)?,
            address: address.parse().context("the node's address")?,
            data_dir,
            log,
        })
    }

    /// Its folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The end of its chain.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn tip(&self) -> anyhow::Result<TipBody> {
        Ok(self.status()?.tip)
    }

    /// What it reports of itself.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn status(&self) -> anyhow::Result<StatusBody> {
        self.client.get("status")
    }

    /// The first line of its log that is meant.
    pub fn logged(&self, meant: impl Fn(&Line) -> bool) -> Option<Line> {
        self.log.lock().iter().find(|line| meant(line)).cloned()
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("a node cannot be killed")
    }

    /// Lets it end in order.
    ///
    /// # Errors
    /// If it does not, or not with success.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self._stdin.take());
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .context("a node does not end")??;
        anyhow::ensure!(status.success(), "a node ends with {status}");
        Ok(())
    }
}

/// URL and address of a node from what it prints; none where it ends before. The rest is read and thrown away, so that the node
/// can always write.
async fn read_banner(out: Option<impl AsyncRead + Unpin + Send + 'static>) -> Option<(String, String)> {
    let mut lines = BufReader::new(out?).lines();
    let (mut url, mut address) = (None, None);
    while let Ok(Some(line)) = lines.next_line().await {
        let after = |word: &str| Some(line.trim().strip_prefix(word)?.trim().trim_end_matches('/').to_owned());
        url = url.or_else(|| after("interface "));
        address = address.or_else(|| after("network "));
        if let (Some(url), Some(address)) = (&url, &address) {
            let found = (url.clone(), address.clone());
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some(found);
        }
    }
    None
}

fn keep_log(from: Option<impl AsyncRead + Unpin + Send + 'static>, log: Arc<Mutex<Vec<Line>>>) {
    let Some(from) = from else { return };
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
            let mut log = log.lock();
            if log.len() < MAX_LINES {
                log.push(Line(line));
            }
        }
    });
}
