use leptos::prelude::*;

/// A labelled line of input with its help and its error.
#[component]
pub fn Field(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional, into)] value: Signal<String>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] hint: String,
    /// What is wrong and what would be right; empty while nothing is.
    #[prop(optional, into)]
    error: Signal<String>,
    #[prop(optional, into)] placeholder: String,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] on_input: Option<Callback<String>>,
) -> impl IntoView {
    let hint_id = format!("{name}-hint");
    let error_id = format!("{name}-error");
    let described = format!("{hint_id} {error_id}");
    view! {
        <div class="field">
            <label for=name.clone()>{label}</label>
            <input
                id=name.clone()
                name=name
                type=kind
                placeholder=placeholder
                autocomplete=autocomplete
                spellcheck="false"
                autocapitalize="off"
                aria-describedby=described
                aria-invalid=move || error.with(|error| (!error.is_empty()).then_some("true"))
                prop:value=move || value.get()
                value=value.get_untracked()
                on:input=move |event| {
                    if let Some(on_input) = on_input {
                        on_input.run(event_target_value(&event));
                    }
                }
            />
            {(!hint.is_empty()).then(|| view! { <span class="field-hint" id=hint_id>{hint}</span> })}
            {move || {
                let text = error.get();
                let id = error_id.clone();
                (!text.is_empty()).then(|| view! { <span class="field-error" id=id role="alert">{text}</span> })
            }}
        </div>
    }
    .into_any()
}

/// A labelled choice among words; `options` are value and text.
#[component]
pub fn Select(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    options: Vec<(String, String)>,
    #[prop(into)] value: Signal<String>,
    #[prop(optional)] on_change: Option<Callback<String>>,
) -> impl IntoView {
    let chosen = value.get_untracked();
    let options = options
        .into_iter()
        .map(|(word, text)| {
            let selected = word == chosen;
            let current = word.clone();
            view! {
                <option value=word selected=selected prop:selected=move || value.with(|value| *value == current)>
                    {text}
                </option>
            }
        })
        .collect_view();
    view! {
        <div class="field">
            <label for=name.clone()>{label}</label>
            <select
                id=name.clone()
                name=name
                on:change=move |event| {
                    if let Some(on_change) = on_change {
                        on_change.run(event_target_value(&event));
                    }
                }
            >
                {options}
            </select>
        </div>
    }
    .into_any()
}
