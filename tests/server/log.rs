//! What a node process logs, as JSON lines in a file: no test has to read a pipe while the node runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::binary;
use crate::common::until;

/// The log of one process.
pub struct Log(PathBuf);

impl Log {
    /// Arguments of a node whose log is read here.
    pub const FORMAT: [&str; 2] = ["--log-format", "json"];

    /// In this folder, which exists.
    pub fn new(folder: &Path) -> Self {
        Self(folder.join("log"))
    }

    /// `tally` without arguments yet, whose standard error is this log from now on.
    pub fn command(&self) -> Command {
        let mut command = binary::tally();
        command.stderr(File::create(&self.0).unwrap());
        command
    }

    /// Every line that is whole.
    pub fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.0).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect()
    }

    /// Lines whose message begins so.
    pub fn found(&self, message: &str) -> Vec<Value> {
        let begins = |line: &Value| {
            let text = line["message"].as_str();
            text.is_some_and(|text| text.starts_with(message))
        };
        self.lines().into_iter().filter(begins).collect()
    }

    /// Waits for a line whose message begins so.
    pub fn wait(&self, message: &str) -> Value {
        until(message, || self.found(message).into_iter().next())
    }
}
