//! The checks of this tab, in a part of the code of their own (`parts`): with the arithmetic of signatures, the spec of the chain and
//! all that is read for them they weigh more than a page, and no page waits for them.

use std::{future::Future, pin::Pin};

use leptos::wasm_split::{SplitLoaderError, wasm_split};
use tally_api::worker::light::BlockVerdict;

use super::{CheckLine, Proof, check_block, checks, of_chain};
use crate::{
    light::Light,
    model::{BlockPage, ChainInfo, TransactionEvidence, TransactionPage, TransactionRow},
    reads,
};

/// A check under way.
type Judging<T> = Pin<Box<dyn Future<Output = Result<T, String>>>>;

/// The part with the checks did not come, so nothing was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node did not send the code of the checks")]
struct NotLoaded;

impl From<SplitLoaderError> for NotLoaded {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// Fetches the bytes behind a block's page and checks them.
///
/// # Errors
/// Why nothing could be checked: the bytes, the spec of the chain or the code of the checks did not come.
pub async fn block(light: Light, page: BlockPage) -> Result<Vec<CheckLine>, String> {
    begin_block(light, page).await.map_err(|error| error.to_string())?.await
}

/// Fetches the bytes behind a transaction's page and checks them.
///
/// # Errors
/// As [`block`].
pub async fn transaction(chain: ChainInfo, light: Light, page: TransactionPage) -> Result<Vec<CheckLine>, String> {
    begin_transaction(chain, light, page)
        .await
        .map_err(|error| error.to_string())?
        .await
}

/// Fetches the bytes behind a line of the history of the account `own`; whether they prove it.
///
/// # Errors
/// As [`block`].
pub async fn row(
    chain: ChainInfo,
    light: Light,
    own: String,
    row: TransactionRow,
) -> Result<Result<Proof, String>, String> {
    begin_row(chain, light, own, row)
        .await
        .map_err(|error| error.to_string())?
        .await
}

#[wasm_split(proofs, wasm_split_path = leptos::wasm_split, fallible)]
fn begin_block(light: Light, page: BlockPage) -> Result<Judging<Vec<CheckLine>>, NotLoaded> {
    Ok(Box::pin(async move {
        let evidence = reads::block_evidence(page.row.id.clone()).await.map_err(text)?;
        let evidence = evidence.ok_or("the node no longer has this block")?;
        let verdict = light.check(&evidence).await;
        Ok(check_block(&verdict, &page, &evidence))
    }))
}

#[wasm_split(proofs, wasm_split_path = leptos::wasm_split, fallible)]
fn begin_transaction(
    chain: ChainInfo,
    light: Light,
    page: TransactionPage,
) -> Result<Judging<Vec<CheckLine>>, NotLoaded> {
    Ok(Box::pin(async move {
        let evidence = reads::transaction_evidence(page.row.id.clone()).await.map_err(text)?;
        let evidence = evidence.ok_or("the node no longer has this transaction")?;
        let rules = of_chain(&chain).await?;
        let verdict = verdict_of(light, &evidence).await;
        Ok(checks::check_transaction(&rules, &verdict, &page, &evidence))
    }))
}

#[wasm_split(proofs, wasm_split_path = leptos::wasm_split, fallible)]
fn begin_row(
    chain: ChainInfo,
    light: Light,
    own: String,
    row: TransactionRow,
) -> Result<Judging<Result<Proof, String>>, NotLoaded> {
    Ok(Box::pin(async move {
        let rules = of_chain(&chain).await?;
        let evidence = reads::transaction_evidence(row.id.clone()).await.map_err(text)?;
        let evidence = evidence.ok_or("the node no longer has this transaction")?;
        let verdict = verdict_of(light, &evidence).await;
        Ok(checks::check_row(&rules, &verdict, &own, &row, &evidence))
    }))
}

/// Whether the block of a transaction leads to the verified tip.
async fn verdict_of(light: Light, evidence: &TransactionEvidence) -> BlockVerdict {
    match &evidence.inclusion {
        Some((block, _)) => light.check(block).await,
        None => BlockVerdict::Unknown("it is in no block yet".to_owned()),
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
