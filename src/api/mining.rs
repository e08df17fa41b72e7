//! `/mining`: templates and work for miners, and the switch of the native miner.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use tally_api::ProblemBody;
use tally_api::mining::{
    MAX_LISTED, MinedBody, Outcome, SwitchBody, TemplateBody, TemplateParams, WorkBody, WorkerBody, WorkersBody,
};
use tally_api::status::MinerBody;
use tally_chain::Address;
use tally_chain::manifest::EXTRA_NONCE_BYTES;
use tally_node::miner::threads_here;
use tally_node::workers::Worker;
use tally_node::{Advance, Imported, MiningConfig, Work};

use super::auth;
use super::blocks;
use super::extract::{JsonBody, Params};
use super::problem::{Answer, Problem, kinds};
use super::status::miner_body;
use super::text::{parse_address, parse_fixed};
use crate::net_guard::household;
use crate::operator::Scope;
use crate::server::Shared;
use crate::web::Client;

/// In a template the extra nonce stands at the end of `extra`; after it comes only the empty seal, one byte.
const AFTER_EXTRA_NONCE: usize = 1;

fn worker_body(worker: Worker) -> WorkerBody {
    WorkerBody {
        name: worker.name,
        address: worker.address,
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
            let min_time = node.tip().ancestors.earliest_time(node.spec());
            let job = node
                .template_for(producer, client)
                .map_err(|error| Problem::from(&error))?;
            let manifest = job.manifest.encode();
            Ok(Json(TemplateBody {
                template: job.id,
                height: job.manifest.number.0,
                header_hex: job.header.encode().into(),
                extra_nonce_offset: manifest.len() - AFTER_EXTRA_NONCE - EXTRA_NONCE_BYTES,
                manifest_hex: manifest.into(),
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
    (status = 200, description = "The block was accepted", body = MinedBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn submit(State(server): State<Shared>, JsonBody(body): JsonBody<WorkBody>) -> Answer<Json<MinedBody>> {
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
            MinedBody {
                id: to,
                height,
                outcome: Outcome::Tip,
            }
        }
        Imported::Side { id, height } => MinedBody {
            id,
            height: Some(height.0),
            outcome: Outcome::Side,
        },
        Imported::Known { id } => MinedBody {
            id,
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
    server.look(|node| Json(miner_body(node))).await
}

/// External miners that are connected (Stratum), the fastest first
#[utoipa::path(get, path = "/mining/workers", tag = "mining", operation_id = "mining_workers", responses(
    (status = 200, description = "The miners that are connected", body = WorkersBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn workers(State(server): State<Shared>) -> Answer<Json<WorkersBody>> {
    // Shares wait while all workers are looked at.
    server
        .look(|node| {
            let workers = node.workers();
            let (total, list) = (workers.total(), workers.list());
            Json(WorkersBody {
                connected: total.connected,
                hash_rate: total.hash_rate,
                shares: total.shares,
                rejected: total.rejected,
                blocks: total.blocks,
                items: list.into_iter().take(MAX_LISTED).map(worker_body).collect(),
            })
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
            Ok(Json(miner_body(node)))
        })
        .await
}
