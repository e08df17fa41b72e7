//! What all wallet pages have around them: the links between them, and the button that locks.

use leptos::prelude::*;
use leptos_router::components::Outlet;

use crate::{
    base::{at_base, use_path},
    model::ChainInfo,
    ui::Button,
    wallet::{
        client::balances::Balances,
        session::{Phase, Wallet},
    },
};

const LINKS: [(&str, &str); 9] = [
    ("/wallet", "Accounts"),
    ("/wallet/send", "Send"),
    ("/wallet/receive", "Receive"),
    ("/wallet/history", "History"),
    ("/wallet/contacts", "Address book"),
    ("/wallet/shared", "Shared"),
    ("/wallet/documents", "Documents"),
    ("/wallet/backup", "Back up"),
    ("/wallet/keys", "Keys"),
];

/// Shown where no script runs. Plain text for `<noscript>`, which a running page does not read.
const NO_SCRIPT: &str = "<div class=\"notice notice-info\" role=\"note\"><span class=\"notice-sign\" aria-hidden=\"true\">i</span>\
<div class=\"notice-text\"><strong>The wallet needs JavaScript and WebAssembly</strong>\
<div><p>Keys are made and used in your browser, never on the node, so there is nothing here that a server could show. \
Switch scripts on for this site, or use the command line: <code>tally wallet --help</code>. \
The explorer works without scripts.</p></div></div></div>";

/// The frame of all wallet pages.
#[component]
pub fn Frame() -> impl IntoView {
    let wallet = Wallet::get();
    let chain = expect_context::<ChainInfo>();
    wallet.start();
    Balances::provide();
    Effect::new({
        let chain = chain.clone();
        move |_| {
            if wallet.phase() == Phase::Unknown {
                wallet.look(&chain);
            }
        }
    });
    let path = use_path();
    let links = move || {
        LINKS
            .map(|(href, name)| {
                let current = move || path.with(|path| path.trim_end_matches('/') == href).then_some("page");
                view! { <a class="tab" href=at_base(href) aria-current=current>{name}</a> }
            })
            .collect_view()
    };
    view! {
        <Show when=move || wallet.is_open()>
            <div class="wallet-bar">
                <nav class="tabs" aria-label="Wallet">{links()}</nav>
                <LockButton />
            </div>
        </Show>
        <noscript inner_html=NO_SCRIPT></noscript>
        <Outlet />
    }
}

#[component]
fn LockButton() -> impl IntoView {
    let wallet = Wallet::get();
    view! { <Button on:click=move |_| wallet.lock_everywhere()>"Lock"</Button> }
}
