//! `tally node`.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use tally_node::{Node, supervise, system_clock};
use tokio::signal::unix::{SignalKind, signal};

use super::banner::{self, Operator};
use super::out::Printer;
use crate::config::{Config, NodeOptions};
use crate::exit::Exit;
use crate::server::{Server, Shared};
use crate::stratum::Stratum;
use crate::tokens::Access;
use crate::{descriptors, logging, web};

/// How long a node with a broken store still answers.
const BROKEN_FOR: Duration = Duration::from_secs(3);
/// How long reads may still run when everything else has ended.
const LAST_READS: Duration = Duration::from_secs(5);
/// How often last uses of tokens are written.
const KEEP_USES: Duration = Duration::from_secs(60);
/// How long a node that lost an essential part may take to end in order.
const LAST_RESORT: Duration = Duration::from_secs(30);

/// Runs a node until SIGINT or SIGTERM, or until its store is broken or an essential part of it fails.
pub fn run(options: NodeOptions) -> anyhow::Result<()> {
    let config = options.resolve()?;
    logging::start(&config.log_level, config.log_format)?;
    descriptors::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let ended = runtime.block_on(serve(config));
    // Reads that no client waits for any more do not hold up the end.
    runtime.shutdown_timeout(LAST_READS);
    logging::flush();
    ended
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let _last_resort = LastResort::arm();
    // Signals are taken over first: a node that is stopped while it starts still stops in order.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stdin = stdin_closed(config.until_stdin_closes);
    let stop = async move {
        tokio::select! {
            () = stdin => "end of standard input",
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    };
    if let Some(warning) = crate::chain_ids::warning(&config.node.spec) {
        tracing::warn!("{warning}");
    }
    let opening = config.node.clone();
    let node = tokio::task::spawn_blocking(move || Node::open(opening, system_clock())).await??;
    let stop = {
        let node = node.clone();
        async move {
            tokio::select! {
                reason = stop => reason,
                () = broken(&node) => "the store is broken",
            }
        }
    };
    let served = serve_with(&node, config, stop).await;
    // The error of a broken store comes from here, and decides the exit code.
    tokio::task::spawn_blocking(move || node.close()).await??;
    served
}

/// Waits until the store is broken, and a little longer: `/readyz` answers 503 before the listener closes.
async fn broken(node: &Node) {
    node.store_broken().await;
    tokio::time::sleep(BROKEN_FOR).await;
}

/// Serves with an open node until `stop` ends with the reason, or an essential part fails.
async fn serve_with(node: &Node, config: Config, stop: impl Future<Output = &'static str>) -> anyhow::Result<()> {
    let (tokens, _) = config.operator.load()?;
    let folder = config.node.data_dir.clone();
    let opening = move || Access::open(&folder, tokens, system_clock());
    let access = tokio::task::spawn_blocking(opening).await??;
    let server = Server::new(node.clone(), access, config.web);
    web::certificate::prepare(&server.web)?;
    let running = web::start(server.clone()).await?;
    let uses = keep_uses(server.clone());
    let mut out = Printer::out();
    let ended = async {
        if let Some(p2p) = config.p2p {
            let agent = format!("tally/{}", env!("CARGO_PKG_VERSION"));
            server.network.start(node.clone(), p2p, &agent).await?;
        }
        let stratum = match config.stratum_listen {
            Some(listen) => Some(Stratum::start(listen, node.clone()).await?),
            None => None,
        };
        let miners = stratum.as_ref().map(|stratum| stratum.address);
        let code = match std::io::stdout().is_terminal() {
            true => {
                let access = &server.access;
                Some(access.links().make(access.operator(), access.maker("operator"), None)?)
            }
            false => None,
        };
        let operator = Operator {
            source: &config.operator,
            code: code.as_ref().map(|code| code.as_str()),
        };
        banner::print(
            &mut out,
            &server,
            running.address,
            miners,
            &config.node.data_dir,
            &operator,
        );
        drop(code);
        tracing::info!(address = %running.address, height = %node.tip().record.height(), "serving");
        let failed = tokio::select! {
            reason = stop => {
                tracing::info!(reason, "ending");
                None
            }
            failure = supervise::failure() => {
                tracing::error!(%failure, "ending: a node that cannot do its work must not look alive");
                Some(failure)
            }
        };
        if let Some(stratum) = stratum {
            stratum.stop();
        }
        failed.map_or(Ok(()), |failure| Err(failure.into()))
    };
    let ended = ended.await;
    // However it went, and before the node closes: nothing is left running over a closed store.
    server.network.stop().await;
    let stopped = running.stop().await;
    uses.abort();
    write_uses(server).await;
    ended.and(stopped)
}

/// Writes when tokens were last used, once a minute: not with each request, which would wait for the disk.
fn keep_uses(server: Shared) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(KEEP_USES).await;
            write_uses(server.clone()).await;
        }
    })
}

