mod shown;

use leptos::{html, prelude::*, task::spawn_local};
use tally_api::blocks::BlockSummary;
use tally_api::worker::light::Tip;
use tally_chain::portable::{MAX_PROVED_FILE_BYTES, Proven};
use tally_chain::{B256, BlockId, PortableReceipt};

use crate::{
    browser,
    light::Light,
    model::ChainInfo,
    ui::{Button, ButtonKind, Field, Notice, NoticeKind, PageHead, branch},
    verify::{
        CheckPanel, Checks, RECEIPT_CHECKS, RECEIPT_CHECKS_FROM_GENESIS, check_receipt, check_receipt_from_genesis,
    },
};
use shown::Shown;

const FILE: &str = "receipt-file";
const DOCUMENT: &str = "receipt-document";

/// Shown where no script runs. Plain text for `<noscript>`, which a running page does not read.
const NO_SCRIPT: &str = "<p class=\"prose\">Checking here needs JavaScript and WebAssembly. \
On the command line it is <code>tally receipt verify</code>.</p>";

/// A file that was hashed in this tab.
#[derive(Clone, PartialEq)]
struct Hashed {
    name: String,
    sha256: B256,
}

/// What was chosen and typed, and what came of it.
#[derive(Clone, Copy)]
struct Bench {
    receipt: RwSignal<Option<PortableReceipt>>,
    trusted: RwSignal<String>,
    /// Whether the id was filled in: from the node's answer, or with the page's genesis id.
    from_node: RwSignal<bool>,
    document: RwSignal<Option<Hashed>>,
    proven: RwSignal<Option<Proven>>,
    /// The tip that the receipt's own proof leads to, where it was verified from genesis.
    chain: RwSignal<Option<Tip>>,
    failure: RwSignal<Option<String>>,
    checks: Checks,
    /// Counts what was chosen and typed: a verdict on something else is not shown.
    generation: StoredValue<u32>,
}

impl Bench {
    /// Takes another block id; `from_node` marks one that only the node has reported. Results for the id before it do not count.
    fn trust(self, id: String, from_node: bool) {
        // The page may be gone by now.
        if self.trusted.try_set(id).is_some() {
            return;
        }
        self.from_node.set(from_node);
        self.forget();
    }

    /// What was found is not about what is there now.
    fn forget(self) {
        self.generation
            .update_value(|generation| *generation = generation.wrapping_add(1));
        self.proven.set(None);
        self.chain.set(None);
        self.checks.clear();
    }

    /// The genesis id where the receipt is checked from it: it carries a proof, and that is the id that the reader named.
    fn genesis(self) -> Option<BlockId> {
        let genesis = self.receipt.with(|receipt| {
            let receipt = receipt.as_ref()?;
            receipt.chain_proof().map(|_| receipt.genesis)
        })?;
        let named = self.trusted.with(|id| id.trim().parse::<BlockId>().ok());
        (named == Some(genesis)).then_some(genesis)
    }

    /// Checks what is there, now or, with the proof of a chain, after a moment.
    fn check(self, receipt: PortableReceipt, trusted: BlockId) {
        let of_node = self.from_node.get_untracked();
        let Some(genesis) = untrack(|| self.genesis()) else {
            let (lines, proven) = check_receipt(&receipt, trusted, of_node);
            self.checks.show(lines);
            return self.proven.set(proven);
        };
        let light = Light::get();
        self.forget();
        self.checks.begin();
        let generation = self.generation.get_value();
        spawn_local(async move {
            let (lines, found) = check_receipt_from_genesis(light, &receipt, genesis, of_node).await;
            if self.generation.try_get_value() != Some(generation) {
                return;
            }
            self.checks.show(lines);
            let (proven, chain) = found.unzip();
            self.chain.set(chain);
            self.proven.set(proven);
        });
    }
}

