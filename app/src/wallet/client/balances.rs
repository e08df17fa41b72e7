//! Balances of the open wallet's accounts: read again with each block, each checked in this tab.

use std::collections::{BTreeMap, HashMap};

use leptos::{prelude::*, task::spawn_local};
use tally_api::accounts::AccountBody;
use tally_chain::Amount;

use super::node::{self, Unproven};
use crate::{
    browser,
    live::Live,
    model::{BaseUnits, ChainInfo},
    ui::MarkState,
    verify::{of_chain, seen},
    wallet::session::Wallet,
};

/// The balance of one account as last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    pub amount: Amount,
    pub mark: MarkState,
}

/// Why balances could not be read at the last request.
#[derive(Debug, Default)]
struct Failures {
    /// How often all were requested.
    round: u32,
    /// By address: the last round that was answered, and why that was no balance.
    answered: BTreeMap<String, (u32, Option<String>)>,
}

impl Failures {
    /// Another round begins for these accounts; of any other nothing is shown any more. Its number.
    fn begin(&mut self, accounts: &[String]) -> u32 {
        self.answered.retain(|address, _| accounts.contains(address));
        self.round = self.round.wrapping_add(1);
        self.round
    }

    /// An answer of a round arrives; one that a later round has overtaken does not count. Whether it counts.
    fn settle(&mut self, address: &str, round: u32, failure: Option<String>) -> bool {
        let known = self.answered.get(address);
        let counts = known.is_none_or(|(last, _)| *last <= round);
        if counts {
            self.answered.insert(address.to_owned(), (round, failure));
        }
        counts
    }

    fn first(&self) -> Option<String> {
        self.answered.values().find_map(|(_, failure)| failure.clone())
    }
}

/// All of them, by address.
#[derive(Clone, Copy)]
pub struct Balances {
    known: RwSignal<HashMap<String, Balance>>,
    failures: RwSignal<Failures>,
    again: RwSignal<u32>,
    /// Height of the highest block that a balance shown here was verified against.
    pub witnessed: RwSignal<Option<u64>>,
    chain: StoredValue<ChainInfo>,
}

impl Balances {
    /// Makes the context, and keeps it up to date while the page lives.
    pub fn provide() -> Self {
        let balances = Self {
            known: RwSignal::default(),
            failures: RwSignal::default(),
            again: RwSignal::new(0),
            witnessed: RwSignal::new(None),
            chain: StoredValue::new(expect_context()),
        };
        provide_context(balances);
        let (wallet, live) = (Wallet::get(), Live::get());
        Effect::new(move |_| {
            live.on_chain();
            balances.again.track();
            let accounts: Vec<String> = wallet.accounts().into_iter().map(|account| account.address).collect();
            // What is no longer in the wallet is warned of no more.
            let _ = balances
                .known
                .try_update(|known| known.retain(|address, _| accounts.contains(address)));
            let round = balances.failures.try_update(|failures| failures.begin(&accounts));
            for account in accounts {
                spawn_local(balances.read(account, round.unwrap_or_default()));
            }
        });
        balances
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the wallet's frame provides the balances")
    }

    /// Why a balance could not be read, reactively; what is shown of that account is what was known before.
    pub fn failure(self) -> Option<String> {
        self.failures.with(Failures::first)
    }

    /// Why what the node shows is old, where it is, reactively.
    pub fn older(self) -> Option<String> {
        self.known.with(|known| {
            known.values().find_map(|balance| match &balance.mark {
                MarkState::Older(why) => Some(why.clone()),
                _ => None,
            })
        })
    }

    /// Why the blocks that the node shows prove nothing, where they carry too little work, reactively.
    pub fn light(self) -> Option<String> {
        self.known.with(|known| {
            known.values().find_map(|balance| match &balance.mark {
                MarkState::Light(why) => Some(why.clone()),
                _ => None,
            })
        })
    }

    /// Takes the chain as the node shows it now, however much of it was seen before.
    pub fn forget_seen(self) {
        self.chain.with_value(|chain| seen::forget(&chain.genesis_id));
        let _ = self.witnessed.try_set(None);
        self.refresh();
    }

    /// Reads all of them again now.
    pub fn refresh(self) {
        self.again.update(|again| *again = again.wrapping_add(1));
    }

    /// One of them, reactively; none until it was first read.
    pub fn of(self, address: &str) -> Option<Balance> {
        self.known.with(|known| known.get(address).cloned())
    }

