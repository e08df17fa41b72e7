use leptos::prelude::*;

use crate::base::at_base;

/// How prominent a button is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// The one clear way on.
    Primary,
    #[default]
    Plain,
    /// Something that cannot be taken back.
    Danger,
    /// Text only.
    Quiet,
}

impl ButtonKind {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button-primary",
            Self::Plain => "button",
            Self::Danger => "button button-danger",
            Self::Quiet => "button button-quiet",
        }
    }
}

/// A button. Handlers go on it as `on:click`; inside a form set `submit`.
// Transparent: its type is not erased, so what is put on it is among the attributes of the element. From an erased view that is rebuilt,
// Leptos does not take the handlers from before, and drops the new ones.
#[component(transparent)]
pub fn Button(
    #[prop(optional)] kind: ButtonKind,
    #[prop(optional)] submit: bool,
    /// Disabled while this is true; the reason belongs into the text beside it.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Shows that the work goes on, and takes no second click.
    #[prop(optional, into)]
    busy: Signal<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            class=kind.class()
            type=if submit { "submit" } else { "button" }
            prop:disabled=move || disabled.try_get().unwrap_or_default() || busy.try_get().unwrap_or_default()
            aria-busy=move || busy.try_get().unwrap_or_default().then_some("true")
        >
            {untrack(children)}
        </button>
    }
}

/// A link that looks like a button.
#[component]
pub fn ButtonLink(#[prop(into)] href: String, #[prop(optional)] kind: ButtonKind, children: Children) -> impl IntoView {
    view! {
        <a class=kind.class() href=at_base(href)>
            {children()}
        </a>
    }
}
