use tally_chain::{Address, CheckedTransaction};
use tally_node::{AccountPageError, HistoryCursor, HistoryEntry, Lines, Reward, StoreError};

use crate::{
    at::At,
    rows::{parse_address, scheme, shown, units},
};
use tally_app::model::{AccountKind, AccountView, HistoryLine, HistoryView, LostPlace, MAX_ROWS, RewardRow, Scheme};

/// Blocks that are read, beside those of the page, for a transaction that the account signed: anyone may request a page.
const BLOCKS_FOR_KIND: usize = 8;
/// Bytes of these blocks, but for the first one.
const BYTES_FOR_KIND: u64 = 16 << 20;

/// An account with a part of its history: the newest, or the one that a cursor names.
pub fn account(at: &At<'_>, text: &str, cursor: Option<&str>, rows: u32) -> Result<Option<AccountView>, StoreError> {
    let Some(address) = parse_address(text) else {
        return Ok(None);
    };
    let account = at.node.account(&at.tip, &address)?;
    let (pending, waiting) = at.node.with_pool(|pool| {
        let newest = pool.entries_of(&address).rev().take(MAX_ROWS as usize);
        let newest: Vec<_> = newest.map(|pooled| pooled.transaction().clone()).collect();
        (pool.count_of(&address), newest)
    });
    let has_code = at.has_code(&address)?;
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    let history = history(at, &address, cursor, rows, &waiting)?;
    let kind = match shown_kind(&address, &waiting, &history) {
        _ if has_code => AccountKind::Contract,
        Some(kind) => kind,
        // What stands on the first page was looked at.
        None if cursor.is_none() => signer_kind(at, &address, account.nonce, in_blocks(&history))?,
        None => signer_kind(at, &address, account.nonce, 0)?,
    };
    let allocation = at
        .node
        .spec()
        .allocations
        .iter()
        .find(|allocation| allocation.address == address);
    Ok(Some(AccountView {
        address: shown(&address),
        kind,
        balance: units(account.balance),
        nonce: account.nonce,
        pending: pending as u32,
        label: allocation.map(|allocation| allocation.label.clone()),
        height: at.height(),
        history,
    }))
}

/// A part of the history: what waits (`waiting`, newest first), where it begins with the newest, then what is in blocks.
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
        for transaction in waiting.iter().take(rows) {
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

/// What kind of key an account has, from what is known without reading further: what waits, and the page.
fn shown_kind(address: &Address, waiting: &[CheckedTransaction], history: &HistoryView) -> Option<AccountKind> {
    let waits = waiting.iter().find(|transaction| transaction.sender() == *address);
    if let Some(transaction) = waits {
        return Some(kind_of(scheme(transaction.transaction())));
    }
    let own = shown(address);
    history.items.iter().find_map(|line| match line {
        HistoryLine::Transaction(row) if row.from == own => Some(kind_of(row.scheme)),
        _ => None,
    })
}

/// How many lines of a page are transactions in blocks.
fn in_blocks(history: &HistoryView) -> usize {
    let included = |line: &&HistoryLine| matches!(line, HistoryLine::Transaction(row) if row.block.is_some());
    history.items.iter().filter(included).count()
}

fn kind_of(scheme: Scheme) -> AccountKind {
    match scheme {
        Scheme::Rsa => AccountKind::Rsa,
        Scheme::Ecc | Scheme::Ethereum => AccountKind::Ecc,
        Scheme::Multisig => AccountKind::Shared,
    }
}

/// The same from the newest transactions in blocks behind the first `skip`, of which few are read.
fn signer_kind(at: &At<'_>, address: &Address, nonce: u64, skip: usize) -> Result<AccountKind, StoreError> {
    if nonce == 0 {
        return Ok(AccountKind::Unknown);
    }
    let places = at.tip.snapshot.account_history(address, None).skip(skip);
    let places = places.map(|entry| entry.map(|(key, _)| key.0));
    let found = newest_signed(places, |place| {
        let located = at.node.at(&at.tip, place)?;
        let bytes = located.included.map_or(0, |included| included.block.bytes);
        let transaction = &located.transaction;
        let kind = (transaction.sender() == *address).then(|| kind_of(scheme(transaction.transaction())));
        Ok((kind, bytes))
    })?;
    Ok(found.unwrap_or(AccountKind::Unread))
}

/// The first kind that is read at one of these places, within the bounds; `read` also gives the bytes of the block.
fn newest_signed<P, E>(
    places: impl Iterator<Item = Result<P, E>>,
    mut read: impl FnMut(P) -> Result<(Option<AccountKind>, u64), E>,
) -> Result<Option<AccountKind>, E> {
    let mut total = 0_u64;
    for place in places.take(BLOCKS_FOR_KIND) {
        let (kind, bytes) = read(place?)?;
        total = total.saturating_add(bytes);
        if kind.is_some() || total > BYTES_FOR_KIND {
            return Ok(kind);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// What is found where the `signed`-th newest of many was signed by the account, in blocks of so many bytes, and how many
    /// were read.
    fn searched(signed: usize, bytes: u64) -> (Option<AccountKind>, usize) {
        let mut read = 0;
        let places = (0..200_usize).map(Ok::<_, Infallible>);
        let Ok(kind) = newest_signed(places, |place| {
            read += 1;
            Ok(((place == signed).then_some(AccountKind::Rsa), bytes))
        });
        (kind, read)
    }

    #[test]
    fn few_blocks_are_read_for_the_kind_of_an_account() {
        assert_eq!(searched(0, 1), (Some(AccountKind::Rsa), 1));
        assert_eq!(searched(7, 1), (Some(AccountKind::Rsa), 8));
        assert_eq!(searched(8, 1), (None, BLOCKS_FOR_KIND));
        assert_eq!(searched(199, 1), (None, BLOCKS_FOR_KIND));
        // Long blocks end it sooner, but for the first, however long that is.
        assert_eq!(searched(0, u64::MAX), (Some(AccountKind::Rsa), 1));
        assert_eq!(searched(7, u64::MAX), (None, 1));
        assert_eq!(searched(7, BYTES_FOR_KIND), (None, 2));
    }
}
