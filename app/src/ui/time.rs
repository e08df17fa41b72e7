use leptos::prelude::*;

use crate::{format, live::Live};

/// A moment: exact (UTC) as the server renders it, relative once the page runs, exact in the title.
#[component]
pub fn Time(
    /// Unix seconds.
    at: u64,
    /// Show the exact time, with the relative one after it.
    #[prop(optional)]
    both: bool,
) -> impl IntoView {
    let now = Live::get().now;
    let exact = format::utc(at);
    let title = exact.clone();
    let text = move || match now.get() {
        Some(now) if both => format!("{exact} ({})", format::ago(at, now)),
        Some(now) => format::ago(at, now),
        None => exact.clone(),
    };
    view! {
        <time class="time" class:time-both=both datetime=format::iso(at) title=title>
            {text}
        </time>
    }
}

/// Seconds as people read them, exact in the title.
#[component]
pub fn Elapsed(seconds: f64) -> impl IntoView {
    view! { <span class="elapsed" title=format!("{} seconds", format::decimal(seconds, 3))>{format::duration(seconds)}</span> }
}
