//! Answers of bytes, read part by part: bounded in size and in time, whatever a node sends.

use std::io::Read as _;
use std::time::Duration;

use ureq::http::header::CONTENT_TYPE;
use ureq::http::{HeaderMap, HeaderValue, StatusCode};

use super::{Client, refusal};

/// How long a node may be silent within an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest time for an answer that is read as a whole: such answers are short.
const WHOLE: Duration = Duration::from_secs(60);
/// Bytes that are read at once.
const PART: usize = 64 * 1_024;
/// Longest answer with another status than 200 that is read, in bytes.
const MAX_REFUSAL: u64 = 64 * 1_024;
/// Characters of a media type that messages repeat.
const SHOWN_MEDIA: usize = 80;

/// What an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub bytes: u64,
    pub time: Duration,
}

/// An answer below `/api/v1`, as it is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    pub path: &'a str,
    /// Its media type. A page of a proxy or of a provider has another one, and shows nothing about the node.
    pub media: &'a str,
    pub bounds: Bounds,
}

/// An answer that is not read to its end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    #[error("the node at {node} sends more than the {limit} bytes that this answer can have")]
    TooLong { node: String, limit: u64 },
    #[error("the answer of the node at {node} breaks off: {cause}")]
    BrokenOff { node: String, cause: String },
    #[error(
        "the answer of the node at {node} has the media type {found:?}, expected {expected}; a proxy may stand between"
    )]
    OtherMedia {
        node: String,
        found: String,
        expected: String,
    },
}

impl Client {
    /// The node's URL as messages show it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// GET of bytes below `/api/v1`; `take` is given each part as it comes, and ends the answer by an error.
    ///
    /// # Errors
    /// Those of `take`, a [`tally_api::ProblemBody`] for every status but 200, and a [`BadAnswer`] where the answer is longer, of
    /// another media type, or breaks off.
    pub fn stream(
        &self,
        expected: Expected<'_>,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Expected { path, media, bounds } = expected;
        let request = self.agent.get(format!("{}/api/v1/{path}", self.url));
        let request = request.config().timeout_global(Some(bounds.time));
        let answer = request.timeout_per_read(Some(SILENCE)).build().call();
        let mut answer = answer.map_err(|error| self.unreached(&error))?;
        self.compare_clocks(&answer);
        let status = answer.status();
        // Nothing here requests a part (206) or names what it has (304).
        if status != StatusCode::OK {
            let body = answer.body_mut().with_config().limit(MAX_REFUSAL).read_to_vec();
            return Err(refusal(status, &body.unwrap_or_default()));
        }
        self.check_media(answer.headers(), media)?;
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

    fn check_media(&self, headers: &HeaderMap, expected: &str) -> Result<(), BadAnswer> {
        let found = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let found = String::from_utf8_lossy(found);
        let essence = found.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(BadAnswer::OtherMedia {
            node: self.shown.clone(),
            found: essence.chars().take(SHOWN_MEDIA).collect(),
            expected: expected.to_owned(),
        })
    }

    /// The same as a whole, for answers that are short.
    pub fn bytes(&self, expected: Expected<'_>) -> anyhow::Result<Vec<u8>> {
        let mut expected = expected;
        expected.bounds.time = expected.bounds.time.min(WHOLE);
        let mut all = Vec::new();
        self.stream(expected, |part| {
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
