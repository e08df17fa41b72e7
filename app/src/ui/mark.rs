use leptos::prelude::*;

/// What a mark shows of the thing beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkState {
    /// This tab checked it.
    Verified,
    /// Only the node reports it.
    Claimed,
    /// Only the node reports it, since its block could not be compared with a verified chain; the text says why.
    Unverified(String),
    /// Nothing was given yet that could be checked: no claim of a node either.
    Unchecked,
    /// This tab is checking it now.
    Checking,
    /// It holds for an older block than this browser saw before; the text says which.
    Older(String),
    /// This tab checked it and it does not hold; the text says what.
    Failed(String),
}

impl MarkState {
    fn word(&self) -> &'static str {
        match self {
            Self::Verified => "verified here",
            Self::Claimed | Self::Unverified(_) => "as told by the node",
            Self::Unchecked => "not checked yet",
            Self::Checking => "checking…",
            Self::Older(_) => "older than seen before",
            Self::Failed(_) => "does not hold",
        }
    }

    fn class(&self) -> &'static str {
        match self {
            Self::Verified => "mark mark-verified",
            Self::Claimed | Self::Unverified(_) => "mark mark-claimed",
            Self::Unchecked => "mark mark-claimed",
            Self::Checking => "mark mark-checking",
            Self::Older(_) | Self::Failed(_) => "mark mark-failed",
        }
    }

    /// Both halves of the stick for what was compared, one half for what was only reported.
    fn shape(&self) -> &'static str {
        match self {
            Self::Verified => "M2 3h12v4H2zM2 9h12v4H2zM6 3v10M10 3v10",
            Self::Claimed | Self::Unverified(_) | Self::Unchecked | Self::Checking => "M2 6h12v4H2zM6 6v4M10 6v4",
            Self::Older(_) | Self::Failed(_) => "M2 3h12v4H2zM2 9h12v4H2zM5 3v4M11 9v4",
        }
    }
}

/// The mark that everything on a page bears: verified here, or as told by the node.
#[component]
pub fn Mark(#[prop(into)] state: Signal<MarkState>) -> impl IntoView {
    view! {
        <span class=move || state.try_with(MarkState::class).unwrap_or("mark")>
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d=move || state.try_with(MarkState::shape).unwrap_or_default() />
            </svg>
            <span class="mark-word">{move || state.try_with(MarkState::word)}</span>
            {move || match state.try_get() {
                Some(MarkState::Unverified(why) | MarkState::Older(why) | MarkState::Failed(why)) => Some(view! { <span class="mark-why">{why}</span> }),
                _ => None,
            }}
        </span>
    }
    .into_any()
}
