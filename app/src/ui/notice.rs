use leptos::prelude::*;

/// The kind of a notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoticeKind {
    #[default]
    Info,
    Warning,
    Error,
    Success,
}

impl NoticeKind {
    fn class(self) -> &'static str {
        match self {
            Self::Info => "notice notice-info",
            Self::Warning => "notice notice-warning",
            Self::Error => "notice notice-error",
            Self::Success => "notice notice-success",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Info => "i",
            Self::Warning => "!",
            Self::Error => "✕",
            Self::Success => "✓",
        }
    }
}

/// A boxed message: the title names what happened, the text why and what to do next.
#[component]
pub fn Notice(#[prop(optional)] kind: NoticeKind, #[prop(into)] title: String, children: Children) -> impl IntoView {
    let role = if kind == NoticeKind::Error { "alert" } else { "note" };
    view! {
        <div class=kind.class() role=role>
            <span class="notice-sign" aria-hidden="true">{kind.sign()}</span>
            <div class="notice-text">
                <strong>{title}</strong>
                <div>{children()}</div>
            </div>
        </div>
    }
    .into_any()
}

/// Nothing here yet: why, and the way on.
#[component]
pub fn Empty(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <div class="empty">
            <svg class="empty-stick" viewBox="0 0 96 24" width="96" height="24" aria-hidden="true">
                <path d="M2 4h92v16H2z" />
            </svg>
            <strong>{title}</strong>
            <div>{children()}</div>
        </div>
    }
    .into_any()
}

/// A read that failed, in the words of the node, and a way to try again.
#[component]
pub fn ReadError(
    /// What could not be shown.
    #[prop(into)]
    what: String,
    /// Why, in the words of the error.
    #[prop(into)]
    why: String,
    #[prop(optional)] retry: Option<Callback<()>>,
) -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Error title=format!("{what} could not be read")>
            <p>{why}</p>
            <p>"What was shown before may be out of date. Try again, or check whether the node still runs."</p>
            {retry
                .map(|retry| {
                    view! {
                        <button class="button" type="button" on:click=move |_| retry.run(())>
                            "Try again"
                        </button>
                    }
                })}
        </Notice>
    }
    .into_any()
}

/// A quiet shape of the size that the content will have.
#[component]
pub fn Skeleton(#[prop(default = 6)] lines: usize) -> impl IntoView {
    view! {
        <div class="skeleton" aria-hidden="true">
            {(0..lines).map(|_| view! { <div class="skeleton-line"></div> }).collect_view()}
        </div>
        <p class="visually-hidden" role="status">"Loading"</p>
    }
    .into_any()
}
