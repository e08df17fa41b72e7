//! Secrets while they are typed: gone from the page's memory once they were used, or the field was left.

use leptos::prelude::*;
use zeroize::Zeroize;

use crate::wallet::protocol::SecretText;

/// Where a field keeps what is typed into it; wiped when the field leaves the page.
pub fn typed() -> RwSignal<String> {
    let typed = RwSignal::new(String::new());
    on_cleanup(move || {
        let _ = typed.try_update_untracked(Zeroize::zeroize);
    });
    typed
}

/// Takes what was typed out of its field.
pub fn take(typed: RwSignal<String>) -> SecretText {
    SecretText::new(typed.try_update(std::mem::take).unwrap_or_default())
}
