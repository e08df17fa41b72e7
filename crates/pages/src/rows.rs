//! Blocks and transactions as lines of a table, and what they share.

use tally_chain::{
    Address, Amount, CheckedTransaction, Receipt, U256, address, fees::effective_price, pow::Target, transaction::View,
};
use tally_node::{BlockRecord, Included, Located, StoreError};

use crate::at::At;
use tally_app::model::{BaseUnits, BlockRef, BlockRow, Listing, MAX_ROWS, Status, TransactionKind, TransactionRow};
pub use tally_app::server::scheme;

/// An amount as the pages carry it.
pub fn units(amount: Amount) -> BaseUnits {
    BaseUnits::new(amount.0)
}

/// An address with its checksum. Rule: docs/protocol.md#A1
pub fn shown(address: &Address) -> String {
    address.to_checksum(None)
}

/// Expected hashes for a compact target. Rule: docs/protocol.md#H6
pub fn difficulty(bits: u32) -> f64 {
    Target::from_bits(bits).map_or(0.0, |target| f64::from(target.work().0))
}

/// Which entries of a list a page holds.
pub struct Slice {
    pub page: u32,
    pub rows: u32,
}

impl Slice {
    /// Brings what a URL names within bounds.
    pub fn new(page: u32, rows: u32) -> Self {
        Self {
            page: page.max(1),
            rows: rows.clamp(1, MAX_ROWS),
        }
    }

    pub fn skip(&self) -> usize {
        (self.page as usize - 1).saturating_mul(self.rows as usize)
    }

    pub fn take(&self) -> usize {
        self.rows as usize
    }

    /// A listing of what was taken, where one entry more than fits marks that there is a next page.
    pub fn listing<T>(&self, mut items: Vec<T>, total: Option<u64>, window: Option<String>) -> Listing<T> {
        let more = items.len() > self.take() || total.is_some_and(|total| total > (self.skip() + self.take()) as u64);
        items.truncate(self.take());
        Listing {
            items,
            page: self.page,
            rows: self.rows,
            total,
            more,
            window,
        }
    }
}

impl At<'_> {
    /// A block as a line of a table.
    pub fn block_row(&self, record: &BlockRecord) -> Result<BlockRow, StoreError> {
        Ok(BlockRow {
            height: record.height().0,
            id: record.id.to_string(),
            time: record.header.time.into(),
            interval: self.interval(record)?,
            transactions: record.transaction_count,
            gas_used: record.manifest.gas_used,
            gas_limit: record.manifest.gas_limit,
            bytes: record.bytes,
            producer: shown(&record.manifest.producer),
            burned: units(record.burned),
        })
    }

    /// Seconds since the parent; `None` where that is genesis, whose time is a matter of form.
    pub fn interval(&self, record: &BlockRecord) -> Result<Option<i64>, StoreError> {
        if record.height().0 < 2 {
            return Ok(None);
        }
        let parent = self.node.snapshot().record(&record.header.parent)?;
        Ok(parent.map(|parent| i64::from(record.header.time) - i64::from(parent.header.time)))
    }

    /// A located transaction as a line of a table.
    pub fn located_row(&self, located: &Located) -> Result<TransactionRow, StoreError> {
        match &located.included {
            Some(Included { block, index, receipt }) => self.included_row(&located.transaction, block, *index, receipt),
            None => self.pending_row(&located.transaction),
        }
    }

    /// A transaction of a block of the main chain.
    pub fn included_row(
        &self,
        transaction: &CheckedTransaction,
        block: &BlockRecord,
        index: u32,
        receipt: &Receipt,
    ) -> Result<TransactionRow, StoreError> {
        let mut row = self.pending_row(transaction)?;
        row.status = if receipt.success {
            Status::Succeeded
        } else {
            Status::Failed
        };
        row.fee = BaseUnits::new(price(&transaction.view(), block.manifest.base_fee) * U256::from(receipt.gas_used));
        row.time = block.header.time.into();
        row.to = row.to.or_else(|| receipt.contract.as_ref().map(shown));
        row.block = Some(BlockRef {
            height: block.height().0,
            id: block.id.to_string(),
            time: block.header.time.into(),
            index,
        });
        Ok(row)
    }

    /// A transaction that waits; its fee is the most it may pay.
    pub fn pending_row(&self, transaction: &CheckedTransaction) -> Result<TransactionRow, StoreError> {
        let view = transaction.view();
        let kind = match &view.to {
            None => TransactionKind::Creation,
            Some(to) if self.has_code(to)? => TransactionKind::Call,
            Some(_) => TransactionKind::Payment,
        };
        Ok(TransactionRow {
            id: transaction.id().to_string(),
            status: Status::Pending,
            scheme: scheme(transaction.transaction()),
            kind,
            from: shown(&transaction.sender()),
            to: view.to.as_ref().map(shown),
            value: units(view.value),
            fee: BaseUnits::new(U256::from(view.max_fee) * U256::from(view.gas_limit)),
            time: self.arrived(transaction),
            block: None,
        })
    }

    /// When a waiting transaction came to this node; for one that no longer waits, when it was made.
    fn arrived(&self, transaction: &CheckedTransaction) -> u64 {
        let arrived = self
            .node
            .with_pool(|pool| pool.entry(&transaction.id()).map(|entry| entry.arrived()));
        arrived
            .or(transaction.view().timestamp)
            .unwrap_or_else(|| self.node.now())
            .0
    }

    /// Whether an account is a contract at the tip.
    pub fn has_code(&self, address: &Address) -> Result<bool, StoreError> {
        let account = self.node.account(&self.tip, address)?;
        Ok(account.code_hash != tally_chain::state_tree::Account::default().code_hash)
    }
}

/// What a unit of gas cost in a block. Rule: docs/protocol.md#X3
pub fn price(view: &View<'_>, base_fee: u128) -> U256 {
    U256::from(effective_price(view.max_fee, view.max_priority_fee, base_fee).unwrap_or(view.max_fee))
}

/// Reads an address as people type it.
pub fn parse_address(text: &str) -> Option<Address> {
    address::parse(text.trim()).ok()
}
