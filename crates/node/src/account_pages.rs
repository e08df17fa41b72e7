//! Pages of an account's history, newest first: transactions, and rewards of the blocks that it produced.
//!
//! A page goes on behind the last place that was shown, which the store's indexes find at once, however deep it is: nothing
//! is counted from the newest entry. A cursor also names the newest block of which a line was shown. While that block is on
//! the chain, all that was shown still holds and the pages make one history, whatever arrives on top. Once it is not, part
//! of what was shown has been undone: no page can go on from there, and the error names the block.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::hex;
use tally_chain::{Address, Amount, B256, BlockId, Height, Receipt};

use crate::node::Node;
use crate::pipeline::Tip;
use crate::reads::Located;
use crate::store::{BlockRecord, HistoryKey, Place, StoreError};

/// Where a block's reward stands among its transactions: it is paid after all of them.
const REWARD: u32 = u32::MAX;
/// Bytes of a cursor: list, account, newest block (height and id), last place (height and index).
const CURSOR_BYTES: usize = 1 + 20 + 8 + 32 + 8 + 4;
/// Bytes of blocks that are read for one page, but for its first block: a hundred lines may stand in a hundred full blocks,
/// and anyone may request them. A page that is shorter for it has a cursor like any other.
const PAGE_BYTES: u64 = 64 << 20;

/// Which lines of a history are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Transactions alone.
    Transactions,
    /// Transactions, and rewards of blocks.
    All,
}

impl Lines {
    /// Distinguishes the cursors of the two lists.
    fn tag(self) -> u8 {
        match self {
            Self::Transactions => b'h',
            Self::All => b'l',
        }
    }

    fn of_tag(tag: u8) -> Option<Self> {
        [Self::Transactions, Self::All]
            .into_iter()
            .find(|lines| lines.tag() == tag)
    }
}

/// What the producer of a block received. It is in no receipt and under no root of its own: only this node reports it, from its index
/// of producers. Rules: docs/protocol.md#I1, #X4
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reward {
    /// The block that the account produced.
    pub block: BlockRecord,
    /// New money, in base units. Rule: docs/protocol.md#I1
    pub subsidy: Amount,
    /// Priority fees of the block's transactions.
    pub fees: Amount,
}

impl Reward {
    /// Subsidy and fees together.
    pub fn value(&self) -> Amount {
        // An executed block never pays more than the supply, which is below 2^256.
        self.subsidy.checked_add(self.fees).unwrap_or(self.subsidy)
    }
}

/// A line of an account's history.
#[derive(Debug, Clone)]
pub enum HistoryEntry {
    /// One that the account sent or received.
    Transaction(Located),
    /// What it earned by producing a block.
    Reward(Reward),
}

/// One page of an account's history, newest first.
#[derive(Debug, Clone)]
pub struct AccountPage {
    /// The lines, newest first.
    pub entries: Vec<HistoryEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<HistoryCursor>,
}

/// Where a page of one account's history begins: opaque outside of this file; `Display` and `FromStr` are its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryCursor {
    lines: Lines,
    account: Address,
    /// The newest block of which a line was shown.
    newest: BlockId,
    newest_height: Height,
    /// The last line that was shown.
    after: HistoryKey,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor of an account's history has {CURSOR_BYTES} bytes in hex")]
pub struct NoCursor;

/// Why a page of an account's history cannot be given.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum AccountPageError {
    #[error("the cursor is not one that this list gave out")]
    ForeignCursor,
    #[error("block {block} at height {height}, the newest that was shown, is no longer on the chain")]
    Gone { height: Height, block: BlockId },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Display for HistoryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HistoryKey(after) = self.after;
        let bytes = [
            &[self.lines.tag()][..],
            self.account.as_slice(),
            &self.newest_height.0.to_be_bytes(),
            self.newest.0.as_slice(),
            &after.height.0.to_be_bytes(),
            &after.index.to_be_bytes(),
        ]
        .concat();
        f.write_str(&hex::encode(bytes))
    }
}

