use tally_chain::{
    CheckedTransaction, Height,
    transaction::{Authenticator, Transaction},
};
use tally_node::{BlockRecord, Included, Located, Place, StoreError};

use super::{
    At,
    blocks::evidence,
    rows::{Slice, price, scheme, shown, units},
};
use crate::model::{
    BaseUnits, Listing, LogView, StatusFilter, TransactionEvidence, TransactionKind, TransactionPage, TransactionQuery,
    TransactionRow,
};

/// How many blocks, counted from the tip, are looked through for transactions.
const BLOCKS: usize = 5_000;

/// How many transactions are looked at where a filter cannot use an index.
const WINDOW: usize = 2_000;

/// One page of the transactions table: what waits first, then what is in blocks, newest first.
pub fn transactions(at: &At<'_>, query: &TransactionQuery) -> Result<Listing<TransactionRow>, StoreError> {
    let slice = Slice::new(query.page, query.rows);
    let wanted = slice.skip() + slice.take() + 1;
    let mut gathered = Gathered {
        query,
        skip: slice.skip(),
        wanted,
        seen: 0,
        looked_at: 0,
        rows: Vec::new(),
    };
    if matches!(query.status, StatusFilter::Any | StatusFilter::Pending) {
        for transaction in at.waiting(WINDOW) {
            gathered.offer(&transaction, || at.pending_row(&transaction))?;
        }
    }
    if query.status != StatusFilter::Pending {
        gathered.walk(at)?;
    }
    let window = (gathered.looked_at >= WINDOW).then_some(WINDOW as u64);
    Ok(slice.listing(gathered.rows, None, window))
}

/// What a walk from the newest transaction back has found so far.
struct Gathered<'a> {
    query: &'a TransactionQuery,
    skip: usize,
    wanted: usize,
    seen: usize,
    looked_at: usize,
    rows: Vec<TransactionRow>,
}

impl Gathered<'_> {
    fn is_done(&self) -> bool {
        self.seen >= self.wanted || self.looked_at >= WINDOW
    }

    /// Takes a transaction that fits the filter; its row is made only if it is on the page.
    fn offer(
        &mut self,
        transaction: &CheckedTransaction,
        row: impl FnOnce() -> Result<TransactionRow, StoreError>,
    ) -> Result<(), StoreError> {
        if self.is_done()
            || self
                .query
                .scheme
                .is_some_and(|wanted| wanted != scheme(transaction.transaction()))
        {
            return Ok(());
        }
        self.seen += 1;
        if self.seen > self.skip {
            self.rows.push(row()?);
        }
        Ok(())
    }

    /// Goes through the blocks from the tip back.
    fn walk(&mut self, at: &At<'_>) -> Result<(), StoreError> {
        let unfiltered = self.query.scheme.is_none() && self.query.status == StatusFilter::Any;
        for record in at.tip.snapshot.records_from(Height::GENESIS).rev().take(BLOCKS) {
            let record = record?;
            let count = record.transaction_count as usize;
            if self.is_done() {
                return Ok(());
            }
            if unfiltered && self.seen + count <= self.skip {
                self.seen += count;
            } else if count > 0 {
                self.open(at, &record, unfiltered)?;
            }
        }
        Ok(())
    }

    /// Goes through one block, last transaction first.
    fn open(&mut self, at: &At<'_>, record: &BlockRecord, unfiltered: bool) -> Result<(), StoreError> {
        let body = at
            .tip
            .snapshot
            .block(&record.id)?
            .map(|block| block.transactions)
            .unwrap_or_default();
        let receipts = at.tip.snapshot.receipts(&record.id)?;
        for (index, (raw, receipt)) in body.into_iter().zip(&receipts).enumerate().rev() {
            if self.is_done() {
                break;
            }
            if !unfiltered {
                self.looked_at += 1;
            }
            let fits = match self.query.status {
                StatusFilter::Succeeded => receipt.success,
                StatusFilter::Failed => !receipt.success,
                StatusFilter::Any | StatusFilter::Pending => true,
            };
            if unfiltered && self.seen < self.skip {
                self.seen += 1;
                continue;
            }
            if !fits
                || self
                    .query
                    .scheme
                    .is_some_and(|wanted| wanted != scheme(raw.transaction()))
            {
                continue;
            }
            if let Ok(transaction) = at.node.checker().check_one(raw) {
                self.offer(&transaction, || {
                    at.included_row(&transaction, record, index as u32, receipt)
                })?;
            }
        }
        Ok(())
    }
}

