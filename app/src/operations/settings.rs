use leptos::prelude::*;

use crate::{
    model::BaseUnits,
    operations::operator::Operator,
    prefs::{FeeLevel, Prefs, Theme, Unit},
    ui::{Amount, Button, Field, PageHead, Select},
};

/// Shown where no script runs. Plain text for `<noscript>`, which a running page does not read.
const NO_SCRIPT: &str = "<div class=\"notice notice-info\" role=\"note\"><span class=\"notice-sign\" aria-hidden=\"true\">i</span>\
<div class=\"notice-text\"><strong>Settings need scripts</strong>\
<div><p>They are kept by the page itself, in this browser. Everything else here works without scripts.</p></div></div></div>";

/// The page at `/settings`.
#[component]
pub fn Settings() -> impl IntoView {
    view! {
        <PageHead title="Settings" lead="Kept in this browser only; nothing here changes the node." />
        <noscript inner_html=NO_SCRIPT></noscript>
        <Display />
        <WalletChoices />
        <OperatorToken />
    }
    .into_any()
}

fn options(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(word, text)| ((*word).to_owned(), (*text).to_owned()))
        .collect()
}

#[component]
fn Display() -> impl IntoView {
    let prefs = Prefs::get();
    let theme = Signal::derive(move || prefs.read(|prefs| prefs.theme.word().to_owned()));
    let unit =
        Signal::derive(move || prefs.read(|prefs| if prefs.unit == Unit::Coin { "coin" } else { "base" }.to_owned()));
    let decimals = Signal::derive(move || {
        prefs.read(|prefs| prefs.decimals.map_or("all".to_owned(), |places| places.to_string()))
    });
    let rows = Signal::derive(move || prefs.read(|prefs| prefs.rows.to_string()));
    view! {
        <section class="card" aria-labelledby="display">
            <h2 id="display">"Display"</h2>
            <div class="form-grid">
                <Select
                    label="Theme"
                    name="theme"
                    options=options(&[("system", "As the system"), ("light", "Light"), ("dark", "Dark")])
                    value=theme
                    on_change=Callback::new(move |word: String| prefs.change(|prefs| prefs.theme = Theme::from_word(&word)))
                />
                <Select
                    label="Amounts in"
                    name="unit"
                    options=options(&[("coin", "Coins"), ("base", "Base units")])
                    value=unit
                    on_change=Callback::new(move |word: String| {
                        prefs.change(|prefs| prefs.unit = if word == "base" { Unit::Base } else { Unit::Coin });
                    })
                />
                <Select
                    label="Decimals"
                    name="decimals"
                    options=options(&[("all", "All that count"), ("2", "At most 2"), ("4", "At most 4"), ("8", "At most 8")])
                    value=decimals
                    on_change=Callback::new(move |word: String| prefs.change(|prefs| prefs.decimals = word.parse().ok()))
                />
                <Select
                    label="Rows of a table"
                    name="rows"
                    options=options(&[("10", "10"), ("20", "20"), ("50", "50"), ("100", "100")])
                    value=rows
                    on_change=Callback::new(move |word: String| {
                        if let Ok(rows) = word.parse() {
                            prefs.change(|prefs| prefs.rows = rows);
                        }
                    })
                />
            </div>
            <p class="example">"An amount looks like " <Amount value=BaseUnits::new("1234567890123456789012") /></p>
            <p class="field-hint">"Fewer decimals are cut, never rounded up. The confirmation before a signature always shows every digit."</p>
        </section>
    }
    .into_any()
}

#[component]
fn WalletChoices() -> impl IntoView {
    let prefs = Prefs::get();
    let minutes = Signal::derive(move || prefs.read(|prefs| prefs.auto_lock_minutes.to_string()));
    let fee = Signal::derive(move || {
        prefs.read(|prefs| match prefs.fee {
            FeeLevel::Slow => "slow".to_owned(),
            FeeLevel::Normal => "normal".to_owned(),
            FeeLevel::Fast => "fast".to_owned(),
        })
    });
    view! {
        <section class="card" aria-labelledby="wallet-choices">
            <h2 id="wallet-choices">"Wallet"</h2>
            <div class="form-grid">
                <Select
                    label="Lock after"
                    name="auto-lock"
                    options=options(&[("1", "1 minute"), ("5", "5 minutes"), ("10", "10 minutes"), ("30", "30 minutes"), ("60", "1 hour")])
                    value=minutes
                    on_change=Callback::new(move |word: String| {
                        if let Ok(minutes) = word.parse() {
                            prefs.change(|prefs| prefs.auto_lock_minutes = minutes);
                        }
                    })
                />
                <Select
                    label="Propose a fee that is"
                    name="fee"
                    options=options(&[("slow", "Low: may wait"), ("normal", "Normal"), ("fast", "High: next block")])
                    value=fee
                    on_change=Callback::new(move |word: String| {
                        prefs
                            .change(|prefs| {
                                prefs.fee = match word.as_str() {
                                    "slow" => FeeLevel::Slow,
                                    "fast" => FeeLevel::Fast,
                                    _ => FeeLevel::Normal,
                                };
                            });
                    })
                />
            </div>
        </section>
    }
    .into_any()
}

/// The operator's token: kept for this tab, entered by the link that the node prints, or here.
#[component]
pub fn OperatorToken() -> impl IntoView {
    let operator = Operator::get();
    let typed = RwSignal::new(String::new());
    let empty = Signal::derive(move || typed.with(|text| text.trim().is_empty()));
    view! {
        <section class="card" aria-labelledby="operator">
            <h2 id="operator">"Operator"</h2>
            <Show
                when=move || operator.is_present()
                fallback=move || {
                    view! {
                        <p class="prose">
                            "Switching the miner, and adding or banning peers, needs the operator's token. When the node starts on a terminal, it prints the operator link, otherwise the name of the token's file. Open the link, or paste the token. It stays in this tab and is sent only to this node."
                        </p>
                        <form
                            class="inline-form"
                            on:submit=move |event| {
                                event.prevent_default();
                                operator.accept(&typed.get_untracked());
                                typed.set(String::new());
                            }
                        >
                            <Field
                                label="Operator token"
                                name="operator-token"
                                kind="password"
                                value=typed
                                on_input=Callback::new(move |text| typed.set(text))
                            />
                            <Button submit=true disabled=empty>"Use it in this tab"</Button>
                        </form>
                    }
                }
            >
                <p class="prose">"This tab holds the operator token. It is deleted when the tab closes."</p>
                <Button on:click=move |_| operator.forget()>"Forget it now"</Button>
            </Show>
        </section>
    }
    .into_any()
}
