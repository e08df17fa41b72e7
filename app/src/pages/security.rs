use leptos::prelude::*;

use super::parts::{Loaded, PageHead};
use crate::{
    browser,
    model::{SelfCheck, Verdict},
    reads,
    ui::{Mark, MarkState},
};

/// The page at `/security`.
#[component]
pub fn Security() -> impl IntoView {
    let checks = Resource::new(|| (), |()| reads::security());
    view! {
        <PageHead title="Security" lead="What is checked, where, and by whom. What this tab cannot check itself it only believes." />
        <div class="two-columns">
        <section class="card" aria-labelledby="marks">
            <h2 id="marks">"The two marks"</h2>
            <p class="prose">
                "A tally stick was split in two so that neither side could change the count alone. Pages carry that idea: each thing says on whose word it stands."
            </p>
            <ul class="marks">
                <li>
                    <Mark state=MarkState::Verified />
                    <span>"This tab did the arithmetic itself: work, roots, Merkle path or signature. The node cannot fake it."</span>
                </li>
                <li>
                    <Mark state=MarkState::Told />
                    <span>"The node says so. A node you do not run may be wrong or lie."</span>
                </li>
            </ul>
        </section>
        <section class="card" aria-labelledby="where">
            <h2 id="where">"What is checked where"</h2>
            <ul class="prose">
                <li>"Your keys are made, kept and used in a worker of this browser. The node has no call that takes a key."</li>
                <li>"What you confirm is decoded from the very bytes that are signed, not from the form you filled in."</li>
                <li>"On a block's page this tab checks the header's work and that the header commits to the manifest."</li>
                <li>"On a transaction's page it checks the signature, and the path from the transaction to the block's root."</li>
                <li>"Balances, histories and charts are the node's word; whoever needs more runs a node, or asks two."</li>
            </ul>
        </section>
        <section class="card" aria-labelledby="self">
            <h2 id="self">"This node's own checks"</h2>
            <Loaded what="The checks" resource=checks show=|view| self_checks(view.checks).into_any() lines=5 />
        </section>
        <section class="card" aria-labelledby="tab">
            <h2 id="tab">"This browser tab"</h2>
            <ThisTab />
        </section>
        </div>
    }
    .into_any()
}

fn self_checks(checks: Vec<SelfCheck>) -> impl IntoView {
    let rows = checks
        .into_iter()
        .map(|check| check_line(check.verdict, check.name, check.detail))
        .collect_view();
    view! { <ul class="checks">{rows}</ul> }.into_any()
}

fn check_line(verdict: Verdict, name: String, detail: String) -> impl IntoView {
    let (class, sign, word) = match verdict {
        Verdict::Pass => ("check-line check-pass", "✓", "Good"),
        Verdict::Warn => ("check-line check-warn", "!", "Mind"),
        Verdict::Fail => ("check-line check-fail", "✕", "Bad"),
    };
    view! {
        <li class=class>
            <span class="check-sign" aria-hidden="true">{sign}</span>
            <span class="check-text">
                <strong>{name}</strong>
                <span class="check-word">{word}</span>
                <span class="check-detail">{detail}</span>
            </span>
        </li>
    }
    .into_any()
}

/// What the page itself can tell, once it runs.
#[component]
fn ThisTab() -> impl IntoView {
    let secure = RwSignal::new(None::<bool>);
    Effect::new(move |_| secure.set(browser::is_secure_context()));
    view! {
        <ul class="checks">
            {move || match secure.get() {
                None => {
                    check_line(
                        Verdict::Warn,
                        "Scripts".to_owned(),
                        "The page's code has not started, so this tab checks nothing itself. Everything shown is the node's word.".to_owned(),
                    )
                }
                Some(true) => {
                    check_line(
                        Verdict::Pass,
                        "Secure context".to_owned(),
                        "The browser grants its cryptography and its storage to this page.".to_owned(),
                    )
                }
                Some(false) => {
                    check_line(
                        Verdict::Fail,
                        "Secure context".to_owned(),
                        "The page came over plain HTTP from another machine, where anyone between could change it. Open it over HTTPS, or on the machine itself.".to_owned(),
                    )
                }
            }}
        </ul>
    }
    .into_any()
}
