//! Structured lines on standard error: text for people, JSON for collectors.

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts logging. `level` is one of error, warn, info, debug, trace, or a filter such as `info,tally_node=debug`.
pub fn start(level: &str, format: LogFormat) -> Result<(), ConfigError> {
    // A plain level is meant for this node, not for the database under it.
    let filter = if level.contains(['=', ',']) {
        level.to_owned()
    } else {
        format!("{level},fjall=warn,lsm_tree=warn")
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| ConfigError::LogLevel {
        found: level.to_owned(),
        message: error.to_string(),
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start (tests in one process) keeps the first.
    let _ = match format {
        LogFormat::Text => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
