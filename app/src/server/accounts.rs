use tally_chain::{Address, CheckedTransaction};
use tally_node::{AccountPageError, HistoryCursor, HistoryEntry, Lines, Reward, StoreError};

use super::{
    At,
    rows::{parse_address, scheme, shown, units},
};
use crate::model::{AccountKind, AccountView, HistoryLine, HistoryView, LostPlace, MAX_ROWS, RewardRow, Scheme};

/// How far back the history is searched for a transaction that the account signed.
const SIGNED_WITHIN: usize = 200;

/// An account with a part of its history: the newest, or the one that a cursor names.
pub fn account(at: &At<'_>, text: &str, cursor: Option<&str>, rows: u32) -> Result<Option<AccountView>, StoreError> {
    let Some(address) = parse_address(text) else {
        return Ok(None);
    };
    let account = at.node.account(&at.tip, &address)?;
    let waiting = at
        .node
        .with_pool(|pool| pool.by_sender(&address).cloned().collect::<Vec<_>>());
    let has_code = at.has_code(&address)?;
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    let history = history(at, &address, cursor, rows, &waiting)?;
    let allocation = at
        .node
        .spec()
        .allocations
        .iter()
        .find(|allocation| allocation.address == address);
    Ok(Some(AccountView {
        address: shown(&address),
        kind: if has_code {
            AccountKind::Contract
        } else {
            signer_kind(at, &address, account.nonce)?
        },
        balance: units(account.balance),
        nonce: account.nonce,
        pending: waiting.len() as u32,
        label: allocation.map(|allocation| allocation.label.clone()),
        height: at.height(),
        history,
    }))
}

/// A part of the history: what waits, where it begins with the newest, then what is in blocks.
fn history(
    at: &At<'_>,
    address: &Address,
    cursor: Option<&str>,
    rows: u32,
    waiting: &[CheckedTransaction],
) -> Result<HistoryView, StoreError> {
    let rows = rows.clamp(1, MAX_ROWS) as usize;
    let cursor = match cursor.map(str::parse::<HistoryCursor>).transpose() {
        Ok(cursor) => cursor,
        Err(_) => return Ok(lost(LostPlace::Unknown)),
    };
    let page = match at
        .node
        .account_page(&at.tip, address, Lines::All, cursor.as_ref(), rows)
    {
        Ok(page) => page,
        Err(AccountPageError::ForeignCursor) => return Ok(lost(LostPlace::Unknown)),
        Err(AccountPageError::Gone { height, .. }) => return Ok(lost(LostPlace::Replaced { height: height.0 })),
        Err(AccountPageError::Store(error)) => return Err(error),
    };
    let mut items = Vec::with_capacity(page.entries.len());
    if cursor.is_none() {
        for transaction in waiting.iter().rev().take(rows) {
            items.push(HistoryLine::Transaction(at.pending_row(transaction)?));
        }
    }
    for entry in &page.entries {
        items.push(match entry {
            HistoryEntry::Transaction(located) => HistoryLine::Transaction(at.located_row(located)?),
            HistoryEntry::Reward(reward) => HistoryLine::Reward(reward_row(reward)),
        });
    }
    Ok(HistoryView {
        items,
        next: page.next.map(|next| next.to_string()),
        lost: None,
    })
}

fn lost(place: LostPlace) -> HistoryView {
    HistoryView {
        lost: Some(place),
        ..HistoryView::default()
    }
}

fn reward_row(reward: &Reward) -> RewardRow {
    RewardRow {
        height: reward.block.height().0,
        block: reward.block.id.to_string(),
        time: reward.block.header.time.into(),
        value: units(reward.value()),
    }
}

/// What kind of key an account has, from the newest transaction that it signed.
fn signer_kind(at: &At<'_>, address: &Address, nonce: u64) -> Result<AccountKind, StoreError> {
    if nonce == 0 {
        return Ok(AccountKind::Unknown);
    }
    for entry in at.tip.snapshot.account_history(address, None).take(SIGNED_WITHIN) {
        let located = at.node.at(&at.tip, entry?.0.0)?;
        if located.transaction.sender() == *address {
            return Ok(match scheme(located.transaction.transaction()) {
                Scheme::Rsa => AccountKind::Rsa,
                Scheme::Ecc | Scheme::Ethereum => AccountKind::Ecc,
                Scheme::Multisig => AccountKind::Shared,
            });
        }
    }
    Ok(AccountKind::Unknown)
}
