//! Where log lines go: to standard error, on a thread of its own. A stream that is closed, full or not read costs lines,
//! never the node.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait for a slow stream.
const WAITING: usize = 4_096;
/// How long a line waits for a stream that was not known to be stuck.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long the end of the process waits for the last lines.
const LAST: Duration = Duration::from_secs(1);
/// Longest line in JSON, in bytes: its fields cannot be cut one by one.
const MAX_JSON: usize = 16 * 1_024;

enum Message {
    Line(Vec<u8>),
    /// Answered once all lines before it are written.
    Flush(SyncSender<()>),
}

/// Takes lines from everywhere.
#[derive(Clone)]
pub struct Lines {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
    /// Whether the last line found no room in time: then the next does not wait for it.
    stuck: Arc<AtomicBool>,
    json: bool,
}

/// The one that this process logs to.
static CURRENT: OnceLock<SyncSender<Message>> = OnceLock::new();

impl Lines {
    pub fn text() -> Self {
        Self::to(std::io::stderr(), false)
    }

    pub fn json() -> Self {
        Self::to(std::io::stderr(), true)
    }

    fn to(stream: impl std::io::Write + Send + 'static, json: bool) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        // Without the thread there are no lines: no reason not to start.
        let _ = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&receiver, stream, &counted));
        let _ = CURRENT.set(sender.clone());
        let stuck = Arc::default();
        Self {
            sender,
            lost,
            stuck,
            json,
        }
    }

    fn send(&self, line: Vec<u8>) {
        let mut message = Message::Line(line);
        let end = Instant::now() + PATIENCE;
        loop {
            message = match self.sender.try_send(message) {
                Ok(()) => return self.stuck.store(false, Relaxed),
                Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(message)) => message,
            };
            if self.stuck.load(Relaxed) || Instant::now() >= end {
                self.stuck.store(true, Relaxed);
                self.lost.fetch_add(1, Relaxed);
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn write(receiver: &Receiver<Message>, mut stream: impl std::io::Write, lost: &AtomicU64) {
    for message in receiver {
        match message {
            Message::Line(line) => {
                let _ = stream.write_all(&line);
                match lost.swap(0, Relaxed) {
                    0 => {}
                    lost => tracing::warn!(lost, "log lines were lost: their stream was not read"),
                }
            }
            Message::Flush(done) => {
                let _ = stream.flush();
                let _ = done.try_send(());
            }
        }
    }
}

/// Waits until the lines so far are written, at most a second: a stuck stream does not hold up the end of the process.
pub fn flush() {
    let Some(sender) = CURRENT.get() else { return };
    let (done, wait) = sync_channel(1);
    if sender.try_send(Message::Flush(done)).is_ok() {
        let _ = wait.recv_timeout(LAST);
    }
}

/// Writes one event: the format hands it over in one piece.
pub struct Line<'a>(&'a Lines);

impl std::io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(match self.0.json {
            true => ascii_json(bytes),
            false => bytes.to_vec(),
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// A line of JSON in ASCII: characters that cannot be seen or turn the direction of writing occur only inside of strings,
/// where `\u202e` means the same. A line that is too long is replaced by a note.
fn ascii_json(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    if text.len() > MAX_JSON {
        let begins = &text[..text.floor_char_boundary(super::fields::MAX_FIELD)];
        let line = serde_json::json!({ "level": "WARN", "message": "a log line was too long", "bytes": text.len(), "begins": begins });
        return ascii_json(format!("{line}\n").as_bytes());
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    /// Takes nothing until it is let go.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_stream_costs_lines_only() {
        let lines = Lines::to(Full, false);
        for _ in 0..10 * WAITING {
            lines
                .make_writer()
                .write_all(b"a line\n")
                .expect("a full stream is no error here");
        }
    }

    #[test]
    fn a_stream_that_is_not_read_stops_nobody() {
        let (_held, wait) = sync_channel(0);
        let lines = Lines::to(Stuck(wait), false);
        let begun = Instant::now();
        for _ in 0..3 * WAITING {
            lines.make_writer().write_all(b"a line\n").expect("it never fails");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(lines.lost.load(Relaxed) >= WAITING as u64);
    }

    #[test]
    fn json_is_ascii_and_bounded() {
        let value = serde_json::json!({ "path": "ä\u{202e}\u{7f}😀" });
        let line = ascii_json(format!("{value}\n").as_bytes());
        assert!(line.is_ascii() && line.ends_with(b"\n"));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&line).expect("JSON"), value);
        let long = ascii_json(format!("{{\"path\":\"{}\"}}\n", "x".repeat(MAX_JSON)).as_bytes());
        let long: serde_json::Value = serde_json::from_slice(&long).expect("JSON");
        assert_eq!(long["bytes"], MAX_JSON + 12);
    }
}
