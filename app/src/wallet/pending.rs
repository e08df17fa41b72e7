//! What waits, what is missing, and what was lost: with the ways on. Rules: docs/protocol.md#W53, #W54

use std::collections::HashSet;

use leptos::{prelude::*, task::spawn_local};
use tally_chain::{Bytes, RawTransaction, ReferenceVerifier};

use super::{
    confirm::Prepared,
    failure::{Failure, FailureNotice},
    fees::prices,
    journal::{self, Fate, Purpose, Sent, fate},
    node::{self, PoolAnswer},
    protocol::{Answer, Order, Prices, Request},
    state::Wallet,
    submit::HandIn,
};
use crate::{
    browser, format,
    live::Live,
    model::{ChainInfo, TransactionRow},
    prefs::FeeLevel,
    reads,
    ui::{Button, Notice, NoticeKind, Time, TransactionLink},
};

/// How long a signed payment can enter a block, in seconds. Rule: docs/protocol.md#T7
const LIFETIME: u64 = 86_400;

/// What the page is about to do with waiting transactions.
#[derive(Clone, Copy)]
pub struct Pending {
    wallet: Wallet,
    chain: StoredValue<ChainInfo>,
    /// Bytes that are to be confirmed.
    pub prepared: RwSignal<Option<Prepared>>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
}

impl Pending {
    /// Makes the context of a page.
    pub fn provide() -> Self {
        let pending = Self {
            wallet: Wallet::get(),
            chain: StoredValue::new(expect_context()),
            prepared: RwSignal::new(None),
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
        };
        provide_context(pending);
        pending
    }

    fn genesis(self) -> String {
        self.chain.with_value(|chain| chain.genesis_id.clone())
    }

    /// Runs one thing at a time, and shows what went wrong.
    fn run(self, work: impl Future<Output = Result<(), Failure>> + 'static) {
        self.busy.set(true);
        self.failure.set(None);
        spawn_local(async move {
            if let Err(failure) = work.await {
                let _ = self.failure.try_set(Some(failure));
            }
            let _ = self.busy.try_set(false);
        });
    }

    /// Makes what shall stand in the place of a waiting transaction.
    async fn replace(self, from: String, id: String, purpose: Purpose) -> Result<(), Failure> {
        // Where the journal does not have it, the node does.
        let journal = journal::load(&self.genesis()).unwrap_or_default();
        let kept = journal.into_iter().find(|sent| sent.id == id);
        let envelope = match kept.filter(|sent| !sent.envelope.is_empty()) {
            Some(sent) => sent.envelope,
            None => self.told(&id).await?,
        };
        let prices = fast_prices().await?;
        let request = Request::Replace {
            from,
            envelope,
            cancel: purpose == Purpose::Cancel,
            timestamp: browser::now().unwrap_or_default(),
            prices,
        };
        self.show(request, purpose, Some(id)).await
    }

    /// The bytes of a waiting transaction as the node has them: those of this very id.
    async fn told(self, id: &str) -> Result<Bytes, Failure> {
        let envelope = node::envelope(id).await.map_err(Failure::node)?;
        let chain = self.chain.get_value();
        let found = id_of(&chain, envelope.clone()).map_err(Failure::node)?;
        match found == id {
            true => Ok(envelope),
            false => Err(Failure::node(format!("it was asked for {id} and answered {found}"))),
        }
    }

    /// Makes an empty payment of a nonce that is missing.
    async fn fill(self, from: String, nonce: u64) -> Result<(), Failure> {
        let prices = fast_prices().await?;
        let order = Order {
            to: from.clone(),
            from,
            coins: "0".to_owned(),
            memo: String::new(),
            nonce,
            timestamp: browser::now().unwrap_or_default(),
            prices,
        };
        self.show(Request::Prepare { order }, Purpose::Fill, None).await
    }

    async fn show(self, request: Request, purpose: Purpose, replaces: Option<String>) -> Result<(), Failure> {
        let Answer::Prepared { payload, review } = self.wallet.ask(request).await? else {
            return Err(Failure::confused());
        };
        self.prepared.set(Some(Prepared {
            payload,
            review,
            purpose,
            replaces,
            typed: None,
        }));
        Ok(())
    }
}

