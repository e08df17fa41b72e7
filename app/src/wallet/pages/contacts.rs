//! The address book: who is paid more than once. It is kept, encrypted, in the vault.

use leptos::prelude::*;
use tally_chain::address;

use super::manage::{EditErrorNotice, Editing};
use crate::{
    browser, format,
    ui::{AddressLink, Button, ButtonKind, ButtonLink, Empty, Field, PageHead},
    wallet::{
        access::gate::Gate,
        protocol::{ContactSummary, Edit},
        session::Wallet,
    },
};

/// The page at `/wallet/contacts`.
#[component]
pub fn Contacts() -> impl IntoView {
    view! {
        <PageHead title="Address book" lead="Names for the addresses you pay. They stay in your vault, encrypted; the node never sees them." />
        <Gate>
            <Content />
        </Gate>
    }
}

#[component]
fn Content() -> impl IntoView {
    let wallet = Wallet::get();
    let sorted = move || {
        let mut contacts = wallet.contacts();
        contacts.sort_by_key(|contact| contact.label.to_lowercase());
        contacts
    };
    let empty = Memo::new(move |_| wallet.contacts().is_empty());
    view! {
        <NameAddress
            title="Add an address"
            button="Add"
            failed="The address was not added"
            edit=|address, label| Edit::AddContact { address, label }
        />
        <Show when=move || empty.get()>
            <Empty title="No addresses yet">
                <p>"Add the people that you pay more than once: then a name is enough, and the wallet notices a mistyped or swapped address."</p>
            </Empty>
        </Show>
        <ul class="wallet-accounts" aria-label="Contacts">
            <For each=sorted key=ContactSummary::clone let:contact>
                <Card contact=contact />
            </For>
        </ul>
    }
    .into_any()
}

/// An address and a name for it, checked before they are stored.
#[component]
pub fn NameAddress(
    title: &'static str,
    button: &'static str,
    failed: &'static str,
    edit: fn(String, String) -> Edit,
) -> impl IntoView {
    let editing = Editing::new();
    let (name, to) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let tried = RwSignal::new(false);
    let wrong = move || {
        to.with(|to| {
            let parsed = address::parse(to.trim());
            parsed.err().map(|error| format!("This is not an address: {error}."))
        })
    };
    let nameless = move || {
        name.with(|name| name.trim().is_empty())
            .then(|| "A name is needed.".to_owned())
    };
    let shown = move |error: Option<String>| match tried.get() {
        true => error.unwrap_or_default(),
        false => String::new(),
    };
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        match (untrack(nameless), untrack(wrong)) {
            (Some(_), _) => browser::focus("new-name"),
            (_, Some(_)) => browser::focus("new-address"),
            (None, None) => {
                let request = edit(to.get_untracked().trim().to_owned(), name.get_untracked());
                editing.go(request, move || {
                    let _ = tried.try_set(false);
                    let _ = name.try_set(String::new());
                    let _ = to.try_set(String::new());
                });
            }
        }
    };
    view! {
        <form class="card wallet-form wallet-narrow" aria-label=title on:submit=on_submit>
            <h2>{title}</h2>
            <Field
                label="Name"
                name="new-name"
                value=name
                error=Signal::derive(move || shown(nameless()))
                on_input=Callback::new(move |text| name.set(text))
            />
            <Field
                label="Address"
                name="new-address"
                placeholder="0x…"
                value=to
                error=Signal::derive(move || shown(wrong()))
                on_input=Callback::new(move |text| to.set(text))
            />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true busy=editing.busy>{button}</Button>
            </div>
            <EditErrorNotice editing=editing title=failed />
        </form>
    }
    .into_any()
}

#[component]
fn Card(contact: ContactSummary) -> impl IntoView {
    let editing = Editing::new();
    let name = RwSignal::new(contact.label.clone());
    let address = StoredValue::new(contact.address.clone());
    let rename = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (address, label) = (address.get_value(), name.get_untracked());
        editing.go(Edit::RenameContact { address, label }, || ());
    };
    let remove = move |_| {
        let address = address.get_value();
        editing.go(Edit::RemoveContact { address }, || ());
    };
    let pay = format!("/wallet/send?to={}", format::query_value(&contact.address));
    view! {
        <li class="card wallet-account">
            <strong>{contact.label.clone()}</strong>
            <AddressLink address=contact.address.clone() />
            <div class="actions"><ButtonLink href=pay>"Pay"</ButtonLink></div>
            <details class="more">
                <summary aria-label=format!("Change {}", contact.label)>"Change"</summary>
                <form class="wallet-form" on:submit=rename>
                    <Field
                        label="Name"
                        name=format!("contact-{}", contact.address)
                        value=name
                        on_input=Callback::new(move |text| name.set(text))
                    />
                    <div class="actions">
                        <Button submit=true busy=editing.busy>"Rename"</Button>
                        <Button kind=ButtonKind::Danger busy=editing.busy on:click=remove>"Remove"</Button>
                    </div>
                </form>
                <EditErrorNotice editing=editing title="Nothing was changed" />
            </details>
        </li>
    }
}
