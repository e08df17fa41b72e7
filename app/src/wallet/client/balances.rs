//! Balances of the open wallet's accounts: read again with each block, each checked in this tab.

use std::collections::{BTreeMap, HashMap};

use leptos::{prelude::*, task::spawn_local};
use tally_api::accounts::AccountBody;
use tally_chain::Amount;

use super::node::{self, Unproven};
use crate::{light::Light, live::Live, model::BaseUnits, ui::MarkState, wallet::session::Wallet};

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
    light: Light,
}

impl Balances {
    /// Makes the context, and keeps it up to date while the page lives.
    pub fn provide() -> Self {
        let balances = Self {
            known: RwSignal::default(),
            failures: RwSignal::default(),
            again: RwSignal::new(0),
            witnessed: RwSignal::new(None),
            light: Light::get(),
        };
        provide_context(balances);
        let (wallet, live) = (Wallet::get(), Live::get());
        Effect::new(move |before: Option<u32>| {
            live.on_chain();
            // What could not be checked before a tip was verified is checked then, and what was is checked again.
            let revision = balances.light.revision();
            if before != Some(revision) {
                let _ = balances.known.try_update(outdate);
            }
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
            revision
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

    /// Why nothing of it is verified, where no tip is, reactively.
    pub fn unverified(self) -> Option<String> {
        self.known.with(|known| {
            known.values().find_map(|balance| match &balance.mark {
                MarkState::Unverified(why) => Some(why.clone()),
                _ => None,
            })
        })
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
        let revision = self.light.revision_now();
        match self.checked(&address).await {
            Ok(mut balance) => {
                // What it was verified by may be verified no longer. A later round, which that began, settles it.
                if self.light.revision_now() != revision {
                    balance.mark = unsettled(balance.mark);
                }
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

    /// Reads one and checks it by the tip that was verified before the request: of two answers under way the later may come
    /// first, and a node answers from no older state than one that it has proved. Where none was verified yet, the request is
    /// repeated once there is one.
    async fn checked(self, address: &str) -> Result<Balance, String> {
        let before = self.light.height();
        let answer = node::account(address).await?;
        let mark = self.check(&answer, address, before).await;
        let (answer, mark) = match (before, self.light.height()) {
            (None, Some(height)) => {
                let answer = node::account(address).await?;
                let mark = self.check(&answer, address, Some(height)).await;
                (answer, mark)
            }
            _ => (answer, mark),
        };
        Ok(Balance {
            amount: answer.balance,
            mark,
        })
    }

    /// `before`: height of the tip that was verified before the request.
    async fn check(self, answer: &AccountBody, address: &str, before: Option<u64>) -> MarkState {
        let Some(block) = node::proven_block(answer) else {
            return MarkState::Claimed;
        };
        let verdict = self.light.check(&block).await;
        // After a reorg the verified tip may be lower.
        let least = before.min(self.light.height()).unwrap_or_default();
        match node::verify(answer, address, &verdict, least) {
            Ok(height) => {
                let _ = self.witnessed.try_update(|known| *known = (*known).max(Some(height)));
                MarkState::Verified
            }
            Err(Unproven::NoProof) => MarkState::Claimed,
            Err(Unproven::Unverified(why)) => MarkState::Unverified(why),
            Err(old @ Unproven::Older { .. }) => MarkState::Older(old.to_string()),
            Err(Unproven::False(why)) => MarkState::Failed(why),
        }
    }
}

/// What was verified has to be checked again; until then, nobody knows.
fn unsettled(mark: MarkState) -> MarkState {
    match mark {
        MarkState::Verified => MarkState::Checking,
        other => other,
    }
}

/// What was verified by a chain that is no longer, or that was left: a node need not answer about it again.
fn outdate(known: &mut HashMap<String, Balance>) {
    for balance in known.values_mut() {
        balance.mark = unsettled(balance.mark.clone());
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
        MarkState::Unverified(_) => 2,
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
        // The answer to an older request comes late: neither a failure nor a balance of it counts.
        assert!(!failures.settle("0xA", first, Some("timed out".to_owned())));
        assert!(!failures.settle("0xA", first, None));
        assert_eq!(failures.first(), None);
        assert!(failures.settle("0xB", second, Some("no answer".to_owned())));
        assert_eq!(failures.first(), Some("no answer".to_owned()));
        failures.begin(&accounts(&["0xA"]));
        assert_eq!(failures.first(), None, "it is no longer in the wallet");
    }

    #[test]
    fn a_balance_is_verified_no_longer_than_its_chain() {
        let balance = |mark| Balance {
            amount: Amount::ZERO,
            mark,
        };
        let failed = MarkState::Failed("no".to_owned());
        let mut known = HashMap::from([
            ("0xA".to_owned(), balance(MarkState::Verified)),
            ("0xB".to_owned(), balance(failed.clone())),
        ]);
        outdate(&mut known);
        assert_eq!(
            (&known["0xA"].mark, &known["0xB"].mark),
            (&MarkState::Checking, &failed)
        );
    }

    #[test]
    fn the_sum_bears_the_weakest_mark_of_its_parts() {
        let failed = MarkState::Failed("no".to_owned());
        let older = MarkState::Older("old".to_owned());
        let unverified = MarkState::Unverified("little".to_owned());
        let ranked = [
            failed,
            older,
            unverified,
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
