//! What the user does with an account of the list: its name, its place, whether it is shown.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    browser,
    ui::{Button, ButtonKind, Field},
    wallet::{
        parts::notice::ErrorNotice,
        protocol::{AccountOrigin, AccountSummary, Edit, Request, WalletError},
        session::Wallet,
    },
};

/// An edit on its way to the vault, with what became of it.
#[derive(Clone, Copy)]
pub struct Editing {
    wallet: Wallet,
    pub busy: RwSignal<bool>,
    pub failure: RwSignal<Option<WalletError>>,
}

impl Editing {
    pub fn new() -> Self {
        Self {
            wallet: Wallet::get(),
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
        }
    }

    /// Sends the edit to the worker; `done` runs once it is saved.
    pub fn go(self, edit: Edit, done: impl FnOnce() + 'static) {
        self.busy.set(true);
        self.failure.set(None);
        spawn_local(async move {
            let outcome = self.wallet.request(Request::Edit { edit }).await;
            let _ = self.busy.try_set(false);
            match outcome {
                Ok(_) => done(),
                Err(failure) => drop(self.failure.try_set(Some(failure))),
            }
        });
    }
}

/// The failure of an edit, if there is one.
#[component]
pub fn EditErrorNotice(editing: Editing, title: &'static str) -> impl IntoView {
    move || {
        let failure = editing.failure.get();
        failure.map(|failure| view! { <ErrorNotice title=title error=failure /> })
    }
}

/// Rename, move, archive; folded away until the user opens it.
#[component]
pub fn Manage(account: AccountSummary) -> impl IntoView {
    let editing = Editing::new();
    let name = RwSignal::new(account.label.clone());
    let address = StoredValue::new(account.address.clone());
    let field = format!("name-{}", account.address);
    let (up, down) = (format!("up-{}", account.address), format!("down-{}", account.address));
    let archived = account.archived;
    let removed = match account.origin {
        AccountOrigin::Watched => Some("Stop watching"),
        AccountOrigin::Shared => Some("Remove from the wallet"),
        AccountOrigin::Derived { .. } | AccountOrigin::Imported => None,
    };
    let rename = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (address, label) = (address.get_value(), name.get_untracked());
        editing.go(Edit::Rename { address, label }, || ());
    };
    let step = move |id: String, by: isize| {
        let address = address.get_value();
        if let Some(position) = neighbour(&untrack(|| editing.wallet.accounts()), &address, by) {
            editing.go(Edit::Move { address, position }, move || browser::focus(&id));
        }
    };
    let archive = move |_| {
        let address = address.get_value();
        let archived = !archived;
        editing.go(Edit::Archive { address, archived }, || ());
    };
    let remove = move |_| {
        let address = address.get_value();
        editing.go(Edit::Unwatch { address }, || ());
    };
    let (go_up, go_down) = (up.clone(), down.clone());
    view! {
        <details class="more">
            <summary aria-label=format!("Manage {}", account.label)>"Manage"</summary>
            <form class="wallet-form" on:submit=rename>
                <Field label="Name" name=field value=name on_input=Callback::new(move |text| name.set(text)) />
                <div class="actions">
                    <Button submit=true busy=editing.busy>"Rename"</Button>
                    {(!archived)
                        .then(|| {
                            view! {
                                <Button busy=editing.busy attr:id=up on:click=move |_| step(go_up.clone(), -1)>"Move up"</Button>
                                <Button busy=editing.busy attr:id=down on:click=move |_| step(go_down.clone(), 1)>"Move down"</Button>
                            }
                        })}
                    <Button busy=editing.busy on:click=archive>{if archived { "Show it again" } else { "Archive" }}</Button>
                    {removed
                        .map(|word| {
                            view! { <Button kind=ButtonKind::Danger busy=editing.busy on:click=remove>{word}</Button> }
                        })}
                </div>
            </form>
            <EditErrorNotice editing=editing title="Nothing was changed" />
        </details>
    }
    .into_any()
}

/// Where an account goes to pass its neighbour among those that are shown; none at the end.
fn neighbour(accounts: &[AccountSummary], address: &str, by: isize) -> Option<usize> {
    let place = |address: &str| accounts.iter().position(|account| account.address == address);
    let shown: Vec<&AccountSummary> = accounts.iter().filter(|account| !account.archived).collect();
    let own = shown.iter().position(|account| account.address == address)?;
    let other = shown.get(own.checked_add_signed(by)?)?;
    place(&other.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_passes_its_shown_neighbour() {
        let account = |name: &str, archived| AccountSummary {
            origin: AccountOrigin::Imported,
            kind: None,
            label: String::new(),
            address: name.to_owned(),
            archived,
        };
        let list = [
            account("a", false),
            account("b", true),
            account("c", false),
            account("d", false),
        ];
        assert_eq!(neighbour(&list, "c", -1), Some(0));
        assert_eq!(neighbour(&list, "a", 1), Some(2));
        assert_eq!(neighbour(&list, "a", -1), None);
        assert_eq!(neighbour(&list, "d", 1), None);
        assert_eq!(
            neighbour(&list, "b", 1),
            None,
            "an archived one has no place among the shown"
        );
    }
}
