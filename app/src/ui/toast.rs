use leptos::{prelude::*, task::spawn_local};

use crate::browser;

/// How long a short message stays, milliseconds.
const STAY: u32 = 4_000;

/// Short messages that go away by themselves. What matters longer belongs on the page.
#[derive(Clone, Copy)]
pub struct Toasts(RwSignal<Vec<(u32, String)>>);

impl Toasts {
    /// Makes the context.
    pub fn provide() -> Self {
        let toasts = Self(RwSignal::new(Vec::new()));
        provide_context(toasts);
        toasts
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the root component provides the toasts")
    }

    /// Shows a message, and reads it out politely.
    pub fn show(self, text: impl Into<String>) {
        let text = text.into();
        let number = self
            .0
            .with_untracked(|list| list.last().map_or(0, |last| last.0.wrapping_add(1)));
        self.0.update(|list| {
            list.retain(|entry| entry.1 != text);
            list.push((number, text));
        });
        spawn_local(async move {
            browser::sleep(STAY).await;
            let _ = self.0.try_update(|list| list.retain(|entry| entry.0 != number));
        });
    }
}

/// Where the messages appear.
#[component]
pub fn ToastStack() -> impl IntoView {
    let toasts = Toasts::get();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.0.get() key=|entry| entry.0 let:entry>
                <p class="toast">{entry.1}</p>
            </For>
        </div>
    }
    .into_any()
}