/// The id of signed bytes on this chain.
fn id_of(chain: &ChainInfo, envelope: Bytes) -> Result<String, String> {
    let identity = chain.identity()?;
    let checked = RawTransaction::decode(envelope).and_then(|raw| raw.check(&identity, &ReferenceVerifier));
    checked
        .map(|checked| checked.id().to_string())
        .map_err(|error| error.to_string())
}

async fn fast_prices() -> Result<Prices, Failure> {
    let fees = node::fees().await.map_err(Failure::node)?;
    prices(FeeLevel::Fast, &fees).ok_or_else(|| Failure::node("its fees cannot be read".to_owned()))
}

/// What can be done with a waiting transaction of an own account.
#[component]
pub fn Actions(row: TransactionRow) -> impl IntoView {
    let pending = expect_context::<Pending>();
    let act = move |purpose: Purpose| {
        let (from, id) = (row.from.clone(), row.id.clone());
        move |_| pending.run(pending.replace(from.clone(), id.clone(), purpose))
    };
    view! {
        <span class="cell-row">
            <Button busy=pending.busy on:click=act(Purpose::SpeedUp)>"Speed up"</Button>
            <Button busy=pending.busy on:click=act(Purpose::Cancel)>"Cancel"</Button>
        </span>
    }
}

/// What is known of an account's waiting transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    pool: PoolAnswer,
    /// Of what this browser sent: those that neither wait nor stand in a block, of what a node had within a day.
    lost: Vec<Missing>,
    /// Why it is not known what this browser has sent.
    unread: Option<String>,
}

/// One that neither waits nor stands in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Missing {
    sent: Sent,
    fate: Fate,
    /// Whether its nonce is used on the chain that the node shows.
    used: bool,
    /// Whether it is too old for a block.
    expired: bool,
}

impl Missing {
    /// A word for it, and what is known of it.
    fn words(&self) -> (&'static str, &'static str) {
        match (&self.fate, self.sent.acknowledged) {
            (Fate::Dropped, false) if self.expired => (
                "In doubt",
                "No answer came when it was sent, and this node does not know it. It is more than a day old, so no block takes it any more.",
            ),
            (Fate::Dropped, false) => (
                "In doubt",
                "No answer came when it was sent, and this node does not know it. Sent again, the same bytes pay once.",
            ),
            (Fate::Dropped, true) => (
                "Dropped",
                "A node had it, and this one does not know it now: its pool let it go, or it was started anew. It is not in the chain that this node shows; another node may still hold it.",
            ),
            (_, false) if self.used => (
                "In doubt",
                "No answer came when it was sent. Its nonce is used by now: another payment took it, unless this one is in a block in which the node does not find it.",
            ),
            (_, false) => (
                "In doubt",
                "No answer came when it was sent, and another payment of the same nonce was sent after it. Only one of the two can happen.",
            ),
            (_, true) if self.used => (
                "Replaced",
                "Its nonce is used on the chain that this node shows, and this node does not know it: another payment took its place.",
            ),
            (_, true) => (
                "Replaced",
                "Another payment of the same nonce was sent after it. Only one of the two can happen.",
            ),
        }
    }

    /// Whether the same bytes may still do something.
    fn can_be_sent(&self) -> bool {
        self.fate == Fate::Dropped && !self.expired && !self.sent.envelope.is_empty()
    }
}

/// Reads how things stand for an account.
async fn look(account: &str, genesis: &str, settled: StoredValue<HashSet<String>>) -> Result<Standing, String> {
    let pool = node::waiting(account).await?;
    let now = browser::now().unwrap_or_default();
    let (journal, unread) = match journal::load(genesis) {
        Ok(journal) => (journal, None),
        Err(why) => (Vec::new(), Some(why.to_string())),
    };
    let mut lost = Vec::new();
    for sent in &journal {
        let waits = pool.items.iter().any(|item| item.id == sent.id);
        let known = settled
            .try_with_value(|settled| settled.contains(&sent.id))
            .unwrap_or(true);
        let expired = now.saturating_sub(sent.at) > LIFETIME;
        // What is in doubt stays until its owner gives it up, however old it is.
        if sent.from != account || waits || known || (expired && sent.acknowledged) {
            continue;
        }
        let told = reads::transaction(sent.id.clone())
            .await
            .map_err(|error| error.to_string())?;
        match fate(sent, told.map(|page| page.row.status), pool.nonce, &journal) {
            Fate::Waiting => {}
            Fate::Included => drop(settled.try_update_value(|settled| settled.insert(sent.id.clone()))),
            fate => lost.push(Missing {
                sent: sent.clone(),
                fate,
                used: pool.nonce > sent.nonce,
                expired,
            }),
        }
    }
    Ok(Standing { pool, lost, unread })
}

