//! Structured lines on standard error: text for people, JSON for collectors.

mod fields;
mod lines;

use clap::ValueEnum;
use serde::Deserialize;
use tally_node::supervise;
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;

pub use fields::outside;
pub use lines::flush;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// What is logged of the libraries under this node where only a level is named: their everyday lines do not help an
/// operator. A DHT that knows no node is how every node without `--peer` begins, and no reason for a warning.
const LIBRARIES: &str = "fjall=warn,lsm_tree=warn,libp2p=warn,libp2p_kad=error,netlink=warn,hickory=warn";

/// Starts logging. `level` is one of error, warn, info, debug, trace, or a filter such as `info,tally_node=debug`.
///
/// # Errors
/// [`ConfigError::LogLevel`] where `level` is neither.
pub fn start(level: &str, format: LogFormat) -> Result<(), ConfigError> {
    // A plain level is meant for this node, not for the libraries under it.
    let filter = match level.contains(['=', ',']) || level == "error" || level == "off" {
        true => level.to_owned(),
        false => format!("{level},{LIBRARIES}"),
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| ConfigError::LogLevel {
        found: level.to_owned(),
        message: error.to_string(),
    })?;
    // A node never dies of its log: what cannot be written is lost, and nothing is written about it to the same stream.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false);
    // A second start (tests in one process) keeps the first.
    let _ = match format {
        LogFormat::Text => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .fmt_fields(fields::Escaped)
            .with_writer(lines::Lines::text())
            .try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_writer(lines::Lines::json())
            .try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        let message = supervise::message(panic.payload());
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        tracing::error!(thread = thread.name(), place, reason = message, "panicked");
    }));
    Ok(())
}