/// The page at `/receipt`.
#[component]
pub fn Receipt() -> impl IntoView {
    let bench = Bench {
        receipt: RwSignal::new(None),
        trusted: RwSignal::default(),
        from_node: RwSignal::new(false),
        document: RwSignal::new(None),
        proven: RwSignal::new(None),
        chain: RwSignal::new(None),
        failure: RwSignal::new(None),
        checks: Checks::default(),
        generation: StoredValue::new(0),
    };
    let by_genesis = Memo::new(move |_| bench.genesis().is_some());
    view! {
        <PageHead
            title="Check a receipt"
            lead="A receipt proves, without any node, that a transaction is on a chain and what it did. This tab checks everything; once it is loaded, the page works without a network."
        />
        <noscript inner_html=NO_SCRIPT></noscript>
        <div class="two-columns needs-script">
            <section class="card" aria-labelledby="give-receipt">
                <h2 id="give-receipt">"The receipt"</h2>
                <Give bench=bench />
            </section>
            {move || match by_genesis.get() {
                true => branch(move || view! {
                    <CheckPanel
                        checks=bench.checks
                        titles=&RECEIPT_CHECKS_FROM_GENESIS
                        remains="The genesis id, that no chain with more total work exists, and this page: it comes from a server. The file that tally light export writes does not."
                        on_request=true
                    />
                }),
                false => branch(move || view! {
                    <CheckPanel
                        checks=bench.checks
                        titles=&RECEIPT_CHECKS
                        remains="The block to trust: take its id from a source of your own, not from the person who gave you the receipt."
                        on_request=true
                    />
                }),
            }}
        </div>
        {move || bench.proven.get().map(|proven| view! { <Shown proven=proven bench=bench /> })}
    }
    .into_any()
}

