//! What will be signed, read back from the very bytes.

use leptos::prelude::*;
use tally_chain::transaction::LIFETIME;

use crate::{
    format,
    model::ChainInfo,
    ui::{Amount, Fact, Facts, Notice, NoticeKind},
    wallet::{
        client::balances::units,
        protocol::{MemoText, ReviewText},
    },
};

/// Every field of the bytes that will be signed, nothing shortened.
#[component]
pub fn Review(review: ReviewText) -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    let other_chain = (review.genesis != chain.genesis_id).then(|| {
        view! {
            <Notice kind=NoticeKind::Error title="These bytes are for another chain">
                <p>"Do not sign them."</p>
            </Notice>
        }
    });
    let memo = match review.memo {
        MemoText::None => view! { <span class="faint">"none"</span> }.into_any(),
        MemoText::Text(text) => view! { <span class="review-memo">{text}</span> }.into_any(),
        MemoText::Hex(hex) => view! { <code class="id-text">{hex}</code> }.into_any(),
    };
    let until = format::utc(review.timestamp.saturating_add(LIFETIME));
    let receiver = match review.to {
        Some(to) => view! { <strong class="review-address" translate="no">{to}</strong> }.into_any(),
        None => view! { <strong>"no one: a new contract is created"</strong> }.into_any(),
    };
    let code = review.init_code.map(|code| {
        let bytes = code.len().saturating_sub(2) / 2;
        view! {
            <Fact name="Program of the contract">
                <code class="id-text">{code}</code>
                <span class="field-hint">{format!("{bytes} bytes")}</span>
            </Fact>
        }
    });
    let rates = format!(
        "up to {} base units per gas ({} of it to the miner), {} gas",
        format::grouped(&review.max_fee_per_gas.to_string()),
        format::grouped(&review.max_priority_fee_per_gas.to_string()),
        format::count(review.gas_limit)
    );
    view! {
        {other_chain}
        <Facts>
            <Fact name="Pay"><span class="review-amount"><Amount value=units(review.value) exact=true /></span></Fact>
            <Fact name="To">{receiver}</Fact>
            <Fact name="From"><span class="review-address" translate="no">{review.from}</span></Fact>
            {code}
            <Fact name="Memo">{memo}</Fact>
            <Fact name="Fee at most">
                <Amount value=units(review.max_fee) exact=true />
                <span class="field-hint">{rates}</span>
            </Fact>
            <Fact name="Total at most"><Amount value=units(review.max_total) exact=true /></Fact>
            <Fact name="Chain">
                <span>{format!("{} ({})", chain.name, review.chain_id)}</span>
                <span class="field-hint review-address">{format!("genesis {}", review.genesis)}</span>
            </Fact>
            <Fact name="Nonce">{format::count(review.nonce)}</Fact>
            <Fact name="Valid until">{until}</Fact>
        </Facts>
    }
}
