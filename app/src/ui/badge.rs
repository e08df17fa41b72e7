//! Words about a transaction in a frame of their own.

use leptos::prelude::*;

use crate::model::{Scheme, Status};

/// Where a transaction stands, as word and shape.
#[component]
pub fn StatusBadge(status: Status) -> impl IntoView {
    let (class, sign, word) = match status {
        Status::Pending => ("badge badge-pending", "◌", "Pending"),
        Status::Succeeded => ("badge badge-ok", "✓", "Confirmed"),
        Status::Failed => ("badge badge-failed", "✕", "Failed"),
    };
    view! {
        <span class=class>
            <span aria-hidden="true">{sign}</span>
            {word}
        </span>
    }
    .into_any()
}

/// How it was signed.
#[component]
pub fn SchemeBadge(scheme: Scheme) -> impl IntoView {
    let title = match scheme {
        Scheme::Rsa => "Signed with RSA-PSS",
        Scheme::Ecc => "Signed with secp256k1",
        Scheme::Ethereum => "An Ethereum transaction, signed with secp256k1",
        Scheme::Multisig => "Sent from a shared account, signed by several keys",
    };
    view! { <span class="badge badge-scheme" title=title>{scheme.label()}</span> }.into_any()
}
