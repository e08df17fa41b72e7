//! Submitting signed transactions, one or many. Nothing here needs a token: the signature is what counts.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use tally_api::ProblemBody;
use tally_api::submit::{BatchAnswer, BatchBody, BatchResult, MAX_BATCH, RawBody, SubmittedBody};
use tally_api::transactions::TransactionStatus;
use tally_chain::Bytes;
use tally_chain::transaction::MAX_TRANSACTION_BYTES;
use tally_node::{SubmitError, Submitted};

use super::extract::{JsonBytes, MAX_BODY, media_type, parse_json, read_body, wrong_media_type};
use super::problem::{Answer, Problem, kinds};
use super::text::parse_hex;
use crate::server::Shared;

/// Longest body with one transaction: its hex and a little JSON around it.
const MAX_ONE: usize = 2 * MAX_TRANSACTION_BYTES + 4_096;

fn submitted_body(submitted: Submitted) -> SubmittedBody {
    let status = if submitted.pending {
        TransactionStatus::Pending
    } else {
        TransactionStatus::Queued
    };
    SubmittedBody {
        id: submitted.id,
        status,
    }
}

/// Sends one signed transaction
#[utoipa::path(post, path = "/transactions", operation_id = "submit_transaction", tag = "payments",
    request_body(description = "The envelope, as hex in JSON or as plain bytes",
        content((RawBody = "application/json"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 202, description = "Accepted into the pool", body = SubmittedBody),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn one(State(server): State<Shared>, request: Request) -> Answer<(StatusCode, Json<SubmittedBody>)> {
    let (parts, body) = request.into_parts();
    let envelope = match media_type(&parts.headers).as_deref() {
        Some("application/json") => {
            let bytes = read_body(&parts.headers, body, MAX_ONE).await?;
            let RawBody { raw } = parse_json(&bytes)?;
            parse_hex("raw", &raw, MAX_TRANSACTION_BYTES)?
        }
        // One byte more than allowed is read, so that the node's own error names the limit.
        Some("application/octet-stream") => read_body(&parts.headers, body, MAX_ONE).await?.to_vec(),
        found => {
            return Err(wrong_media_type(
                found.map(str::to_owned),
                "application/json or application/octet-stream",
            ));
        }
    };
    let submitted = server
        .blocking(move |node| node.submit(envelope.into()).map_err(Problem::from))
        .await?;
    Ok((StatusCode::ACCEPTED, Json(submitted_body(submitted))))
}

/// Sends many signed transactions; each gets its own result
#[utoipa::path(post, path = "/transactions/batch", tag = "payments", request_body = BatchBody, responses(
    (status = 200, description = "One result for each, in their order", body = BatchAnswer),
    (status = "default", description = "A problem with the batch itself", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn batch(State(server): State<Shared>, JsonBytes(body): JsonBytes<MAX_BODY>) -> Answer<Json<BatchAnswer>> {
    server
        .blocking(move |node| {
            let raw = parse_batch(&body)?;
            Ok(Json(answer(&raw, |envelopes| node.submit_batch(envelopes))))
        })
        .await
}

fn parse_batch(body: &[u8]) -> Answer<Vec<String>> {
    let BatchBody { raw } = parse_json(body)?;
    if raw.len() > MAX_BATCH {
        let problem = Problem::new(
            &kinds::BODY_TOO_LARGE,
            format!(
                "the batch has {} transactions, at most {MAX_BATCH} are taken",
                raw.len()
            ),
        );
        return Err(problem.field("raw").above(raw.len(), MAX_BATCH));
    }
    Ok(raw)
}

fn answer(raw: &[String], submit: impl FnOnce(Vec<Bytes>) -> Vec<Result<Submitted, SubmitError>>) -> BatchAnswer {
    let mut envelopes = Vec::with_capacity(raw.len());
    let read: Vec<Answer<()>> = raw
        .iter()
        .map(|text| parse_hex("raw", text, MAX_TRANSACTION_BYTES).map(|bytes| envelopes.push(Bytes::from(bytes))))
        .collect();
    let mut submitted = submit(envelopes).into_iter();
    let results: Vec<BatchResult> = read
        .into_iter()
        .map(|read| {
            let result = read.and_then(|()| {
                let result = submitted.next().expect("the node gives one result for each envelope");
                result.map_err(Problem::from)
            });
            match result {
                Ok(taken) => BatchResult::Accepted(submitted_body(taken)),
                Err(problem) => BatchResult::Refused {
                    problem: Box::new(problem.body(None)),
                },
            }
        })
        .collect();
    let accepted = results
        .iter()
        .filter(|result| matches!(result, BatchResult::Accepted(_)))
        .count();
    BatchAnswer {
        accepted,
        refused: results.len() - accepted,
        results,
    }
}
