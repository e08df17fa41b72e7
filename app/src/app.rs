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
    light::Light,
    live::Live,
    model::ChainInfo,
    not_found::NotFound,
    operations::{self, operator::Operator},
    other_chain::OtherChain,
    prefs::Prefs,
    ui::{Branch, SymbolContext, ToastStack, Toasts, branch},
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
    Light::provide(&chain);
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
                    <Route path=StaticSegment("") view=page(explorer::Dashboard) ssr=SsrMode::Async />
                    <Route path=path!("/blocks") view=page(explorer::Blocks) ssr=SsrMode::Async />
                    <Route path=path!("/block/:key") view=page(explorer::Block) ssr=SsrMode::Async />
                    <Route path=path!("/transactions") view=page(explorer::Transactions) ssr=SsrMode::Async />
                    <Route path=path!("/tx/:id") view=page(explorer::Transaction) ssr=SsrMode::Async />
                    <Route path=path!("/account/:address") view=page(explorer::Account) ssr=SsrMode::Async />
                    <Route path=path!("/search") view=page(explorer::Search) ssr=SsrMode::Async />
                    <Route path=path!("/mempool") view=page(explorer::Mempool) ssr=SsrMode::Async />
                    <Route path=path!("/mining") view=page(operations::Mining) ssr=SsrMode::Async />
                    <Route path=path!("/network") view=page(operations::Network) ssr=SsrMode::Async />
                    <Route path=path!("/performance") view=page(operations::Performance) ssr=SsrMode::Async />
                    <Route path=path!("/receipt") view=page(explorer::Receipt) ssr=SsrMode::Async />
                    <Route path=path!("/security") view=page(operations::Security) ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=page(operations::Settings) ssr=SsrMode::Async />
                    <ParentRoute path=path!("/wallet") view=page(wallet::Frame) ssr=SsrMode::Async>
                        <Route path=StaticSegment("") view=page(wallet::Home) />
                        <Route path=StaticSegment("create") view=page(wallet::Create) />
                        <Route path=StaticSegment("restore") view=page(wallet::Restore) />
                        <Route path=StaticSegment("receive") view=page(wallet::Receive) />
                        <Route path=StaticSegment("send") view=page(wallet::SendCoins) />
                        <Route path=StaticSegment("history") view=page(wallet::History) />
                        <Route path=StaticSegment("contacts") view=page(wallet::Contacts) />
                        <Route path=StaticSegment("backup") view=page(wallet::Backup) />
                        <Route path=StaticSegment("keys") view=page(wallet::Keys) />
                        <Route path=StaticSegment("shared") view=page(wallet::Shared) />
                        <Route path=StaticSegment("documents") view=page(wallet::Documents) />
                    </ParentRoute>
                    <Route path=WildcardSegment("any") view=page(NotFound) ssr=SsrMode::Async />
                </Routes>
            </main>
            <Footer />
            <ToastStack />
        </Router>
    }
}

/// The view of a route. No page is rebuilt into the next one.
fn page<F, V>(view: F) -> impl Fn() -> Branch + Clone + Send + 'static
where
    F: Fn() -> V + Clone + Send + 'static,
    V: IntoView + 'static,
{
    move || branch(view.clone())
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
