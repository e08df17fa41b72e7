use leptos::prelude::*;

use crate::{
    browser,
    model::{SelfCheck, Verdict},
    reads,
    ui::{Loaded, Mark, MarkState, PageHead},
};

/// The page at `/security`.
#[component]
pub fn Security() -> impl IntoView {
    let checks = Resource::new(|| (), |()| reads::security());
    view! {
        <PageHead title="Security" lead="What is checked, where, and by whom. What this tab cannot check itself is marked." />
        <div class="two-columns">
        <section class="card" aria-labelledby="marks">
            <h2 id="marks">"The marks"</h2>
            <p class="prose">
                "A tally stick was split in two so that neither side could change the count alone. Pages follow that idea: a mark shows whether this tab has checked each figure."
            </p>
            <ul class="marks">
                <li>
                    <Mark state=MarkState::Verified />
                    <span>"This tab checked the bytes itself: signature, Merkle path, roots; and that the block is the newest one that its light client has verified from genesis on, or an ancestor of it. What exactly stands in the panel beside the mark, and how much of the chain was checked behind the seal in the header of each page."</span>
                </li>
                <li>
                    <Mark state=MarkState::Claimed />
                    <span>"Only the node reports it, or the chain could not be verified; then the reason stands beside it. Counts of confirmations and rewards of mining always have this mark. A node that you do not run may be wrong, or show what is false."</span>
                </li>
                <li>
                    <Mark state=MarkState::Checking />
                    <span>"The bytes are being fetched and checked."</span>
                </li>
                <li>
                    <Mark state=MarkState::Unchecked />
                    <span>"A receipt is checked when you request it. Until then nothing about it is verified."</span>
                </li>
                <li>
                    <Mark state=MarkState::Older(String::new()) />
                    <span>"What was shown holds, but at an older block than the newest that this tab has verified: the node is behind, or hides what happened since."</span>
                </li>
                <li>
                    <Mark state=MarkState::Failed(String::new()) />
                    <span>"This tab checked it, and it is false: the reason is shown beside it. Do not rely on it; compare with another node."</span>
                </li>
            </ul>
        </section>
        <section class="card" aria-labelledby="where">
            <h2 id="where">"What is checked where"</h2>
            <ul class="prose">
                <li>"Your keys are made, kept and used in a worker of this browser. The node has no endpoint that takes a key."</li>
                <li>"What you confirm is decoded from the very bytes that are signed, not from the form you filled in."</li>
                <li>"The chain: a worker of this tab verifies it from the genesis id on. Of up to 10,000 blocks it checks every header; of a longer chain a sample of the work first, then all headers in the background. A chain with less total work than one that this browser has verified is rejected."</li>
                <li>"A block: it is the newest verified one or an ancestor of it, by its path to that block's history, and commits to its manifest. Block 0 counts only with the id of genesis."</li>
                <li>"A first visit knows only the genesis id, which came with the page: compare it with one from a source of your own. Where work is cheap, as on the chains local and test and on a new one of your own, any computer makes a whole chain within moments. A private window, and a browser whose site data was cleared, begin anew."</li>
                <li>"A transaction: signature, content, its path to the block's root, and by its receipt what came of it."</li>
                <li>"A balance: its path to the state root of such a block, which is no older than the newest that this tab had verified when it sent the request. A line of the history: account, direction, receiver, amount and outcome."</li>
                <li>"What blocks did is checked by an audit, which you begin in the panel of the seal: it executes every block. Not checked in this tab is whether there is a chain with more total work that the node does not show. Run a node, or compare two: tally light does."</li>
                <li>"The page itself comes from the server that it checks. A server that you do not trust can send another page, and nothing that it sends can protect from it. Verify with a program that you trust instead: " <code>"tally light"</code> ", or the offline page that " <code>"tally light export"</code> " writes, and compare its SHA-256."</li>
            </ul>
        </section>
        <section class="card" aria-labelledby="answers">
            <h2 id="answers">"What an answer means"</h2>
            <ul class="prose">
                <li>"Accepted (202): this node has written the payment to its disk, where it survives a crash and a power cut, and offers it to miners. It is not in a block yet, and other nodes may not have it."</li>
                <li>"Already pending, already included (409): the node already has the same payment. It is not paid a second time."</li>
                <li>"Pending: it waits in this node's pool for a block. It can be replaced by another of the same nonce, dropped, or expire after a day."</li>
                <li>"Included, and the number of confirmations: it is in a block of the chain with the most total work that this node knows; the first confirmation is that block, each further one a block on top. A chain with more total work can still replace it, each further block makes it less likely; payments of a replaced block wait again. No number makes it final."</li>
                <li>"Failed: it is in a block and paid its fee, and changed nothing else."</li>
                <li>"May have been accepted: no answer came. The same bytes can be sent again and never pay twice."</li>
                <li>"A receipt proves a payment to anyone who trusts the block that it names, without any node."</li>
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

/// What the page itself can show, once it runs.
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
                        "The page's code has not started, so this tab checks nothing itself. Everything shown is unverified.".to_owned(),
                    )
                }
                Some(true) => {
                    check_line(
                        Verdict::Pass,
                        "Secure context".to_owned(),
                        "The browser gives this page access to its cryptography and its storage.".to_owned(),
                    )
                }
                Some(false) => {
                    check_line(
                        Verdict::Fail,
                        "Secure context".to_owned(),
                        "The page came over plain HTTP from another machine, so anyone in between could change it. Open it over HTTPS, or on the machine itself.".to_owned(),
                    )
                }
            }}
        </ul>
    }
    .into_any()
}
