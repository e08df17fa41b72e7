//! HTTPS with a certificate that the node makes itself.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest as _, Sha256};

use crate::child::{self, Child};
use crate::common::until;

struct Node {
    child: Child,
    /// Host and port.
    address: String,
    fingerprint: String,
}

impl Node {
    fn start(folder: &Path) -> Self {
        let args = [
            "--no-mine",
            "--log-level",
            "error",
            "--tls-self-signed",
            "--allow-host",
            "ledger.example",
        ];
        let child = child::node(&args, folder);
        Self {
            address: child.after("interface").replace("https://", ""),
            fingerprint: child.after("certificate").replace("SHA-256 ", ""),
            child,
        }
    }
}

fn certificate(folder: &Path) -> CertificateDer<'static> {
    let text = std::fs::read_to_string(folder.join("tls-cert.pem")).unwrap();
    let encoded: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap()
        .into()
}

/// The answer to a request over TLS that trusts one certificate only.
fn fetch(address: &str, name: &str, trusted: CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted).unwrap();
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(address)?);
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Why the client ended the handshake, if it did.
fn rejection(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The certificate bears the name of the trusted one, and is not signed with its key.
fn by_another_key() -> rustls::Error {
    CertificateError::BadSignature.into()
}

#[test]
fn a_self_signed_certificate_is_made_once_and_known_by_its_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let made = certificate(folder.path());
    let digest: Vec<_> = Sha256::digest(&made).iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(node.fingerprint, digest.join(":"));
    let key = std::fs::metadata(folder.path().join("tls-key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    for name in ["127.0.0.1", "localhost", "ledger.example"] {
        let answer = fetch(&node.address, name, made.clone()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{name}: {answer}");
    }
    let error = fetch(&node.address, "other.example", made.clone()).unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");

    // Another start uses the same; another node has another.
    drop(node.child);
    let again = Node::start(folder.path());
    assert_eq!(certificate(folder.path()), made);
    assert!(fetch(&again.address, "localhost", made.clone()).is_ok());
    let other_folder = tempfile::tempdir().unwrap();
    let other = Node::start(other_folder.path());
    assert_ne!(other.fingerprint, again.fingerprint);
    let error = fetch(&other.address, "localhost", made).unwrap_err();
    assert_eq!(rejection(&error), Some(&by_another_key()));
}

#[test]
fn a_changed_certificate_is_taken_over_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let old = certificate(folder.path());
    assert!(fetch(&node.address, "localhost", old.clone()).is_ok());
    let file = folder.path().join("tls-cert.pem");
    for name in ["tls-cert.pem", "tls-key.pem"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    // The node makes another, and uses it for the next handshake.
    until("another certificate is in use", || {
        let text = std::fs::read_to_string(&file).ok()?;
        let whole = text.trim_end().ends_with("-----END CERTIFICATE-----");
        let new = whole.then(|| certificate(folder.path()))?;
        (new != old && fetch(&node.address, "localhost", new).is_ok()).then_some(())
    });
    let error = fetch(&node.address, "localhost", old).unwrap_err();
    assert_eq!(rejection(&error), Some(&by_another_key()));
}

#[test]
fn plain_http_gets_the_answer_that_the_port_is_https() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    for request in [
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "POST /api/v1/transactions HTTP/1.0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(&node.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.ends_with("This is an HTTPS port: use https:// in the address.\n"),
            "{answer}"
        );
    }
}

#[test]
fn the_command_line_trusts_the_system_a_file_or_a_pin() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let (url, file) = (format!("https://{}", node.address), folder.path().join("tls-cert.pem"));
    let balance = |more: &[&str]| {
        let mut command = crate::binary::tally();
        command.args(["wallet", "balance", crate::wallet::SOMEBODY, "--json", "--node", &url]);
        // Requests to loopback never go through a proxy.
        command
            .args(more)
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("ALL_PROXY", "http://127.0.0.1:1");
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let file = file.to_str().unwrap();
    assert_eq!(balance(&["--pin", &node.fingerprint]), (Some(0), String::new()));
    assert_eq!(balance(&["--cacert", file]), (Some(0), String::new()));
    let wrong = "ab".repeat(32);
    let empty = tempfile::NamedTempFile::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    for (more, code, reason) in [
        (&[][..], 1, "invalid peer certificate"),
        (&["--pin", &wrong], 1, "the node's certificate has the SHA-256"),
        (&["--pin", "ab"], 2, "a SHA-256 has 32 bytes"),
        (&["--cacert", empty], 1, "holds no certificate in PEM"),
        (
            &["--cacert", "/dev/zero"],
            1,
            "cannot read the certificates in /dev/zero: it is no regular file",
        ),
    ] {
        let (found, text) = balance(more);
        assert_eq!(found, Some(code), "{more:?}: {text}");
        assert!(text.contains(reason), "{reason:?} is not in {text}");
    }
}