/// Says which nonce is missing and which payments were replaced or dropped, for one account.
#[component]
pub fn Waiting(#[prop(into)] account: Signal<String>) -> impl IntoView {
    let pending = expect_context::<Pending>();
    let live = Live::get();
    let standing = RwSignal::new(Standing::default());
    let unasked = RwSignal::new(None::<String>);
    // What stands in a block is asked for once only.
    let settled = StoredValue::new(HashSet::<String>::new());
    let again = RwSignal::new(0u32);
    Effect::new(move |_| {
        live.on_pool();
        again.track();
        let asked = account.get();
        // A wallet without an account in use has nothing that waits.
        if asked.is_empty() {
            return;
        }
        spawn_local(async move {
            let found = look(&asked, &pending.genesis(), settled).await;
            if account.try_get_untracked().as_ref() != Some(&asked) {
                return;
            }
            // What is shown stays until the node answers.
            match found {
                Ok(found) => {
                    let _ = unasked.try_set(None);
                    let _ = standing.try_set(found);
                }
                Err(why) => drop(unasked.try_set(Some(why.trim_end_matches('.').to_owned()))),
            }
        });
    });
    let shown = Memo::new(move |_| standing.get());
    let unasked = move || {
        unasked.get().map(|why| {
            view! {
                <Notice kind=NoticeKind::Warning title="What waits could not be asked">
                    <p>{format!("{why}. What is shown of waiting, missing and lost payments may be out of date, and some may be missing. It is asked again with the next block.")}</p>
                </Notice>
            }
        })
    };
    let gap = move || {
        let (missing, behind) = shown.get().pool.gap()?;
        let fill = move |_| pending.run(pending.fill(account.get_untracked(), missing));
        let waits = format::plural(behind as u64, "payment waits", "payments wait");
        Some(view! {
            <Notice kind=NoticeKind::Warning title=format!("Nonce {missing} is missing")>
                <p>
                    {format!("Payments of an account happen in the order of their nonces. {waits} until there is one of nonce {missing}: the one that had it was dropped, or never arrived here.")}
                </p>
                <p>"Send that payment again, make a new one (it takes this nonce), or fill it with an empty payment to yourself."</p>
                <div class="actions"><Button busy=pending.busy on:click=fill>"Fill it"</Button></div>
            </Notice>
        })
    };
    let lost = move || {
        let lost = shown.get().lost;
        (!lost.is_empty()).then(|| {
            let rows = lost
                .into_iter()
                .map(|missing| view! { <Lost missing=missing again=again /> })
                .collect_view();
            view! {
                <section class="card" aria-labelledby="lost">
                    <h2 id="lost">"Not in the chain"</h2>
                    <ol class="lines">{rows}</ol>
                </section>
            }
        })
    };
    let unread = move || {
        shown.get().unread.map(|why| {
            view! {
                <Notice kind=NoticeKind::Warning title="It is not known what this browser has sent">
                    <p>{format!("Payments whose answer was lost are not shown here: {why}. Until they can be read, nothing is sent from this browser.")}</p>
                    <p>"Allow this site to store data. If that was never forbidden: with the phrase written down, remove the wallet from this browser and restore it, which clears the list."</p>
                </Notice>
            }
        })
    };
    view! {
        {unasked}
        {unread}
        {gap}
        {lost}
        <FailureNotice failure=pending.failure />
    }
}

