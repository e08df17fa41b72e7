//! The head of a page, and what it reads from the node.

use leptos::{prelude::*, reactive::computed::ScopedFuture};
use leptos_meta::Title;
use serde::{Serialize, de::DeserializeOwned};

use super::{Mark, MarkState, ReadError, Skeleton, branch};
use crate::reads::Read;

/// The title of a page whose head is redrawn with what the page shows.
#[derive(Clone)]
struct HeldTitle(ArcRwSignal<String>);

impl HeldTitle {
    fn hold(&self, title: &str) {
        if self.0.with_untracked(|held| held != title) {
            self.0.set(title.to_owned());
        }
    }
}

/// Holds the title of a page whose [`PageHead`] is redrawn, as that of a block is: for the page's component, outside of what is redrawn.
/// It goes with the page. A `<Title>` that is redrawn leaves a text behind with each time: leptos_meta 0.8.7 updates it under a new
/// number, and removes the first one only.
pub fn held_title() -> AnyView {
    let title = ArcRwSignal::new(String::new());
    provide_context(HeldTitle(title.clone()));
    view! { <Title text=move || title.get() /> }.into_any()
}

/// The title of a page and the one sentence about its purpose. Where it is redrawn, the page has a [`held_title`].
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional, into)] lead: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let held = use_context::<HeldTitle>();
    if let Some(held) = &held {
        held.hold(&title);
    }
    let own = held.is_none().then(|| view! { <Title text=title.clone() /> });
    view! {
        {own}
        <header class="page-head">
            <h1>{title}</h1>
            {(!lead.is_empty()).then(|| view! { <p class="page-lead">{lead}</p> })}
            {children.map(|children| children())}
        </header>
    }
    .into_any()
}

/// Shows a resource: a skeleton until it first arrives, then the value, drawn again whenever it changes.
/// See [`Followed`].
#[component]
pub fn Loaded<T>(
    /// What is read, to begin a sentence with.
    what: &'static str,
    resource: Resource<Read<T>>,
    show: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
    #[prop(default = 8)] lines: usize,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    let follow = move |value: Signal<T>| {
        let show = show.clone();
        let draw = move || {
            let (show, value) = (show.clone(), value.get());
            branch(move || show(value))
        };
        draw.into_any()
    };
    view! { <Followed what=what resource=resource show=follow lines=lines /> }.into_any()
}

/// Shows a resource as a signal: `show` is called once, when the first value arrives.
///
/// While the resource is read again the value from before stays, and so it does when that fails; then a
/// notice above it names the failure and offers to try again.
#[component]
pub fn Followed<T>(
    /// What is read, to begin a sentence with.
    what: &'static str,
    resource: Resource<Read<T>>,
    show: impl Fn(Signal<T>) -> AnyView + Clone + Send + Sync + 'static,
    #[prop(default = 8)] lines: usize,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    let (value, failure) = (RwSignal::new(None::<T>), RwSignal::new(None::<String>));
    let take = move |answer: Read<T>| {
        failure.set(answer.as_ref().err().map(ToString::to_string));
        if let Some(new) = answer
            .ok()
            .filter(|new| value.with_untracked(|old| old.as_ref() != Some(new)))
        {
            value.set(Some(new));
        }
    };
    Effect::new(move |_| {
        if let Some(answer) = resource.get() {
            take(answer);
        }
    });
    let arrived = Memo::new(move |_| value.with(Option::is_some));
    let current = Signal::derive(move || value.get().expect("it is shown only once it has arrived"));
    // It is read aloud: not again where another reading fails for the same reason.
    let why = Memo::new(move |_| failure.get());
    let failed = move || {
        let retry = Callback::new(move |()| resource.refetch());
        why.get()
            .map(|why| view! { <ReadError what=what why=why retry=retry /> })
    };
    view! {
        <Transition fallback=move || view! { <Skeleton lines=lines /> }>
            {move || {
                let show = show.clone();
                // The future is awaited untracked: a second reading must not begin the page again.
                let first = ScopedFuture::new_untracked(async move { resource.await });
                Suspend::new(async move {
                    take(first.await);
                    view! {
                        {failed}
                        {move || arrived.get().then(|| show(current))}
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// Shows that what stands above is only what the node reports.
#[component]
pub fn Claimed() -> impl IntoView {
    view! {
        <p class="claimed">
            <Mark state=MarkState::Claimed />
        </p>
    }
    .into_any()
}