impl FromStr for HistoryCursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        // Written in one way only, and never with 0x.
        if text.len() != 2 * CURSOR_BYTES || text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(NoCursor);
        }
        let bytes = hex::decode(text).map_err(|_| NoCursor)?;
        let mut rest = &bytes[..];
        let mut take = |count: usize| -> Result<&[u8], NoCursor> {
            let (head, tail) = rest.split_at_checked(count).ok_or(NoCursor)?;
            rest = tail;
            Ok(head)
        };
        Ok(Self {
            lines: Lines::of_tag(take(1)?[0]).ok_or(NoCursor)?,
            account: Address::from_slice(take(20)?),
            newest_height: Height(number(take(8)?)),
            newest: BlockId(B256::from_slice(take(32)?)),
            after: HistoryKey(Place {
                height: Height(number(take(8)?)),
                index: u32::try_from(number(take(4)?)).map_err(|_| NoCursor)?,
            }),
        })
    }
}

/// At most 8 bytes as a number, the most significant first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

impl HistoryCursor {
    fn check(&self, tip: &Tip, address: &Address, lines: Lines) -> Result<(), AccountPageError> {
        if self.account != *address || self.lines != lines || self.after.0.height > self.newest_height {
            return Err(AccountPageError::ForeignCursor);
        }
        match tip.snapshot.id_at(self.newest_height)? {
            Some(id) if id == self.newest => Ok(()),
            _ => Err(AccountPageError::Gone {
                height: self.newest_height,
                block: self.newest,
            }),
        }
    }
}

impl Node {
    /// A page of what touched an account, of at most `limit` lines, newest first; of fewer where their blocks are long. Rewards
    /// of a block stand before its transactions; genesis has none.
    pub fn account_page(
        &self,
        tip: &Tip,
        address: &Address,
        lines: Lines,
        cursor: Option<&HistoryCursor>,
        limit: usize,
    ) -> Result<AccountPage, AccountPageError> {
        if let Some(cursor) = cursor {
            cursor.check(tip, address, lines)?;
        }
        let mut keys = line_keys(tip, address, lines, cursor.map(|cursor| cursor.after), limit + 1)?;
        let found = keys.len();
        keys.truncate(limit);
        keys.truncate(lines_within(&lengths(tip, &keys)?, PAGE_BYTES));
        let more = found > keys.len();
        let next = match (keys.first(), keys.last()) {
            (Some(first), Some(last)) if more => {
                let (newest_height, newest) = match cursor {
                    Some(cursor) => (cursor.newest_height, cursor.newest),
                    None => (first.0.height, active_id(tip, first.0.height)?),
                };
                Some(HistoryCursor {
                    lines,
                    account: *address,
                    newest,
                    newest_height,
                    after: *last,
                })
            }
            _ => None,
        };
        let mut entries = Vec::with_capacity(keys.len());
        // Lines of one block stand side by side, so that it is read once for all of them.
        for of_block in keys.chunk_by(same_block) {
            self.lines_of_block(tip, of_block, &mut entries)?;
        }
        Ok(AccountPage { entries, next })
    }

    fn lines_of_block(
        &self,
        tip: &Tip,
        keys: &[HistoryKey],
        entries: &mut Vec<HistoryEntry>,
    ) -> Result<(), StoreError> {
        let (reward, rest) = match keys {
            [HistoryKey(Place { height, index: REWARD }), rest @ ..] => (Some(*height), rest),
            all => (None, all),
        };
        if let Some(height) = reward {
            entries.push(HistoryEntry::Reward(self.reward(tip, height)?));
        }
        if let [HistoryKey(first), ..] = rest {
            let indexes: Vec<u32> = rest.iter().map(|HistoryKey(place)| place.index).collect();
            let located = self.at_all(tip, first.height, &indexes)?;
            entries.extend(located.into_iter().map(HistoryEntry::Transaction));
        }
        Ok(())
    }

    /// The reward of the block at `height` of the active chain.
    fn reward(&self, tip: &Tip, height: Height) -> Result<Reward, StoreError> {
        let block = tip.snapshot.known(&active_id(tip, height)?)?;
        let fees = match block.transaction_count {
            0 => Amount::ZERO,
            _ => priority_fees(tip, &block)?,
        };
        Ok(Reward {
            subsidy: self.spec().subsidy(height),
            fees,
            block,
        })
    }
}

fn same_block(HistoryKey(one): &HistoryKey, HistoryKey(other): &HistoryKey) -> bool {
    one.height == other.height
}

