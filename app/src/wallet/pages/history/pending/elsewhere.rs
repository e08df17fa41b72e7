//! Payments in doubt of accounts that the history does not offer. Rules: docs/protocol.md#W54, #W56

use std::collections::BTreeSet;

use leptos::{prelude::*, task::spawn_local};

use super::{
    Pending,
    look::{Included, Missing, look},
    missing::Lost,
};
use crate::{
    live::Live,
    ui::{Notice, NoticeKind},
    wallet::{
        sending::follow::Rounds,
        session::Wallet,
        storage::journal::{self, Sent},
    },
};

/// Lists what this browser sent from accounts that are not in the list of accounts, and of which it is not known whether it was
/// taken: of archived ones, of ones that the wallet no longer has, and of the one that gives test coins.
#[component]
pub fn Elsewhere() -> impl IntoView {
    let pending = expect_context::<Pending>();
    let (wallet, live) = (Wallet::get(), Live::get());
    let found = RwSignal::new(Vec::<Missing>::new());
    let unasked = RwSignal::new(None::<String>);
    let included = StoredValue::new(Included::default());
    let rounds = StoredValue::new(Rounds::default());
    let again = RwSignal::new(0u32);
    let offered = Memo::new(move |_| {
        let accounts = wallet.current_accounts().into_iter();
        accounts.map(|account| account.address).collect::<Vec<_>>()
    });
    Effect::new(move |_| {
        let tip = live.on_chain();
        again.track();
        let (offered, genesis) = (offered.get(), pending.genesis());
        let round = rounds.try_update_value(Rounds::begin).unwrap_or_default();
        spawn_local(async move {
            let read = in_doubt(&offered, &genesis, included, tip).await;
            // An answer that comes after a newer one is of an older tip.
            if rounds.try_update_value(|rounds| rounds.settle(round)) != Some(true) {
                return;
            }
            // What is shown stays until the node answers.
            match read {
                Ok(lost) => {
                    let _ = unasked.try_set(None);
                    let _ = found.try_set(lost);
                }
                Err(why) => drop(unasked.try_set(Some(why.trim_end_matches('.').to_owned()))),
            }
        });
    });
    // Lines that stay the same are not drawn anew: a question in one of them would be gone.
    let shown = Memo::new(move |_| found.get());
    let lines = move || {
        let lost = shown.get();
        (!lost.is_empty()).then(|| {
            let rows = lost
                .into_iter()
                .map(|missing| view! { <Lost missing=missing again=again of_other=true /> })
                .collect_view();
            view! {
                <section class="card" aria-labelledby="lost-elsewhere">
                    <h2 id="lost-elsewhere">"In doubt, from accounts that are not in the list"</h2>
                    <ol class="lines lost">{rows}</ol>
                </section>
            }
        })
    };
    let unasked = move || {
        unasked.get().map(|why| {
            view! {
                <Notice kind=NoticeKind::Warning title="Payments of accounts that are not in the list could not be looked up">
                    <p>{format!("{why}. Payments in doubt of archived accounts may be missing here. They are looked up again with the next block.")}</p>
                </Notice>
            }
        })
    };
    view! {
        {unasked}
        {lines}
    }
}

/// Reads what is in doubt of the accounts that are not `offered`. A list that cannot be read is named by the chosen account's part
/// of the page.
async fn in_doubt(
    offered: &[String],
    genesis: &str,
    included: StoredValue<Included>,
    tip: u32,
) -> Result<Vec<Missing>, String> {
    let journal = journal::load(genesis).unwrap_or_default();
    let is_settled = |id: &str| included.try_with_value(|included| included.is_settled(id)) != Some(false);
    let mut lost = Vec::new();
    for account in senders_in_doubt(&journal, offered, is_settled) {
        let standing = look(&account, genesis, included, tip).await?;
        lost.extend(standing.lost.into_iter().filter(|missing| !missing.sent.acknowledged));
    }
    Ok(lost)
}

/// The accounts, none of those that are `offered`, of which something was sent without an answer that shows what became of it.
fn senders_in_doubt(journal: &[Sent], offered: &[String], is_settled: impl Fn(&str) -> bool) -> BTreeSet<String> {
    journal
        .iter()
        .filter(|sent| !sent.acknowledged && !offered.contains(&sent.from) && !is_settled(&sent.id))
        .map(|sent| sent.from.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: &str, from: &str, acknowledged: bool) -> Sent {
        Sent {
            from: from.to_owned(),
            acknowledged,
            ..Sent::in_doubt(id)
        }
    }

    #[test]
    fn what_is_in_doubt_of_an_archived_account_is_looked_up() {
        let journal = [
            sent("a", "0xOffered", false),
            sent("b", "0xArchived", false),
            sent("c", "0xArchived", true),
            sent("d", "0xArchived", false),
            sent("e", "0xTaken", true),
            sent("f", "0xSettled", false),
        ];
        let offered = ["0xOffered".to_owned()];
        let senders = senders_in_doubt(&journal, &offered, |id| id == "f");
        assert_eq!(senders, BTreeSet::from(["0xArchived".to_owned()]));
        let all = senders_in_doubt(&journal, &[], |_| false);
        assert_eq!(all.len(), 3);
    }
}
