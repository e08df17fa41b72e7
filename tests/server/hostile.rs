//! Everything that should not arrive, against the real process: hostile bytes on every port, silent, slow and half-closed
//! connections, floods of HTTP/2 frames. Each has its expected answer; all the while the node answers as if nothing were.

mod bodies;
mod frames;
mod heads;
mod lines;
mod targets;
mod tls;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::child::{self, Child};
use crate::common::Http;

/// How long any answer or close may take: longer than the server's own limits for what is silent.
const PATIENCE: Duration = Duration::from_secs(35);

/// What has to come of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// An answer of HTTP/1 with one of these statuses.
    Status(&'static [u16]),
    /// An answer of HTTP/1 with this status, and this text somewhere in it.
    Contains(u16, &'static str),
    /// The end of the connection, without any answer.
    Closed,
    /// An answer with one of these statuses, or the end without one.
    StatusOrClosed(&'static [u16]),
    /// Frames of HTTP/2 with RST_STREAM or GOAWAY, the first of them with one of these error codes; a problem as the
    /// answer; or the end.
    Refused(&'static [u32]),
    /// The end of the connection, whatever came before it.
    Ends,
    /// Some bytes with this text in them; the connection may stay.
    Answers(&'static str),
}

/// What the client does after its bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum After {
    /// It waits for the answer.
    Wait,
    /// It closes its own direction first.
    HalfClose,
    /// It closes everything and does not look back.
    Leave,
    /// It sends one byte at a time, as long as it is let.
    Slow,
}

/// Which port it goes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Port {
    Http,
    Https,
    Stratum,
    P2p,
}

pub struct Case {
    pub name: String,
    pub port: Port,
    pub bytes: Vec<u8>,
    pub after: After,
    pub expect: Expect,
}

impl Case {
    pub fn new(name: impl Into<String>, port: Port, bytes: impl Into<Vec<u8>>, expect: Expect) -> Self {
        let (name, bytes) = (name.into(), bytes.into());
        let after = After::Wait;
        Self {
            name,
            port,
            bytes,
            after,
            expect,
        }
    }

    pub fn after(mut self, after: After) -> Self {
        self.after = after;
        self
    }

    /// Plays the client; what is wrong with the outcome, if anything.
    fn run(&self, ports: &Ports) -> Result<(), String> {
        let mut stream = TcpStream::connect(ports.of(self.port)).map_err(|error| format!("no connection: {error}"))?;
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        // A server that ends the connection before all is sent has made up its mind.
        match self.after {
            After::Slow => {
                for byte in &self.bytes {
                    if stream.write_all(&[*byte]).is_err() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            _ => drop(stream.write_all(&self.bytes)),
        }
        match self.after {
            After::Leave => return Ok(()),
            After::HalfClose => drop(stream.shutdown(Shutdown::Write)),
            After::Wait | After::Slow => {}
        }
        self.await_expected(&mut stream)
    }

    /// Reads until the expectation is met or cannot be any more.
    fn await_expected(&self, stream: &mut TcpStream) -> Result<(), String> {
        let (mut got, mut closed) = (Vec::new(), false);
        let end = Instant::now() + PATIENCE;
        let mut buffer = [0; 16_384];
        loop {
            match met(&self.expect, &got, closed) {
                Some(true) => return Ok(()),
                Some(false) => break,
                None if closed || Instant::now() > end => break,
                None => {}
            }
            match stream.read(&mut buffer) {
                Ok(0) => closed = true,
                Ok(read) => got.extend_from_slice(&buffer[..read]),
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                // A reset is an end, too.
                Err(_) => closed = true,
            }
        }
        let shown = String::from_utf8_lossy(&got[..got.len().min(300)]).into_owned();
        let state = if closed { "closed" } else { "open" };
        Err(format!(
            "expected {:?}, got {} bytes, {state}: {shown:?}",
            self.expect,
            got.len()
        ))
    }
}

/// Whether an expectation is met by what came so far; `None`: not yet.
fn met(expect: &Expect, got: &[u8], closed: bool) -> Option<bool> {
    let among = |statuses: &[u16]| status(got).map(|status| statuses.contains(&status));
    match expect {
        Expect::Status(statuses) => among(statuses),
        Expect::Contains(wanted, text) => match status(got) {
            Some(found) if found != *wanted => Some(false),
            _ => contains(got, text).then_some(true),
        },
        Expect::Closed if !got.is_empty() => Some(false),
        Expect::Closed | Expect::Ends => closed.then_some(true),
        Expect::StatusOrClosed(statuses) => among(statuses).or((closed && got.is_empty()).then_some(true)),
        Expect::Refused(codes) => match frames::refusal(got) {
            Some(code) => Some(codes.contains(&code)),
            None => (closed || contains(got, "/problems/")).then_some(true),
        },
        Expect::Answers(text) => contains(got, text).then_some(true),
    }
}

fn contains(got: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(got).contains(text)
}

/// The status of an answer of HTTP/1.
fn status(got: &[u8]) -> Option<u16> {
    let line = got.split(|byte| *byte == b'\n').next()?;
    let text = std::str::from_utf8(line).ok()?;
    text.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

/// Two processes: one with plain HTTP, one with TLS.
struct Node {
    http: Child,
    https: Child,
    ports: Ports,
    client: Http,
    _folders: [tempfile::TempDir; 2],
}

impl Node {
    fn start() -> Self {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let common = [
            "--chain",
            "test",
            "--no-mine",
            "--log-level",
            "error",
            "--rate-limit-local",
            "0",
        ];
        let ports = ["--stratum-listen", "127.0.0.1:0", "--p2p-listen", "127.0.0.1:0"];
        let http = child::node(&[&common[..], &ports].concat(), folders[0].path());
        let https = child::node(&[&common[..], &["--tls-self-signed"]].concat(), folders[1].path());
        let url = http.after("interface");
        let p2p = http.after("network");
        let p2p = p2p.split('/').nth(4).expect("/ip4/ADDR/tcp/PORT/…").to_owned();
        let miners = http.after("stratum").replace("stratum+tcp://", "");
        let ports = Ports([
            url.replace("http://", ""),
            https.after("interface").replace("https://", ""),
            miners.split(' ').next().expect("an address").to_owned(),
            format!("127.0.0.1:{p2p}"),
        ]);
        let client = Http::new(&url);
        Self {
            http,
            https,
            ports,
            client,
            _folders: folders,
        }
    }
}

/// Where to connect to, by [`Port`].
struct Ports([String; 4]);

impl Ports {
    fn of(&self, port: Port) -> &str {
        &self.0[port as usize]
    }
}

/// Requests `/healthz` all the time; the longest that an answer took.
fn watch(url: &str, done: &AtomicBool) -> Duration {
    let client = Http::new(url);
    let mut longest = Duration::ZERO;
    while !done.load(Relaxed) {
        let begun = Instant::now();
        assert_eq!(client.get("/healthz").status, 200);
        longest = longest.max(begun.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    longest
}

#[test]
fn nothing_that_arrives_ends_or_stalls_the_process() {
    let mut node = Node::start();
    let cases: Vec<Case> = [
        targets::cases(),
        heads::cases(),
        bodies::cases(),
        frames::cases(),
        tls::cases(),
        lines::cases(),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    let done = Arc::new(AtomicBool::new(false));
    let watching = {
        let (url, done) = (format!("http://{}", node.ports.of(Port::Http)), done.clone());
        std::thread::spawn(move || watch(&url, &done))
    };
    // Many at once: those that wait for a time-out of the server wait together.
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = parking_lot::Mutex::new(Vec::new());
    let ports = &node.ports;
    std::thread::scope(|scope| {
        for _ in 0..128 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Relaxed)) {
                    if let Err(wrong) = case.run(ports) {
                        failures.lock().push(format!("{}: {wrong}", case.name));
                    }
                }
            });
        }
    });
    done.store(true, Relaxed);
    let longest = watching.join().expect("every question was answered");
    let failures = failures.into_inner();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
    assert!(longest < Duration::from_secs(1), "/healthz took {longest:?}");
    assert_eq!(node.client.get("/api/v1/status").status, 200, "a normal request works");
    assert_eq!(node.http.stop().code(), Some(0));
    assert_eq!(node.https.stop().code(), Some(0));
}
