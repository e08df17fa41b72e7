use leptos::prelude::*;

use crate::{
    format,
    model::BaseUnits,
    prefs::{Prefs, Unit},
};

/// The chain's coin symbol, for every amount on a page.
#[derive(Clone)]
pub struct SymbolContext(pub String);

/// An amount in coins with every decimal that counts, or as the reader chose to see it; the exact
/// amount is always in the title.
#[component]
pub fn Amount(
    value: BaseUnits,
    /// Show all decimals whatever the preferences are.
    #[prop(optional)]
    exact: bool,
) -> impl IntoView {
    let symbol = use_context::<SymbolContext>()
        .map(|symbol| symbol.0)
        .unwrap_or_default();
    let prefs = Prefs::get();
    let title = format!(
        "{} {symbol} = {} base units",
        format::exact_coins(&value),
        format::grouped(value.digits())
    );
    let number = {
        let value = value.clone();
        move || {
            let (unit, decimals) = prefs.read(|prefs| (prefs.unit, prefs.decimals));
            if unit == Unit::Base && !exact {
                return (format::grouped(value.digits()), String::new());
            }
            let decimals = if exact { None } else { decimals };
            let (whole, fraction) = format::coins(&value, decimals);
            // An amount that is not zero never reads as zero.
            if whole == "0" && fraction.is_empty() && !value.is_zero() {
                return format::coins(&value, None);
            }
            (whole, fraction)
        }
    };
    let whole = number.clone();
    let unit = move || {
        prefs.read(|prefs| {
            if prefs.unit == Unit::Base && !exact {
                "base units".to_owned()
            } else {
                symbol.clone()
            }
        })
    };
    view! {
        <span class="amount" title=title translate="no">
            <span class="amount-whole">{move || whole().0}</span>
            <span class="amount-fraction">
                {move || {
                    let fraction = number().1;
                    if fraction.is_empty() { fraction } else { format!(".{fraction}") }
                }}
            </span>
            " "
            <span class="amount-unit">{unit}</span>
        </span>
    }
    .into_any()
}
