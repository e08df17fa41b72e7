//! The checks of this tab, in a part of the code of their own (`parts`): with the arithmetic of signatures, the spec of the chain and
//! all that is read for them they weigh more than a page, and no page waits for them.

use std::{future::Future, pin::Pin};

use leptos::wasm_split::{SplitLoaderError, wasm_split};

use super::{CheckLine, Proof, check_block, checks, of_chain, seen};
use crate::{
    browser,
    model::{BlockPage, ChainInfo, TransactionPage, TransactionRow},
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
pub async fn block(chain: ChainInfo, page: BlockPage) -> Result<Vec<CheckLine>, String> {
    begin_block(chain, page).await.map_err(|error| error.to_string())?.await
}

/// Fetches the bytes behind a transaction's page and checks them.
///
/// # Errors
/// As [`block`].
pub async fn transaction(chain: ChainInfo, page: TransactionPage) -> Result<Vec<CheckLine>, String> {
    begin_transaction(chain, page)
        .await
        .map_err(|error| error.to_string())?
        .await
}

/// Fetches the bytes behind a line of the history of the account `own`; whether they prove it.
///
/// # Errors
/// As [`block`].
pub async fn row(chain: ChainInfo, own: String, row: TransactionRow) -> Result<Result<Proof, String>, String> {
    begin_row(chain, own, row)
        .await
        .map_err(|error| error.to_string())?
        .await
}

#[wasm_split(proofs, wasm_split_path = leptos::wasm_split, fallible)]
fn begin_block(chain: ChainInfo, page: BlockPage) -> Result<Judging<Vec<CheckLine>>, NotLoaded> {
    Ok(Box::pin(async move {
        let evidence = reads::block_evidence(page.row.id.clone()).await.map_err(text)?;
        let evidence = evidence.ok_or("the node no longer has this block")?;
        let rules = of_chain(&chain).await?;
        let now = browser::now().unwrap_or_default();
        seen::add_block(&chain.genesis_id, &rules, &evidence, now);
        Ok(check_block(&rules, now, &page, &evidence))
    }))
}

#[wasm_split(proofs, wasm_split_path = leptos::wasm_split, fallible)]
fn begin_transaction(chain: ChainInfo, page: TransactionPage) -> Result<Judging<Vec<CheckLine>>, NotLoaded> {
    Ok(Box::pin(async move {
        let evidence = reads::transaction_evidence(page.row.id.clone()).await.map_err(text)?;
        let evidence = evidence.ok_or("the node no longer has this transaction")?;
        let rules = of_chain(&chain).await?;
        let now = browser::now().unwrap_or_default();
        if let Some((block, _)) = &evidence.inclusion {
            seen::add_block(&chain.genesis_id, &rules, block, now);
        }
        Ok(checks::check_transaction(&rules, now, &page, &evidence))
    }))
}

#[wasm_split(proofs, wasm_split_path = leptos::wasm_split, fallible)]
fn begin_row(chain: ChainInfo, own: String, row: TransactionRow) -> Result<Judging<Result<Proof, String>>, NotLoaded> {
    Ok(Box::pin(async move {
        let rules = of_chain(&chain).await?;
        let evidence = reads::transaction_evidence(row.id.clone()).await.map_err(text)?;
        let evidence = evidence.ok_or("the node no longer has this transaction")?;
        let now = browser::now().unwrap_or_default();
        if let Some((block, _)) = &evidence.inclusion {
            seen::add_block(&chain.genesis_id, &rules, block, now);
        }
        Ok(checks::check_row(&rules, now, &own, &row, &evidence))
    }))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
