//! Answers of bytes, read part by part: bounded in size and in time, whatever a node sends.

use std::io::Read as _;
use std::time::Duration;

use super::{Client, refusal};

/// How long a node may be silent within an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Bytes that are read at once.
const PART: usize = 64 * 1_024;
/// Longest answer without success that is read, in bytes.
const MAX_REFUSAL: u64 = 64 * 1_024;

/// What an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub bytes: u64,
    pub time: Duration,
}

/// An answer that is not read to its end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    #[error("the node at {node} sends more than the {limit} bytes that this answer can have")]
    TooLong { node: String, limit: u64 },
    #[error("the answer of the node at {node} breaks off: {cause}")]
    BrokenOff { node: String, cause: String },
}

impl Client {
    /// The node's URL as messages show it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// GET of bytes below `/api/v1`; `take` is given each part as it comes, and ends the answer by an error.
    ///
    /// # Errors
    /// Those of `take`, a [`tally_api::ProblemBody`], and a [`BadAnswer`] where the bounds are met or the answer breaks off.
    pub fn stream(
        &self,
        path: &str,
        bounds: Bounds,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let request = self.agent.get(format!("{}/api/v1/{path}", self.url));
        let request = request.config().timeout_global(Some(bounds.time));
        let answer = request.timeout_per_read(Some(SILENCE)).build().call();
        let mut answer = answer.map_err(|error| self.unreached(&error))?;
        self.compare_clocks(&answer);
        let status = answer.status();
        if !status.is_success() {
            let body = answer.body_mut().with_config().limit(MAX_REFUSAL).read_to_vec()?;
            return Err(refusal(status, &body));
        }
        let mut reader = answer.body_mut().as_reader();
        let (mut part, mut read, limit) = (vec![0; PART], 0, bounds.bytes);
        loop {
            let len = reader.read(&mut part).map_err(|error| self.broken_off(&error))?;
            read += len as u64;
            if read > limit {
                let node = self.shown.clone();
                return Err(BadAnswer::TooLong { node, limit }.into());
            }
            match len {
                0 => return Ok(()),
                len => take(&part[..len])?,
            }
        }
    }

    /// The same as a whole, for answers that are short.
    pub fn bytes(&self, path: &str, bounds: Bounds) -> anyhow::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.stream(path, bounds, |part| {
            all.extend_from_slice(part);
            Ok(())
        })?;
        Ok(all)
    }

    fn broken_off(&self, error: &std::io::Error) -> BadAnswer {
        BadAnswer::BrokenOff {
            node: self.shown.clone(),
            cause: self.hidden.out_of(&error.to_string()),
        }
    }
}
