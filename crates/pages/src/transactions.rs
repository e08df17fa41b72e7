use tally_chain::{Bytes, CheckedTransaction, Height, merkle, visible};
use tally_node::{BlockKey, BlockRecord, Included, Located, Place, StoreError};

use crate::{
    at::At,
    blocks::evidence,
    rows::{Slice, price, scheme, units},
};
use tally_app::format;
use tally_app::model::{
    BaseUnits, Listing, StatusFilter, TransactionEvidence, TransactionKind, TransactionPage, TransactionQuery,
    TransactionRow,
};
use tally_app::server::{log_views, policy_view, signed_with};

/// How many transactions are looked at where a filter cannot use an index.
const WINDOW: usize = 2_000;

/// One page of the transactions table: what waits first, then what is in blocks, newest first.
pub fn transactions(at: &At<'_>, query: &TransactionQuery) -> Result<Listing<TransactionRow>, StoreError> {
    let slice = Slice::new(query.page, query.rows);
    let mut walk = Walk::new(query, slice.skip(), slice.skip() + slice.take() + 1);
    let mut total = at.tip.record.total_transactions;
    if matches!(query.status, StatusFilter::Any | StatusFilter::Pending) {
        let waiting = at.waiting(0, WINDOW);
        total += waiting.len() as u64;
        for transaction in waiting {
            walk.offer(&transaction, || at.pending_row(&transaction))?;
        }
    }
    if query.status != StatusFilter::Pending {
        walk.go(at)?;
    }
    let total = walk.unfiltered().then_some(total);
    let window = (walk.looked_at >= WINDOW).then(|| format!("{} transactions", format::count(WINDOW as u64)));
    Ok(slice.listing(walk.rows, total, window))
}

/// The newest transactions in blocks.
pub fn latest(at: &At<'_>, count: u32) -> Result<Vec<TransactionRow>, StoreError> {
    let query = TransactionQuery {
        status: StatusFilter::Any,
        scheme: None,
        page: 1,
        rows: count,
    };
    let mut walk = Walk::new(&query, 0, count as usize);
    walk.go(at)?;
    Ok(walk.rows)
}

/// A walk from the newest transaction back, and what it has found so far.
struct Walk<'a> {
    query: &'a TransactionQuery,
    skip: usize,
    wanted: usize,
    /// Transactions that fit, skipped ones included.
    fitting: usize,
    /// Transactions whose bytes were read because of a filter.
    looked_at: usize,
    rows: Vec<TransactionRow>,
}

impl<'a> Walk<'a> {
    fn new(query: &'a TransactionQuery, skip: usize, wanted: usize) -> Self {
        Self {
            query,
            skip,
            wanted,
            fitting: 0,
            looked_at: 0,
            rows: Vec::new(),
        }
    }

    fn unfiltered(&self) -> bool {
        self.query.scheme.is_none() && self.query.status == StatusFilter::Any
    }

    fn is_done(&self) -> bool {
        self.fitting >= self.wanted || self.looked_at >= WINDOW
    }

    /// Takes a transaction that fits the filter; its row is made only if it is on the page.
    fn offer(
        &mut self,
        transaction: &CheckedTransaction,
        row: impl FnOnce() -> Result<TransactionRow, StoreError>,
    ) -> Result<(), StoreError> {
        let fits = self
            .query
            .scheme
            .is_none_or(|wanted| wanted == scheme(transaction.transaction()));
        if self.is_done() || !fits {
            return Ok(());
        }
        self.fitting += 1;
        if self.fitting > self.skip {
            self.rows.push(row()?);
        }
        Ok(())
    }

    /// Goes through what is in blocks. Empty blocks and skipped pages cost nothing: the running count of
    /// transactions leads straight to the block that holds the next one.
    fn go(&mut self, at: &At<'_>) -> Result<(), StoreError> {
        let mut left = at.tip.record.total_transactions;
        if self.unfiltered() {
            let skipped = left.min(self.skip.saturating_sub(self.fitting) as u64);
            left -= skipped;
            self.fitting += skipped as usize;
        }
        while left > 0 && !self.is_done() {
            let record = at.block_of(left)?;
            let before = record.total_transactions - u64::from(record.transaction_count);
            self.open(at, &record, (left - before) as usize)?;
            left = before;
        }
        Ok(())
    }

    /// Goes through the first transactions of one block, the last of them first.
    fn open(&mut self, at: &At<'_>, record: &BlockRecord, first: usize) -> Result<(), StoreError> {
        let body = at.tip.snapshot.block(&record.id)?.map(|block| block.transactions);
        let receipts = at.tip.snapshot.receipts(&record.id)?;
        let pairs = body
            .unwrap_or_default()
            .into_iter()
            .zip(&receipts)
            .take(first)
            .enumerate();
        for (index, (raw, receipt)) in pairs.collect::<Vec<_>>().into_iter().rev() {
            if self.is_done() {
                break;
            }
            self.looked_at += usize::from(!self.unfiltered());
            let fits = match self.query.status {
                StatusFilter::Succeeded => receipt.success,
                StatusFilter::Failed => !receipt.success,
                StatusFilter::Any | StatusFilter::Pending => true,
            };
            if let (true, Ok(transaction)) = (fits, at.node.checker().check_one(raw)) {
                self.offer(&transaction, || {
                    at.included_row(&transaction, record, index as u32, receipt)
                })?;
            }
        }
        Ok(())
    }
}

