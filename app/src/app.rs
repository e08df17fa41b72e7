use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode, StaticSegment, WildcardSegment,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    base,
    layout::{Footer, Header, MAIN_ID},
    light::Light,
    live::Live,
    model::ChainInfo,
    not_found::NotFound,
    operations::operator::Operator,
    other_chain::OtherChain,
    parts::{self, Details, Lab, Lists, Operations, Page, Seldom, Wallet},
    prefs::Prefs,
    ui::{SymbolContext, ToastStack, Toasts, branch},
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
    parts::prefetch();

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
                    <Route path=StaticSegment("") view=Page::Dashboard ssr=SsrMode::Async />
                    <Route path=path!("/blocks") view=Page::Lists(Lists::Blocks) ssr=SsrMode::Async />
                    <Route path=path!("/block/:key") view=Page::Details(Details::Block) ssr=SsrMode::Async />
                    <Route path=path!("/transactions") view=Page::Lists(Lists::Transactions) ssr=SsrMode::Async />
                    <Route path=path!("/tx/:id") view=Page::Details(Details::Transaction) ssr=SsrMode::Async />
                    <Route path=path!("/account/:address") view=Page::Details(Details::Account) ssr=SsrMode::Async />
                    <Route path=path!("/search") view=Page::Lists(Lists::Search) ssr=SsrMode::Async />
                    <Route path=path!("/mempool") view=Page::Lists(Lists::Mempool) ssr=SsrMode::Async />
                    <Route path=path!("/mining") view=Page::Operations(Operations::Mining) ssr=SsrMode::Async />
                    <Route path=path!("/network") view=Page::Operations(Operations::Network) ssr=SsrMode::Async />
                    <Route path=path!("/performance") view=Page::Operations(Operations::Performance) ssr=SsrMode::Async />
                    <Route path=path!("/receipt") view=Page::Receipt ssr=SsrMode::Async />
                    <Route path=path!("/security") view=Page::Operations(Operations::Security) ssr=SsrMode::Async />
                    <Route path=path!("/lab") view=Page::Lab(Lab::List) ssr=SsrMode::Async />
                    <Route path=path!("/lab/:name") view=Page::Lab(Lab::Scenario) ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=Page::Operations(Operations::Settings) ssr=SsrMode::Async />
                    <Route path=path!("/tokens") view=Page::Tokens ssr=SsrMode::Async />
                    <ParentRoute path=path!("/wallet") view=Page::Wallet(Wallet::Frame) ssr=SsrMode::Async>
                        <Route path=StaticSegment("") view=Page::Wallet(Wallet::Home) />
                        <Route path=StaticSegment("create") view=Page::Seldom(Seldom::Create) />
                        <Route path=StaticSegment("restore") view=Page::Seldom(Seldom::Restore) />
                        <Route path=StaticSegment("receive") view=Page::Wallet(Wallet::Receive) />
                        <Route path=StaticSegment("send") view=Page::Wallet(Wallet::Send) />
                        <Route path=StaticSegment("history") view=Page::History />
                        <Route path=StaticSegment("contacts") view=Page::Wallet(Wallet::Contacts) />
                        <Route path=StaticSegment("backup") view=Page::Seldom(Seldom::Backup) />
                        <Route path=StaticSegment("keys") view=Page::Seldom(Seldom::Keys) />
                        <Route path=StaticSegment("shared") view=Page::Seldom(Seldom::Shared) />
                        <Route path=StaticSegment("documents") view=Page::Seldom(Seldom::Documents) />
                    </ParentRoute>
                    <Route path=WildcardSegment("any") view=|| branch(NotFound) ssr=SsrMode::Async />
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
