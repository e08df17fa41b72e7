use leptos::prelude::*;

use crate::{base::at_base, format, model::Listing};

/// Links to the pages around this one. `href` makes the address of a page.
#[component]
pub fn Pager(
    page: u32,
    more: bool,
    #[prop(optional_no_strip)] pages: Option<u64>,
    #[prop(optional_no_strip)] window: Option<String>,
    href: Callback<u32, String>,
    #[prop(default = "Pages")] label: &'static str,
) -> impl IntoView {
    let link = move |target: Option<u32>, text: &'static str, name: &'static str, rel: &'static str| match target {
        Some(target) => view! {
            <a class="button pager-step" href=at_base(href.run(target)) rel=rel aria-label=name>
                {text}
            </a>
        }
        .into_any(),
        None => {
            view! { <span class="button pager-step" aria-disabled="true" aria-label=name role="link">{text}</span> }
                .into_any()
        }
    };
    let place = match pages {
        Some(pages) => format!("Page {} of {}", format::count(page), format::count(pages)),
        None => format!("Page {}", format::count(page)),
    };
    let back = (page > 1).then(|| page - 1);
    let last = pages
        .and_then(|pages| u32::try_from(pages).ok())
        .filter(|last| *last > page);
    view! {
        <nav class="pager" aria-label=label>
            {link((page > 1).then_some(1), "« Newest", "First page", "first")}
            {link(back, "‹", "Previous page", "prev")}
            <span class="pager-place" aria-current="page">{place}</span>
            {link(more.then(|| page + 1), "›", "Next page", "next")}
            {pages.map(|_| link(last, "»", "Last page", "last"))}
            {window
                .map(|window| {
                    view! {
                        <span class="pager-window">
                            {format!("Sorted and filtered within the newest {window}.")}
                        </span>
                    }
                })}
        </nav>
    }
    .into_any()
}

/// The way on in a list that goes by cursors: to its beginning, where this is not it, and to what is older.
#[component]
pub fn CursorPager(
    /// Address of the beginning; none at it.
    newest: Option<String>,
    /// Address of what is older; none at the end.
    older: Option<String>,
    label: &'static str,
) -> impl IntoView {
    let link = |target: Option<String>, text: &'static str, rel: &'static str| match target {
        Some(target) => view! { <a class="button pager-step" href=at_base(target) rel=rel>{text}</a> }.into_any(),
        None => view! { <span class="button pager-step" aria-disabled="true" role="link">{text}</span> }.into_any(),
    };
    (newest.is_some() || older.is_some())
        .then(|| {
            view! {
                <nav class="pager" aria-label=label>
                    {link(newest, "« Newest", "first")}
                    {link(older, "Older ›", "next")}
                </nav>
            }
        })
        .into_any()
}

impl<T> Listing<T> {
    /// The pager of this listing.
    pub fn pager<F>(&self, href: F) -> impl IntoView + use<T, F>
    where
        F: Fn(u32) -> String + Send + Sync + 'static,
    {
        let href = Callback::new(href);
        view! { <Pager page=self.page more=self.more pages=self.pages() window=self.window.clone() href=href /> }
    }
}
