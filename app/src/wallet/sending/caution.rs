//! What is shown before a signature: read from the bytes and from what this tab and the node know.
//! Rules: docs/protocol.md#W50, #W51

#[cfg(any(feature = "hydrate", test))]
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never calls it")
)]
mod equal;

use leptos::prelude::*;

use crate::ui::{Notice, NoticeKind};

/// One warning as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caution {
    pub title: String,
    pub text: String,
    pub weight: Weight,
}

/// How much it requires of the user.
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never calls it")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Note,
    Caution,
    /// Signed only after a tick.
    Stop,
}

/// Whether one of them needs a tick.
pub fn needs_consent(cautions: &[Caution]) -> bool {
    cautions.iter().any(|caution| caution.weight == Weight::Stop)
}

/// Accounts of the wallet whose history is read before a signature: each is a request to the node.
const ACCOUNTS: usize = 8;

/// Notes that not all histories were compared with the recipient, where the wallet has more accounts than are looked up.
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never calls it")
)]
fn partly(accounts: usize) -> Option<Caution> {
    (accounts > ACCOUNTS).then(|| Caution {
        title: "Not all histories were looked at".to_owned(),
        text: format!(
            "The recipient was compared with all accounts and contacts of this wallet, and with the newest of the history of \
             {ACCOUNTS} of its {accounts} accounts. Compare the whole address."
        ),
        weight: Weight::Note,
    })
}

/// The warnings, each that needs it with its tick; `ready` is true once nothing stands in the way of a signature.
#[component]
pub fn Cautions(cautions: Vec<Caution>, ready: RwSignal<bool>) -> impl IntoView {
    let stops = cautions.iter().filter(|caution| caution.weight == Weight::Stop).count();
    let ticked = RwSignal::new(vec![false; stops]);
    Effect::new(move |_| ready.set(ticked.with(|ticked| ticked.iter().all(|tick| *tick))));
    let mut place = 0;
    cautions
        .into_iter()
        .map(|caution| {
            let kind = match caution.weight {
                Weight::Note => NoticeKind::Info,
                Weight::Caution => NoticeKind::Warning,
                Weight::Stop => NoticeKind::Error,
            };
            let tick = (caution.weight == Weight::Stop).then(|| {
                let own = place;
                place += 1;
                let on_change = move |event| ticked.update(|ticked| ticked[own] = event_target_checked(&event));
                view! {
                    <label class="check">
                        <input type="checkbox" on:change=on_change />
                        <span>"I know, and want to sign it all the same"</span>
                    </label>
                }
            });
            view! {
                <Notice kind=kind title=caution.title>
                    <p>{caution.text}</p>
                    {tick}
                </Notice>
            }
        })
        .collect_view()
}

#[cfg(feature = "hydrate")]
pub use look::look;

#[cfg(feature = "hydrate")]
mod look {
    use futures::future::join_all;
    use tally_chain::{Address, Amount, Bytes, UnixSecs, address};
    use tally_wallet::{
        FeeSuggestions, Review, Warning, Warnings, payment,
        warnings::{Bond, Local, NodeView},
    };

    use super::{ACCOUNTS, Caution, Weight, equal::equal, partly};
    use crate::{
        browser,
        model::ChainInfo,
        wallet::{
            client::node,
            sending::fees::suggestions,
            session::Wallet,
            storage::journal::{self, NotKept, Sent},
        },
    };

    /// The warnings for payload bytes of an account. What the tab finds by itself stands in them whatever the node
    /// answers; an error means that the bytes cannot be read.
    pub async fn look(
        wallet: Wallet,
        chain: &ChainInfo,
        from: &str,
        payload: &Bytes,
        typed: Option<&str>,
    ) -> Result<Vec<Caution>, String> {
        let identity = chain.identity()?;
        let sender = address::parse(from).map_err(|error| error.to_string())?;
        let review = payment::review(&identity, sender, payload).map_err(|error| error.to_string())?;
        let facts = query(wallet, from, &review).await;
        // Read once, after what takes time: both that look at it see the same.
        let journal = journal::load(&chain.genesis_id);
        let (known, unread) = known(wallet, journal.as_deref());
        let local = Local {
            known: &known,
            playground: chain.playground,
            typed,
            now: UnixSecs(browser::now().unwrap_or_default()),
        };
        let node = facts.as_ref().map_err(String::clone).map(|facts| NodeView {
            history: &facts.history,
            balance: facts.balance,
            fees: facts.fees,
            contract: facts.contract,
            public: facts.public,
        });
        let found = Warnings::of(&review, &local, node);
        let own = wallet.known().0.len();
        let partly = facts.as_ref().ok().and_then(|_| partly(own));
        let equal = equal(&identity, from, &review, journal.as_deref()).await;
        Ok(equal
            .into_iter()
            .chain(unread)
            .chain(found.all().iter().map(caution))
            .chain(partly)
            .collect())
    }

