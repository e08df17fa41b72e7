//! Certificate and key of the HTTPS port, read again when their files change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use super::certificate;
use crate::config::{TlsFiles, WebConfig};
use crate::net_guard::Seldom;
use crate::regular_file::{self, MAX_PEM};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(3);

/// What handshakes use now.
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// Where a file cannot be read, is no PEM, or the two do not belong together.
    pub fn load(files: TlsFiles) -> anyhow::Result<Self> {
        let current = RwLock::new(read(&files)?);
        Ok(Self { files, current })
    }

    /// For the next handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.current.read().clone().into()
    }

    /// Renews a certificate of the node's own before it ends, and takes over files that were changed. Never ends.
    ///
    /// Files that cannot be used leave what is there in use, with one line in the log for each change.
    pub async fn follow(&self, web: &WebConfig) {
        let (mut seen, failing) = (self.changed(), Seldom::default());
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = certificate::prepare(web)
                && let Some(unlogged) = failing.now()
            {
                tracing::error!(
                    error = format!("{error:#}"),
                    unlogged,
                    "the certificate cannot be renewed"
                );
            }
            let now = self.changed();
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        match read(&self.files) {
            Ok(config) => {
                *self.current.write() = config;
                tracing::info!(file = %self.files.cert.display(), "certificate and key were read again");
            }
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "the changed certificate cannot be used: the old one stays"
            ),
        }
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        let time = |path: &PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        [time(&self.files.cert), time(&self.files.key)]
    }
}

/// Certificate and key as handshakes use them.
///
/// # Errors
/// Where a file cannot be read, is no PEM, or the two do not belong together.
pub(super) fn read(files: &TlsFiles) -> anyhow::Result<Arc<ServerConfig>> {
    let named = || format!("cannot use {} with its key", files.cert.display());
    let chain = regular_file::read(&files.cert, MAX_PEM).with_context(named)?;
    let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
    let chain = chain.with_context(named)?;
    let unusable = || format!("cannot use {}", files.key.display());
    let key = Zeroizing::new(regular_file::read(&files.key, MAX_PEM).with_context(unusable)?);
    let key = PrivateKeyDer::from_pem_slice(&key).with_context(unusable)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key);
    let mut config = config.with_context(named)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_leave_what_is_there_in_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = TlsFiles {
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
            self_signed: true,
        };
        let web = WebConfig {
            tls: Some(files.clone()),
            ..WebConfig::default()
        };
        certificate::prepare(&web).expect("made");
        let tls = Tls::load(files.clone()).expect("usable");
        let first = tls.current.read().clone();
        std::fs::write(&files.cert, "nonsense").expect("written");
        tls.reload();
        assert!(Arc::ptr_eq(&first, &tls.current.read()));
        let error = Tls::load(files.clone()).err().expect("nonsense is no certificate");
        assert_eq!(
            format!("{error:#}"),
            format!(
                "cannot use {} with its key: peer sent no certificates",
                files.cert.display()
            )
        );
        std::fs::remove_file(&files.cert).expect("removed");
        certificate::prepare(&web).expect("made again");
        tls.reload();
        assert!(!Arc::ptr_eq(&first, &tls.current.read()));
    }

    #[test]
    fn certificate_and_key_are_regular_files_of_their_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let web = WebConfig {
            tls: Some(TlsFiles {
                cert: path("cert.pem"),
                key: path("key.pem"),
                self_signed: true,
            }),
            ..WebConfig::default()
        };
        certificate::prepare(&web).expect("made");
        let pipe = crate::regular_file::testing::pipe(folder.path());
        std::fs::write(path("long.pem"), vec![b'\n'; MAX_PEM as usize + 1]).expect("written");
        for (bad, why) in [
            (pipe, "it is no regular file"),
            (path("long.pem"), "it has more than 1048576 bytes"),
        ] {
            let load = |cert: PathBuf, key: PathBuf| {
                let files = TlsFiles {
                    cert,
                    key,
                    self_signed: false,
                };
                let error = Tls::load(files).err().expect("it cannot be used");
                format!("{error:#}")
            };
            let shown = bad.display().to_string();
            assert_eq!(
                load(bad.clone(), path("key.pem")),
                format!("cannot use {shown} with its key: {why}")
            );
            assert_eq!(
                load(path("cert.pem"), bad.clone()),
                format!("cannot use {shown}: {why}")
            );
            let fingerprint = certificate::fingerprint(&bad).expect_err("no certificate");
            assert_eq!(format!("{fingerprint:#}"), format!("cannot read {shown}: {why}"));
        }
        // A node's own certificate is not made in the place of something else.
        std::fs::remove_file(path("cert.pem")).expect("removed");
        std::fs::rename(path("pipe"), path("cert.pem")).expect("renamed");
        let error = certificate::prepare(&web).expect_err("a pipe is there");
        let shown = path("cert.pem").display().to_string();
        assert_eq!(
            format!("{error:#}"),
            format!("cannot read {shown}: it is no regular file")
        );
    }
}
