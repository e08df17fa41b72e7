use std::time::Duration;

use tally_chain::Height;
use tally_node::{
    BlockRecord, StoreError,
    mempool::{FeeBucket, PoolView},
};

use crate::{
    at::At,
    blocks::first,
    rows::{Slice, difficulty, scheme, units},
    transactions::latest,
};
use tally_app::model::{BaseUnits, ChartPoint, FeeBand, MempoolView, Notch, Overview};

/// Blocks in the charts and in the estimates.
const CHART_BLOCKS: u64 = 60;

/// Transactions in the chart of confirmation times.
const CHART_WAITS: usize = 60;

/// Blocks in the ribbon and in the list beside it.
const RIBBON_BLOCKS: usize = 16;

/// Pending payments in the ribbon.
const RIBBON_NOTCHES: usize = 24;

/// Lines in the list of latest transactions.
const LATEST: u32 = 8;

/// Figures over the last blocks.
pub struct Run {
    /// Oldest first.
    pub records: Vec<BlockRecord>,
}

impl Run {
    /// The last blocks of the main chain.
    pub fn read(at: &At<'_>) -> Result<Self, StoreError> {
        let first = at.height().saturating_sub(CHART_BLOCKS - 1).max(first(at)?.0);
        let records = at
            .tip
            .snapshot
            .records_between(Height(first), Height(at.height()))
            .collect::<Result<_, _>>()?;
        Ok(Self { records })
    }

    /// First and last block of a span whose seconds mean something: genesis is left out.
    fn span(&self) -> Option<(&BlockRecord, &BlockRecord, f64)> {
        let first = self.records.iter().find(|record| record.height().0 > 0)?;
        let last = self.records.last()?;
        let seconds = f64::from(last.header.time) - f64::from(first.header.time);
        (first.id != last.id).then_some((first, last, seconds.max(1.0)))
    }

    /// Hashes a second, from the work done.
    pub fn hash_rate(&self) -> f64 {
        self.span().map_or(0.0, |(first, last, seconds)| {
            f64::from(last.weight.0 - first.weight.0) / seconds
        })
    }

    /// Mean seconds between blocks.
    pub fn interval(&self) -> Option<f64> {
        self.span()
            .map(|(first, last, seconds)| seconds / (last.height().0 - first.height().0) as f64)
    }

    /// Transactions a second.
    pub fn throughput(&self) -> f64 {
        self.span().map_or(0.0, |(first, last, seconds)| {
            (last.total_transactions - first.total_transactions) as f64 / seconds
        })
    }

    /// The charts' points.
    pub fn series(&self, at: &At<'_>) -> Result<Vec<ChartPoint>, StoreError> {
        let point = |record: &BlockRecord| {
            Ok(ChartPoint {
                height: record.height().0,
                time: record.header.time.into(),
                interval: at.interval(record)?.map(|seconds| seconds as f64),
                transactions: record.transaction_count,
                difficulty: difficulty(record.header.bits),
            })
        };
        self.records.iter().map(point).collect()
    }
}

impl At<'_> {
    /// Seconds that the latest transactions waited, oldest first.
    pub fn waits(&self) -> Vec<f64> {
        let samples = self.node.stats().confirmation_time.samples();
        let latest = &samples[samples.len().saturating_sub(CHART_WAITS)..];
        latest.iter().map(Duration::as_secs_f64).collect()
    }

    /// Median seconds from seen to confirmed.
    pub fn confirmation(&self) -> Option<f64> {
        self.node
            .stats()
            .confirmation_time
            .percentile(50)
            .map(|wait| wait.as_secs_f64())
    }

    /// Compact target of the next block.
    pub fn next_bits(&self) -> u32 {
        self.node.spec().engine().next_seal(&self.tip.ancestors).bits
    }
}

/// The dashboard.
pub fn overview(at: &At<'_>) -> Result<Overview, StoreError> {
    let run = Run::read(at)?;
    let newest = run.records.iter().rev().take(RIBBON_BLOCKS);
    let waiting = at.waiting(0, RIBBON_NOTCHES);
    let notch = |transaction: &tally_chain::CheckedTransaction| Notch {
        id: transaction.id().to_string(),
        scheme: scheme(transaction.transaction()),
    };
    Ok(Overview {
        tip: at.block_row(&at.tip.record)?,
        hash_rate: run.hash_rate(),
        difficulty: difficulty(at.next_bits()),
        interval: run.interval(),
        pending: at.node.with_pool(|pool| pool.len()) as u64,
        supply: units(at.tip.record.supply),
        throughput: run.throughput(),
        confirmation: at.confirmation(),
        base_fee: at.base_fee(),
        transactions: at.tip.record.total_transactions,
        blocks: newest.map(|record| at.block_row(record)).collect::<Result<_, _>>()?,
        notches: waiting.iter().map(notch).collect(),
        latest: latest(at, LATEST)?,
        series: run.series(at)?,
        waits: at.waits(),
    })
}

/// The pool with one page of what waits in it.
pub fn mempool(at: &At<'_>, page: u32, rows: u32) -> Result<MempoolView, StoreError> {
    let slice = Slice::new(page, rows);
    let view = at.node.pool_view(&at.tip);
    let limits = at.node.with_pool(|pool| *pool.config());
    let items = at
        .waiting(slice.skip(), slice.take() + 1)
        .iter()
        .map(|transaction| at.pending_row(transaction))
        .collect::<Result<_, _>>()?;
    Ok(MempoolView {
        count: view.len() as u64,
        bytes: view.bytes() as u64,
        max_count: limits.max_count as u64,
        max_bytes: limits.max_bytes as u64,
        base_fee: at.base_fee(),
        bands: bands(&view),
        transactions: slice.listing(items, None, None),
    })
}

/// Waiting transactions by the priority fee they offer, those that pay most first.
fn bands(view: &PoolView) -> Vec<FeeBand> {
    let band = |bucket: &FeeBucket| FeeBand {
        from: BaseUnits::new(bucket.from),
        count: bucket.count as u64,
        bytes: bucket.bytes as u64,
    };
    let mut bands: Vec<FeeBand> = view.fee_histogram().iter().map(band).collect();
    bands.sort_by_key(|band| std::cmp::Reverse((band.from.digits().len(), band.from.digits().to_owned())));
    bands
}