async fn write_uses(server: Shared) {
    let written = tokio::task::spawn_blocking(move || server.access.store().keep_uses()).await;
    if let Ok(Err(error)) = written {
        tracing::warn!(%error, "when tokens were last used could not be written");
    }
}

/// Ends the process where a part that failed keeps it from ending in order. Disarmed on drop.
struct LastResort(tokio::task::JoinHandle<()>);

impl LastResort {
    fn arm() -> Self {
        Self(tokio::spawn(async {
            let failure = supervise::failure().await;
            tokio::time::sleep(LAST_RESORT).await;
            tracing::error!(%failure, "did not end in order: ending at once");
            logging::flush();
            #[allow(clippy::exit, reason = "a part that hangs keeps `main` from returning")]
            std::process::exit(Exit::Failure as i32);
        }))
    }
}

impl Drop for LastResort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits until standard input ends, if `wanted`; for ever if not. A thread of its own reads it: nothing waits for that thread.
async fn stdin_closed(wanted: bool) {
    if !wanted {
        return std::future::pending().await;
    }
    let (closed, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        closed.send(())
    });
    let _ = wait.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_node_that_lost_an_essential_part_ends_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = NodeOptions {
            chain: Some("test".to_owned()),
            data_dir: Some(folder.path().to_owned()),
            listen: Some(([127, 0, 0, 1], 0).into()),
            no_mine: true,
            ..NodeOptions::default()
        };
        let config = options.resolve().expect("valid settings");
        let again = config.node.clone();
        let lost = supervise::task("network", async { panic!("by this test") });
        lost.await.expect("the panic does not leave the task");
        let error = serve(config).await.expect_err("it does not look alive");
        assert_eq!(
            error.to_string(),
            "an essential part of the node failed: network panicked: by this test"
        );
        assert_eq!(Exit::of(&error), Exit::Failure);
        let node = Node::open(again, system_clock()).expect("the store was closed in order");
        node.close().expect("and closes again");
    }

    /// Its network runs when the start fails. Were it left running, it would still hold the store.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_node_whose_start_fails_late_ends_its_network_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let miners = taken.local_addr().expect("it listens");
        let options = NodeOptions {
            chain: Some("test".to_owned()),
            data_dir: Some(folder.path().to_owned()),
            listen: Some(([127, 0, 0, 1], 0).into()),
            p2p_listen: Some(([127, 0, 0, 1], 0).into()),
            stratum_listen: Some(miners),
            no_mine: true,
            ..NodeOptions::default()
        };
        let config = options.resolve().expect("valid settings");
        let again = config.node.clone();
        let error = serve(config).await.expect_err("the port is taken");
        assert_eq!(error.to_string(), format!("cannot listen on {miners} for miners"));
        assert!(folder.path().join("network").is_dir(), "the network had started");
        let node = Node::open(again, system_clock()).expect("nothing holds the store");
        node.close().expect("and closes again");
    }
}
