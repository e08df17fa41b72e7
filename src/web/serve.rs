//! Listening, with or without TLS, and ending in good order.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context as _;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::task::JoinHandle;

use super::router;
use crate::server::Shared;

/// How long open requests may still take once the server is asked to end.
const GRACE: Duration = Duration::from_secs(5);

/// How long a client may take to send the head of a request.
const HEADER_TIME: Duration = Duration::from_secs(20);

/// A server that listens.
pub struct Running {
    /// Where; the port is the real one, also if port 0 was asked for.
    pub address: SocketAddr,
    server: Shared,
    handle: Handle<SocketAddr>,
    task: JoinHandle<std::io::Result<()>>,
}

/// Binds the address of the settings and serves from now on.
pub async fn start(server: Shared) -> anyhow::Result<Running> {
    let listen = server.web.listen;
    let listener = TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let handle = Handle::new();
    let service = router(&server).into_make_service_with_connect_info::<SocketAddr>();
    let task = match &server.web.tls {
        None => {
            let mut plain = axum_server::from_tcp(listener)?.handle(handle.clone());
            plain.http_builder().http1().header_read_timeout(HEADER_TIME);
            tokio::spawn(plain.serve(service))
        }
        Some(files) => {
            let config = RustlsConfig::from_pem_file(&files.cert, &files.key).await;
            let config = config.with_context(|| format!("cannot use {} with its key", files.cert.display()))?;
            let mut encrypted = axum_server::from_tcp_rustls(listener, config)?.handle(handle.clone());
            encrypted.http_builder().http1().header_read_timeout(HEADER_TIME);
            tokio::spawn(encrypted.serve(service))
        }
    };
    Ok(Running {
        address,
        server,
        handle,
        task,
    })
}

impl Running {
    /// Ends event streams, lets open requests finish, and stops.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop_streams();
        self.handle.graceful_shutdown(Some(GRACE));
        self.task.await??;
        Ok(())
    }
}