    /// What the node answered.
    struct Facts {
        history: Vec<(Address, Bond)>,
        balance: Amount,
        fees: FeeSuggestions,
        contract: bool,
        public: bool,
    }

    async fn query(wallet: Wallet, from: &str, review: &Review) -> Result<Facts, String> {
        let recipient = match review.to {
            Some(to) => Some(node::account(&to.to_string()).await?),
            None => None,
        };
        let public = |label: &String| label.starts_with("PUBLIC");
        Ok(Facts {
            history: history(wallet).await?,
            balance: node::account(from).await?.free(),
            fees: suggestions(&node::fees().await?),
            contract: recipient.as_ref().is_some_and(|recipient| recipient.contract),
            public: recipient.is_some_and(|recipient| recipient.label.as_ref().is_some_and(public)),
        })
    }

    fn caution(warning: &Warning) -> Caution {
        Caution {
            title: warning.title().to_owned(),
            text: warning.to_string(),
            weight: match warning.weight() {
                tally_wallet::Weight::Note => Weight::Note,
                tally_wallet::Weight::Caution => Weight::Caution,
                tally_wallet::Weight::Stop => Weight::Stop,
            },
        }
    }

    /// Own accounts, the address book, and whom this browser paid; with a warning where it is not known whom.
    fn known(wallet: Wallet, journal: Result<&[Sent], &NotKept>) -> (Vec<(Address, Bond)>, Option<Caution>) {
        let (own, others) = wallet.known();
        let mut known = Vec::new();
        let mut add = |text: &str, bond| known.extend(address::parse(text).ok().map(|address| (address, bond)));
        own.iter().for_each(|own| add(own, Bond::Own));
        others.iter().for_each(|other| add(other, Bond::Contact));
        // What no node has confirmed to have is no payment yet.
        let unread = match journal {
            Ok(journal) => {
                for sent in journal.iter().filter(|sent| sent.acknowledged) {
                    sent.recipient().iter().for_each(|to| add(to, Bond::Paid));
                }
                None
            }
            Err(why) => Some(Caution {
                title: "The earlier payments of this browser are not known".to_owned(),
                text: format!("Compare the whole address: {why}."),
                weight: Weight::Stop,
            }),
        };
        (known, unread)
    }

    /// Whom the accounts met in the chain, as the node reports it.
    async fn history(wallet: Wallet) -> Result<Vec<(Address, Bond)>, String> {
        let (own, _) = wallet.known();
        let mut met = Vec::new();
        let mut add = |text: &str, bond| met.extend(address::parse(text).ok().map(|address| (address, bond)));
        let histories = join_all(own.iter().take(ACCOUNTS).map(|own| node::met(own))).await;
        for (own, history) in own.iter().zip(histories) {
            for (sender, to) in history? {
                match to {
                    Some(to) if sender == *own => add(&to, Bond::Paid),
                    _ => add(&sender, Bond::Seen),
                }
            }
        }
        Ok(met)
    }
}

/// The server signs nothing.
#[cfg(not(feature = "hydrate"))]
pub async fn look(
    _wallet: crate::wallet::session::Wallet,
    _chain: &crate::model::ChainInfo,
    _from: &str,
    _payload: &tally_chain::Bytes,
    _typed: Option<&str>,
) -> Result<Vec<Caution>, String> {
    Err("only a browser signs".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_needs_a_tick_is_enough_for_a_question() {
        let of = |weight| Caution {
            title: "Title".to_owned(),
            text: "Text.".to_owned(),
            weight,
        };
        assert!(!needs_consent(&[]));
        assert!(!needs_consent(&[of(Weight::Note), of(Weight::Caution)]));
        assert!(needs_consent(&[of(Weight::Note), of(Weight::Stop)]));
    }

    #[test]
    fn histories_that_were_not_read_are_named() {
        assert_eq!(partly(ACCOUNTS), None);
        let note = partly(ACCOUNTS + 1).expect("one was not read");
        assert_eq!(note.weight, Weight::Note);
        assert!(note.text.contains("8 of its 9 accounts"), "{}", note.text);
    }
}
