//! A recovery phrase on the clipboard: warned of, and wiped where the browser allows.

use leptos::{prelude::*, task::spawn_local};
use tally_chain::hash::sha256;

use crate::{
    browser::{self, Wiped},
    ui::{Notice, NoticeKind, Toasts},
};

/// How long it may stay, in milliseconds.
const KEPT: u32 = 60_000;
/// Pause before another try while the page is not in front, in milliseconds.
const AGAIN: u32 = 10_000;
/// Tries until it is given up.
const TRIES: u32 = 30;

/// The words of a text, however they are spaced, as a print that gives nothing away.
fn print(text: &str) -> [u8; 32] {
    let words: Vec<&str> = text.split_whitespace().collect();
    sha256(&[words.join(" ").as_bytes()]).0
}

/// Warns that a copied phrase is in danger. `copied` is set when the reader copies it.
#[component]
pub fn CopiedPhrase(copied: RwSignal<bool>) -> impl IntoView {
    view! {
        <Show when=move || copied.get()>
            <Notice kind=NoticeKind::Warning title="The phrase is on the clipboard">
                <p>
                    "Other programs, and other devices of yours, may read it there. Paper is safer. After a minute this page wipes it, if the browser allows; copy something else to be sure."
                </p>
            </Notice>
        </Show>
    }
}

/// Called when a phrase is copied: remembers a print of what was selected, and wipes it later.
pub fn on_copy(copied: RwSignal<bool>, toasts: Toasts) {
    let Some(selected) = browser::selected_text() else {
        return;
    };
    let wanted = print(&selected);
    drop(zeroize::Zeroizing::new(selected));
    copied.set(true);
    spawn_local(async move {
        browser::sleep(KEPT).await;
        for _ in 0..TRIES {
            match browser::wipe_clipboard(|text| print(text) == wanted).await {
                Wiped::Done => return toasts.show("The phrase was wiped from the clipboard"),
                Wiped::Other => return,
                Wiped::Unknown => browser::sleep(AGAIN).await,
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::print;

    #[test]
    fn spacing_does_not_hide_a_phrase() {
        assert_eq!(print("able about\nabove"), print(" able\r\nabout\tabove "));
        assert_ne!(print("able about above"), print("able above about"));
    }
}
