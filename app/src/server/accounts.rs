use tally_chain::Address;
use tally_node::{HistoryKey, StoreError};

use super::{
    At,
    rows::{Slice, parse_address, scheme, shown, units},
};
use crate::format;
use crate::model::{AccountKind, AccountView, Scheme, TransactionRow};

/// How far back the history is searched for a transaction that the account signed.
const SIGNED_WITHIN: usize = 200;

/// How far into a history pages go, in entries: a page is found by counting from the newest one. The API goes on from
/// there, and anywhere else, with cursors.
const HISTORY: usize = 10_000;

/// An account with one page of its history; what waits stands first on the first page.
pub fn account(at: &At<'_>, text: &str, page: u32, rows: u32) -> Result<Option<AccountView>, StoreError> {
    let Some(address) = parse_address(text) else {
        return Ok(None);
    };
    let slice = Slice::new(page, rows);
    let account = at.node.account(&at.tip, &address)?;
    let waiting = at
        .node
        .with_pool(|pool| pool.by_sender(&address).cloned().collect::<Vec<_>>());
    let has_code = at.has_code(&address)?;
    let mut items = Vec::new();
    if slice.page == 1 {
        for transaction in waiting.iter().rev().take(slice.take()) {
            items.push(at.pending_row(transaction)?);
        }
    }
    let (confirmed, more) = history(at, &address, &slice)?;
    items.extend(confirmed);
    let end = slice.skip() + slice.take() >= HISTORY;
    let allocation = at
        .node
        .spec()
        .allocations
        .iter()
        .find(|allocation| allocation.address == address);
    let window = (end && more).then(|| format!("{} transactions", format::count(HISTORY as u64)));
    let mut history = slice.listing(Vec::new(), None, window);
    history.items = items;
    history.more = more && !end;
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

/// One page of what is in blocks, and whether there is more.
fn history(at: &At<'_>, address: &Address, slice: &Slice) -> Result<(Vec<TransactionRow>, bool), StoreError> {
    let before = match slice.skip() {
        0 => None,
        skip if skip >= HISTORY => return Ok((Vec::new(), true)),
        skip => match at.tip.snapshot.account_history(address, None).nth(skip - 1) {
            Some(entry) => Some(entry?.0),
            None => return Ok((Vec::new(), false)),
        },
    };
    let page = at
        .node
        .account_history(&at.tip, address, before.map(|key: HistoryKey| key), slice.take())?;
    let rows = page
        .entries
        .iter()
        .map(|located| at.located_row(located))
        .collect::<Result<_, _>>()?;
    Ok((rows, page.next.is_some()))
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
