//! The real binary as a process that prints a banner; it is killed when it is dropped.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// A file for `--chain`: blocks in quick succession, and money on the PUBLIC accounts.
pub const FAST_CHAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../end2end/fast.toml");

/// Arguments of a node of this chain on a port that the system chooses, with what it logs from this level on; then `more`.
pub fn node_args<'a>(chain: &'a str, level: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = [
        "node",
        "--chain",
        chain,
        "--listen",
        "127.0.0.1:0",
        "--log-level",
        level,
    ];
    [&usual[..], more].concat()
}

/// How long a process may take for a line of its banner, or for its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running process, and what it prints.
pub struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
}

impl Child {
    /// Runs a command that ends with the program, with these arguments and the folder as its data directory.
    pub fn by(mut command: Command, args: &[&str], folder: &Path) -> Self {
        let mut process = command
            .args(args)
            .arg("--data-dir")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let (sender, lines) = mpsc::channel();
        let out = process.stdout.take().expect("its output is a pipe");
        let out = BufReader::new(out);
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, lines }
    }

    /// The next line that it prints; `None` after a minute without one, or at its end.
    pub fn line(&self) -> Option<String> {
        self.lines.recv_timeout(PATIENCE).ok()
    }

    /// What follows `start` in the next line that begins so, spaces aside; lines before it are gone.
    pub fn after(&self, start: &str) -> String {
        let rest = |line: String| Some(line.trim().strip_prefix(start)?.trim().trim_end_matches('/').to_owned());
        let mut lines = std::iter::from_fn(|| self.line());
        lines
            .find_map(rest)
            .unwrap_or_else(|| panic!("no line begins with {start:?}"))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill().expect("a child can be killed");
        self.wait();
    }

    /// SIGTERM, as a service manager does it; panics if the process has not ended within a minute.
    pub fn stop(&mut self) -> ExitStatus {
        signal("-TERM", &self.id().to_string());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "the process does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end, however long that takes.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait().expect("a child can be waited for")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal, named as `kill` names it (`-TERM`), to a process.
pub fn signal(name: &str, process: &str) {
    let sent = Command::new("kill").args([name, process]).status();
    assert!(sent.expect("`kill` can be started").success(), "{name} to {process}");
}
