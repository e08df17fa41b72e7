//! The frame of every page: header with navigation, search and live state; footer.

use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::{
    base::{at_base, use_path},
    browser, format,
    light::LightSeal,
    live::{Connection, Live},
    model::ChainInfo,
    ui::{Id, ThemeSwitch},
};

/// Where the navigation leads: path and title.
const EXPLORER: [(&str, &str); 4] = [
    ("/", "Dashboard"),
    ("/blocks", "Blocks"),
    ("/transactions", "Transactions"),
    ("/mempool", "Mempool"),
];
const NODE: [(&str, &str); 6] = [
    ("/mining", "Mining"),
    ("/network", "Network"),
    ("/performance", "Performance"),
    ("/security", "Security"),
    ("/lab", "Laboratory"),
    ("/receipt", "Check a receipt"),
];
const OWN: [(&str, &str); 2] = [("/wallet", "Wallet"), ("/settings", "Settings")];

const SEARCH_ID: &str = "search";
const MENU_ID: &str = "menu";
/// The element that holds the page.
pub const MAIN_ID: &str = "main";

/// Four strokes and the fifth across: the tally mark.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <path class="logo-strokes" d="M7 6v20M13 6v20M19 6v20M25 6v20" />
            <path class="logo-across" d="M3 21L29 11" />
        </svg>
    }
    .into_any()
}

/// The top of every page.
#[component]
pub fn Header() -> impl IntoView {
    let path = use_path();
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            // A page that came without a reload begins where a reader expects it to.
            browser::close_details(MENU_ID);
            browser::focus(MAIN_ID);
        }
        now
    });
    view! {
        <header class="top">
            <div class="top-row">
                <a class="brand" href=at_base("/") aria-label="Tally, dashboard">
                    <Logo />
                    <span class="brand-name">"Tally"</span>
                </a>
                <div class="top-find">
                    <SearchForm />
                    <LightSeal />
                </div>
                <div class="top-tools">
                    <LiveState />
                    <ThemeSwitch />
                    <a class="button button-primary top-wallet" href=at_base("/wallet")>"Wallet"</a>
                    <details class="menu" id=MENU_ID>
                        <summary class="icon-button" aria-label="Menu">
                            <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
                                <path d="M2 4h12M2 8h12M2 12h12" />
                            </svg>
                        </summary>
                        <nav class="menu-sheet" aria-label="Menu">
                            <Links title="Explorer" links=&EXPLORER path=path />
                            <Links title="Node" links=&NODE path=path />
                            <Links title="Yours" links=&OWN path=path />
                        </nav>
                    </details>
                </div>
            </div>
            <nav class="bar" aria-label="Main">
                <Links title="Explorer" links=&EXPLORER path=path />
                <Links title="Node" links=&NODE path=path />
                <Links title="Yours" links=&OWN path=path />
            </nav>
        </header>
    }
    .into_any()
}

/// One group of navigation links.
#[component]
fn Links(title: &'static str, links: &'static [(&'static str, &'static str)], path: Memo<String>) -> impl IntoView {
    let links = links
        .iter()
        .map(|&(href, name)| {
            let current = move || {
                path.with(|path| {
                    path == href || (href != "/" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
                })
            };
            view! {
                <li>
                    <a class="nav-link" href=at_base(href) aria-current=move || current().then_some("page")>{name}</a>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="nav-group">
            <span class="nav-title">{title}</span>
            <ul>{links}</ul>
        </div>
    }
    .into_any()
}

/// Search by height, id or address. `/` focuses it from anywhere.
#[component]
fn SearchForm() -> impl IntoView {
    let navigate = use_navigate();
    let query = use_query_map();
    let text = RwSignal::new(query.with_untracked(|query| query.get("q").unwrap_or_default()));
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let text = text.get_untracked();
        navigate(
            &format!("/search?q={}", format::query_value(text.trim())),
            Default::default(),
        );
    };
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::keydown, |event| {
            let plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
            if event.key() == "/" && plain && !browser::is_typing(&event) {
                event.prevent_default();
                browser::focus(SEARCH_ID);
            }
        });
        on_cleanup(move || handle.remove());
    });
    view! {
        <form class="search" role="search" method="get" action=at_base("/search") on:submit=on_submit>
            <label class="visually-hidden" for=SEARCH_ID>"Search by height, id or address"</label>
            <svg class="search-sign" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d="M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5L14 14" />
            </svg>
            <input
                id=SEARCH_ID
                name="q"
                type="search"
                placeholder="Height, id or address"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                maxlength="200"
                value=text.get_untracked()
                on:input=move |event| text.set(event_target_value(&event))
            />
            <kbd class="search-key" aria-hidden="true">"/"</kbd>
        </form>
    }
    .into_any()
}

/// Whether the page is live, with the age of what it shows when it is not, and the pause.
#[component]
fn LiveState() -> impl IntoView {
    let live = Live::get();
    let word = move || match live.connection.get() {
        _ if live.paused.get() => "Paused".to_owned(),
        Connection::Still => "Snapshot".to_owned(),
        Connection::Live => "Live".to_owned(),
        Connection::Reconnecting => "Reconnecting".to_owned(),
        Connection::Stale => match live.age() {
            Some(age) => format!("Stale, {} old", format::duration(age as f64)),
            None => "Stale".to_owned(),
        },
    };
    let state = move || match live.connection.get() {
        _ if live.paused.get() => "live live-paused",
        Connection::Still => "live live-still",
        Connection::Live => "live live-on",
        Connection::Reconnecting => "live live-reconnecting",
        Connection::Stale => "live live-stale",
    };
    let action = move || {
        if live.paused.get() {
            "Resume live updates"
        } else {
            "Pause live updates"
        }
    };
    let shape = move || {
        if live.paused.get() {
            "M5 3l8 5-8 5z"
        } else {
            "M5 3v10M11 3v10"
        }
    };
    view! {
        <div class=state>
            <span class="live-dot" aria-hidden="true"></span>
            <span class="live-word">{word}</span>
            <button
                class="icon-button live-pause needs-script"
                type="button"
                aria-label=action
                title=action
                on:click=move |_| live.paused.update(|paused| *paused = !*paused)
            >
                <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
                    <path d=shape />
                </svg>
            </button>
            <span class="visually-hidden" role="status" aria-live="polite">{move || live.announcement.get()}</span>
        </div>
    }
    .into_any()
}

/// The bottom of every page: which chain this is, and where to read more.
#[component]
pub fn Footer() -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    let name = format!("{} (chain {})", chain.name, chain.chain_id);
    view! {
        <footer class="foot">
            <div class="foot-row">
                <p>
                    <strong>{name}</strong>
                    " from genesis "
                    <Id value=chain.genesis_id bare=true href="/block/0" head=6 tail=10 />
                </p>
                <nav class="foot-links" aria-label="About">
                    <a href=at_base("/api/docs") rel="external">"API"</a>
                    <a href=at_base("/security")>"Security"</a>
                    <a href=at_base("/performance")>"Performance"</a>
                    <span>{format!("Tally {}", chain.version)}</span>
                </nav>
            </div>
        </footer>
    }
    .into_any()
}
