//! Errors of the wallet, as a notice.

use leptos::prelude::*;

use crate::{
    ui::{Notice, NoticeKind},
    wallet::protocol::Trouble,
};

/// What did not work, why, and what to do next.
#[component]
pub fn TroubleNotice(#[prop(into)] title: String, trouble: Trouble) -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Error title=title>
            <p>{trouble.to_string()}</p>
            <p>{trouble.advice()}</p>
        </Notice>
    }
}
