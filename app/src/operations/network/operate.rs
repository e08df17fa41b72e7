//! What the operator does with other nodes: dials one, ends a connection, bans. It is there only while this
//! tab holds the operator's token.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use tally_api::peers::{BanRequest, CallBody};

use crate::{
    browser, format,
    live::{Change, Live},
    operations::{failed::ActionFailed, operator::Operator},
    ui::{Button, ButtonKind, Dialog, Field, Id, Select, Toasts},
};

/// The path of the operator's requests about peers.
pub(super) const PEERS_PATH: &str = "/api/v1/peers";
/// How long a ban may last: in seconds, and in words.
pub(super) const TERMS: [(u64, &str); 3] = [(600, "10 minutes"), (3_600, "1 hour"), (86_400, "1 day")];
pub(super) const USUAL_TERM: (u64, &str) = TERMS[1];

const ADDRESS: &str = "peer-address";

/// The name of a peer in a sentence: as short as in the tables.
pub(super) fn short(id: &str) -> String {
    format::shortened(id, 8, 6)
}

/// One kind of action, on its way or not, and why it failed.
#[derive(Clone, Copy)]
pub(super) struct Act {
    pub(super) operator: Operator,
    live: Live,
    toasts: Toasts,
    pub(super) busy: RwSignal<bool>,
    /// Empty while nothing failed.
    pub(super) failure: RwSignal<String>,
}

impl Act {
    pub(super) fn new(failure: RwSignal<String>) -> Self {
        Self {
            operator: Operator::get(),
            live: Live::get(),
            toasts: Toasts::get(),
            busy: RwSignal::new(false),
            failure,
        }
    }

    /// Waits for the request and shows `done` where it went well; `then` learns whether it did.
    pub(super) fn go(
        self,
        call: impl Future<Output = Result<(), String>> + 'static,
        done: String,
        then: impl FnOnce(bool) + 'static,
    ) {
        self.busy.set(true);
        spawn_local(async move {
            let outcome = call.await;
            let went_well = outcome.is_ok();
            let _ = self.busy.try_set(false);
            let _ = self.failure.try_set(outcome.err().unwrap_or_default());
            self.live.refresh(Change::Chain);
            then(went_well);
            if went_well {
                self.toasts.show(done);
            }
        });
    }
}

/// Dials another node by its address.
#[component]
pub fn AddPeer() -> impl IntoView {
    let act = Act::new(RwSignal::new(String::new()));
    let address = RwSignal::new(String::new());
    let empty = Signal::derive(move || address.with(|address| address.trim().is_empty()));
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        let body = CallBody {
            address: address.get_untracked().trim().to_owned(),
        };
        let then = move |dialled: bool| {
            if !dialled {
                return browser::focus(ADDRESS);
            }
            let _ = address.try_set(String::new());
        };
        act.go(
            async move { act.operator.post(PEERS_PATH, &body).await },
            "The peer is being dialled".to_owned(),
            then,
        );
    };
    view! {
        <form class="card" aria-labelledby="add-peer" on:submit=add>
            <h3 id="add-peer">"Add a peer"</h3>
            <Field
                label="Address of the peer"
                name=ADDRESS
                placeholder="/ip4/192.0.2.7/tcp/9333"
                hint="This node dials it now, and again whenever it is not connected."
                value=address
                error=act.failure
                on_input=Callback::new(move |text| address.set(text))
            />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true disabled=empty busy=act.busy>"Add the peer"</Button>
            </div>
        </form>
    }
    .into_any()
}

/// What may be done with a connected peer; `failure` is for why it was not removed.
#[component]
pub fn PeerActions(id: String, banning: Banning, failure: RwSignal<String>) -> impl IntoView {
    let act = Act::new(failure);
    let name = StoredValue::new(short(&id));
    let id = StoredValue::new(id);
    let remove = move |_| {
        let path = format!("{PEERS_PATH}/{}", id.get_value());
        let done = format!("{} is removed; it may connect again", name.get_value());
        act.go(async move { act.operator.delete(&path).await }, done, |_| ());
    };
    view! {
        <Show when=move || act.operator.is_present()>
            <div class="actions">
                <Button busy=act.busy attr:aria-label=format!("Remove {}", name.get_value()) on:click=remove>"Remove"</Button>
                <Button
                    kind=ButtonKind::Danger
                    attr:aria-label=format!("Ban {}", name.get_value())
                    on:click=move |_| banning.show(id.get_value())
                >
                    "Ban"
                </Button>
            </div>
        </Show>
    }
    .into_any()
}

/// The ban that the operator is about to confirm.
#[derive(Clone, Copy)]
pub struct Banning {
    open: RwSignal<bool>,
    id: RwSignal<String>,
    term: RwSignal<(u64, &'static str)>,
    act: Act,
}

impl Banning {
    /// No one is to be banned yet.
    pub fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            id: RwSignal::new(String::new()),
            term: RwSignal::new(USUAL_TERM),
            act: Act::new(RwSignal::new(String::new())),
        }
    }

    /// Opens the question whether to ban this peer, and for how long.
    fn show(self, id: String) {
        self.id.set(id);
        self.term.set(USUAL_TERM);
        self.act.failure.set(String::new());
        self.open.set(true);
    }
}

/// The question before a ban. It stands beside the tables, whose rows come and go.
#[component]
pub fn BanDialog(banning: Banning) -> impl IntoView {
    let act = banning.act;
    let ban = move |_| {
        let (id, (secs, words)) = (banning.id.get_untracked(), banning.term.get_untracked());
        let path = format!("{PEERS_PATH}/{id}/ban");
        let done = format!("{} is banned for {words}", short(&id));
        let then = move |banned: bool| {
            if banned {
                let _ = banning.open.try_set(false);
            }
        };
        let body = BanRequest {
            secs: Some(secs),
            reason: None,
        };
        act.go(async move { act.operator.put(&path, &body).await }, done, then);
    };
    let terms = || TERMS.map(|(secs, words)| (secs.to_string(), words.to_owned())).to_vec();
    let term = Signal::derive(move || banning.term.get().0.to_string());
    let choose = move |word: String| {
        if let Some(term) = TERMS.into_iter().find(|(secs, _)| secs.to_string() == word) {
            banning.term.set(term);
        }
    };
    view! {
        <Show when=move || act.operator.is_present()>
            <Dialog open=banning.open title="Ban this peer?">
                <p>{move || view! { <Id value=banning.id.get() full=true bare=true /> }}</p>
                <p class="prose">
                    "The connection ends, and this node does not connect to the peer until the ban ends or is lifted."
                </p>
                <Select label="How long" name="ban-term" options=terms() value=term on_change=Callback::new(choose) />
                <ActionFailed title="The peer was not banned" why=act.failure />
                <div class="actions">
                    <Button kind=ButtonKind::Danger busy=act.busy on:click=ban>"Ban it"</Button>
                    <Button on:click=move |_| banning.open.set(false)>"Keep it"</Button>
                </div>
            </Dialog>
        </Show>
    }
    .into_any()
}