    /// The sum over these accounts and the weakest mark among them; none until all were read.
    pub fn total<'a>(self, addresses: impl Iterator<Item = &'a str>) -> Option<Balance> {
        let mut sum = Balance {
            amount: Amount::ZERO,
            mark: MarkState::Verified,
        };
        for address in addresses {
            let balance = self.of(address)?;
            sum.amount = sum.amount.checked_add(balance.amount)?;
            sum.mark = weaker(sum.mark, balance.mark);
        }
        Some(sum)
    }

    async fn read(self, address: String, round: u32) {
        let Some(chain) = self.chain.try_get_value() else {
            return;
        };
        // What was seen before the question: of two answers under way the later may come first.
        let seen = seen::highest(&chain.genesis_id);
        match node::account(&address).await {
            Ok(answer) => {
                let mark = self.check(&chain, &answer, &address, seen).await;
                let balance = Balance {
                    amount: answer.balance,
                    mark,
                };
                let counts = self
                    .failures
                    .try_update(|failures| failures.settle(&address, round, None));
                // An older state that comes late is not shown in the place of a newer one.
                if counts == Some(true) {
                    let _ = self.known.try_update(|known| known.insert(address, balance));
                }
            }
            Err(why) => {
                let _ = self
                    .failures
                    .try_update(|failures| failures.settle(&address, round, Some(why)));
            }
        }
    }

    async fn check(self, chain: &ChainInfo, answer: &AccountBody, address: &str, seen: u64) -> MarkState {
        // Without the chain's rules nothing can be checked, which is not wrong.
        let Ok(rules) = of_chain(chain).await else {
            return MarkState::Claimed;
        };
        let now = browser::now().unwrap_or_default();
        match node::verify(answer, address, &rules, seen, now) {
            Ok(height) => {
                seen::add(&chain.genesis_id, height);
                if let Some(block) = node::proven_block(answer) {
                    seen::add_block(&chain.genesis_id, &rules, &block, now);
                }
                let _ = self.witnessed.try_update(|known| *known = (*known).max(Some(height)));
                MarkState::Verified
            }
            Err(Unproven::NoProof) => MarkState::Claimed,
            Err(light @ Unproven::Light) => MarkState::Light(light.to_string()),
            Err(old @ Unproven::Older { .. }) => MarkState::Older(old.to_string()),
            Err(Unproven::False(why)) => MarkState::Failed(why),
        }
    }
}

/// An amount of the chain's types as the page's components take it.
pub fn units(amount: Amount) -> BaseUnits {
    BaseUnits::new(amount)
}

/// The weaker mark: what does not hold is never covered by what was only reported.
fn weaker(one: MarkState, other: MarkState) -> MarkState {
    let rank = |mark: &MarkState| match mark {
        MarkState::Failed(_) => 0,
        MarkState::Older(_) => 1,
        MarkState::Light(_) => 2,
        MarkState::Claimed => 3,
        MarkState::Unchecked | MarkState::Checking => 4,
        MarkState::Verified => 5,
    };
    match rank(&other) < rank(&one) {
        true => other,
        false => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_shown_until_the_balance_is_read_or_the_account_is_gone() {
        let accounts = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let mut failures = Failures::default();
        let first = failures.begin(&accounts(&["0xA", "0xB"]));
        assert!(failures.settle("0xA", first, Some("no answer".to_owned())));
        assert!(failures.settle("0xB", first, None));
        assert_eq!(failures.first(), Some("no answer".to_owned()));
        let second = failures.begin(&accounts(&["0xA", "0xB"]));
        assert_eq!(failures.first(), Some("no answer".to_owned()), "until it is answered");
        assert!(failures.settle("0xA", second, None));
        assert_eq!(failures.first(), None);
        // The answer to an older question comes late: neither a failure nor a balance of it counts.
        assert!(!failures.settle("0xA", first, Some("timed out".to_owned())));
        assert!(!failures.settle("0xA", first, None));
        assert_eq!(failures.first(), None);
        assert!(failures.settle("0xB", second, Some("no answer".to_owned())));
        assert_eq!(failures.first(), Some("no answer".to_owned()));
        failures.begin(&accounts(&["0xA"]));
        assert_eq!(failures.first(), None, "it is no longer in the wallet");
    }

    #[test]
    fn the_sum_bears_the_weakest_mark_of_its_parts() {
        let failed = MarkState::Failed("no".to_owned());
        let older = MarkState::Older("old".to_owned());
        let light = MarkState::Light("little".to_owned());
        let ranked = [
            failed,
            older,
            light,
            MarkState::Claimed,
            MarkState::Checking,
            MarkState::Verified,
        ];
        for (place, one) in ranked.iter().enumerate() {
            for other in &ranked[place..] {
                assert_eq!(&weaker(one.clone(), other.clone()), one);
                assert_eq!(&weaker(other.clone(), one.clone()), one);
            }
        }
    }
}
