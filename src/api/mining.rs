//! `/mining`: templates and work for whoever mines, and the switch of the native miner.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tally_chain::Address;
use tally_chain::manifest::EXTRA_NONCE_BYTES;
use tally_node::miner::threads_here;
use tally_node::workers::Worker;
use tally_node::{Advance, Imported, MiningConfig, Work};
use utoipa::{IntoParams, ToSchema};

use super::auth;
use super::blocks;
use super::extract::{JsonBody, Params};
use super::problem::{Answer, Problem, ProblemBody, kinds};
use super::status::MinerBody;
use super::text::{hex, parse_address, parse_fixed};
use crate::net_guard::household;
use crate::operator::Scope;
use crate::server::Shared;
use crate::web::Client;

/// In a template the extra nonce stands at the end of `extra`; after it comes only the empty seal, one byte.
const AFTER_EXTRA_NONCE: usize = 1;
/// Most workers in one answer.
const MAX_LISTED: usize = 1_000;

/// Who is to be paid.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TemplateParams {
    /// Receives subsidy and priority fees.
    #[param(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    pub address: String,
}

/// A block that lacks only its seal.
///
/// A miner puts its own 8 bytes into the manifest at `extra_nonce_offset`, hashes the manifest twice with SHA-256 into
/// bytes 36 to 68 of the header, and searches a nonce (bytes 76 to 80, little-endian) for which the double SHA-256 of the
/// header, read as a little-endian number, is at most `target`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateBody {
    /// Names it when work is submitted.
    pub template: u64,
    #[schema(example = 1_025)]
    pub height: u64,
    /// 80 bytes.
    pub header_hex: String,
    pub manifest_hex: String,
    /// Where the extra nonce begins in the manifest, in bytes.
    #[schema(example = 228)]
    pub extra_nonce_offset: usize,
    #[schema(example = 8)]
    pub extra_nonce_bytes: usize,
    /// 64 hex digits, most significant first.
    #[schema(example = "000000007fffff00000000000000000000000000000000000000000000000000")]
    pub target: String,
    #[schema(example = "0x1d7fffff")]
    pub bits: String,
    /// Unix seconds; a miner may move it on with its clock.
    pub time: u32,
    /// The earliest time the block may have.
    pub min_time: u32,
    /// The latest time the block may have: a transaction in it expires then, or looks at the time.
    pub max_time: u32,
    pub transactions: usize,
}

/// What a miner found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkBody {
    pub template: u64,
    /// 8 bytes, 0x-prefixed hex.
    #[schema(example = "0x0000000000000001")]
    pub extra_nonce: String,
    pub time: u32,
    pub nonce: u32,
}

/// What became of a mined block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is the new tip.
    Tip,
    /// It was kept, but another branch is heavier.
    Side,
    /// It was here before.
    Known,
}

/// A mined block that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MinedBody)]
pub struct FoundBody {
    pub id: String,
    /// Its height, where the import tells.
    pub height: Option<u64>,
    pub outcome: Outcome,
}

/// New settings of the native miner; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchBody {
    #[serde(alias = "enabled", default)]
    pub on: Option<bool>,
    /// At most as many as this machine has processors; the document that a node serves has its own number.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub threads: Option<usize>,
    #[serde(default)]
    pub address: Option<String>,
}

/// External miners.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkersBody {
    pub connected: usize,
    /// Hashes a second of all of them, estimated from their shares.
    pub hash_rate: f64,
    /// Shares since this run began, also of workers that left.
    pub shares: u64,
    pub rejected: u64,
    pub blocks: u64,
    /// At most 1,000 of those who are connected.
    pub items: Vec<WorkerBody>,
}

/// An external miner.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerBody {
    /// As it named itself; hidden characters are escaped.
    #[schema(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266.rig1")]
    pub name: String,
    /// Receives the rewards of its blocks.
    #[schema(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    pub address: String,
    /// Its program, as it named itself.
    #[schema(example = "cpuminer/2.5.1")]
    pub agent: String,
    /// Of its last share; 1 is Bitcoin's.
    pub difficulty: f64,
    pub shares: u64,
    pub rejected: u64,
    pub blocks: u64,
    /// Hashes a second, estimated from its shares.
    pub hash_rate: f64,
    /// When it came, Unix seconds.
    pub since: u64,
    /// Unix seconds.
    pub last_share: Option<u64>,
}

impl From<Worker> for WorkerBody {
    fn from(worker: Worker) -> Self {
        Self {
            name: worker.name,
            address: worker.address.to_string(),
            agent: worker.agent,
            difficulty: worker.difficulty,
            shares: worker.shares,
            rejected: worker.rejected,
            blocks: worker.blocks,
            hash_rate: worker.hash_rate,
            since: worker.since.0,
            last_share: worker.last_share.map(|time| time.0),
        }
    }
}

