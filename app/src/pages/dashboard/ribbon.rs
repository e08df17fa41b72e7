//! The ribbon: the chain as a tally stick. Pending payments are light strokes left of the line,
//! blocks are notches right of it, the deeper the more they hold, and the newest moves in at the line.

use leptos::prelude::*;

use crate::{
    format,
    model::{BlockRow, Notch},
    ui::Time,
};

/// Depth of the cut, of the stick's 56 units: for an empty block, and for one of ten thousand transactions.
const SHALLOW: f64 = 5.0;
const DEEP: f64 = 46.0;

#[component]
pub fn Ribbon(blocks: Vec<BlockRow>, notches: Vec<Notch>, pending: u64) -> impl IntoView {
    let shown = notches.len() as u64;
    let strokes = notches
        .into_iter()
        .rev()
        .map(|notch| {
            let name = format!(
                "Pending {} payment {}",
                notch.scheme.label(),
                format::shortened(&notch.id, 10, 6)
            );
            view! {
                <a class="stroke" href=format!("/tx/{}", notch.id) aria-label=name.clone() title=name>
                    <span class="stroke-line"></span>
                </a>
            }
        })
        .collect_view();
    let more = (pending > shown && shown > 0)
        .then(|| view! { <span class="strokes-more">{format!("+{}", format::count(pending - shown))}</span> });
    let newest = blocks.first().map(|block| block.height);
    let blocks = StoredValue::new(blocks);
    view! {
        <section class="ribbon" aria-label="The chain">
            <div class="ribbon-pending">
                <a class="ribbon-title" href="/mempool">
                    <strong>{format::count(pending)}</strong>
                    " pending"
                </a>
                <div class="strokes">{more} {strokes}</div>
            </div>
            <div class="ribbon-line" aria-hidden="true"></div>
            <ol class="stick" aria-label="Newest blocks first">
                <For each=move || blocks.get_value() key=|block| block.id.clone() let:block>
                    <BlockNotch block=block newest=newest />
                </For>
            </ol>
        </section>
    }
    .into_any()
}

#[component]
fn BlockNotch(block: BlockRow, newest: Option<u64>) -> impl IntoView {
    // Each tenfold of transactions cuts a quarter deeper.
    let share = (f64::from(block.transactions) + 1.0).log10() / 4.0;
    let depth = SHALLOW + (DEEP - SHALLOW) * share.min(1.0);
    let half = 6.0 + depth / 3.0;
    let cut = format!("M0 0H{:.1}L50 {depth:.1}L{:.1} 0H100V56H0Z", 50.0 - half, 50.0 + half);
    let name = format!(
        "Block {}, {}",
        format::count(block.height),
        format::plural(u64::from(block.transactions), "transaction", "transactions")
    );
    view! {
        <li class="notch" class:notch-newest=newest == Some(block.height)>
            <a class="notch-link" href=format!("/block/{}", block.height) aria-label=name>
                <span class="notch-height">{format::count(block.height)}</span>
                <svg class="notch-cut" viewBox="0 0 100 56" preserveAspectRatio="none" aria-hidden="true">
                    <path d=cut />
                </svg>
                <span class="notch-count">{format!("{} tx", format::count(block.transactions))}</span>
            </a>
            <span class="notch-time"><Time at=block.time /></span>
        </li>
    }
    .into_any()
}
