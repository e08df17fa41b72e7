use leptos::prelude::*;

use crate::prefs::{Prefs, Theme};

/// Steps through system, light and dark.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let prefs = Prefs::get();
    let theme = move || prefs.read(|prefs| prefs.theme);
    let next = move || match theme() {
        Theme::System => Theme::Light,
        Theme::Light => Theme::Dark,
        Theme::Dark => Theme::System,
    };
    let label = move || format!("Theme: {}. Switch to {}", theme().word(), next().word());
    let shape = move || match theme() {
        Theme::System => "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
        Theme::Light => {
            "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.5 1.5M11.5 11.5L13 13M3 13l1.5-1.5M11.5 4.5L13 3"
        }
        Theme::Dark => "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z",
    };
    view! {
        <button
            class="icon-button needs-script"
            class:theme-system=move || theme() == Theme::System
            type="button"
            aria-label=label
            title=label
            on:click=move |_| {
                let theme = next();
                prefs.change(|prefs| prefs.theme = theme);
            }
        >
            <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
                <path d=shape />
            </svg>
        </button>
    }
    .into_any()
}