/// Of each block of these lines, in their order: how many of them it has, and its bytes.
fn lengths(tip: &Tip, keys: &[HistoryKey]) -> Result<Vec<(usize, u64)>, StoreError> {
    let lengths = keys.chunk_by(same_block).map(|of_block| {
        let HistoryKey(place) = of_block[0];
        let block = tip.snapshot.known(&active_id(tip, place.height)?)?;
        Ok((of_block.len(), block.bytes))
    });
    lengths.collect()
}

/// Lines of so many of the blocks, from the first on, as have at most `max` bytes together; those of the first always.
fn lines_within(blocks: &[(usize, u64)], max: u64) -> usize {
    let (mut lines, mut total) = (0, 0_u64);
    for (count, bytes) in blocks {
        total = total.saturating_add(*bytes);
        if lines > 0 && total > max {
            break;
        }
        lines += count;
    }
    lines
}

fn active_id(tip: &Tip, height: Height) -> Result<BlockId, StoreError> {
    tip.snapshot.id_at(height)?.ok_or_else(|| StoreError::Missing {
        what: format!("block {height}"),
    })
}

/// Priority fees of an executed block. Its signatures were checked when it was taken; fees are in the bytes.
fn priority_fees(tip: &Tip, block: &BlockRecord) -> Result<Amount, StoreError> {
    let body = tip.snapshot.block(&block.id)?.ok_or_else(|| StoreError::Missing {
        what: format!("the body of block {}", block.id),
    })?;
    let receipts = tip.snapshot.receipts(&block.id)?;
    let views = body.transactions.iter().map(|raw| raw.transaction().view());
    Ok(Receipt::priority_fees(&receipts, views, block.manifest.base_fee))
}

/// Keys of the lines before `before` (exclusive), newest first, at most `most`.
fn line_keys(
    tip: &Tip,
    address: &Address,
    lines: Lines,
    before: Option<HistoryKey>,
    most: usize,
) -> Result<Vec<HistoryKey>, StoreError> {
    let transactions = tip.snapshot.account_history(address, before).take(most);
    let mut keys = transactions
        .map(|entry| entry.map(|(key, _)| key))
        .collect::<Result<Vec<_>, StoreError>>()?;
    if lines == Lines::Transactions {
        return Ok(keys);
    }
    // The reward of the block in which the last page ended stands before all of its transactions, and was shown.
    let below = before.map_or(Height(u64::MAX), |HistoryKey(place)| place.height);
    for height in tip.snapshot.produced_below(address, below).take(most) {
        let height = height?;
        if height > Height::GENESIS {
            keys.push(HistoryKey(Place { height, index: REWARD }));
        }
    }
    keys.sort_unstable_by(|one, other| other.cmp(one));
    keys.truncate(most);
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> HistoryCursor {
        HistoryCursor {
            lines: Lines::All,
            account: Address::repeat_byte(1),
            newest: BlockId(B256::repeat_byte(2)),
            newest_height: Height(9),
            after: HistoryKey(Place {
                height: Height(7),
                index: REWARD,
            }),
        }
    }

    #[test]
    fn a_page_reads_its_first_block_and_no_more_bytes_than_it_may() {
        let cases: [(&[(usize, u64)], usize); 5] = [
            (&[], 0),
            (&[(3, 500)], 3),
            (&[(3, 60), (2, 40), (1, 1)], 5),
            (&[(3, 500), (2, 1)], 3),
            (&[(1, u64::MAX), (1, u64::MAX)], 1),
        ];
        for (blocks, expected) in cases {
            assert_eq!(lines_within(blocks, 100), expected, "{blocks:?}");
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        let text = cursor().to_string();
        assert_eq!(text.len(), 146);
        assert_eq!(text.parse(), Ok(cursor()));
        let other_list = format!("6c{}", &text[2..]);
        assert_eq!(text, other_list, "the list is its first byte");
        let transactions = format!("68{}", &text[2..]).parse::<HistoryCursor>();
        assert_eq!(transactions.map(|cursor| cursor.lines), Ok(Lines::Transactions));
        let (longer, unknown, upper) = (format!("{text}00"), format!("00{}", &text[2..]), text.to_uppercase());
        let prefixed = format!("0x{}", &text[2..]);
        for wrong in ["", "6c", &text[2..], &longer, &unknown, &upper, &prefixed] {
            assert_eq!(wrong.parse::<HistoryCursor>(), Err(NoCursor), "{wrong}");
        }
    }
}