/// The newest transactions in blocks.
pub fn latest(at: &At<'_>, count: u32) -> Result<Vec<TransactionRow>, StoreError> {
    let query = TransactionQuery {
        status: StatusFilter::Any,
        scheme: None,
        page: 1,
        rows: count,
    };
    let wanted = count as usize;
    let mut gathered = Gathered {
        query: &query,
        skip: 0,
        wanted,
        seen: 0,
        looked_at: 0,
        rows: Vec::new(),
    };
    gathered.walk(at)?;
    Ok(gathered.rows)
}

/// A transaction, waiting or in a block.
pub fn transaction(at: &At<'_>, id: &str) -> Result<Option<TransactionPage>, StoreError> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let Some(located) = at.node.transaction(&at.tip, &id)? else {
        return Ok(None);
    };
    page(at, &located).map(Some)
}

fn page(at: &At<'_>, located: &Located) -> Result<TransactionPage, StoreError> {
    let (transaction, included) = (&located.transaction, located.included.as_ref());
    let view = transaction.view();
    let row = at.located_row(located)?;
    let base_fee = |included: &Included| included.block.manifest.base_fee;
    let paid = included.map(|included| BaseUnits::new(price(&view, base_fee(included))));
    let burned =
        included.map(|included| BaseUnits::new(base_fee(included).saturating_mul(included.receipt.gas_used.into())));
    let text = (row.kind == TransactionKind::Payment)
        .then(|| String::from_utf8(view.data.to_vec()).ok())
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
        memo: text.filter(|text| !text.is_empty() && !text.chars().any(|c| c.is_control() && c != '\n')),
        authenticator,
        public_key,
        signature,
        logs: included.map(logs).unwrap_or_default(),
        row,
    })
}

fn logs(included: &Included) -> Vec<LogView> {
    let logs = included.receipt.logs.iter();
    logs.map(|log| LogView {
        address: shown(&log.address),
        topics: log.topics.iter().map(ToString::to_string).collect(),
        data: log.data.to_string(),
    })
    .collect()
}

/// Scheme, public key and signature as text.
fn signed_with(transaction: &Transaction) -> (String, Option<String>, String) {
    let hex = |bytes: &[u8]| tally_chain::Bytes::copy_from_slice(bytes).to_string();
    match transaction {
        Transaction::Ethereum(tx) => (
            "secp256k1, recovered as in Ethereum".to_owned(),
            None,
            hex(&tx.signature),
        ),
        Transaction::Tally(tx) => match &tx.authenticator {
            Authenticator::RsaPssSha256 { public_key, signature } => (
                format!("RSA-{}, PSS with SHA-256", public_key.bits()),
                Some(hex(public_key.spki())),
                hex(signature),
            ),
            Authenticator::Secp256k1 { public_key, signature } => (
                "ECDSA on secp256k1 with SHA-256".to_owned(),
                Some(hex(public_key)),
                hex(signature),
            ),
        },
    }
}

/// The bytes behind a transaction's page.
pub fn transaction_evidence(at: &At<'_>, id: &str) -> Result<Option<TransactionEvidence>, StoreError> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let Some(located) = at.node.transaction(&at.tip, &id)? else {
        return Ok(None);
    };
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
    Ok(Some(TransactionEvidence {
        envelope: located.transaction.envelope().clone(),
        inclusion,
    }))
}

impl At<'_> {
    /// What waits in the pool, those first that a block would take first.
    pub fn waiting(&self, most: usize) -> Vec<CheckedTransaction> {
        let base_fee = self.tip.ancestors.next_base_fee(self.node.spec());
        self.node
            .with_pool(|pool| pool.best(base_fee, self.node.now()).take(most).collect())
    }

    /// The value of a transaction, for sums.
    pub fn base_fee(&self) -> BaseUnits {
        units(tally_chain::Amount(tally_chain::U256::from(
            self.tip.ancestors.next_base_fee(self.node.spec()),
        )))
    }
}
