//! The real binary as a process that prints a banner; it is killed when it is dropped.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::binary;

pub const FAST_CHAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/end2end/fast.toml");

pub struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
}

impl Child {
    /// Runs `tally` with these arguments and the folder as its data directory.
    pub fn start(args: &[&str], folder: &Path) -> Self {
        Self::by(binary::tally(), args, folder)
    }

    /// The same by a command that ends with the program.
    pub fn by(mut command: Command, args: &[&str], folder: &Path) -> Self {
        let mut process = command
            .args(args)
            .arg("--data-dir")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = mpsc::channel();
        let out = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { process, lines }
    }

    /// `tally node` on a free port.
    pub fn node(args: &[&str], folder: &Path) -> Self {
        Self::start(&[&["node", "--listen", "127.0.0.1:0"], args].concat(), folder)
    }

    /// The next line that it prints.
    pub fn line(&self) -> Option<String> {
        self.lines.recv_timeout(Duration::from_secs(60)).ok()
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

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM, as a service manager does it.
    pub fn stop(&mut self) -> ExitStatus {
        signal("-TERM", &self.process.id().to_string());
        self.wait()
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

/// `tally audit` of a data directory; what it prints if it finds a fault.
pub fn audit(chain: &str, folder: &Path) -> Result<(), String> {
    let mut audit = binary::tally();
    let done = audit
        .args(["audit", "--chain", chain, "--data-dir"])
        .arg(folder)
        .output()
        .unwrap();
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stdout).into_owned()),
    }
}
