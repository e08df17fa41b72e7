//! `tally node`.

use anyhow::Context as _;
use tally_node::{Node, system_clock};
use tokio::signal::unix::{SignalKind, signal};

use super::banner;
use crate::config::{Config, NodeOptions};
use crate::server::Server;
use crate::stratum::Stratum;
use crate::{logging, web};

/// Runs a node until SIGINT or SIGTERM.
pub fn run(options: NodeOptions) -> anyhow::Result<()> {
    let config = options.resolve()?;
    logging::start(&config.log_level, config.log_format)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    // Signals are taken over first: whoever stops the node while it starts still stops it in order.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stdin = stdin_closed(config.until_stdin_closes);
    let told = async move {
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
    let served = serve_with(&node, config, told).await;
    // However it went: nothing is left running over a closed store.
    if let Some(network) = node.network() {
        network.stop().await;
    }
    tokio::task::spawn_blocking(move || node.close()).await??;
    served
}

/// Serves with an open node until it is told to end, by `told` with the reason.
async fn serve_with(node: &Node, config: Config, told: impl Future<Output = &'static str>) -> anyhow::Result<()> {
    let (tokens, link_token) = config.operator.load()?;
    let server = Server::new(node.clone(), tokens, config.web);
    web::certificate::prepare(&server.web)?;
    let running = web::start(server.clone()).await?;
    let ended = async {
        if let Some(p2p) = config.p2p {
            node.join(p2p, &format!("tally/{}", env!("CARGO_PKG_VERSION"))).await?;
        }
        let stratum = match config.stratum_listen {
            Some(listen) => Some(Stratum::start(listen, node.clone()).await?),
            None => None,
        };
        let miners = stratum.as_ref().map(|stratum| stratum.address);
        banner::print(&server, running.address, miners, &config.node.data_dir, &link_token);
        drop(link_token);
        tracing::info!(address = %running.address, height = %node.tip().record.height(), "serving");
        let reason = told.await;
        tracing::info!(reason, "ending");
        if let Some(stratum) = stratum {
            stratum.stop();
        }
        if let Some(network) = node.network() {
            network.stop().await;
        }
        Ok(())
    };
    let ended = ended.await;
    let stopped = running.stop().await;
    ended.and(stopped)
}

/// Waits until standard input ends, if that is asked for; for ever if not. A thread of its own reads it, for which nobody waits.
async fn stdin_closed(asked: bool) {
    if !asked {
        return std::future::pending().await;
    }
    let (closed, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        closed.send(())
    });
    let _ = wait.await;
}
