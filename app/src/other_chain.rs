//! A node that serves another chain than the one this page was made for: named before anything is confused.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    browser, format,
    live::{Connection, Live},
    model::ChainInfo,
    reads,
    ui::{Button, ButtonKind, Notice, NoticeKind},
    wallet::Wallet,
};

/// Tries, before it is left to the next time that the stream comes back.
const TRIES: u32 = 5;
/// Milliseconds between them.
const PAUSE: u32 = 2_000;

/// The chain that the node serves; a request that fails shows nothing of it, so it is repeated.
async fn served() -> Option<ChainInfo> {
    for _ in 0..TRIES {
        if let Ok(read) = reads::chain().await {
            return Some(read);
        }
        browser::sleep(PAUSE).await;
    }
    None
}

/// Looks whenever the stream of events comes back, and names the other chain.
#[component]
pub fn OtherChain() -> impl IntoView {
    let (live, wallet) = (Live::get(), Wallet::get());
    let here = StoredValue::new(expect_context::<ChainInfo>());
    let found = RwSignal::new(None::<ChainInfo>);
    Effect::new(move |before: Option<Connection>| {
        let now = live.connection.get();
        let back = matches!(before, Some(Connection::Reconnecting | Connection::Stale));
        if back && now == Connection::Live {
            spawn_local(async move {
                let Some(read) = served().await else { return };
                if here.with_value(|here| here.genesis_id != read.genesis_id) {
                    wallet.leave();
                    found.set(Some(read));
                }
            });
        }
        now
    });
    let name = |chain: &ChainInfo| {
        format!(
            "{} (genesis {})",
            chain.name,
            format::shortened(&chain.genesis_id, 6, 10)
        )
    };
    move || {
        found.get().map(|other| {
            let was = here.with_value(name);
            view! {
                <Notice kind=NoticeKind::Error title="This node serves another chain now">
                    <p>{format!("This page was made for {was}. The node now serves {}: the chain was started again, or this is another node.", name(&other))}</p>
                    <p>"The data here is of the old chain, and its wallet is locked. Wallets are kept by chain, so none is lost."</p>
                    <div class="actions">
                        <Button kind=ButtonKind::Primary on:click=move |_| browser::reload()>"Reload the page"</Button>
                    </div>
                </Notice>
            }
        })
    }
}
