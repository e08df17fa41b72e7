//! The binary, run to its end or as a node.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
pub use tally_testkit::process::FAST_CHAIN;
use tally_testkit::process::{Child, node_args};

use crate::binary;

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
}

impl NodeProcess {
    pub fn start(data_dir: &Path) -> Self {
        let args = node_args(FAST_CHAIN, "warn", &["--mine"]);
        let child = Child::by(binary::tally(), &args, data_dir);
        let url = child.after("interface");
        Self { child, url }
    }

    /// SIGTERM, and the exit code it leads to.
    pub fn stop(mut self) -> Option<i32> {
        self.child.stop().code()
    }
}
