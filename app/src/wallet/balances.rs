//! Balances of the open wallet's accounts: read again with each block, each checked in this tab.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local};
use tally_chain::Amount;

use super::{node, state::Wallet};
use crate::{live::Live, model::BaseUnits, ui::MarkState};

/// The balance of one account as last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    pub amount: Amount,
    pub mark: MarkState,
}

/// All of them, by address.
#[derive(Clone, Copy)]
pub struct Balances {
    known: RwSignal<HashMap<String, Balance>>,
    pub failure: RwSignal<Option<String>>,
    again: RwSignal<u32>,
}

impl Balances {
    /// Makes the context, and keeps it up to date while the page lives.
    pub fn provide() -> Self {
        let balances = Self {
            known: RwSignal::default(),
            failure: RwSignal::new(None),
            again: RwSignal::new(0),
        };
        provide_context(balances);
        let (wallet, live) = (Wallet::get(), Live::get());
        Effect::new(move |_| {
            live.on_chain();
            balances.again.track();
            for account in wallet.accounts() {
                spawn_local(balances.read(account.address));
            }
        });
        balances
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the wallet's frame provides the balances")
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
            if balance.mark != MarkState::Verified {
                sum.mark = balance.mark;
            }
        }
        Some(sum)
    }

    async fn read(self, address: String) {
        match node::account(&address).await {
            Ok(answer) => {
                let mark = match (&answer.proof, answer.verify(&address)) {
                    (None, _) => MarkState::Told,
                    (Some(_), Ok(_)) => MarkState::Verified,
                    (Some(_), Err(why)) => MarkState::Failed(why),
                };
                let balance = Balance {
                    amount: answer.balance,
                    mark,
                };
                let _ = self.known.try_update(|known| known.insert(address, balance));
                let _ = self.failure.try_set(None);
            }
            Err(why) => drop(self.failure.try_set(Some(why))),
        }
    }
}

/// An amount of the chain's types as the page's components take it.
pub fn units(amount: Amount) -> BaseUnits {
    BaseUnits::new(amount)
}
