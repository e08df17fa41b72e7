//! A wallet from a phrase that the user already has.

use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;

use super::{
    create::{Protect, Step, WithoutVault},
    frame::TroubleNotice,
    protocol::{Request, SecretText, Trouble},
    state::Wallet,
};
use crate::ui::{Button, ButtonKind, ButtonLink};

/// The page at `/wallet/restore`.
#[component]
pub fn Restore() -> impl IntoView {
    let step = RwSignal::new(Step::Write);
    let trouble = RwSignal::new(None::<Trouble>);
    let stage = Memo::new(move |_| step.get() >= Step::Password);
    let on_lost = Callback::new(move |()| step.set(Step::Write));
    view! {
        <Title text="Restore a wallet" />
        <header class="page-head">
            <h1>"Restore a wallet"</h1>
        </header>
        <WithoutVault>
            <section class="card wallet-narrow">
                {move || match stage.get() {
                    false => view! { <Phrase step=step trouble=trouble /> }.into_any(),
                    true => view! { <Protect step=step trouble=trouble on_lost=on_lost /> }.into_any(),
                }}
                {move || trouble.get().map(|trouble| view! { <TroubleNotice title="That did not work" trouble=trouble /> })}
            </section>
        </WithoutVault>
    }
}

#[component]
fn Phrase(step: RwSignal<Step>, trouble: RwSignal<Option<Trouble>>) -> impl IntoView {
    let wallet = Wallet::get();
    let typed = RwSignal::new(String::new());
    let count = move || typed.with(|text| text.split_whitespace().count());
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let phrase = SecretText::new(typed.get_untracked());
        trouble.set(None);
        spawn_local(async move {
            match wallet.ask(Request::TakePhrase { phrase }).await {
                Ok(_) => {
                    typed.set(String::new());
                    step.set(Step::Password);
                }
                Err(error) => trouble.set(Some(error)),
            }
        });
    };
    view! {
        <h2>"Type your recovery phrase"</h2>
        <form class="wallet-form" on:submit=on_submit autocomplete="off">
            <div class="field">
                <label for="phrase">"Recovery phrase"</label>
                <textarea
                    id="phrase"
                    rows="4"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    translate="no"
                    aria-describedby="phrase-hint"
                    prop:value=typed
                    on:input=move |event| typed.set(event_target_value(&event))
                ></textarea>
                <span class="field-hint" id="phrase-hint">
                    {move || format!("12, 15, 18, 21 or 24 English words with spaces between them. So far: {}.", count())}
                </span>
            </div>
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true disabled=Signal::derive(move || count() == 0)>"Go on"</Button>
                <ButtonLink href="/wallet/create" kind=ButtonKind::Quiet>"I have none"</ButtonLink>
            </div>
        </form>
        <p class="field-hint">"The first RSA and ECC accounts come back at once; further ones in the same order as you added them."</p>
    }
}
