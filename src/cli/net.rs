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
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::out::Printer;
use crate::config::{chain_spec, default_data_dir};
use crate::exit::Interrupted;

/// Most nodes of one command.
const MAX_NODES: u16 = 32;
/// How long a node may take to serve.
const READY: Duration = Duration::from_secs(60);
/// How long killed nodes may take to be gone: a process that waits for a broken disk is not ended by anything.
const KILLED: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub struct NetArgs {
    #[command(subcommand)]
    command: NetCommand,
}

#[derive(Debug, Subcommand)]
enum NetCommand {
    /// Run several connected nodes on this machine, with one log; a node that ends is started again
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
    /// Port of the first node's interface; the other nodes use the ports that follow; 0: any free ports
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Port on which the first node accepts peers; the other nodes use the ports that follow; 0: any free ports
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

/// What happens to a node.
enum NodeEvent {
    /// A line that a node printed.
    Line(u16, String),
    /// A node's process is gone.
    Ended(u16, std::io::Result<ExitStatus>),
}

/// One running process.
struct Running {
    /// The node ends with it.
    stdin: Option<ChildStdin>,
    /// Its process id.
    process: u32,
    /// Kills it.
    kill: Option<oneshot::Sender<()>>,
    /// Where others can dial it; empty until it serves.
    address: String,
}

struct Cluster {
    args: UpArgs,
    folder: PathBuf,
    running: BTreeMap<u16, Running>,
    events: UnboundedReceiver<NodeEvent>,
    sender: UnboundedSender<NodeEvent>,
    out: Printer,
    notes: Printer,
}

/// What ends the command: SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
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
    let mut signals = Signals::listen()?;
    let folder = match &args.data_dir {
        Some(folder) => folder.clone(),
        None => default_data_dir(&format!("net-{}", chain_spec(&args.chain)?.name))?,
    };
    let (sender, events) = unbounded_channel();
    let mut cluster = Cluster {
        args,
        folder,
        running: BTreeMap::new(),
        events,
        sender,
        out: Printer::out(),
        notes: Printer::err(),
    };
    let result = tokio::select! {
        () = signals.next() => Ok(()),
        result = cluster.serve() => result,
    };
    match (result, cluster.stop(&mut signals).await) {
        (result, Ok(())) => result,
        (Ok(()), Err(interrupted)) => Err(interrupted.into()),
        // Why the nodes end counts for more than how they ended.
        (Err(error), Err(interrupted)) => {
            cluster.notes.line(interrupted.to_string());
            Err(error)
        }
    }
}

impl Cluster {
    /// Starts all nodes, then starts again whichever ends; returns only with an error.
    async fn serve(&mut self) -> anyhow::Result<()> {
        for index in 1..=self.args.nodes {
            self.start(index)?;
            self.ready(index).await?;
        }
        self.out.line(format!(
            "\n{} up, their folders are in {}; Ctrl-C ends them all\n",
            counted(self.args.nodes, "node is", "nodes are"),
            self.folder.display()
        ));
        loop {
            let event = self.events.recv().await.context("no more events")?;
            self.handle(event)?;
        }
    }

    /// Waits until a node can be dialled.
    async fn ready(&mut self, index: u16) -> anyhow::Result<()> {
        let end = tokio::time::Instant::now() + READY;
        while self.running.get(&index).is_none_or(|node| node.address.is_empty()) {
            let event = tokio::time::timeout_at(end, self.events.recv()).await;
            let event = event.with_context(|| format!("node-{index} does not serve"))?;
            self.handle(event.context("no more events")?)?;
        }
        Ok(())
    }

    fn handle(&mut self, event: NodeEvent) -> anyhow::Result<()> {
        match event {
            NodeEvent::Line(index, line) => {
                let address = line.trim().strip_prefix("network").map(str::trim);
                if let (Some(address), Some(node)) = (address, self.running.get_mut(&index)) {
                    node.address = address.to_owned();
                }
                self.out.line(format!("node-{index} | {line}"));
            }
            NodeEvent::Ended(index, status) => {
                let Some(node) = self.running.remove(&index) else {
                    return Ok(());
                };
                let how = how(status);
                if node.address.is_empty() {
                    bail!("node-{index} cannot run ({how}); the lines above say why");
                }
                self.out.line(format!("node-{index} | ended ({how}), starting again"));
                self.start(index)?;
            }
        }
        Ok(())
    }

    /// Starts a node that dials all others that serve.
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
        let (kill, killed) = oneshot::channel();
        let running = Running {
            stdin: child.stdin.take(),
            process: child.id().expect("nobody has waited for it yet"),
            kill: Some(kill),
            address: String::new(),
        };
        self.running.insert(index, running);
        tokio::spawn(follow(index, child, killed, self.sender.clone()));
        Ok(())
    }

    /// Ends all nodes in order, and waits for them, as long as no further signal comes.
    async fn stop(&mut self, signals: &mut Signals) -> Result<(), Interrupted> {
        if !self.running.is_empty() {
            let nodes = counted(self.running.len() as u64, "node", "nodes");
            self.notes
                .line(format!("ending {nodes} in order; Ctrl-C again ends them at once"));
        }
        self.running.values_mut().for_each(|node| node.stdin = None);
        let in_order = tokio::select! {
            () = self.gone() => true,
            () = signals.next() => false,
        };
        match in_order {
            true => Ok(()),
            false => Err(self.kill().await),
        }
    }

    /// Waits until no node runs.
    async fn gone(&mut self) {
        while !self.running.is_empty() {
            match self.events.recv().await {
                Some(NodeEvent::Ended(index, status)) => {
                    self.running.remove(&index);
                    self.out.line(format!("node-{index} | ended ({})", how(status)));
                }
                Some(NodeEvent::Line(index, line)) => self.out.line(format!("node-{index} | {line}")),
                None => return,
            }
        }
    }

    /// Kills all nodes that still run, and names what stays.
    async fn kill(&mut self) -> Interrupted {
        let mut killed: Vec<u16> = self.running.keys().copied().collect();
        for node in self.running.values_mut() {
            // Where nothing waits for it the node is gone.
            let _ = node.kill.take().map(|kill| kill.send(()));
        }
        let _ = tokio::time::timeout(KILLED, self.gone()).await;
        killed.retain(|index| !self.running.contains_key(index));
        Interrupted {
            folder: self.folder.clone(),
            killed,
            left: self
                .running
                .iter()
                .map(|(index, node)| (*index, node.process))
                .collect(),
        }
    }
}

/// How a process ended.
fn how(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

/// Passes on what a node prints, until it is gone or has to be killed.
async fn follow(index: u16, mut child: Child, killed: oneshot::Receiver<()>, events: UnboundedSender<NodeEvent>) {
    let (out, log) = (child.stdout.take(), child.stderr.take());
    let by_itself = async {
        tokio::join!(pass_on(index, out, &events), pass_on(index, log, &events));
        child.wait().await
    };
    let ended = tokio::select! {
        status = by_itself => Some(status),
        Ok(()) = killed => None,
    };
    let status = match ended {
        Some(status) => status,
        None => {
            // By its handle: another process cannot have its id before it was waited for.
            let _ = child.start_kill();
            child.wait().await
        }
    };
    let _ = events.send(NodeEvent::Ended(index, status));
}

async fn pass_on(index: u16, from: Option<impl AsyncRead + Unpin>, events: &UnboundedSender<NodeEvent>) {
    let Some(from) = from else { return };
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if !line.is_empty() && events.send(NodeEvent::Line(index, line)).is_err() {
            return;
        }
    }
}
