//! The ribbon: the chain as a tally stick. Pending payments are light strokes left of the line,
//! blocks are notches right of it, the deeper the fuller, and the newest moves in at the line.

use leptos::prelude::*;

use crate::{
    format,
    model::{BlockRow, Notch},
    ui::Time,
};

/// Depth of the cut for a block that is empty and for one that is full, of the stick's 56 units.
const SHALLOW: f64 = 8.0;
const DEEP: f64 = 44.0;

#[component]
pub fn Ribbon(blocks: Vec<BlockRow>, notches: Vec<Notch>, pending: u64) -> impl IntoView {
    let shown = notches.len() as u64;
    let strokes = notches
        .into_iter()
        .rev()
        .map(|notch| {
            let name = format!("Pending {} payment {}", notch.scheme.label(), format::shortened(&notch.id, 10, 6));
            view! {
                <a class="stroke" href=format!("/tx/{}", notch.id) aria-label=name.clone() title=name>
                    <span class="stroke-line"></span>
                </a>
            }
        })
        .collect_view();
    let more = (pending > shown && shown > 0).then(|| view! { <span class="strokes-more">{format!("+{}", format::count(pending - shown))}</span> });
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
}

#[component]
fn BlockNotch(block: BlockRow, newest: Option<u64>) -> impl IntoView {
    let depth = SHALLOW + (DEEP - SHALLOW) * block.fullness().sqrt();
    let cut = format!("M0 0H38L50 {depth:.1}L62 0H100V56H0Z");
    let name = format!("Block {}, {}", format::count(block.height), format::plural(u64::from(block.transactions), "transaction", "transactions"));
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
}
