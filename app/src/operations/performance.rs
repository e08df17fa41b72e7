use leptos::prelude::*;

use crate::{
    explorer::dashboard::{confirmation_chart, difficulty_chart, interval_chart, transactions_chart},
    format,
    live::Live,
    model::{ChainInfo, PerformanceView},
    reads,
    ui::{Claimed, Loaded, PageHead, Stat, Time},
};

/// The page at `/performance`.
#[component]
pub fn Performance() -> impl IntoView {
    let live = Live::get();
    let performance = Resource::new(move || live.on_chain(), |_| reads::performance());
    view! {
        <PageHead title="Performance" lead="What this node has measured about itself since it started. None of these figures is guaranteed." />
        <Loaded what="The figures" resource=performance show=|performance| view! { <Content performance=performance /> }.into_any() />
    }
    .into_any()
}

#[component]
fn Content(performance: PerformanceView) -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    let figures = performance
        .figures
        .into_iter()
        .map(|figure| view! { <Stat name=figure.name note=figure.note>{figure.value}</Stat> })
        .collect_view();
    let confirmation = performance
        .confirmation
        .map_or_else(|| "none seen yet".to_owned(), format::duration);
    let (series, waits) = (performance.series, performance.waits);
    view! {
        <p class="page-lead">"Running since " <Time at=performance.started both=true /></p>
        <dl class="stats">
            <Stat name="Throughput" note="over the last blocks">{format!("{} tx/s", format::decimal(performance.throughput, 2))}</Stat>
            <Stat name="Confirmation" note="median, from seen to in a block">{confirmation}</Stat>
            {figures}
        </dl>
        <Claimed />
        <section class="charts" aria-label="Charts">
            {transactions_chart(&series)}
            {confirmation_chart(&waits)}
            {interval_chart(&series, chain.spacing)}
            {difficulty_chart(&series, chain.spacing)}
        </section>
    }
    .into_any()
}
