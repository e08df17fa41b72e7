//! The binary, run to its end or as a node.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary;

/// A chain with blocks in quick succession, on which the PUBLIC accounts hold money.
pub const FAST_CHAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/end2end/fast.toml");

pub fn tally(args: &[&str]) -> Output {
    binary::tally().args(args).stdin(Stdio::null()).output().unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON of a command that must do well.
pub fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A mining node as a process; it is killed when it is dropped.
pub struct NodeProcess {
    child: Child,
    pub url: String,
    /// Kept so that the node's standard output stays open.
    _banner: Receiver<String>,
}

impl NodeProcess {
    pub fn start(data_dir: &Path) -> Self {
        let mut child = binary::tally()
            .args([
                "node",
                "--chain",
                FAST_CHAIN,
                "--listen",
                "127.0.0.1:0",
                "--log-level",
                "warn",
                "--mine",
                "--data-dir",
            ])
            .arg(data_dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, banner) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let url = banner.iter().find_map(|line: String| {
            Some(
                line.trim()
                    .strip_prefix("interface")?
                    .trim()
                    .trim_end_matches('/')
                    .to_owned(),
            )
        });
        Self {
            url: url.expect("the banner names the interface"),
            child,
            _banner: banner,
        }
    }

    /// SIGTERM, and the exit code it leads to.
    pub fn stop(mut self) -> Option<i32> {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the node does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
