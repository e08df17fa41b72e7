//! A transaction on its way: from the pool into a block, and the blocks upon it.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    base::at_base,
    format,
    live::Live,
    model::{Status, TransactionPage},
    reads,
    ui::{Notice, NoticeKind, TransactionLink},
};

/// Confirmations after which the notches are full and the history no longer looks a payment up. More keep being counted.
pub const SETTLED: u64 = 6;

/// The order of requests and answers. Heights do not show it: the branch with more total work may be the shorter one.
#[derive(Debug, Default)]
pub struct Rounds {
    requested: u32,
    answered: u32,
}

impl Rounds {
    /// Another request: its number.
    pub fn begin(&mut self) -> u32 {
        self.requested = self.requested.wrapping_add(1);
        self.requested
    }

    /// Whether an answer counts: not if one to a later request has come before.
    pub fn settle(&mut self, round: u32) -> bool {
        let counts = self.answered <= round;
        self.answered = self.answered.max(round);
        counts
    }
}

/// Follows a transaction of this id for as long as it is shown.
#[component]
pub fn Follow(#[prop(into)] id: String) -> impl IntoView {
    let live = Live::get();
    let page = RwSignal::new(None::<TransactionPage>);
    // Known before, and now no more: another took its place, or the pool let it go.
    let gone = RwSignal::new(false);
    // It was in a block, and a branch with more total work has taken that block's place.
    let returned = RwSignal::new(false);
    let requested = id.clone();
    let rounds = StoredValue::new(Rounds::default());
    Effect::new(move |_| {
        live.on_pool();
        let id = requested.clone();
        let round = rounds.try_update_value(Rounds::begin).unwrap_or_default();
        spawn_local(async move {
            let Ok(read) = reads::transaction(id).await else { return };
            if rounds.try_update_value(|rounds| rounds.settle(round)) != Some(true) {
                return;
            }
            match read {
                Some(read) => {
                    gone.set(false);
                    let was_in =
                        page.with_untracked(|known| known.as_ref().is_some_and(|known| known.row.block.is_some()));
                    returned.update(|returned| *returned = read.row.block.is_none() && (was_in || *returned));
                    page.set(Some(read));
                }
                None => drop(gone.try_set(page.try_with_untracked(Option::is_some) == Some(true))),
            }
        });
    });
    let confirmations = move || page.with(|page| page.as_ref().map_or(0, TransactionPage::confirmations));
    let status = move || page.with(|page| page.as_ref().map(|page| page.row.status));
    let headline = move || match (status(), confirmations()) {
        _ if gone.get() => "No longer waiting: replaced or dropped".to_owned(),
        (None, _) => "Sent to the node".to_owned(),
        (Some(Status::Pending), _) if returned.get() => {
            "Pending again: a branch with more work replaced its block".to_owned()
        }
        (Some(Status::Pending), _) => "Pending: waiting for the next block".to_owned(),
        (Some(Status::Failed), _) => "In a block, but it failed".to_owned(),
        (Some(Status::Succeeded), count) => format::plural(count, "confirmation", "confirmations"),
    };
    let class = move || match status() {
        _ if gone.get() => "follow follow-failed",
        Some(Status::Succeeded) => "follow follow-in",
        Some(Status::Failed) => "follow follow-failed",
        _ => "follow follow-waiting",
    };
    // Drawn again only for another block: its link keeps the focus.
    let height = Memo::new(move |_| {
        page.with(|page| {
            let block = page.as_ref().and_then(|page| page.row.block.as_ref());
            block.map(|block| block.height)
        })
    });
    let block = move || {
        height.get().map(|height| view! { <a href=at_base(format!("/block/{height}"))>{format!("Block {}", format::count(height))}</a> })
    };
    let notches = move || {
        (0..SETTLED)
            .map(|place| {
                let x = 4 + place * 16;
                let cut = move || place < confirmations();
                view! { <rect class="follow-notch" class:follow-cut=cut x=x.to_string() y="4" width="6" height="16" rx="1" /> }
            })
            .collect_view()
    };
    view! {
        <div class=class>
            <svg class="follow-stick" viewBox="0 0 100 24" width="100" height="24" aria-hidden="true">
                <path class="follow-wood" d="M0 12h100" />
                {notches()}
            </svg>
            <p class="follow-line" role="status" aria-live="polite">
                <strong>{headline}</strong>
            </p>
            <p class="follow-links">{block} <TransactionLink id=id /></p>
            <Show when=move || gone.get()>
                <Notice kind=NoticeKind::Warning title="The node no longer knows this payment">
                    <p>"Another of the same nonce took its place, or the pool dropped it. This node does not find it in its chain."</p>
                    <p><a href=at_base("/wallet/history")>"The history"</a> " shows which of the two happened, and can send it again."</p>
                </Notice>
            </Show>
            <Show when=move || status() == Some(Status::Failed) && !gone.get()>
                <Notice kind=NoticeKind::Error title="The payment failed in its block">
                    <p>"The fee was paid, nothing else changed. The receiver may be a contract that rejected it."</p>
                </Notice>
            </Show>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::Rounds;

    #[test]
    fn a_late_answer_changes_nothing_any_more() {
        let mut rounds = Rounds::default();
        let (first, second) = (rounds.begin(), rounds.begin());
        assert!(rounds.settle(second));
        assert!(!rounds.settle(first));
        let third = rounds.begin();
        assert!(rounds.settle(third));
    }
}
