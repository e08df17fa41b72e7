//! What waits, what is missing, and what was lost: with the ways on. Rules: docs/protocol.md#W53, #W54

mod elsewhere;
mod look;
mod missing;

use leptos::{prelude::*, task::spawn_local};
use tally_chain::{Amount, Bytes, RawTransaction, ReferenceVerifier};

use crate::{
    browser, format,
    live::Live,
    model::{ChainInfo, TransactionRow},
    prefs::FeeLevel,
    ui::{Button, Notice, NoticeKind},
    wallet::{
        client::node,
        protocol::{PaymentDraft, Prices, Request},
        sending::{
            confirm::Prepared,
            error::{SendError, SendErrorNotice},
            fees::prices,
            follow::Rounds,
        },
        session::Wallet,
        storage::journal::{self, Purpose},
    },
};
use look::{Included, Standing, look};
use missing::LostList;

pub use elsewhere::Elsewhere;

/// What the page is about to do with waiting transactions.
#[derive(Clone, Copy)]
pub struct Pending {
    wallet: Wallet,
    chain: StoredValue<ChainInfo>,
    /// Bytes that are to be confirmed.
    pub prepared: RwSignal<Option<Prepared>>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<SendError>>,
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
    fn run(self, work: impl Future<Output = Result<(), SendError>> + 'static) {
        self.busy.set(true);
        self.failure.set(None);
        spawn_local(async move {
            if let Err(failure) = work.await {
                let _ = self.failure.try_set(Some(failure));
            }
            let _ = self.busy.try_set(false);
        });
    }

