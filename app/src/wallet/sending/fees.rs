//! The three fee levels: what each costs and how long it should take.

use leptos::prelude::*;

use tally_api::fees::{FeeLevelBody, FeesBody};
use tally_chain::KeyKind;

use crate::{
    format,
    model::BaseUnits,
    prefs::FeeLevel,
    ui::{Amount, branch},
    wallet::protocol::Prices,
};

/// All levels with their names, the slowest first.
pub const LEVELS: [(FeeLevel, &str); 3] = [
    (FeeLevel::Slow, "Low"),
    (FeeLevel::Normal, "Normal"),
    (FeeLevel::Fast, "High"),
];

/// The prices of a level. Rule: docs/protocol.md#W9
#[cfg(feature = "hydrate")]
pub fn prices(level: FeeLevel, fees: &FeesBody) -> Option<Prices> {
    use tally_wallet::{FeeLevel as Level, fees::choose};

    let level = match level {
        FeeLevel::Slow => Level::Low,
        FeeLevel::Normal => Level::Normal,
        FeeLevel::Fast => Level::High,
    };
    let fee = choose(level, &suggestions(fees));
    Some(Prices {
        max_fee: fee.max_fee,
        max_priority_fee: fee.max_priority_fee,
    })
}

/// What the node suggests, as the wallet's rules take it.
#[cfg(feature = "hydrate")]
pub fn suggestions(fees: &FeesBody) -> tally_wallet::FeeSuggestions {
    tally_wallet::FeeSuggestions {
        base_fee: fees.base_fee,
        low: fees.low.max_priority_fee,
        normal: fees.normal.max_priority_fee,
        high: fees.high.max_priority_fee,
    }
}

/// The server knows no wallet.
#[cfg(not(feature = "hydrate"))]
pub fn prices(_level: FeeLevel, _fees: &FeesBody) -> Option<Prices> {
    None
}

/// What the node suggests for a level.
fn of(level: FeeLevel, fees: &FeesBody) -> &FeeLevelBody {
    match level {
        FeeLevel::Slow => &fees.low,
        FeeLevel::Normal => &fees.normal,
        FeeLevel::Fast => &fees.high,
    }
}

/// What a payment costs now, about: base fee and tip for the gas it takes. Exact figures come with the review.
pub fn expected(level: FeeLevel, fees: &FeesBody, kind: KeyKind, memo: usize) -> Option<BaseUnits> {
    let price = fees.base_fee.checked_add(of(level, fees).max_priority_fee)?;
    price
        .checked_mul(u128::from(gas(kind, memo as u64)))
        .map(BaseUnits::new)
}

/// Gas of a plain payment, about: envelope bytes, signature and memo. Rules: docs/protocol.md#X2, #W8
fn gas(kind: KeyKind, memo: u64) -> u64 {
    let (envelope, signature) = match kind {
        KeyKind::Rsa2048 => (630, 1_000),
        KeyKind::Rsa3072 => (886, 2_000),
        KeyKind::Rsa4096 => (1_142, 4_000),
        KeyKind::Secp256k1 => (175, 1_500),
    };
    2_000 + envelope + signature + memo * 41
}

/// Three cards to choose from.
#[component]
pub fn FeeChoice(
    level: RwSignal<FeeLevel>,
    #[prop(into)] fees: Signal<Option<FeesBody>>,
    #[prop(into)] kind: Signal<KeyKind>,
    /// Bytes of the memo.
    #[prop(into)]
    memo: Signal<usize>,
) -> impl IntoView {
    let cards = LEVELS
        .map(|(this, name)| {
            let cost = move || {
                fees.get()
                    .and_then(|fees| expected(this, &fees, kind.get(), memo.get()))
            };
            let time = move || {
                let seconds = fees.with(|fees| fees.as_ref().map(|fees| of(this, fees).expected_seconds));
                seconds.map(|seconds| format!("in about {}", format::duration(seconds as f64)))
            };
            view! {
                <label class="choice">
                    <input
                        type="radio"
                        name="fee"
                        prop:checked=move || level.get() == this
                        on:change=move |_| level.set(this)
                    />
                    <span class="choice-text">
                        <strong>{name}</strong>
                        <span>{time}</span>
                        <span class="choice-cost">
                            {move || match cost() {
                                Some(cost) => branch(move || view! { "about " <Amount value=cost exact=true /> }),
                                None => branch(|| "reading…"),
                            }}
                        </span>
                    </span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="choices choices-three">
            <legend>"Fee"</legend>
            {cards}
        </fieldset>
    }
}
