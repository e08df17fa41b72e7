//! How a part comes to the browser: before a page is brought to life, before the next page is shown, and early, where a reader
//! is about to follow a link.

use std::time::Duration;

#[cfg(feature = "hydrate")]
use futures::future::join_all;
use leptos::{prelude::*, task::spawn_local};

use super::{Part, views};
use crate::live::{Connection, Live};
#[cfg(feature = "hydrate")]
use crate::{base, browser, ui::Toasts};

/// Milliseconds between requests to a node that does not answer.
#[cfg(feature = "hydrate")]
const PAUSE: u32 = 2_000;

/// Milliseconds after which a page that is alive loads the part that most links lead to: blocks, transactions and accounts.
const QUIET_AFTER: u64 = 2_000;

/// Ends when the part is there. A node that does not answer is waited for, while the page before stays. One that answers but has
/// not this part is of another version: the browser opens the page from it, as without a script.
pub async fn wait_for(part: Part) {
    if views::load(part).await.is_ok() {
        return;
    }
    #[cfg(feature = "hydrate")]
    {
        let target = target();
        let toasts = Toasts::get();
        let mut shown = false;
        while !browser::answers(&target).await {
            if !std::mem::replace(&mut shown, true) {
                toasts.show("The node does not answer. The page opens once it does.");
            }
            browser::sleep(PAUSE).await;
        }
        if views::load(part).await.is_err() {
            browser::open(&target);
            // What stands here is replaced.
            std::future::pending::<()>().await;
        }
    }
}

/// Where the navigation under way leads.
#[cfg(feature = "hydrate")]
fn target() -> String {
    leptos_router::hooks::use_url().with_untracked(|url| {
        let query = match url.search() {
            "" => String::new(),
            search => format!("?{search}"),
        };
        [url.path(), &query, url.hash()].concat()
    })
}

/// Loads the parts that this page needs before it can be brought to life.
///
/// # Errors
/// Names the first that the node did not send.
#[cfg(feature = "hydrate")]
pub(crate) async fn load_for_this_page() -> Result<(), String> {
    let parts = of(&browser::path());
    let loads = parts.iter().map(|part| views::load(*part));
    for (part, loaded) in parts.iter().zip(join_all(loads).await) {
        loaded.map_err(|error| format!("{}: {error}", part.name()))?;
    }
    Ok(())
}

/// The parts of a path as the browser has it.
#[cfg(feature = "hydrate")]
fn of(path: &str) -> &'static [Part] {
    base::current().below(path).map_or(&[], Part::of)
}

/// Loads the parts behind a link while a reader points at it or has it focused, and the one that most links lead to, when this page
/// has come to rest; not while the node is known to be away. What fails is tried again when the page is opened.
pub fn prefetch() {
    let live = Live::get();
    let early = move |parts: &'static [Part]| {
        let away = live
            .connection
            .try_with_untracked(|now| matches!(now, Connection::Reconnecting | Connection::Stale));
        if away == Some(false) {
            for part in parts {
                spawn_local(async move { drop(views::load(*part).await) });
            }
        }
    };
    Effect::new(move |_| {
        #[cfg(feature = "hydrate")]
        {
            let at = move |event: &leptos::web_sys::Event| {
                if let Some(path) = browser::link_of(event) {
                    early(of(&path));
                }
            };
            window_event_listener(leptos::ev::pointerover, move |event| at(&event));
            window_event_listener(leptos::ev::focusin, move |event| at(&event));
        }
        set_timeout(move || early(&[Part::Details]), Duration::from_millis(QUIET_AFTER));
    });
}
