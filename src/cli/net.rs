//! `tally net`: several nodes on this machine, each a process of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use tally_node::counted::counted;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::out::outln;
use crate::config::{chain_spec, default_data_dir};

/// Most nodes of one command.
const MAX_NODES: u16 = 32;
/// How long a node may take to serve.
const READY: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub struct NetArgs {
    #[command(subcommand)]
    command: NetCommand,
}

#[derive(Debug, Subcommand)]
enum NetCommand {
    /// Run several nodes on this machine that speak to each other, with one log; a node that ends is started again
    Up(UpArgs),
}

#[derive(Debug, Args)]
struct UpArgs {
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=MAX_NODES as i64))]
    nodes: u16,
    /// How many of them mine, the first ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    miners: u16,
    /// Built-in chain (local, test) or the path of a chain spec
    #[arg(long, value_name = "NAME|FILE", default_value = "local")]
    chain: String,
    /// Where each node has its folder, node-1 and so on [default: the user's data directory, tally/net-CHAIN]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Port of the first node's interface, the others count on; 0: whatever is free
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Port where the first node can be called by others, the others count on; 0: whatever is free
    #[arg(long, value_name = "PORT", default_value_t = 9333)]
    p2p_port: u16,
    /// What is logged: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log_level: String,
}

/// Runs the command.
pub fn run(args: NetArgs) -> anyhow::Result<()> {
    let NetCommand::Up(args) = args.command;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(up(args))
}

/// What happens to the nodes.
enum News {
    /// A line that a node printed.
    Line(u16, String),
    /// A node's process is gone.
    Ended(u16, std::io::Result<ExitStatus>),
}

/// One running process.
struct Running {
    /// The node ends with it.
    stdin: Option<ChildStdin>,
    /// Where others can call it; empty until it serves.
    address: String,
}

struct Cluster {
    args: UpArgs,
    folder: PathBuf,
    running: BTreeMap<u16, Running>,
    news: UnboundedReceiver<News>,
    tell: UnboundedSender<News>,
}

async fn up(args: UpArgs) -> anyhow::Result<()> {
    for (name, first) in [("port", args.port), ("p2p-port", args.p2p_port)] {
        if first.checked_add(args.nodes - 1).is_none() {
            bail!(
                "{name} {first} leaves no room for {}: ports end at {}",
                counted(args.nodes, "node", "nodes"),
                u16::MAX
            );
        }
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let folder = match &args.data_dir {
        Some(folder) => folder.clone(),
        None => default_data_dir(&format!("net-{}", chain_spec(&args.chain)?.name))?,
    };
    let (tell, news) = unbounded_channel();
    let mut cluster = Cluster {
        args,
        folder,
        running: BTreeMap::new(),
        news,
        tell,
    };
    let result = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        result = cluster.serve() => result,
    };
    cluster.stop().await;
    result
}

impl Cluster {
    /// Starts all nodes, then starts again whichever ends; returns only with an error.
    async fn serve(&mut self) -> anyhow::Result<()> {
        for index in 1..=self.args.nodes {
            self.start(index)?;
            self.ready(index).await?;
        }
        // The nodes go on where nobody reads what they print.
        let _ = outln!(
            "\n{} up, their folders are in {}; Ctrl-C ends them all\n",
            counted(self.args.nodes, "node is", "nodes are"),
            self.folder.display()
        );
        loop {
            let news = self.news.recv().await.context("no more news")?;
            self.hear(news)?;
        }
    }

    /// Waits until a node can be called.
    async fn ready(&mut self, index: u16) -> anyhow::Result<()> {
        let end = tokio::time::Instant::now() + READY;
        while self.running.get(&index).is_none_or(|node| node.address.is_empty()) {
            let news = tokio::time::timeout_at(end, self.news.recv()).await;
            let news = news.with_context(|| format!("node-{index} does not serve"))?;
            self.hear(news.context("no more news")?)?;
        }
        Ok(())
    }

    fn hear(&mut self, news: News) -> anyhow::Result<()> {
        match news {
            News::Line(index, line) => {
                let address = line.trim().strip_prefix("network").map(str::trim);
                if let (Some(address), Some(node)) = (address, self.running.get_mut(&index)) {
                    node.address = address.to_owned();
                }
                let _ = outln!("node-{index} | {line}");
            }
            News::Ended(index, status) => {
                let Some(node) = self.running.remove(&index) else {
                    return Ok(());
                };
                let how = match status {
                    Ok(status) => status.to_string(),
                    Err(error) => error.to_string(),
                };
                if node.address.is_empty() {
                    bail!("node-{index} cannot run ({how}); the lines above say why");
                }
                let _ = outln!("node-{index} | ended ({how}), starting again");
                self.start(index)?;
            }
        }
        Ok(())
    }

    /// Starts a node that calls all others that serve.
    fn start(&mut self, index: u16) -> anyhow::Result<()> {
        let at = |first: u16| if first == 0 { 0 } else { first + index - 1 };
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut command = Command::new(program);
        command.arg("node").arg("--until-stdin-closes").arg("--data-dir");
        command.arg(self.folder.join(format!("node-{index}")));
        command.args(["--chain", &self.args.chain, "--log-level", &self.args.log_level]);
        command.args(["--listen", &format!("127.0.0.1:{}", at(self.args.port))]);
        command.args(["--p2p-listen", &format!("127.0.0.1:{}", at(self.args.p2p_port))]);
        command.args(["--mine", if index <= self.args.miners { "true" } else { "false" }]);
        for other in self.running.values().filter(|node| !node.address.is_empty()) {
            command.args(["--peer", &other.address]);
        }
        let pipes = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes.spawn().context("cannot start a node")?;
        let running = Running {
            stdin: child.stdin.take(),
            address: String::new(),
        };
        self.running.insert(index, running);
        tokio::spawn(follow(index, child, self.tell.clone()));
        Ok(())
    }

    /// Ends all nodes in order, and waits for them.
    async fn stop(&mut self) {
        self.running.values_mut().for_each(|node| node.stdin = None);
        while !self.running.is_empty() {
            match self.news.recv().await {
                Some(News::Ended(index, _)) => {
                    self.running.remove(&index);
                }
                Some(News::Line(index, line)) => drop(outln!("node-{index} | {line}")),
                None => return,
            }
        }
    }
}

/// Passes on what a node prints, until it is gone.
async fn follow(index: u16, mut child: Child, tell: UnboundedSender<News>) {
    let (out, log) = (child.stdout.take(), child.stderr.take());
    tokio::join!(pass_on(index, out, &tell), pass_on(index, log, &tell));
    let _ = tell.send(News::Ended(index, child.wait().await));
}

async fn pass_on(index: u16, from: Option<impl AsyncRead + Unpin>, tell: &UnboundedSender<News>) {
    let Some(from) = from else { return };
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if !line.is_empty() && tell.send(News::Line(index, line)).is_err() {
            return;
        }
    }
}