/// One that was replaced, dropped, or is in doubt.
#[component]
fn Lost(missing: Missing, again: RwSignal<u32>) -> impl IntoView {
    let pending = expect_context::<Pending>();
    let (word, why) = missing.words();
    let can_send = missing.can_be_sent();
    let Missing { sent, fate, .. } = missing;
    let by = match fate {
        Fate::Replaced { by: Some(by) } => {
            Some(view! { <span class="cell-row">"by " <TransactionLink id=by bare=true /></span> })
        }
        _ => None,
    };
    let (id, kept) = (sent.id.clone(), sent.clone());
    let hand_in = HandIn::new();
    let renewed = Callback::new(move |_: String| again.update(|again| *again = again.wrapping_add(1)));
    let send = move |_| {
        let kept = kept.clone();
        hand_in.busy.set(true);
        spawn_local(async move {
            let id = kept.id.clone();
            if hand_in.send(kept).await {
                renewed.run(id);
            }
            let _ = hand_in.busy.try_set(false);
        });
    };
    let dismiss = Callback::new(move |()| {
        let (genesis, id) = (pending.genesis(), id.clone());
        spawn_local(async move {
            journal::forget(&genesis, &id).await;
            let _ = again.try_update(|again| *again = again.wrapping_add(1));
        });
    });
    // What may have been taken is given up only after a yes.
    let in_doubt = !sent.acknowledged;
    let asked = RwSignal::new(false);
    let ask = move |_| match in_doubt {
        true => asked.set(true),
        false => dismiss.run(()),
    };
    view! {
        <li class="line">
            <div class="line-main">
                <span class="cell-row">
                    <strong>{word}</strong>
                    {format!("{}, nonce {}", sent.purpose.words(), sent.nonce)}
                    <Time at=sent.at />
                </span>
                <span class="cell-row"><TransactionLink id=sent.id bare=true /> {by}</span>
                <span class="field-hint">{why}</span>
            </div>
            <div class="line-side">
                {can_send.then(|| view! { <Button busy=hand_in.busy on:click=send>"Send it again"</Button> })}
                <Button on:click=ask>"Dismiss"</Button>
            </div>
            <Show when=move || asked.get()>
                <GiveUp asked=asked dismiss=dismiss />
            </Show>
            <FailureNotice failure=hand_in.failure />
        </li>
    }
}

/// Asks before one that is in doubt is taken off the list: nothing warns of it from then on.
#[component]
fn GiveUp(asked: RwSignal<bool>, dismiss: Callback<()>) -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Warning title="Give this payment up?">
            <p>"It may have been taken. Dismissed, it is no longer listed, its bytes cannot be sent again, and the same payment made anew is not warned of."</p>
            <div class="actions">
                <Button on:click=move |_| dismiss.run(())>"Dismiss it"</Button>
                <Button on:click=move |_| asked.set(false)>"Keep it"</Button>
            </div>
        </Notice>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(fate: Fate, acknowledged: bool, used: bool, expired: bool) -> Missing {
        let sent = Sent {
            id: "0x07".to_owned(),
            from: "0xA".to_owned(),
            nonce: 3,
            at: 1,
            purpose: Purpose::Payment,
            replaces: None,
            envelope: Bytes::from_static(&[0x54]),
            acknowledged,
        };
        Missing {
            sent,
            fate,
            used,
            expired,
        }
    }

    #[test]
    fn what_is_missing_is_said_as_far_as_it_is_known() {
        let other = || Fate::Replaced {
            by: Some("0x08".to_owned()),
        };
        for (missing, word, part, can_be_sent) in [
            (
                missing(Fate::Dropped, false, false, false),
                "In doubt",
                "the same bytes pay once",
                true,
            ),
            (
                missing(Fate::Dropped, false, false, true),
                "In doubt",
                "no block takes it any more",
                false,
            ),
            (
                missing(Fate::Dropped, true, false, false),
                "Dropped",
                "another node may still hold it",
                true,
            ),
            (
                missing(other(), false, true, false),
                "In doubt",
                "another payment took it, unless",
                false,
            ),
            (
                missing(Fate::Replaced { by: None }, false, true, true),
                "In doubt",
                "unless this one is in a block",
                false,
            ),
            (
                missing(other(), false, false, false),
                "In doubt",
                "Only one of the two can happen",
                false,
            ),
            (
                missing(other(), true, false, false),
                "Replaced",
                "Only one of the two can happen",
                false,
            ),
            (
                missing(other(), true, true, false),
                "Replaced",
                "another payment took its place",
                false,
            ),
        ] {
            let (said, why) = missing.words();
            assert_eq!(said, word, "{missing:?}");
            assert!(why.contains(part), "{missing:?}: {why}");
            assert_eq!(missing.can_be_sent(), can_be_sent, "{missing:?}");
        }
    }
}
