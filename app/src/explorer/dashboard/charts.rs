//! The charts of a run of blocks; other pages show some of them too.

use leptos::prelude::*;

use crate::{
    format,
    model::ChartPoint as BlockPoint,
    ui::{Chart, ChartKind, ChartPoint, ChartSeries},
};

fn points(series: &[BlockPoint], value: impl Fn(&BlockPoint) -> Option<f64>) -> Vec<ChartPoint> {
    let point = |block: &BlockPoint| ChartPoint {
        name: format!("Block {}", format::count(block.height)),
        href: Some(format!("/block/{}", block.height)),
        value: value(block),
    };
    series.iter().map(point).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// Seconds between blocks, against what the chain aims at.
pub fn interval_chart(series: &[BlockPoint], spacing: u64) -> impl IntoView + use<> {
    let summary =
        mean(series.iter().filter_map(|point| point.interval)).map(|mean| format!("mean {}", format::duration(mean)));
    let chart = ChartSeries {
        points: points(series, |point| point.interval.map(|interval| interval.max(0.0))),
        format_value: format::duration,
        reference: (spacing > 0).then(|| (spacing as f64, "aim".to_owned())),
    };
    view! { <Chart title="Block interval" summary=summary.unwrap_or_default() kind=ChartKind::Bars series=chart measure="Interval" /> }.into_any()
}

/// Transactions in each block.
pub fn transactions_chart(series: &[BlockPoint]) -> impl IntoView + use<> {
    let total: u64 = series.iter().map(|point| u64::from(point.transactions)).sum();
    let summary = format!(
        "{} in {}",
        format::count(total),
        format::plural(series.len() as u64, "block", "blocks")
    );
    let chart = ChartSeries {
        points: points(series, |point| Some(f64::from(point.transactions))),
        format_value: |value| format::decimal(value, 1),
        reference: None,
    };
    view! { <Chart title="Transactions per block" summary=summary kind=ChartKind::Bars series=chart measure="Transactions" /> }.into_any()
}

/// Expected hashes of each block.
pub fn difficulty_chart(series: &[BlockPoint], spacing: u64) -> impl IntoView + use<> {
    let last = series.last().filter(|_| spacing > 0);
    let summary = last.map(|last| {
        format!(
            "{} at {spacing} s a block",
            format::hash_rate(last.difficulty / spacing as f64)
        )
    });
    let chart = ChartSeries {
        points: points(series, |point| Some(point.difficulty)),
        format_value: format::hashes,
        reference: None,
    };
    view! { <Chart title="Difficulty" summary=summary.unwrap_or_default() kind=ChartKind::Line series=chart measure="Expected hashes" /> }.into_any()
}

/// Seconds from seen to confirmed, over the latest transactions.
pub fn confirmation_chart(waits: &[f64]) -> impl IntoView + use<> {
    let summary = mean(waits.iter().copied()).map(|mean| format!("mean {}", format::duration(mean)));
    let point = |(place, wait): (usize, &f64)| ChartPoint {
        name: format!("Payment {}", place + 1),
        href: None,
        value: Some(*wait),
    };
    let points = waits.iter().enumerate().map(point).collect();
    let chart = ChartSeries {
        points,
        format_value: format::duration,
        reference: None,
    };
    view! { <Chart title="Confirmation time" summary=summary.unwrap_or_default() kind=ChartKind::Line series=chart measure="Wait" /> }.into_any()
}