/// A transaction, waiting or in a block.
pub fn transaction(at: &At<'_>, id: &str) -> Result<Option<TransactionPage>, StoreError> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let (tip, located) = at.node.transaction(&id)?;
    let Some(located) = located else {
        return Ok(None);
    };
    page(&At { tip, ..*at }, &located).map(Some)
}

fn page(at: &At<'_>, located: &Located) -> Result<TransactionPage, StoreError> {
    let (transaction, included) = (&located.transaction, located.included.as_ref());
    let view = transaction.view();
    let row = at.located_row(located)?;
    let base_fee = |included: &Included| included.block.manifest.base_fee;
    let paid = included.map(|included| BaseUnits::new(price(&view, base_fee(included))));
    let burned =
        included.map(|included| BaseUnits::new(base_fee(included).saturating_mul(included.receipt.gas_used.into())));
    let memo = (row.kind == TransactionKind::Payment)
        .then(|| visible::memo(view.data))
        .flatten();
    let (authenticator, public_key, signature) = signed_with(transaction.transaction());
    Ok(TransactionPage {
        tip: at.height(),
        nonce: view.nonce,
        made: view.timestamp.map(|made| made.0),
        type_byte: format!("{:#04x}", view.kind),
        bytes: transaction.envelope().len() as u64,
        gas_limit: view.gas_limit,
        gas_used: included.map(|included| included.receipt.gas_used),
        max_fee: BaseUnits::new(view.max_fee),
        max_priority_fee: BaseUnits::new(view.max_priority_fee),
        gas_price: paid,
        burned,
        data: if view.data.is_empty() {
            String::new()
        } else {
            format!("{}", view.data)
        },
        memo: memo.map(str::to_owned),
        authenticator,
        public_key,
        signature,
        policy: policy_view(transaction.transaction()),
        logs: included
            .map(|included| log_views(&included.receipt))
            .unwrap_or_default(),
        provable: at.node.proves_chain(&at.tip)?,
        row,
    })
}

/// The bytes behind a transaction's page.
pub fn transaction_evidence(at: &At<'_>, id: &str) -> Result<Option<TransactionEvidence>, StoreError> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let (tip, located) = at.node.transaction(&id)?;
    let Some(located) = located else {
        return Ok(None);
    };
    let at = &At { tip, ..*at };
    let inclusion = match &located.included {
        Some(Included { block, index, .. }) => {
            let place = Place {
                height: block.height(),
                index: *index,
            };
            at.node
                .transaction_proof(&at.tip, place)?
                .map(|proof| (evidence(block), proof))
        }
        None => None,
    };
    let outcome = match &located.included {
        Some(included) => outcome(at, included)?,
        None => None,
    };
    Ok(Some(TransactionEvidence {
        envelope: located.transaction.envelope().clone(),
        inclusion,
        outcome,
    }))
}

/// The receipt of a transaction and its path to the block's root. Rules: docs/protocol.md#K2, #X5
fn outcome(at: &At<'_>, included: &Included) -> Result<Option<(Bytes, merkle::InclusionProof)>, StoreError> {
    let receipts = at.tip.snapshot.receipts(&included.block.id)?;
    let leaves: Vec<_> = receipts
        .iter()
        .map(|receipt| merkle::leaf_hash(&receipt.encode()))
        .collect();
    let proof = merkle::prove(&leaves, included.index as usize);
    Ok(proof.map(|proof| (included.receipt.encode().into(), proof)))
}

impl At<'_> {
    /// The block that holds the so-manieth transaction of the main chain, counted from 1 and not above the tip's count.
    fn block_of(&self, place: u64) -> Result<BlockRecord, StoreError> {
        let (mut low, mut high) = (0, self.height());
        let mut found = self.tip.record.clone();
        while low < high {
            let middle = low + (high - low) / 2;
            let record = self.node.block_record(&self.tip, BlockKey::Height(Height(middle)))?;
            match record {
                Some(record) if record.total_transactions >= place => {
                    high = middle;
                    found = record;
                }
                _ => low = middle + 1,
            }
        }
        Ok(found)
    }

    /// What waits in the pool and a block could take, those first that it would take first; the first `skip` are left out.
    pub fn waiting(&self, skip: usize, most: usize) -> Vec<CheckedTransaction> {
        let view = self.node.pool_view(&self.tip);
        let pooled = self.node.pooled(view.best(skip, most));
        pooled.iter().map(|pooled| pooled.transaction().clone()).collect()
    }

    /// The value of a transaction, for sums.
    pub fn base_fee(&self) -> BaseUnits {
        units(tally_chain::Amount(tally_chain::U256::from(
            self.tip.ancestors.next_base_fee(self.node.spec()),
        )))
    }
}
