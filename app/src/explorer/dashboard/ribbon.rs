//! The ribbon: the chain as a tally stick. Pending payments are light strokes left of the line,
//! blocks are notches right of it, the deeper the more they hold, and the newest moves in at the line.

use leptos::prelude::*;

use crate::{
    base::at_base,
    format,
    model::{BlockRow, Notch, Overview},
    ui::Time,
};

/// Depth of the cut, of the stick's 56 units: for an empty block, and for one of ten thousand transactions.
const SHALLOW: f64 = 5.0;
const DEEP: f64 = 46.0;

/// The stick. It is drawn once; blocks and payments come and go in it.
#[component]
pub fn Ribbon(#[prop(into)] overview: Signal<Overview>) -> impl IntoView {
    let pending = Memo::new(move |_| overview.with(|overview| overview.pending));
    let newest = Memo::new(move |_| overview.with(|overview| overview.tip.height));
    let notches = Memo::new(move |_| overview.with(|overview| overview.notches.clone()));
    let hidden = move || pending.get().saturating_sub(notches.with(Vec::len) as u64);
    // What was there when the page came does not move in.
    let at_first = newest.get_untracked();
    let more = move || {
        let text = format!("+{}", format::count(hidden()));
        (hidden() > 0 && notches.with(|notches| !notches.is_empty()))
            .then(|| view! { <span class="strokes-more">{text}</span> })
    };
    // The next to be included stands at the line.
    let waiting = move || notches.get().into_iter().rev().collect::<Vec<_>>();
    view! {
        <section class="ribbon" aria-label="The chain">
            <div class="ribbon-pending">
                <a class="ribbon-title" href=at_base("/mempool")>
                    <strong>{move || format::count(pending.get())}</strong>
                    " pending"
                </a>
                <div class="strokes">
                    {more}
                    <For
                        each=waiting
                        key=|notch| notch.id.clone()
                        let:notch
                    >
                        <Stroke notch=notch />
                    </For>
                </div>
            </div>
            <div class="ribbon-line" aria-hidden="true"></div>
            <ol class="stick" aria-label="Newest blocks first">
                <For
                    each=move || overview.with(|overview| overview.blocks.clone())
                    key=|block| block.id.clone()
                    let:block
                >
                    <BlockNotch arriving={block.height > at_first} newest=newest block=block />
                </For>
            </ol>
        </section>
    }
    .into_any()
}

#[component]
fn Stroke(notch: Notch) -> impl IntoView {
    let name = format!(
        "Pending {} payment {}",
        notch.scheme.label(),
        format::shortened(&notch.id, 10, 6)
    );
    view! {
        <a class="stroke" href=at_base(format!("/tx/{}", notch.id)) aria-label=name.clone() title=name>
            <span class="stroke-line"></span>
        </a>
    }
    .into_any()
}

#[component]
fn BlockNotch(block: BlockRow, arriving: bool, newest: Memo<u64>) -> impl IntoView {
    // Each tenfold of transactions cuts a quarter deeper.
    let share = (f64::from(block.transactions) + 1.0).log10() / 4.0;
    let depth = SHALLOW + (DEEP - SHALLOW) * share.min(1.0);
    let half = 6.0 + depth / 3.0;
    let cut = format!("M0 0H{:.1}L50 {depth:.1}L{:.1} 0H100V56H0Z", 50.0 - half, 50.0 + half);
    let count = format::plural(u64::from(block.transactions), "transaction", "transactions");
    let name = format!("Block {}, {count}", format::count(block.height));
    view! {
        <li
            class="notch"
            class:notch-even=block.height.is_multiple_of(2)
            class:notch-arriving=arriving
            class:notch-newest=move || newest.get() == block.height
        >
            <a class="notch-link" href=at_base(format!("/block/{}", block.height)) aria-label=name>
                <span class="notch-height">{format::count(block.height)}</span>
                <svg class="notch-cut" viewBox="0 0 100 56" preserveAspectRatio="none" aria-hidden="true">
                    <path d=cut />
                </svg>
                <span class="notch-count">{format!("{} tx", format::count(block.transactions))}</span>
            </a>
            <span class="notch-time">
                <Time at=block.time />
            </span>
        </li>
    }
    .into_any()
}
