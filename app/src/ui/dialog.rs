use leptos::{html, prelude::*};

/// A native modal dialog: focus stays inside, Escape closes it, the page behind is inert.
/// It follows `open`, and sets it to false when the reader closes it.
#[component]
pub fn Dialog(open: RwSignal<bool>, #[prop(into)] title: String, children: Children) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    view! {
        <dialog class="dialog" node_ref=node on:close=move |_| open.set(false) aria-label=title>
            <header class="dialog-head">
                <h2>{title.clone()}</h2>
                <button class="icon-button" type="button" aria-label="Close" on:click=move |_| open.set(false)>
                    "✕"
                </button>
            </header>
            <div class="dialog-body">{children()}</div>
        </dialog>
    }
    .into_any()
}
