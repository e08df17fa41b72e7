use leptos::{prelude::*, task::spawn_local};
use tally_api::mining::{TemplateBody, WorkBody};
use tally_chain::{Bytes, address};

use super::{
    crew::{self, Report},
    protocol::{FoundNonce, Job},
};
use crate::{
    browser, format,
    live::Live,
    ui::{Button, ButtonKind, ButtonLink, Fact, Facts, Field, Notice, NoticeKind, Select, branch},
    wallet::Wallet,
};

/// Where this browser keeps the address that it last mined to.
const PAYEE_KEY: &str = "tally.mining.payee";
/// Seconds after which a template is requested again, for the fees of newer payments.
const REFRESH: u64 = 15;
/// Most workers that can be chosen.
const MAX_WORKERS: u32 = 32;

/// Shown where no script runs. Plain text for `<noscript>`, which a running page does not read.
const NO_SCRIPT: &str = "<p class=\"prose\">Mining here needs JavaScript and WebAssembly. \
The node has its own miner, and any SHA-256d miner can connect to it.</p>";

/// The miner of this tab. It stops when the page is left.
#[derive(Clone, Copy)]
struct Miner {
    running: RwSignal<bool>,
    payee: RwSignal<String>,
    workers: RwSignal<u32>,
    /// Hashes a second, by worker.
    rates: RwSignal<Vec<f64>>,
    accepted: RwSignal<u32>,
    /// Blocks that were found and of which no answer shows that they were taken, with what the last answer was: mostly that
    /// another block had come before.
    lost: RwSignal<(u32, Option<String>)>,
    failure: RwSignal<Option<String>>,
    requested: RwSignal<u64>,
}

impl Miner {
    fn start(self) {
        let payee = self.payee.get_untracked();
        if address::parse(payee.trim()).is_err() {
            return browser::focus("payee");
        }
        browser::store(PAYEE_KEY, &payee);
        let count = self.workers.get_untracked().clamp(1, MAX_WORKERS) as usize;
        self.failure.set(None);
        self.rates.set(vec![0.0; count]);
        match crew::hire(count, move |report| self.take(report)) {
            Ok(()) => {
                self.running.set(true);
                self.next_job();
            }
            Err(why) => self.failure.set(Some(why)),
        }
    }

    fn stop(self) {
        crew::dismiss();
        let _ = self.running.try_set(false);
        let _ = self.rates.try_set(Vec::new());
    }

    fn take(self, report: Report) {
        match report {
            Report::Rate { worker, rate } => {
                let _ = self.rates.try_update(|rates| {
                    if let Some(known) = rates.get_mut(worker) {
                        *known = if *known == 0.0 { rate } else { *known * 0.7 + rate * 0.3 };
                    }
                });
            }
            Report::Found(seal) => self.submit(seal),
            Report::Failed(why) => {
                self.stop();
                let _ = self.failure.try_set(Some(why));
            }
        }
    }

    /// Requests a template and gives it to the workers.
    fn next_job(self) {
        let Some(payee) = self.payee.try_get_untracked() else {
            return;
        };
        if let Some(now) = browser::now() {
            self.requested.set(now);
        }
        spawn_local(async move {
            let path = format!("/api/v1/mining/template?address={}", format::query_value(payee.trim()));
            match browser::get_json::<TemplateBody>(&path).await {
                Ok(TemplateBody {
                    template,
                    header_hex,
                    manifest_hex,
                    max_time,
                    ..
                }) => {
                    let _ = self.failure.try_set(None);
                    crew::give(Job {
                        template,
                        header: header_hex,
                        manifest: manifest_hex,
                        extra_nonce: [0; 8],
                        max_time,
                    });
                }
                Err(why) => {
                    // The node may be away for a moment: the workers go on with what they have.
                    let _ = self.failure.try_set(Some(why));
                }
            }
        });
    }

    /// Hands a seal in; whatever comes of it, the next block is begun.
    fn submit(self, seal: FoundNonce) {
        spawn_local(async move {
            let submission = WorkBody {
                template: seal.template,
                extra_nonce: Bytes::copy_from_slice(&seal.extra_nonce).to_string(),
                time: seal.time,
                nonce: seal.nonce,
            };
            let _ = match browser::send_json("/api/v1/mining/submit", &submission).await {
                Ok(()) => self.accepted.try_update(|count| *count += 1),
                Err(why) => self.lost.try_update(|(count, last)| {
                    *count += 1;
                    *last = Some(why);
                }),
            };
            self.next_job();
        });
    }
}

