use tally_chain::address;
use tally_node::{BlockKey, StoreError};

use crate::{at::At, rows::shown};
use tally_app::{
    format,
    model::{Destination, SearchAnswer},
};

/// Digits of an id.
const ID_DIGITS: usize = 64;

/// What a search text leads to.
pub fn search(at: &At<'_>, text: &str) -> Result<SearchAnswer, StoreError> {
    let query: String = text.trim().chars().take(200).collect();
    let answer = |found: Result<Destination, &str>| {
        let (destination, reason) = match found {
            Ok(destination) => (Some(destination), None),
            Err(reason) => (None, Some(reason.to_owned())),
        };
        SearchAnswer {
            query: query.clone(),
            destination,
            reason,
        }
    };
    let number = query.trim_start_matches('#').replace([',', '_', ' '], "");
    if let (Ok(height), true) = (number.parse::<u64>(), number.bytes().all(|byte| byte.is_ascii_digit())) {
        let tip = at.height();
        let late = format!(
            "The chain ends at block {}; this one is still to come.",
            format::count(tip)
        );
        return Ok(answer(if height <= tip {
            Ok(Destination::Block(height))
        } else {
            Err(&late)
        }));
    }
    let digits = query.strip_prefix("0x").unwrap_or(&query);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(answer(Err("This is neither a height, nor an id, nor an address.")));
    }
    if digits.len() == ID_DIGITS {
        return Ok(answer(
            by_id(at, digits)?.ok_or("This node knows no block and no transaction of this id."),
        ));
    }
    if digits.len() != 40 {
        let odd = format!("This has {} hex digits; an address has 40, an id 64.", digits.len());
        return Ok(answer(Err(&odd)));
    }
    Ok(match address::parse(&format!("0x{digits}")) {
        Ok(address) => answer(Ok(Destination::Account(shown(&address)))),
        Err(error) => answer(Err(&error.to_string())),
    })
}

/// A transaction or a block of this id. A block of the main chain leads to the page of its height.
fn by_id(at: &At<'_>, digits: &str) -> Result<Option<Destination>, StoreError> {
    if let Ok(id) = digits.parse()
        && at.node.transaction(&id)?.1.is_some()
    {
        return Ok(Some(Destination::Transaction(id.to_string())));
    }
    let Ok(id) = digits.parse() else { return Ok(None) };
    let Some(record) = at.node.block_record(&at.tip, BlockKey::Id(id))? else {
        return Ok(None);
    };
    Ok(Some(if at.tip.snapshot.is_active(&record)? {
        Destination::Block(record.height().0)
    } else {
        Destination::BlockId(record.id.to_string())
    }))
}
