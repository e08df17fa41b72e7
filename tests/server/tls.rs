//! HTTPS with a certificate that the node makes itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest as _, Sha256};

struct Process {
    child: Child,
    /// Host and port.
    address: String,
    fingerprint: String,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tally"))
            .args(["node", "--listen", "127.0.0.1:0", "--no-mine", "--log-level", "error"])
            .args(["--tls-self-signed", "--allow-host", "ledger.example", "--data-dir"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut after = |word: &str| {
            lines
                .find_map(|line| Some(line.trim().strip_prefix(word)?.trim().to_owned()))
                .unwrap()
        };
        let address = after("interface")
            .replace("https://", "")
            .trim_end_matches('/')
            .to_owned();
        let fingerprint = after("certificate").replace("SHA-256 ", "");
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address,
            fingerprint,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
fn ask(address: &str, name: &str, trusted: CertificateDer<'static>) -> std::io::Result<String> {
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

#[test]
fn a_self_signed_certificate_is_made_once_and_known_by_its_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let node = Process::start(folder.path());
    let made = certificate(folder.path());
    let digest: Vec<_> = Sha256::digest(&made).iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(node.fingerprint, digest.join(":"));
    let key = std::fs::metadata(folder.path().join("tls-key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    for name in ["127.0.0.1", "localhost", "ledger.example"] {
        let answer = ask(&node.address, name, made.clone()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{name}: {answer}");
    }
    let error = ask(&node.address, "other.example", made.clone()).unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");

    // Another start uses the same; another node has another.
    drop(node);
    let again = Process::start(folder.path());
    assert_eq!(certificate(folder.path()), made);
    assert!(ask(&again.address, "localhost", made.clone()).is_ok());
    let other_folder = tempfile::tempdir().unwrap();
    let other = Process::start(other_folder.path());
    assert_ne!(other.fingerprint, again.fingerprint);
    let error = ask(&other.address, "localhost", made).unwrap_err();
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
}