/// Mining in this browser.
#[component]
pub fn BrowserMiner() -> impl IntoView {
    let (wallet, live) = (Wallet::get(), Live::get());
    let miner = Miner {
        running: RwSignal::new(false),
        payee: RwSignal::default(),
        workers: RwSignal::new(1),
        rates: RwSignal::default(),
        accepted: RwSignal::new(0),
        lost: RwSignal::default(),
        failure: RwSignal::new(None),
        requested: RwSignal::new(0),
    };
    Effect::new(move |_| {
        if let Some(threads) = browser::threads() {
            miner.workers.set(threads.saturating_sub(1).clamp(1, MAX_WORKERS));
        }
        if let Some(payee) = browser::load::<String>(PAYEE_KEY) {
            miner.payee.set(payee);
        }
    });
    // The wallet's first account, unless another address was chosen before.
    Effect::new(move |_| {
        if let Some(account) = wallet
            .accounts()
            .first()
            .filter(|_| miner.payee.with_untracked(String::is_empty))
        {
            miner.payee.set(account.address.clone());
        }
    });
    // Work in a tab out of view needs the tips as well.
    Effect::new(move |_| live.needed.set(miner.running.get()));
    on_cleanup(move || {
        let _ = live.needed.try_set(false);
    });
    // A new tip makes the work on the old one useless.
    Effect::new(move |_| {
        live.tips.track();
        if miner.running.get_untracked() {
            miner.next_job();
        }
    });
    Effect::new(move |_| {
        let due = live
            .now
            .get()
            .is_some_and(|now| now >= miner.requested.get_untracked() + REFRESH);
        if due && miner.running.get_untracked() {
            miner.next_job();
        }
    });
    on_cleanup(move || miner.stop());
    let total = move || miner.rates.with(|rates| rates.iter().sum::<f64>());
    let switch = move |_| {
        if miner.running.get_untracked() {
            miner.stop()
        } else {
            miner.start()
        }
    };
    let ready = Signal::derive(move || address::parse(miner.payee.get().trim()).is_ok());
    view! {
        <section class="card" aria-labelledby="browser-miner">
            <header class="card-head">
                <h2 id="browser-miner">"Mine in this browser"</h2>
                <span class=move || if miner.running.get() { "badge badge-ok" } else { "badge" }>
                    {move || if miner.running.get() { "Mining" } else { "Stopped" }}
                </span>
            </header>
            <noscript inner_html=NO_SCRIPT></noscript>
            <div class="needs-script miner-body">
                <p class="prose">
                    "Workers of this tab hash in WebAssembly, four nonces at a time, and submit what they find to the node. Mining stops when you leave this page."
                </p>
                <div class="form-grid">
                    <Payee miner=miner />
                    <WorkerCount miner=miner />
                </div>
                <div class="actions">
                    <Button kind=ButtonKind::Primary disabled=Signal::derive(move || !ready.get() && !miner.running.get()) on:click=switch>
                        {move || if miner.running.get() { "Stop mining here" } else { "Start mining here" }}
                    </Button>
                    <Show when=move || !ready.get()>
                        <span class="field-hint">"Needs an address that the reward goes to."</span>
                        <ButtonLink href="/wallet" kind=ButtonKind::Quiet>"Open the wallet"</ButtonLink>
                    </Show>
                </div>
                <Facts>
                    <Fact name="Hash rate"><output>{move || format::hash_rate(total())}</output></Fact>
                    <Fact name="Blocks accepted"><output>{move || format::count(miner.accepted.get())}</output></Fact>
                    <Fact name="Not known to be accepted">
                        {move || match miner.lost.get() {
                            (count, Some(last)) => format!("{}; last: {last}", format::count(count)),
                            (count, None) => format::count(count),
                        }}
                    </Fact>
                </Facts>
                {move || {
                    miner
                        .failure
                        .get()
                        .map(|why| {
                            view! {
                                <Notice kind=NoticeKind::Error title="Mining here failed">
                                    <p>{why}</p>
                                    <p>"It goes on with the next block, or start it again."</p>
                                </Notice>
                            }
                        })
                }}
            </div>
        </section>
    }
}

/// Whom the reward is paid to: an account of the open wallet, or any address.
#[component]
fn Payee(miner: Miner) -> impl IntoView {
    let wallet = Wallet::get();
    let error = Signal::derive(move || {
        let typed = miner.payee.get();
        match address::parse(typed.trim()) {
            Err(error) if !typed.is_empty() => format!("This is not an address: {error}."),
            _ => String::new(),
        }
    });
    let has_accounts = Memo::new(move |_| !wallet.accounts().is_empty());
    move || match has_accounts.get() {
        true => {
            let accounts = wallet.accounts();
            let mut options: Vec<(String, String)> = accounts
                .iter()
                .map(|account| {
                    (
                        account.address.clone(),
                        format!("{} ({})", account.label, format::shortened(&account.address, 8, 6)),
                    )
                })
                .collect();
            let other = miner.payee.get_untracked();
            if !other.is_empty() && accounts.iter().all(|account| account.address != other) {
                options.push((other.clone(), format::shortened(&other, 8, 6)));
            }
            branch(move || {
                view! {
                    <Select
                        label="Pay to"
                        name="payee"
                        options=options
                        value=miner.payee
                        on_change=Callback::new(move |address| {
                            miner.payee.set(address);
                            if miner.running.get_untracked() {
                                miner.next_job();
                            }
                        })
                    />
                }
            })
        }
        false => branch(move || {
            view! {
                <Field
                    label="Pay to"
                    name="payee"
                    placeholder="0x…"
                    hint="An address of yours. Unlock the wallet to choose from its accounts."
                    value=miner.payee
                    error=error
                    on_input=Callback::new(move |text| miner.payee.set(text))
                />
            }
        }),
    }
}

#[component]
fn WorkerCount(miner: Miner) -> impl IntoView {
    view! {
        <div class="field">
            <label for="workers">"Workers"</label>
            <input
                id="workers"
                type="number"
                min="1"
                max=MAX_WORKERS.to_string()
                prop:value=move || miner.workers.get().to_string()
                on:change=move |event| {
                    let count = event_target_value(&event).parse::<u32>().unwrap_or(1).clamp(1, MAX_WORKERS);
                    miner.workers.set(count);
                    if miner.running.get_untracked() {
                        miner.start();
                    }
                }
            />
            <span class="field-hint">"Each takes one core of this device."</span>
        </div>
    }
}
