//! What the pages know of the wallet: where it stands and its public accounts.

mod tabs;
mod worker;

use leptos::{prelude::*, task::spawn_local};
use tabs::Message;

use super::protocol::{
    AccountSummary, Answer, Chain, ContactSummary, OtherVault, Request, SearchProgress, WalletError,
};
use crate::{browser, live::Live, model::ChainInfo, prefs::Prefs};

/// Where the wallet stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// The page was just rendered, or runs without scripts: nothing was read yet.
    #[default]
    Unknown,
    /// No vault for this chain; perhaps some for others.
    Missing {
        others: Vec<OtherVault>,
    },
    Locked,
    Open,
    /// The worker or the storage does not work.
    Broken(WalletError),
}

/// The wallet of this tab. It outlives the pages, so that going elsewhere does not lock it.
#[derive(Clone, Copy)]
pub struct Wallet {
    phase: RwSignal<Phase>,
    accounts: RwSignal<Vec<AccountSummary>>,
    contacts: RwSignal<Vec<ContactSummary>>,
    /// The search under way.
    pub progress: RwSignal<Option<SearchProgress>>,
    /// Whether it was just restored from a phrase, and its used accounts are still to be found.
    pub restored: RwSignal<bool>,
    /// Whether this browser has promised to keep the vault; none before the request, and where the browser has none.
    pub kept: RwSignal<Option<bool>>,
    /// Why it was locked, where the user did not lock it.
    pub notice: RwSignal<Option<String>>,
    /// Unix seconds of the last key press or click, in any tab of this chain.
    last_use: RwSignal<u64>,
    /// When the other tabs were last notified of it.
    announced_use: StoredValue<u64>,
    chain: StoredValue<ChainInfo>,
    /// Whether the node serves another chain than this one.
    left: RwSignal<bool>,
    /// Where what runs beside the pages lives, until it runs.
    idle_in: StoredValue<Option<WeakOwner>>,
}

impl Wallet {
    /// Makes the context, no more: the frame of all pages carries it, and most pages are none of the wallet's.
    pub fn provide() -> Self {
        let wallet = Self {
            phase: RwSignal::default(),
            accounts: RwSignal::default(),
            contacts: RwSignal::default(),
            progress: RwSignal::new(None),
            restored: RwSignal::new(false),
            kept: RwSignal::new(None),
            notice: RwSignal::new(None),
            last_use: RwSignal::new(0),
            announced_use: StoredValue::new(0),
            chain: StoredValue::new(expect_context()),
            left: RwSignal::new(false),
            idle_in: StoredValue::new(Owner::current().map(|owner| owner.downgrade())),
        };
        provide_context(wallet);
        wallet
    }

    /// Starts what runs beside the pages: messages of the worker and of other tabs, locking. Called whenever a page of the wallet
    /// opens; it runs from the first on, for as long as the tab lives. Needs the live clock and the preferences.
    pub fn start(self) {
        let idle_in = self.idle_in.try_update_value(Option::take).flatten();
        let Some(owner) = idle_in.and_then(|owner| owner.upgrade()) else {
            return;
        };
        owner.with(|| {
            worker::on_progress(move |progress| self.progress.set(Some(progress)));
            self.lock_when_idle();
            self.lock_when_left();
            Effect::new(move |_| tabs::listen(self.genesis(), move |message| self.received(message)));
        });
    }

    fn genesis(self) -> String {
        self.chain.with_value(|chain| chain.genesis_id.clone())
    }

    /// What another tab sent. Rule: docs/protocol.md#W55
    fn received(self, message: Message) {
        let open = self.phase.with_untracked(|phase| *phase == Phase::Open);
        let chain = self.chain.get_value();
        match message {
            Message::InUse => self.last_use.set(browser::now().unwrap_or_default()),
            Message::Locked if open => self.lock(&chain, Some("It was locked in another tab.".to_owned())),
            Message::Changed if open => spawn_local(async move {
                if let Err(failure) = self.request(Request::Refresh).await {
                    self.lock(&chain, Some(why_locked(&failure)));
                }
            }),
            Message::Changed => self.look(&chain),
            Message::Locked => {}
        }
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the root component provides the wallet")
    }

    /// Where it stands, reactively.
    pub fn phase(self) -> Phase {
        self.phase.get()
    }

    pub fn is_open(self) -> bool {
        self.phase.with(|phase| *phase == Phase::Open)
    }

    /// All accounts, reactively; none while it is locked.
    pub fn accounts(self) -> Vec<AccountSummary> {
        self.accounts.get()
    }

    /// Those that the user has not put away, reactively.
    pub fn current_accounts(self) -> Vec<AccountSummary> {
        self.accounts
            .with(|all| all.iter().filter(|account| !account.archived).cloned().collect())
    }

    /// Those of them that the wallet can sign for, reactively.
    pub fn signing_accounts(self) -> Vec<AccountSummary> {
        self.accounts.with(|all| {
            let current = all.iter().filter(|account| !account.archived && account.can_sign());
            current.cloned().collect()
        })
    }

    /// The address book, reactively; empty while it is locked.
    pub fn contacts(self) -> Vec<ContactSummary> {
        self.contacts.get()
    }

    /// What it knows by heart: its own accounts, and those it watches or has in its address book.
    pub fn known(self) -> (Vec<String>, Vec<String>) {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        self.accounts.with_untracked(|accounts| {
            for account in accounts {
                let list = if account.can_sign() { &mut own } else { &mut others };
                list.push(account.address.clone());
            }
        });
        others.extend(self.contacts.get_untracked().into_iter().map(|contact| contact.address));
        (own, others)
    }

    /// Whether it can sign for this account.
    pub fn can_sign(self, address: &str) -> bool {
        let signs = |account: &AccountSummary| account.address == address && account.can_sign();
        self.accounts.with_untracked(|accounts| accounts.iter().any(signs))
    }

