use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode, StaticSegment, WildcardSegment,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    base, explorer,
    layout::{Footer, Header, MAIN_ID},
    live::Live,
    model::ChainInfo,
    not_found::NotFound,
    operations::{self, operator::Operator},
    other_chain::OtherChain,
    prefs::Prefs,
    ui::{SymbolContext, ToastStack, Toasts},
    wallet,
};

/// The root: contexts, frame and routes. Every route answers in one piece, so status and title are
/// known before the first byte and a page reads the same without scripts.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Prefs::provide();
    Operator::provide();
    Live::provide();
    Toasts::provide();
    let (base, chain) = (base::current(), chain_info());
    provide_context(SymbolContext(chain.symbol.clone()));
    provide_context(chain);
    wallet::Wallet::provide();

    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Tally".to_owned() } else { format!("{title} · Tally") }
        } />
        <Router base=base.as_str().to_owned()>
            <a class="skip" href="#main">"Skip to the content"</a>
            <Header />
            <main id=MAIN_ID tabindex="-1">
                <OtherChain />
                <Routes fallback=NotFound>
                    <Route path=StaticSegment("") view=explorer::Dashboard ssr=SsrMode::Async />
                    <Route path=path!("/blocks") view=explorer::Blocks ssr=SsrMode::Async />
                    <Route path=path!("/block/:key") view=explorer::Block ssr=SsrMode::Async />
                    <Route path=path!("/transactions") view=explorer::Transactions ssr=SsrMode::Async />
                    <Route path=path!("/tx/:id") view=explorer::Transaction ssr=SsrMode::Async />
                    <Route path=path!("/account/:address") view=explorer::Account ssr=SsrMode::Async />
                    <Route path=path!("/search") view=explorer::Search ssr=SsrMode::Async />
                    <Route path=path!("/mempool") view=explorer::Mempool ssr=SsrMode::Async />
                    <Route path=path!("/mining") view=operations::Mining ssr=SsrMode::Async />
                    <Route path=path!("/network") view=operations::Network ssr=SsrMode::Async />
                    <Route path=path!("/performance") view=operations::Performance ssr=SsrMode::Async />
                    <Route path=path!("/receipt") view=explorer::Receipt ssr=SsrMode::Async />
                    <Route path=path!("/security") view=operations::Security ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=operations::Settings ssr=SsrMode::Async />
                    <ParentRoute path=path!("/wallet") view=wallet::Frame ssr=SsrMode::Async>
                        <Route path=StaticSegment("") view=wallet::Home />
                        <Route path=StaticSegment("create") view=wallet::Create />
                        <Route path=StaticSegment("restore") view=wallet::Restore />
                        <Route path=StaticSegment("receive") view=wallet::Receive />
                        <Route path=StaticSegment("send") view=wallet::SendCoins />
                        <Route path=StaticSegment("history") view=wallet::History />
                        <Route path=StaticSegment("contacts") view=wallet::Contacts />
                        <Route path=StaticSegment("backup") view=wallet::Backup />
                        <Route path=StaticSegment("keys") view=wallet::Keys />
                        <Route path=StaticSegment("shared") view=wallet::Shared />
                        <Route path=StaticSegment("documents") view=wallet::Documents />
                    </ParentRoute>
                    <Route path=WildcardSegment("any") view=NotFound ssr=SsrMode::Async />
                </Routes>
            </main>
            <Footer />
            <ToastStack />
        </Router>
    }
}

/// The chain this node serves: read once on the server, and handed to the browser with the page.
fn chain_info() -> ChainInfo {
    #[cfg(feature = "hydrate")]
    if let Some(given) = GIVEN.with_borrow(Clone::clone) {
        return given;
    }
    SharedValue::new(|| {
        #[cfg(feature = "ssr")]
        return crate::server::this_chain().unwrap_or_else(ChainInfo::unknown);
        #[cfg(not(feature = "ssr"))]
        ChainInfo::unknown()
    })
    .into_inner()
}

#[cfg(feature = "hydrate")]
thread_local! {
    static GIVEN: std::cell::RefCell<Option<ChainInfo>> = const { std::cell::RefCell::new(None) };
}

/// Names the chain where the page is not rendered by a server first.
#[cfg(feature = "hydrate")]
pub(crate) fn give_chain(chain: ChainInfo) {
    GIVEN.set(Some(chain));
}
