//! `/healthz` and `/readyz`, which stand outside of `/api/v1`: is the process alive, can the node do its work.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The process answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliveBody {
    /// `alive`.
    pub status: String,
}

/// Whether the node can do its work, with status 200 or 503.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyBody {
    /// Height of the tip.
    pub height: u64,
    /// Whether it can.
    pub ready: bool,
    /// Every reason why it cannot; empty where it can.
    pub reasons: Vec<ReasonBody>,
    /// `ready` or `not-ready`.
    pub status: String,
}

/// Why a node cannot do its work: `kind`, `detail` and the figures of this kind, such as `height` and `best` of `syncing`. Those
/// of time end with their unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReasonBody(Map<String, Value>);

impl ReasonBody {
    /// Of a kind, with a sentence and its figures.
    pub fn new(kind: &str, detail: impl Into<String>, mut figures: Map<String, Value>) -> Self {
        figures.insert("kind".to_owned(), kind.into());
        figures.insert("detail".to_owned(), Value::String(detail.into()));
        Self(figures)
    }

    /// The stable name of its kind; none where the answer has none.
    pub fn kind(&self) -> Option<&str> {
        self.0.get("kind")?.as_str()
    }

    /// The same as a sentence.
    pub fn detail(&self) -> Option<&str> {
        self.0.get("detail")?.as_str()
    }

    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}
