//! What is banned, peers and address ranges, in one kind of table, and the end of a ban.

use leptos::prelude::*;

use super::operate::{Act, PEERS_PATH, short};
use crate::{
    model::{BanView, NetworkView, RangeBanView},
    operations::failed::ActionFailed,
    ui::{Button, Id, Table},
};

/// The path of the operator's requests about banned ranges.
pub(super) const BANS_PATH: &str = "/api/v1/bans";

/// What this node has nothing to do with.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Banned {
    /// By its id.
    Peer(String),
    /// An address and the length of its prefix.
    Range(String),
}

impl Banned {
    /// In a sentence: a peer's id as short as in the tables.
    fn name(&self) -> String {
        match self {
            Self::Peer(id) => short(id),
            Self::Range(range) => range.clone(),
        }
    }

    /// Where the request goes that lifts the ban.
    fn path(&self) -> String {
        match self {
            Self::Peer(id) => format!("{PEERS_PATH}/{id}/ban"),
            // A range has digits, letters a to f, dots, colons and one slash.
            Self::Range(range) => format!("{BANS_PATH}?range={}", range.replace('/', "%2F")),
        }
    }

    fn shown(&self) -> AnyView {
        match self {
            Self::Peer(id) => view! { <Id value=id.clone() bare=true /> }.into_any(),
            Self::Range(range) => view! { <code class="wrap">{range.clone()}</code> }.into_any(),
        }
    }
}

/// A row of a table of bans.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Ban {
    banned: Banned,
    reason: String,
    /// The addresses that are banned with a peer, if any.
    address: Option<String>,
}

impl From<BanView> for Ban {
    fn from(ban: BanView) -> Self {
        Self {
            banned: Banned::Peer(ban.id),
            reason: ban.reason,
            address: ban.address,
        }
    }
}

impl From<RangeBanView> for Ban {
    fn from(ban: RangeBanView) -> Self {
        Self {
            banned: Banned::Range(ban.range),
            reason: ban.reason,
            address: None,
        }
    }
}

/// The banned peers.
#[component]
pub fn PeerBans(network: Signal<NetworkView>) -> impl IntoView {
    let bans = move || network.with(|network| network.bans.iter().cloned().map(Ban::from).collect::<Vec<_>>());
    view! { <BanTable id="bans" title="Banned" caption="Banned peers" column="Peer" bans=Signal::derive(bans) /> }
}

/// The banned address ranges.
#[component]
pub fn RangeBans(network: Signal<NetworkView>) -> impl IntoView {
    let bans = move || network.with(|network| network.range_bans.iter().cloned().map(Ban::from).collect::<Vec<_>>());
    let (title, column) = ("Banned addresses", "Addresses");
    view! { <BanTable id="banned-ranges" title=title caption=title column=column bans=Signal::derive(bans) /> }
}

#[component]
fn BanTable(
    /// Of the title.
    id: &'static str,
    title: &'static str,
    /// Of the table.
    caption: &'static str,
    /// The name of the first column.
    column: &'static str,
    bans: Signal<Vec<Ban>>,
) -> impl IntoView {
    let not_lifted = RwSignal::new(String::new());
    let head = view! {
        <th scope="col">{column}</th>
        <th scope="col">"Reason"</th>
    }
    .into_any();
    view! {
        <section aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <ActionFailed title="The ban was not lifted" why=not_lifted />
            <Table caption=caption head=head>
                <For each=move || bans.get() key=Ban::clone let:ban>
                    <tr>
                        <td data-label=column>
                            {ban.banned.shown()}
                            <LiftBan banned=ban.banned failure=not_lifted />
                        </td>
                        <td data-label="Reason">
                            {ban.reason}
                            {ban.address.map(|address| view! { " (with " <code class="wrap">{address}</code> ")" })}
                        </td>
                    </tr>
                </For>
            </Table>
        </section>
    }
    .into_any()
}

/// Ends a ban; `failure` is for why it did not.
#[component]
fn LiftBan(banned: Banned, failure: RwSignal<String>) -> impl IntoView {
    let act = Act::new(failure);
    let name = StoredValue::new(banned.name());
    let path = StoredValue::new(banned.path());
    let lift = move |_| {
        let path = path.get_value();
        let done = format!("{} is not banned any more", name.get_value());
        act.go(async move { act.operator.delete(&path).await }, done, |_| ());
    };
    view! {
        <Show when=move || act.operator.is_present()>
            <div class="actions">
                <Button busy=act.busy attr:aria-label=format!("Lift the ban of {}", name.get_value()) on:click=lift>
                    "Lift the ban"
                </Button>
            </div>
        </Show>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_is_lifted_at_its_own_path() {
        let id = "12D3KooWGRYZJhFCqBvkNhVTwDkpxgMKQvVmq1XGRd3o9w8bVvUm";
        let peer = Banned::Peer(id.to_owned());
        assert_eq!(peer.path(), format!("/api/v1/peers/{id}/ban"));
        assert_eq!(peer.name(), short(id));
        let range = Banned::Range("2001:db8::/32".to_owned());
        assert_eq!(range.path(), "/api/v1/bans?range=2001:db8::%2F32");
        assert_eq!(range.name(), "2001:db8::/32");
    }
}
