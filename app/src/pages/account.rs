use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    Missing,
    parts::{Loaded, PageHead, Told, TransactionTable, href, page_number, page_value, row_count},
};
use crate::{
    base::at_base,
    format,
    live::Live,
    model::AccountView,
    reads,
    ui::{Amount, Empty, Fact, Facts, Id, Notice, NoticeKind},
};

/// The page at `/account/{address}`.
#[component]
pub fn Account() -> impl IntoView {
    let live = Live::get();
    let params = use_params_map();
    let address = Memo::new(move |_| params.with(|params| params.get("address").unwrap_or_default()));
    let (page, rows) = (page_number(), row_count());
    let account = Resource::new(
        move || (address.get(), page.get(), rows.get(), live.on_pool()),
        |(address, page, rows, _)| reads::account(address, page, rows),
    );
    let show = move |account: Option<AccountView>| match account {
        Some(account) => view! { <Content account=account /> }.into_any(),
        None => view! {
            <Missing
                what="Account"
                key=address.get_untracked()
                why="This is no address: 0x and 40 hex digits, all in one case or with the right checksum."
            />
        }
        .into_any(),
    };
    view! { <Loaded what="The account" resource=account show=show /> }.into_any()
}

#[component]
fn Content(account: AccountView) -> impl IntoView {
    let path = format!("/account/{}", account.address);
    let pager = account
        .history
        .pager(move |page| href(&path, &[("page", page_value(page))]));
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
    let history = account.history.items;
    let of = account.address.clone();
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
            <Told />
        </section>
        <section aria-labelledby="history">
            <h2 id="history">"History"</h2>
            {if history.is_empty() {
                view! {
                    <Empty title="No transactions yet">
                        <p>"Nothing was sent from or to this address. It can receive at once; there is nothing to register."</p>
                    </Empty>
                }
                    .into_any()
            } else {
                view! {
                    <TransactionTable transactions=history caption="History of the account" of=of />
                    {pager}
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}
