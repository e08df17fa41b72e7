//! Errors of the wallet, as a notice.

use leptos::prelude::*;

use crate::{
    ui::{Notice, NoticeKind},
    wallet::protocol::WalletError,
};

/// What did not work, why, and what to do next.
#[component]
pub fn ErrorNotice(#[prop(into)] title: String, error: WalletError) -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Error title=title>
            <p>{error.to_string()}</p>
            <p>{error.advice()}</p>
        </Notice>
    }
}
