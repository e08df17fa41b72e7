//! A new wallet: the phrase is shown once, checked back, then kept under a password.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use tally_chain::words::Language;

use crate::{
    ui::{Button, ButtonKind, ButtonLink, Field, Notice, NoticeKind, PageHead, Select, Toasts, branch},
    wallet::{
        access::{
            clipboard::{self, CopiedPhrase},
            gate::{WithoutVault, drop_phrase},
            password::{NewPassword, Passphrase, SearchBar},
            secret,
        },
        parts::notice::ErrorNotice,
        protocol::{Answer, Request, SecretText, WalletError},
        session::Wallet,
    },
};

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Choose,
    Write,
    Check,
    Password,
    Search,
}

const STEPS: [(Step, &str); 4] = [
    (Step::Choose, "Choose"),
    (Step::Write, "Write down"),
    (Step::Check, "Check"),
    (Step::Password, "Protect"),
];

/// What the steps share.
#[derive(Clone, Copy)]
struct Course {
    wallet: Wallet,
    step: RwSignal<Step>,
    failure: RwSignal<Option<WalletError>>,
    /// The new phrase, only while it is being written down.
    phrase: RwSignal<Option<SecretText>>,
    /// Positions whose words are to be typed again.
    check_words: RwSignal<Vec<u8>>,
}

impl Course {
    fn go(self, step: Step) {
        self.failure.set(None);
        self.step.set(step);
    }

    /// Back to the first step: the phrase that was made is not used.
    fn start_again(self) {
        drop_phrase(self.wallet);
        self.go(Step::Choose);
    }

    fn new_phrase(self, words: u8, language: Language) {
        spawn_local(async move {
            match self.wallet.request(Request::NewPhrase { words, language }).await {
                Ok(Answer::NewPhrase { phrase, check_words }) => {
                    self.phrase.set(Some(phrase));
                    self.check_words.set(check_words);
                    self.go(Step::Write);
                }
                Ok(_) => {}
                Err(failure) => self.failure.set(Some(failure)),
            }
        });
    }
}

/// The page at `/wallet/create`.
#[component]
pub fn Create() -> impl IntoView {
    let wallet = Wallet::get();
    let course = Course {
        wallet,
        step: RwSignal::new(Step::Choose),
        failure: RwSignal::new(None),
        phrase: RwSignal::new(None),
        check_words: RwSignal::new(Vec::new()),
    };
    let step = Memo::new(move |_| course.step.get());
    let content = move || match step.get() {
        Step::Choose => branch(move || view! { <Choose course=course /> }),
        Step::Write => branch(move || view! { <Write course=course /> }),
        Step::Check => branch(move || view! { <Check course=course /> }),
        Step::Password | Step::Search => {
            let on_back = Callback::new(move |()| course.go(Step::Choose));
            branch(move || view! { <Protect step=course.step failure=course.failure on_lost=on_back /> })
        }
    };
    let progress = move || {
        STEPS
            .map(|(at, name)| {
                let current = move || (step.get().min(Step::Password) == at).then_some("step");
                let done = move || at < step.get();
                view! { <li class:done=done aria-current=current>{name}</li> }
            })
            .collect_view()
    };
    view! {
        <PageHead title="Create a wallet" />
        <WithoutVault>
            <ol class="wallet-steps" aria-label="Steps">{progress()}</ol>
            <section class="card wallet-narrow">
                {content}
                {move || course.failure.get().map(|failure| view! { <ErrorNotice title="That did not work" error=failure /> })}
            </section>
        </WithoutVault>
    }
}

/// The word list that was chosen; none for one that is to be found out.
pub fn chosen(value: RwSignal<String>) -> Option<Language> {
    value.get_untracked().parse().ok()
}

/// A choice among the ten word lists.
#[component]
pub fn LanguageSelect(
    label: &'static str,
    value: RwSignal<String>,
    /// Offers to find the language out.
    #[prop(optional)]
    detect: bool,
) -> impl IntoView {
    let found_out = detect.then(|| (String::new(), "Found out from the words".to_owned()));
    let lists = Language::ALL.map(|language| (language.code().to_owned(), language.own_name().to_owned()));
    let options = found_out.into_iter().chain(lists).collect();
    view! { <Select label=label name="language" options=options value=value on_change=Callback::new(move |word| value.set(word)) /> }
}

#[component]
fn Choose(course: Course) -> impl IntoView {
    let words = RwSignal::new(12u8);
    let language = RwSignal::new(Language::default().code().to_owned());
    let choice = move |count: u8, name: &'static str, text: &'static str| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="words"
                    prop:checked=move || words.get() == count
                    on:change=move |_| words.set(count)
                />
                <span class="choice-text"><strong>{name}</strong> <span>{text}</span></span>
            </label>
        }
    };
    view! {
        <h2>"How long should the phrase be?"</h2>
        <div class="choices" role="radiogroup" aria-label="Words of the phrase">
            {choice(12, "12 words", "128 bits: more than anyone can guess. Shorter to write.")}
            {choice(24, "24 words", "256 bits, as some policies require.")}
        </div>
        <LanguageSelect label="Language of the words" value=language />
        <p class="field-hint">"English words work in every other wallet; some know no other language."</p>
        <div class="actions">
            <Button kind=ButtonKind::Primary on:click=move |_| course.new_phrase(words.get_untracked(), chosen(language).unwrap_or_default())>"Make the phrase"</Button>
            <ButtonLink href="/wallet/restore" kind=ButtonKind::Quiet>"I have a phrase"</ButtonLink>
        </div>
    }
}

