//! `/tokens` and `/operator/log`: tokens of the operator and of those whom the operator lets in, and what was done with them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tally_chain::B256;

use crate::worker::wallet::SecretText;

/// Most tokens of a node.
pub const MAX_TOKENS: usize = 256;
/// Most characters of a token's name.
pub const MAX_NAME: usize = 64;
/// Most scopes in a request.
pub const MAX_SCOPES: usize = 16;
/// The shortest life of a token, seconds.
pub const MIN_LIFETIME_SECS: u64 = 60;
/// The longest life of a token that ends at all, seconds: ten years.
pub const MAX_LIFETIME_SECS: u64 = 315_360_000;
/// The highest limit of requests a second that a token may have.
pub const MAX_REQUESTS_PER_SECOND: u32 = 10_000;
/// Entries of the log in a page where the request names no number.
pub const LOG_PAGE: u32 = 50;
/// Most entries of the log in a page.
pub const MAX_LOG_PAGE: u32 = 200;

/// When a token was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastUseBody {
    /// Unix seconds.
    #[cfg_attr(feature = "openapi", schema(example = 1_793_500_000))]
    pub time: u64,
    /// The client's address.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "198.51.100.7"))]
    pub address: IpAddr,
}

/// A token, without its secret, which the node does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenBody {
    /// 12 hex digits: its public name, which also stands in its text.
    #[cfg_attr(feature = "openapi", schema(example = "0f3c5a7b9d1e"))]
    pub id: String,
    /// What it is for, at most 64 characters.
    #[cfg_attr(feature = "openapi", schema(example = "monitoring"))]
    pub name: String,
    /// What it may do.
    #[cfg_attr(feature = "openapi", schema(example = json!(["mining", "peers"])))]
    pub scopes: Vec<String>,
    /// Unix seconds.
    #[cfg_attr(feature = "openapi", schema(example = 1_793_500_000))]
    pub created: u64,
    /// Unix seconds; none where it does not expire.
    pub expires: Option<u64>,
    /// Whether it has expired.
    pub expired: bool,
    /// Requests a second that it is good for; none where it has no limit of its own.
    pub requests_per_second: Option<u32>,
    /// The addresses from which it is taken; none where any will do.
    #[cfg_attr(feature = "openapi", schema(example = "198.51.100.0/24"))]
    pub range: Option<String>,
    /// Whether a tab has it that was opened by the operator link.
    pub of_link: bool,
    /// Its last use; none where there was none. Up to a minute of it is lost where the node is killed.
    pub last_used: Option<LastUseBody>,
}

/// All tokens that were created, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokensBody {
    /// At most 256.
    pub items: Vec<TokenBody>,
}

/// The token to create.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateTokenBody {
    /// What it is for: 1 to 64 characters, all of them visible.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64, example = "monitoring"))]
    pub name: String,
    /// What it may do, of `mining`, `peers`, `load`, `lab`, `audit`, `metrics`, `tokens` and `read`. None that the creating token lacks.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 16, example = json!(["mining"])))]
    pub scopes: Vec<String>,
    /// Seconds until it expires, 60 to 315,360,000; without it, it does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 60, maximum = 315_360_000))]
    pub lifetime_secs: Option<u64>,
    /// Requests a second, 1 to 10,000; without it, it has no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000))]
    pub requests_per_second: Option<u32>,
    /// An address or a range of them, from which alone it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "198.51.100.0/24"))]
    pub range: Option<String>,
}

/// A token with its text, which is shown this once.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewTokenBody {
    /// The token as lists show it.
    pub token: TokenBody,
    /// What a client sends as `Authorization: Bearer TEXT`. The node keeps a salted hash of it and cannot show it again.
    #[cfg_attr(feature = "openapi", schema(value_type = String,
        example = "tally_0f3c5a7b9d1e_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))]
    pub secret: SecretText,
}

/// The code of an operator link.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignInBody {
    /// 43 characters, which stand in the link after `#sign-in=`. It is good once.
    #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 43, max_length = 43,
        example = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))]
    pub code: SecretText,
}

/// A new operator link.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkBody {
    /// The page's address with `#sign-in=` and this code is the link.
    #[cfg_attr(feature = "openapi", schema(value_type = String,
        example = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))]
    pub code: SecretText,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogActorBody {
    /// A token's id; `operator` for the token of the operator's file, `operator-2` for the second one there; `node` for the node itself.
    #[cfg_attr(feature = "openapi", schema(example = "operator"))]
    pub id: String,
    /// The token's name at that time.
    #[cfg_attr(feature = "openapi", schema(example = "operator"))]
    pub name: String,
}

/// An entry of the log of operator actions. In the export, one line each, with the members in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogEntryBody {
    /// Counts from 1 on.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub sequence: u64,
    /// Unix seconds.
    #[cfg_attr(feature = "openapi", schema(example = 1_793_500_000))]
    pub time: u64,
    /// Who did it.
    pub actor: LogActorBody,
    /// Where the request came from; none for the node itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "127.0.0.1"))]
    pub address: Option<IpAddr>,
    /// What was done.
    #[cfg_attr(feature = "openapi", schema(example = "peers.ban"))]
    pub action: String,
    /// With what; texts are cut after 256 characters.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub parameters: Value,
    /// `done`, or the name of the problem that was answered.
    #[cfg_attr(feature = "openapi", schema(example = "done"))]
    pub outcome: String,
    /// Hash of the entry before; zeros in the first one.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub previous: B256,
    /// SHA-256 of this entry's line without its member `hash`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub hash: B256,
}

/// A place where the log is not as the node wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogFaultBody {
    /// Name of the file in the data directory's `operator-log`.
    #[cfg_attr(feature = "openapi", schema(example = "00000001.ndjson"))]
    pub file: String,
    /// The line in it, from 1 on; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong with it.
    #[cfg_attr(feature = "openapi", schema(example = "the hash is not that of the line"))]
    pub reason: String,
}

/// The last entry that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogHeadBody {
    /// Its number.
    pub sequence: u64,
    /// Its hash. Who notes it elsewhere can prove later that nothing before it was changed, and that it was not cut off.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub hash: B256,
}

/// A page of the log, the newest entry first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogPageBody {
    /// Entries with falling numbers.
    pub items: Vec<LogEntryBody>,
    /// `before` of the next page; none on the last one.
    pub older: Option<u64>,
    /// None while the log is empty.
    pub head: Option<LogHeadBody>,
    /// Places that were not as they were written when this node started; at most 16.
    pub faults: Vec<LogFaultBody>,
    /// How many there were in all.
    pub fault_count: u64,
}

/// In which form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A page.
    #[default]
    Json,
    /// The whole log as it is on the disk, the oldest entry first.
    Ndjson,
}

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct LogParams {
    /// Entries with smaller numbers only; without it, the newest.
    #[cfg_attr(
        feature = "openapi",
        param(minimum = 1, maximum = 9_007_199_254_740_991_u64, nullable = false)
    )]
    pub before: Option<u64>,
    /// Most entries, 1 to 200; 50 without it.
    #[cfg_attr(
        feature = "openapi",
        param(minimum = 1, maximum = 200, default = 50, nullable = false)
    )]
    pub limit: Option<u32>,
    /// `ndjson` for all of it as lines, without pages.
    #[cfg_attr(feature = "openapi", param(inline, nullable = false))]
    pub format: Option<LogFormat>,
}