    /// Builds the replacement of a waiting transaction.
    async fn replace(self, from: String, id: String, purpose: Purpose) -> Result<(), SendError> {
        // Where the journal does not have it, the node does.
        let journal = journal::load(&self.genesis()).unwrap_or_default();
        let kept = journal.into_iter().find(|sent| sent.id == id);
        let envelope = match kept.filter(|sent| !sent.envelope.is_empty()) {
            Some(sent) => sent.envelope,
            None => self.waiting_bytes(&id).await?,
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
    async fn waiting_bytes(self, id: &str) -> Result<Bytes, SendError> {
        let envelope = node::envelope(id).await.map_err(SendError::node)?;
        let chain = self.chain.get_value();
        let found = id_of(&chain, envelope.clone()).map_err(SendError::node)?;
        match found == id {
            true => Ok(envelope),
            false => Err(SendError::node(format!(
                "the request was for {id}, the answer is {found}"
            ))),
        }
    }

    /// Makes an empty payment of a nonce that is missing.
    async fn fill(self, from: String, nonce: u64) -> Result<(), SendError> {
        let prices = fast_prices().await?;
        let draft = PaymentDraft {
            to: from.clone(),
            from,
            value: Amount::ZERO,
            memo: String::new(),
            nonce,
            timestamp: browser::now().unwrap_or_default(),
            prices,
        };
        self.show(Request::Prepare { draft }, Purpose::Fill, None).await
    }

    async fn show(self, request: Request, purpose: Purpose, replaces: Option<String>) -> Result<(), SendError> {
        let payment = Prepared::payment(self.wallet, request).await?;
        self.prepared.set(Some(Prepared {
            purpose,
            replaces,
            ..payment
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

async fn fast_prices() -> Result<Prices, SendError> {
    let fees = node::fees().await.map_err(SendError::node)?;
    prices(FeeLevel::Fast, &fees).ok_or_else(|| SendError::node("its fees cannot be read".to_owned()))
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

/// What was read, with the account that it is of: another may have been chosen since.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Of<T> {
    account: String,
    found: T,
}

/// What was read of this account; none where it is of another.
fn of_account<T: Clone>(read: Option<&Of<T>>, account: &str) -> Option<T> {
    read.filter(|read| read.account == account)
        .map(|read| read.found.clone())
}

/// Shows which nonce is missing and which payments were replaced or dropped, for one account.
#[component]
pub fn Waiting(#[prop(into)] account: Signal<String>) -> impl IntoView {
    let pending = expect_context::<Pending>();
    let live = Live::get();
    let standing = RwSignal::new(None::<Of<Standing>>);
    let unasked = RwSignal::new(None::<Of<String>>);
    let included = StoredValue::new(Included::default());
    let rounds = StoredValue::new(Rounds::default());
    let again = RwSignal::new(0u32);
    Effect::new(move |_| {
        let (tip, _) = live.on_pool();
        again.track();
        let account_now = account.get();
        // A wallet without an account in use has nothing that waits.
        if account_now.is_empty() {
            return;
        }
        let round = rounds.try_update_value(Rounds::begin).unwrap_or_default();
        spawn_local(async move {
            let found = look(&account_now, &pending.genesis(), included, tip).await;
            // An answer that comes after a newer one is of an older tip.
            let is_newest = rounds.try_update_value(|rounds| rounds.settle(round)) == Some(true);
            if !is_newest || account.try_get_untracked().as_ref() != Some(&account_now) {
                return;
            }
            let account = account_now;
            // What is shown stays until the node answers.
            match found {
                Ok(found) => {
                    let _ = unasked.try_set(None);
                    let _ = standing.try_set(Some(Of { account, found }));
                }
                Err(why) => {
                    let found = why.trim_end_matches('.').to_owned();
                    drop(unasked.try_set(Some(Of { account, found })));
                }
            }
        });
    });
    let shown = Memo::new(move |_| {
        let account = account.get();
        standing
            .with(|read| of_account(read.as_ref(), &account))
            .unwrap_or_default()
    });
    let unasked = move || {
        let account = account.get();
        unasked.with(|read| of_account(read.as_ref(), &account)).map(|why| {
            view! {
                <Notice kind=NoticeKind::Warning title="The waiting payments could not be read">
                    <p>{format!("{why}. The waiting, missing and lost payments shown here may be out of date or incomplete. They are read again with the next block.")}</p>
                </Notice>
            }
        })
    };
    let gap = move || {
        let (missing, behind) = shown.get().pool.gap()?;
        // Of the account in which it is missing, whatever is chosen when it is filled.
        let from = account.get();
        let fill = move |_| pending.run(pending.fill(from.clone(), missing));
        let waits = format::plural(behind as u64, "payment waits", "payments wait");
        Some(view! {
            <Notice kind=NoticeKind::Warning title=format!("Nonce {missing} is missing")>
                <p>
                    {format!("Payments of an account are executed in the order of their nonces. {waits} until there is one of nonce {missing}: the one that had it was dropped, or never arrived here.")}
                </p>
                <p>"Send that payment again, make a new one (it takes this nonce), or fill it with an empty payment to yourself."</p>
                <div class="actions"><Button busy=pending.busy on:click=fill>"Fill it"</Button></div>
            </Notice>
        })
    };
    let lost = Memo::new(move |_| shown.with(|shown| shown.lost.clone()));
    let unread = move || {
        shown.get().unread.map(|why| {
            view! {
                <Notice kind=NoticeKind::Warning title="It is not known what this browser has sent">
                    <p>{format!("Payments whose answer was lost are not shown here: {why}. Until they can be read, nothing is sent from this browser.")}</p>
                    <p>"Allow this site to store data. If that is allowed already: make sure that you have the phrase, remove the wallet from this browser and restore it, which clears the list."</p>
                </Notice>
            }
        })
    };
    view! {
        {unasked}
        {unread}
        {gap}
        <LostList id="lost" title="Not in the chain" lost=lost again=again />
        <SendErrorNotice failure=pending.failure />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_of_one_account_is_not_shown_of_another() {
        let read = Of {
            account: "0xA".to_owned(),
            found: 7,
        };
        assert_eq!(of_account(Some(&read), "0xA"), Some(7));
        assert_eq!(of_account(Some(&read), "0xB"), None);
        assert_eq!(of_account::<u8>(None, "0xA"), None);
    }
}