#[component]
fn Write(course: Course) -> impl IntoView {
    // The page forgets the words as soon as this step is left.
    on_cleanup(move || drop(course.phrase.try_update(Option::take)));
    let (copied, toasts) = (RwSignal::new(false), Toasts::get());
    let words = move || {
        course.phrase.with(|phrase| {
            let words = phrase.iter().flat_map(|phrase| phrase.expose().split(' '));
            words
                .map(|word| view! { <li class="phrase-word" translate="no">{word.to_owned()}</li> })
                .collect_view()
        })
    };
    view! {
        <h2>"Write these words down, in order"</h2>
        <p class="prose">
            "On paper, not in a picture or a file. Anyone who has them has your coins; without them no one can restore the accounts. They are shown only once."
        </p>
        <ol class="phrase" aria-label="Recovery phrase" on:copy=move |_| clipboard::on_copy(copied, toasts)>{words}</ol>
        <CopiedPhrase copied=copied />
        <div class="actions">
            <Button kind=ButtonKind::Primary on:click=move |_| course.go(Step::Check)>"I have written them down"</Button>
            <Button kind=ButtonKind::Quiet on:click=move |_| course.start_again()>"Start again"</Button>
        </div>
    }
}

#[component]
fn Check(course: Course) -> impl IntoView {
    let checked: Vec<(u8, RwSignal<String>)> = course
        .check_words
        .get_untracked()
        .into_iter()
        .map(|position| (position, secret::typed()))
        .collect();
    let wrong = Memo::new(move |_| match course.failure.get() {
        Some(WalletError::WrongWord { position }) => Some(position),
        _ => None,
    });
    let fields = checked
        .iter()
        .map(|&(position, typed)| {
            let error = Signal::derive(move || match wrong.get() == Some(position) {
                true => format!("This is not word {position}."),
                false => String::new(),
            });
            view! {
                <Field
                    label=format!("Word {position}")
                    name=format!("word-{position}")
                    value=typed
                    error=error
                    on_input=Callback::new(move |text| typed.set(text))
                />
            }
        })
        .collect_view();
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let words = checked
            .iter()
            .map(|(position, typed)| (*position, SecretText::new(typed.get_untracked())))
            .collect();
        spawn_local(async move {
            match course.wallet.request(Request::CheckWords { words }).await {
                Ok(_) => course.go(Step::Password),
                Err(failure) => course.failure.set(Some(failure)),
            }
        });
    };
    view! {
        <h2>"Check what you wrote"</h2>
        <p class="prose">"Type these words from your paper. The page no longer has them."</p>
        <form class="wallet-form" on:submit=on_submit>
            <div class="form-grid">{fields}</div>
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true>"Check"</Button>
                <Button kind=ButtonKind::Quiet on:click=move |_| course.start_again()>"Start again with a new phrase"</Button>
            </div>
        </form>
    }
}

/// The password, then the search for the first keys. Ends on the wallet's own page.
#[component]
pub fn Protect(
    step: RwSignal<Step>,
    failure: RwSignal<Option<WalletError>>,
    on_lost: Callback<()>,
    /// The phrase was used before: its other accounts are looked for.
    #[prop(optional)]
    restoring: bool,
) -> impl IntoView {
    let wallet = Wallet::get();
    let (first, second) = (secret::typed(), secret::typed());
    let differs = Signal::derive(move || first.with(|first| second.with(|second| first != second)));
    let navigate = use_navigate();
    let create = Callback::new(move |password: SecretText| {
        step.set(Step::Search);
        failure.set(None);
        let navigate = navigate.clone();
        let passphrase = secret::take(first);
        drop(secret::take(second));
        spawn_local(async move {
            wallet.restored.set(restoring);
            match wallet.request(Request::Create { password, passphrase }).await {
                Ok(_) => navigate("/wallet", Default::default()),
                Err(WalletError::PhraseNotChecked) => on_lost.run(()),
                Err(error) => {
                    step.set(Step::Password);
                    failure.set(Some(error));
                }
            }
        });
    });
    let searching = Signal::derive(move || step.get() == Step::Search);
    view! {
        <Show
            when=move || searching.get()
            fallback=move || {
                view! {
                    <h2>"Choose a password for this browser"</h2>
                    <p class="prose">"It encrypts the phrase and the keys here (Argon2id, 64 MiB). You type it to unlock the wallet."</p>
                    <Passphrase first=first second=second />
                    <NewPassword submit="Create the wallet" busy=searching blocked=differs on_submit=create />
                }
            }
        >
            <h2>"Making your accounts"</h2>
            <SearchBar />
        </Show>
        <Notice kind=NoticeKind::Info title="The password is not the phrase">
            <p>"The password opens the vault in this browser only. The phrase restores the accounts anywhere."</p>
        </Notice>
    }
}
