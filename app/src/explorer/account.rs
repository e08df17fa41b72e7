use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{
    query::{href, row_count},
    tables::HistoryTable,
};
use crate::{
    base::at_base,
    format,
    live::Live,
    model::{AccountView, HistoryView, LostPlace},
    not_found::Missing,
    reads,
    ui::{
        Amount, ButtonLink, Claimed, CursorPager, Empty, Fact, Facts, Id, Loaded, Notice, NoticeKind, PageHead, branch,
        held_title,
    },
};

/// The page at `/account/{address}`.
#[component]
pub fn Account() -> impl IntoView {
    let live = Live::get();
    let params = use_params_map();
    let address = Memo::new(move |_| params.with(|params| params.get("address").unwrap_or_default()));
    let (query, rows) = (use_query_map(), row_count());
    let cursor = Memo::new(move |_| query.with(|query| query.get("cursor").filter(|cursor| !cursor.is_empty())));
    let account = Resource::new(
        move || (address.get(), cursor.get(), rows.get(), live.on_pool()),
        |(address, cursor, rows, _)| reads::account(address, cursor, rows),
    );
    let show = move |account: Option<AccountView>| {
        match account {
            Some(account) => {
                let newest = cursor.with_untracked(Option::is_none);
                branch(move || view! { <Content account=account newest=newest /> })
            }
            None => branch(move || {
                view! {
                    <Missing
                        what="Account"
                        key=address.get_untracked()
                        why="This is not an address: an address is 0x and 40 hex digits, all in one case or with the right checksum."
                    />
                }
            }),
        }
        .into_any()
    };
    view! {
        {held_title()}
        <Loaded what="The account" resource=account show=show />
    }
    .into_any()
}

#[component]
fn Content(
    account: AccountView,
    /// Whether the history stands at its beginning.
    newest: bool,
) -> impl IntoView {
    let title = format!("Account {}", format::shortened(&account.address, 8, 6));
    let public = account
        .label
        .clone()
        .filter(|label| label.starts_with("PUBLIC"))
        .map(|label| {
            view! {
                <Notice kind=NoticeKind::Warning title=label>
                    <p>"Its key is known to everyone. Anyone can spend what it holds."</p>
                </Notice>
            }
        });
    let (history, of) = (account.history, account.address.clone());
    view! {
        <PageHead title=title>
            <p class="page-id"><Id value=account.address.clone() full=true /></p>
        </PageHead>
        {public}
        <section class="card" aria-label="Account">
            <p class="balance"><Amount value=account.balance /></p>
            <Facts>
                {account.label.map(|label| view! { <Fact name="Named at genesis">{label}</Fact> })}
                <Fact name="Kind">{account.kind.label()}</Fact>
                <Fact name="Nonce">{format::count(account.nonce)}</Fact>
                <Fact name="Waiting">{format::plural(u64::from(account.pending), "transaction", "transactions")}</Fact>
                <Fact name="As of block">
                    <a href=at_base(format!("/block/{}", account.height))>{format::count(account.height)}</a>
                </Fact>
            </Facts>
            <Claimed />
        </section>
        <section aria-labelledby="history">
            <h2 id="history">"History"</h2>
            <History history=history of=of newest=newest />
        </section>
    }
    .into_any()
}

#[component]
fn History(history: HistoryView, of: String, newest: bool) -> impl IntoView {
    let path = format!("/account/{of}");
    let older = history
        .next
        .as_ref()
        .map(|next| href(&path, &[("cursor", Some(next.clone()))]));
    if let Some(lost) = history.lost {
        let why = match lost {
            LostPlace::Replaced { height } => format!(
                "A branch with more work has replaced block {}, the newest one shown, so the history has changed.",
                format::count(height)
            ),
            LostPlace::Unknown => {
                "The address of this page does not lead to a place in the history of this account.".to_owned()
            }
        };
        return view! {
            <Notice kind=NoticeKind::Warning title="The history does not go on here">
                <p>{why}</p>
                <div class="actions"><ButtonLink href=path>"Begin with the newest"</ButtonLink></div>
            </Notice>
        }
        .into_any();
    }
    if history.items.is_empty() && newest {
        return view! {
            <Empty title="No transactions yet">
                <p>"This node knows no payment from or to this address, and no block that it produced. It can receive at once; there is nothing to register."</p>
            </Empty>
        }
        .into_any();
    }
    let beginning = (!newest).then_some(path);
    view! {
        <HistoryTable lines=history.items of=of />
        <CursorPager newest=beginning older=older label="Parts of the history" />
    }
    .into_any()
}
