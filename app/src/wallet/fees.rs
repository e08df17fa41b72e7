//! The three fee levels: what each costs and how long it should take.

use leptos::prelude::*;

use tally_chain::KeyKind;

use super::{node::FeesAnswer, protocol::Prices};
use crate::{format, model::BaseUnits, prefs::FeeLevel, ui::Amount};

/// All levels with their names, the slowest first.
pub const LEVELS: [(FeeLevel, &str); 3] = [
    (FeeLevel::Slow, "Low"),
    (FeeLevel::Normal, "Normal"),
    (FeeLevel::Fast, "High"),
];

/// The prices of a level. Rule: docs/protocol.md#W9
#[cfg(feature = "hydrate")]
pub fn prices(level: FeeLevel, fees: &FeesAnswer) -> Option<Prices> {
    use tally_wallet::{FeeLevel as Level, fees::choose};

    let level = match level {
        FeeLevel::Slow => Level::Low,
        FeeLevel::Normal => Level::Normal,
        FeeLevel::Fast => Level::High,
    };
    let fee = choose(level, &suggestions(fees)?);
    Some(Prices {
        max_fee: BaseUnits::new(fee.max_fee),
        max_priority_fee: BaseUnits::new(fee.max_priority_fee),
    })
}

/// What the node suggests, as numbers.
#[cfg(feature = "hydrate")]
pub fn suggestions(fees: &FeesAnswer) -> Option<tally_wallet::FeeSuggestions> {
    let number = |units: &BaseUnits| units.digits().parse::<u128>().ok();
    Some(tally_wallet::FeeSuggestions {
        base_fee: number(&fees.base_fee)?,
        low: number(&fees.low.max_priority_fee)?,
        normal: number(&fees.normal.max_priority_fee)?,
        high: number(&fees.high.max_priority_fee)?,
    })
}

/// The server knows no wallet.
#[cfg(not(feature = "hydrate"))]
pub fn prices(_level: FeeLevel, _fees: &FeesAnswer) -> Option<Prices> {
    None
}

/// What a payment costs now, about: base fee and tip for the gas it takes. Exact figures come with the review.
pub fn expected(level: FeeLevel, fees: &FeesAnswer, kind: KeyKind, memo: usize) -> Option<BaseUnits> {
    let tip = &fees.level(level).max_priority_fee;
    let price = fees
        .base_fee
        .digits()
        .parse::<u128>()
        .ok()?
        .checked_add(tip.digits().parse().ok()?)?;
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
    #[prop(into)] fees: Signal<Option<FeesAnswer>>,
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
                let seconds = fees.with(|fees| fees.as_ref().map(|fees| fees.level(this).expected_seconds));
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
                                Some(cost) => view! { "about " <Amount value=cost exact=true /> }.into_any(),
                                None => "reading…".into_any(),
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