    /// Changes only when the wallet goes from one state to another.
    pub fn stage(self) -> Memo<Phase> {
        Memo::new(move |_| self.phase.get())
    }

    /// Looks for a vault of this chain, once the page runs.
    pub fn look(self, chain: &ChainInfo) {
        let chain = Chain {
            genesis: chain.genesis_id.clone(),
            chain_id: chain.chain_id,
            name: chain.name.clone(),
        };
        spawn_local(async move {
            let phase = match worker::request(Request::Look { chain }).await {
                Ok(Answer::Looked { vault: true, .. }) => Phase::Locked,
                Ok(Answer::Looked { vault: false, others }) => Phase::Missing { others },
                Ok(_) => Phase::Broken(WalletError::Worker("it answered something else".to_owned())),
                Err(failure) => Phase::Broken(failure),
            };
            self.phase.set(phase);
        });
    }

    /// Sends the worker a request; an answer with accounts opens the wallet.
    pub async fn request(self, request: Request) -> Result<Answer, WalletError> {
        let writes = request.writes();
        let outcome = worker::request(request).await;
        if writes && outcome.is_ok() {
            tabs::send(Message::Changed, &self.genesis());
        }
        self.progress.set(None);
        if let Ok(Answer::Open { accounts, contacts }) = &outcome {
            self.accounts.set(accounts.clone());
            self.contacts.set(contacts.clone());
            self.notice.set(None);
            self.touch();
            if !self.phase.with_untracked(|phase| *phase == Phase::Open) {
                self.phase.set(Phase::Open);
                self.keep_storage();
            }
        }
        // Its password was changed in another tab.
        if matches!(outcome, Err(WalletError::Locked)) && self.phase.with_untracked(|phase| *phase == Phase::Open) {
            self.forget();
            self.phase.set(Phase::Locked);
        }
        outcome
    }

    /// Requests of the browser to keep the vault, now that there is one; once a page, also for vaults of older versions.
    fn keep_storage(self) {
        if self.kept.get_untracked().is_none() {
            spawn_local(async move {
                let kept = browser::keep_storage().await;
                let _ = self.kept.try_set(kept);
            });
        }
    }

    /// What the page knows of an open wallet, no more.
    fn forget(self) {
        self.accounts.set(Vec::new());
        self.contacts.set(Vec::new());
        self.progress.set(None);
    }

    /// Stops the search under way.
    pub fn cancel(self) {
        worker::cancel();
    }

    /// Ends the worker and starts a fresh one that knows nothing.
    pub fn lock(self, chain: &ChainInfo, why: Option<String>) {
        worker::stop();
        self.forget();
        self.notice.set(why);
        self.look(chain);
    }

    /// Locks, where it is open, because the node no longer serves the wallet's chain.
    pub fn leave(self) {
        self.left.set(true);
    }

    fn lock_when_left(self) {
        Effect::new(move |_| {
            if self.left.get() && self.phase.with_untracked(|phase| *phase == Phase::Open) {
                let why = "The node serves another chain now.".to_owned();
                self.lock(&self.chain.get_value(), Some(why));
            }
        });
    }

    /// Locks this tab and all others of this chain, as the user wants.
    pub fn lock_everywhere(self) {
        tabs::send(Message::Locked, &self.genesis());
        self.lock(&self.chain.get_value(), None);
    }

    fn touch(self) {
        let Some(now) = browser::now() else { return };
        self.last_use.set(now);
        let announced = self.announced_use.get_value();
        // Of a clock that was set back the tabs are notified at once.
        let is_due = now < announced || now - announced >= tabs::USE_EVERY;
        if is_due && self.phase.with_untracked(|phase| *phase == Phase::Open) {
            self.announced_use.set_value(now);
            tabs::send(Message::InUse, &self.genesis());
        }
    }

    /// Locks after the time that the user chose, counted from the last key press or click.
    fn lock_when_idle(self) {
        let (live, prefs) = (Live::get(), Prefs::get());
        let chain = expect_context::<ChainInfo>();
        Effect::new(move |_| {
            window_event_listener(leptos::ev::keydown, move |_| self.touch());
            window_event_listener(leptos::ev::pointerdown, move |_| self.touch());
        });
        Effect::new(move |_| {
            let Some(now) = live.now.get() else { return };
            let minutes = prefs.read(|prefs| prefs.auto_lock_minutes);
            // A clock that was set back does not keep the wallet open until it has caught up.
            if self.last_use.get_untracked() > now {
                self.last_use.set(now);
            }
            let idle = now.saturating_sub(self.last_use.get_untracked());
            if self.phase.with_untracked(|phase| *phase == Phase::Open) && idle >= u64::from(minutes) * 60 {
                let why = format!("Locked after {minutes} min without use. You can change the time in the settings.");
                self.lock(&chain, Some(why));
            }
        });
    }
}

/// Why the wallet is locked where its vault could not be read again after another tab changed it.
fn why_locked(failure: &WalletError) -> String {
    match failure {
        WalletError::Locked => "Its password was changed in another tab.".to_owned(),
        WalletError::NoVault => "It was removed in another tab.".to_owned(),
        other => format!("Another tab changed it, and it could not be read again. {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_after_a_change_elsewhere_names_its_reason() {
        for (failure, expected) in [
            (WalletError::Locked, "Its password was changed in another tab."),
            (WalletError::NoVault, "It was removed in another tab."),
            (
                WalletError::Storage("it is closed".to_owned()),
                "Another tab changed it, and it could not be read again. This browser could not keep or read the vault: it is closed",
            ),
        ] {
            assert_eq!(why_locked(&failure), expected);
        }
    }
}
