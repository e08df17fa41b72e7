//! HTTPS to a node: certificates of the system, of a file, or one that is pinned. There is no way to trust all of them.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned};
use sha2::{Digest as _, Sha256};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use crate::regular_file::{self, MAX_PEM};

/// Which certificates are trusted.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those that the system trusts.
    System,
    /// One of this chain of authorities, PEM.
    Authority(std::path::PathBuf),
    /// The one certificate with this SHA-256, no matter who signed it: a node shows it in its banner.
    Pin([u8; 32]),
}

/// A SHA-256 as the banner shows it: hex, with or without colons.
pub fn parse_pin(text: &str) -> Result<[u8; 32], String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let bytes = alloy_primitives::hex::decode(&digits).map_err(|_| "a SHA-256 is written in hex digits".to_owned())?;
    let found = bytes.len();
    bytes
        .try_into()
        .map_err(|_| format!("a SHA-256 has 32 bytes, this one has {found}"))
}

/// Puts TLS over a connection to an `https://` URL.
#[derive(Debug)]
pub struct TlsConnector(Arc<ClientConfig>);

impl TlsConnector {
    pub fn new(trust: &Trust) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .context("TLS cannot be set up")?;
        let config = match trust {
            Trust::System => builder.with_root_certificates(system_roots()),
            Trust::Authority(path) => builder.with_root_certificates(roots_of(path)?),
            Trust::Pin(pin) => {
                let verifier = Pinned { pin: *pin, provider };
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        Ok(Self(Arc::new(config.with_no_client_auth())))
    }
}

/// What the system trusts; a certificate of it that cannot be read is left out. None at all is seen at the handshake.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn roots_of(path: &Path) -> anyhow::Result<RootCertStore> {
    let unreadable = || format!("cannot read the certificates in {}", path.display());
    let mut roots = RootCertStore::empty();
    let bytes = regular_file::read(path, MAX_PEM).with_context(unreadable)?;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        roots
            .add(certificate.with_context(unreadable)?)
            .with_context(unreadable)?;
    }
    ensure!(!roots.is_empty(), "{} holds no certificate in PEM", path.display());
    Ok(roots)
}

/// Accepts one certificate only. Its signatures are checked as always: who shows it must have its key.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found: [u8; 32] = Sha256::digest(end_entity).into();
        if found == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let hex = alloy_primitives::hex::encode;
        Err(rustls::Error::General(format!(
            "the node's certificate has the SHA-256 {}, pinned is {}",
            hex(found),
            hex(self.pin)
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else {
            return Ok(None);
        };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details
            .uri
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let name =
            ServerName::try_from(host).map_err(|_| ureq::Error::Tls("the host's name cannot be in a certificate"))?;
        let failed = |error: rustls::Error| ureq::Error::Io(std::io::Error::other(error));
        let mut conn = ClientConnection::new(Arc::clone(&self.0), name).map_err(failed)?;
        let mut sock = TransportAdapter::new(transport.boxed(), details.current_time.clone());
        sock.set_timeout(details.timeout);
        conn.complete_io(&mut sock)?;
        let (input, output) = (details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport {
            buffers: LazyBuffers::new(input, output),
            stream: StreamOwned { conn, sock },
        })))
    }
}

/// A connection under TLS.
pub struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl std::fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regular_file::testing::pipe;

    #[test]
    fn a_pin_is_read_as_the_banner_shows_it() {
        let colons = ["AB"; 32].join(":");
        assert_eq!(parse_pin(&colons), Ok([0xab; 32]));
        assert_eq!(parse_pin(&"ab".repeat(32)), Ok([0xab; 32]));
        assert_eq!(
            parse_pin("ab:cd"),
            Err("a SHA-256 has 32 bytes, this one has 2".to_owned())
        );
        assert_eq!(parse_pin("xy"), Err("a SHA-256 is written in hex digits".to_owned()));
    }

    #[test]
    fn authorities_are_read_from_a_regular_file_of_their_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let (pipe, long) = (pipe(folder.path()), folder.path().join("long.pem"));
        std::fs::write(&long, vec![b'\n'; MAX_PEM as usize + 1]).expect("written");
        for (path, why) in [
            (pipe, "it is no regular file"),
            (long, "it has more than 1048576 bytes"),
        ] {
            let error = roots_of(&path).expect_err("no authorities");
            let path = path.display();
            assert_eq!(
                format!("{error:#}"),
                format!("cannot read the certificates in {path}: {why}")
            );
        }
    }
}