/// A template to mine
#[utoipa::path(get, path = "/mining/template", tag = "mining", params(TemplateParams), responses(
    (status = 200, description = "The template", body = TemplateBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn template(
    State(server): State<Shared>,
    client: Option<Extension<Client>>,
    Params(params): Params<TemplateParams>,
) -> Answer<Json<TemplateBody>> {
    let client = client.map(|Extension(Client(ip))| household(ip));
    let producer: Address = parse_address("address", &params.address)?;
    server
        .template(move |node| {
            let min_time = node.tip().ancestors.median_time().saturating_add(1);
            let job = node
                .template_for(producer, client)
                .map_err(|error| Problem::from(&error))?;
            let manifest = job.manifest.encode();
            Ok(Json(TemplateBody {
                template: job.id,
                height: job.manifest.number.0,
                header_hex: hex(&job.header.encode()),
                extra_nonce_offset: manifest.len() - AFTER_EXTRA_NONCE - EXTRA_NONCE_BYTES,
                manifest_hex: hex(&manifest),
                extra_nonce_bytes: EXTRA_NONCE_BYTES,
                target: blocks::target(job.header.bits),
                bits: blocks::bits(job.header.bits),
                time: job.header.time,
                min_time,
                max_time: job.latest_time,
                transactions: job.transactions.len(),
            }))
        })
        .await
}

/// Submits work for a template
#[utoipa::path(post, path = "/mining/submit", operation_id = "submit_work", tag = "mining", request_body = WorkBody, responses(
    (status = 200, description = "The block was taken", body = FoundBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn submit(State(server): State<Shared>, JsonBody(body): JsonBody<WorkBody>) -> Answer<Json<FoundBody>> {
    let WorkBody {
        template,
        extra_nonce,
        time,
        nonce,
    } = body;
    let extra_nonce = parse_fixed::<EXTRA_NONCE_BYTES>("extra_nonce", &extra_nonce)?;
    let work = Work {
        template,
        extra_nonce,
        time,
        nonce,
    };
    let imported = server
        .blocking(move |node| node.submit_work(&work).map_err(Problem::from))
        .await?;
    Ok(Json(match imported {
        Imported::Tip(Advance { to, joined, .. }) => {
            let height = joined.last().map(|moved| moved.record.height().0);
            FoundBody {
                id: to.to_string(),
                height,
                outcome: Outcome::Tip,
            }
        }
        Imported::Side { id, height } => FoundBody {
            id: id.to_string(),
            height: Some(height.0),
            outcome: Outcome::Side,
        },
        Imported::Known { id } => FoundBody {
            id: id.to_string(),
            height: None,
            outcome: Outcome::Known,
        },
    }))
}

/// The native miner
#[utoipa::path(get, path = "/mining", operation_id = "miner", tag = "mining", responses(
    (status = 200, description = "The miner", body = MinerBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn status(State(server): State<Shared>) -> Answer<Json<MinerBody>> {
    // Its threads may be about to end, which is waited for.
    server.read(|node, _| Ok(Json(MinerBody::of(node)))).await
}

/// External miners that are connected (Stratum), the fastest first
#[utoipa::path(get, path = "/mining/workers", tag = "mining", operation_id = "mining_workers", responses(
    (status = 200, description = "The miners that are connected", body = WorkersBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn workers(State(server): State<Shared>) -> Answer<Json<WorkersBody>> {
    // Shares wait while all workers are looked at.
    server
        .read(|node, _| {
            let workers = node.workers();
            let (total, list) = (workers.total(), workers.list());
            Ok(Json(WorkersBody {
                connected: total.connected,
                hash_rate: total.hash_rate,
                shares: total.shares,
                rejected: total.rejected,
                blocks: total.blocks,
                items: list.into_iter().take(MAX_LISTED).map(WorkerBody::from).collect(),
            }))
        })
        .await
}

/// Switches the native miner. Needs the operator's token with the scope `mining`
#[utoipa::path(post, path = "/mining", tag = "mining", request_body = SwitchBody, security(("operator" = ["mining"])), responses(
    (status = 200, description = "The miner", body = MinerBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn switch(
    State(server): State<Shared>,
    headers: HeaderMap,
    body: Answer<JsonBody<SwitchBody>>,
) -> Answer<Json<MinerBody>> {
    auth::require(&server.tokens, &headers, Scope::Mining)?;
    let JsonBody(SwitchBody { on, threads, address }) = body?;
    let now = server.node.mining().config();
    let producer = match address {
        Some(text) => parse_address("address", &text)?,
        None => now.producer,
    };
    let threads = threads.unwrap_or(now.threads);
    let most = threads_here();
    if !(1..=most).contains(&threads) {
        let problem = Problem::new(
            &kinds::INVALID_MINING,
            format!("threads is {threads}, this machine has processors for 1 to {most}"),
        );
        return Err(problem.field("threads").above(threads, most));
    }
    let config = MiningConfig {
        on: on.unwrap_or(now.on),
        threads,
        producer,
    };
    if config.on && producer == Address::ZERO {
        let problem = Problem::new(
            &kinds::INVALID_MINING,
            "mining needs an address that receives the rewards",
        );
        return Err(problem.field("address"));
    }
    tracing::info!(on = config.on, threads = config.threads, producer = %config.producer, "mining switched by the operator");
    server
        .blocking(move |node| {
            node.set_mining(config);
            Ok(Json(MinerBody::of(node)))
        })
        .await
}