#[component]
fn Give(bench: Bench) -> impl IntoView {
    let (file, paper) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let progress = RwSignal::new(None::<u8>);
    let wrong = RwSignal::new(false);
    let genesis = expect_context::<ChainInfo>().genesis_id;
    let take = move |text: Result<String, String>| {
        bench.forget();
        let read = text.and_then(|text| PortableReceipt::read(text.as_bytes()).map_err(|error| error.to_string()));
        bench.failure.set(read.as_ref().err().cloned());
        let proves =
            |receipt: &PortableReceipt| receipt.chain_proof().is_some() && receipt.genesis.to_string() == genesis;
        // The usual wish; the field shows it, and whatever was typed there stays.
        let offered = read.as_ref().is_ok_and(proves) && bench.trusted.with_untracked(|id| id.trim().is_empty());
        bench.receipt.set(read.ok());
        if offered {
            bench.trust(genesis.clone(), true);
        }
    };
    // Of two receipts the one that was chosen or typed later counts, whichever is read first.
    let newest = StoredValue::new(0_u32);
    let next = move || {
        newest.update_value(|newest| *newest = newest.wrapping_add(1));
        newest.get_value()
    };
    let take_file = take.clone();
    let chosen = move |_| {
        let Some(input) = file.get_untracked() else { return };
        let (take, turn) = (take_file.clone(), next());
        // What is there is of another file than the one that the field names.
        bench.forget();
        bench.receipt.set(None);
        bench.failure.set(None);
        spawn_local(async move {
            let text = browser::read_text(&input, MAX_PROVED_FILE_BYTES).await;
            if newest.try_get_value() == Some(turn) {
                take(text);
            }
        });
    };
    let typed = move |text: String| {
        next();
        take(Ok(text));
    };
    let latest = StoredValue::new(0_u32);
    let hash = move |_| {
        let Some(input) = paper.get_untracked() else { return };
        // Of two files the one that was chosen later counts, whichever is hashed first.
        let generation = latest.get_value().wrapping_add(1);
        latest.set_value(generation);
        let is_latest = move || latest.try_get_value() == Some(generation);
        bench.document.set(None);
        progress.set(Some(0));
        spawn_local(async move {
            let done = browser::hash_file(&input, move |part| {
                if is_latest() {
                    let _ = progress.try_set(Some(part));
                }
            })
            .await;
            if !is_latest() {
                return;
            }
            let _ = progress.try_set(None);
            match done {
                Ok((name, sha256)) => bench.document.set(Some(Hashed { name, sha256 })),
                Err(why) => bench.failure.set(Some(why)),
            }
        });
    };
    let leads_to = move || {
        bench
            .receipt
            .with(|receipt| receipt.as_ref().and_then(PortableReceipt::tip_id))
    };
    let check = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let trusted = bench.trusted.with_untracked(|id| id.trim().parse::<BlockId>().ok());
        wrong.set(trusted.is_none());
        let (Some(receipt), Some(trusted)) = (bench.receipt.get_untracked(), trusted) else {
            return browser::focus(if trusted.is_none() { "trusted" } else { FILE });
        };
        bench.check(receipt, trusted);
    };
    view! {
        <form class="wallet-form" on:submit=check>
            <div class="field">
                <label for=FILE>"Receipt file"</label>
                <input id=FILE type="file" accept=".json,application/json" node_ref=file on:change=chosen aria-describedby="receipt-file-hint" />
                <span class="field-hint" id="receipt-file-hint">"It is read in this tab and sent nowhere."</span>
            </div>
            <details class="more">
                <summary>"Paste it instead"</summary>
                <div class="field">
                    <label for="receipt-text">"Text of the receipt"</label>
                    <textarea
                        id="receipt-text"
                        rows="4"
                        spellcheck="false"
                        on:input=move |event| typed(event_target_value(&event))
                    ></textarea>
                </div>
            </details>
            {move || {
                bench
                    .failure
                    .get()
                    .map(|why| {
                        view! {
                            <Notice kind=NoticeKind::Error title="This could not be read">
                                <p>{why}</p>
                                <p>"Nothing was checked. Choose another file."</p>
                            </Notice>
                        }
                    })
            }}
            {move || {
                leads_to()
                    .map(|tip| {
                        view! {
                            <p class="prose">"It leads to block " <span class="review-address" translate="no">{tip.to_string()}</span></p>
                            <FillFromNode bench=bench />
                        }
                    })
            }}
            {move || {
                bench
                    .receipt
                    .with(|receipt| receipt.as_ref().filter(|receipt| receipt.chain_proof().is_some()).map(|receipt| receipt.genesis))
                    .map(|genesis| {
                        view! {
                            <p class="prose">
                                "It carries the proof of its chain from genesis " <span class="review-address" translate="no">{genesis.to_string()}</span>
                                ": with that id as the trusted one the proof is verified."
                            </p>
                        }
                    })
            }}
            <Field
                label="Block id that you trust"
                name="trusted"
                value=bench.trusted
                hint="64 hex digits, from a source of your own: that of the block above, or of the block that holds the transaction, or of genesis where the receipt carries the proof of its chain."
                error=Signal::derive(move || match wrong.get() {
                    true => "This is no block id: it has 64 hex digits.".to_owned(),
                    false => String::new(),
                })
                on_input=Callback::new(move |text| bench.trust(text, false))
            />
            <div class="field">
                <label for=DOCUMENT>"Document (optional)"</label>
                <input id=DOCUMENT type="file" node_ref=paper on:change=hash aria-describedby="receipt-document-hint" />
                <span class="field-hint" id="receipt-document-hint" role="status">
                    {move || match (progress.get(), bench.document.get()) {
                        (Some(part), _) => format!("Hashing in this tab: {part} %"),
                        (None, Some(hashed)) => format!("SHA-256 {:x}", hashed.sha256),
                        (None, None) => "The file that the transaction should anchor. It is hashed in this tab and sent nowhere.".to_owned(),
                    }}
                </span>
            </div>
            <div class="actions">
                <Button
                    kind=ButtonKind::Primary
                    submit=true
                    disabled=Signal::derive(move || bench.receipt.with(Option::is_none) || progress.get().is_some())
                >
                    "Check it"
                </Button>
            </div>
        </form>
    }
    .into_any()
}

/// Fills in the id that this node reports for that height, and marks it as such.
#[component]
fn FillFromNode(bench: Bench) -> impl IntoView {
    let why = RwSignal::new(None::<String>);
    let fetch = move |_| {
        let height = bench
            .receipt
            .with_untracked(|receipt| receipt.as_ref().and_then(PortableReceipt::tip_height));
        let Some(height) = height else { return };
        spawn_local(async move {
            match browser::get_json::<BlockSummary>(&format!("/api/v1/blocks/{height}")).await {
                Ok(block) => {
                    let id = block.id.to_string();
                    let _ = why.try_set(None);
                    // The reader's own id stays the reader's own where the node gives the same.
                    let known = bench.trusted.try_with_untracked(|known| known.trim() == id);
                    if known == Some(false) {
                        bench.trust(id, true);
                    }
                }
                Err(error) => drop(why.try_set(Some(error))),
            }
        });
    };
    view! {
        <div class="actions"><Button on:click=fetch>"Request the block at that height from this node"</Button></div>
        {move || bench.from_node.get().then(|| view! { <p class="field-hint">"Filled in as told by the node. Another source is better."</p> })}
        {move || why.get().map(|why| view! { <p class="field-error" role="alert">{why}</p> })}
    }
}
