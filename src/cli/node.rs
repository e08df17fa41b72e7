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
    let Config {
        node,
        web,
        p2p,
        operator,
        stratum_listen,
        until_stdin_closes,
        ..
    } = config;
    let data_dir = node.data_dir.clone();
    // Signals are taken over first: whoever stops the node while it starts still stops it in order.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let node = tokio::task::spawn_blocking(move || Node::open(node, system_clock())).await??;
    let (tokens, link_token) = operator.load()?;
    let server = Server::new(node.clone(), tokens, web);
    let prepared = web::certificate::prepare(&server.web);
    let started = match prepared {
        Ok(()) => web::start(server.clone()).await,
        Err(error) => Err(error),
    };
    let running = match started {
        Ok(running) => running,
        Err(error) => {
            node.close()?;
            return Err(error);
        }
    };
    if let Some(p2p) = p2p
        && let Err(error) = node.join(p2p, &format!("tally/{}", env!("CARGO_PKG_VERSION"))).await
    {
        let _ = running.stop().await;
        tokio::task::spawn_blocking(move || node.close()).await??;
        return Err(error.into());
    }
    let stratum = match stratum_listen {
        None => None,
        Some(listen) => match Stratum::start(listen, node.clone()).await {
            Ok(stratum) => Some(stratum),
            Err(error) => {
                let _ = running.stop().await;
                return Err(error);
            }
        },
    };
    let miners = stratum.as_ref().map(|stratum| stratum.address);
    banner::print(&server, running.address, miners, &data_dir, &link_token);
    drop(link_token);
    tracing::info!(address = %running.address, height = %node.tip().record.height(), "serving");
    let stdin = stdin_closed(until_stdin_closes);
    let reason = tokio::select! {
        () = stdin => "end of standard input",
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    };
    tracing::info!(reason, "ending");
    if let Some(stratum) = stratum {
        stratum.stop();
    }
    if let Some(network) = node.network() {
        network.stop().await;
    }
    let stopped = running.stop().await;
    tokio::task::spawn_blocking(move || node.close()).await??;
    stopped
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
