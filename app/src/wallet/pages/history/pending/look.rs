//! How the payments stand that this browser sent from an account. Rule: docs/protocol.md#W54

use std::collections::HashMap;

use leptos::prelude::*;
use tally_api::accounts::AccountPoolBody;
use tally_chain::transaction::LIFETIME;

use crate::{
    browser,
    model::TransactionPage,
    reads,
    wallet::{
        client::node,
        sending::follow::SETTLED,
        storage::journal::{self, Fate, Sent, fate},
    },
};

/// What is known of an account's waiting transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub pool: AccountPoolBody,
    /// Of what this browser sent: those that neither wait nor stand in a block, of what a node had within a day.
    pub lost: Vec<Missing>,
    /// Why it is not known what this browser has sent.
    pub unread: Option<String>,
}

/// One that neither waits nor stands in a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Missing {
    pub sent: Sent,
    pub fate: Fate,
    /// Whether its nonce is used on the chain that the node shows.
    pub used: bool,
    /// Whether it is too old for a block.
    pub expired: bool,
}

/// The payments that were found in a block. A reorg can take them out again, so each is looked up once more with every new tip,
/// which the event stream brings at most once a second, until `SETTLED` blocks confirm it.
#[derive(Debug, Default)]
pub struct Included(HashMap<String, Depth>);

/// How deep a payment's block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Confirmed often enough: it is not looked up any more.
    Settled,
    /// Not yet, when it was looked up at this tip, which is counted as [`crate::live::Live::on_chain`] does.
    Shallow { tip: u32 },
}

impl Included {
    /// Whether a look at this tip would bring nothing new.
    fn is_known(&self, id: &str, tip: u32) -> bool {
        match self.0.get(id) {
            None => false,
            Some(Depth::Settled) => true,
            Some(Depth::Shallow { tip: looked }) => *looked == tip,
        }
    }

    /// Whether it is not looked up any more.
    pub fn is_settled(&self, id: &str) -> bool {
        self.0.get(id) == Some(&Depth::Settled)
    }

    /// Keeps what a look at this tip found: the blocks that confirm it, 0 where it is in none.
    fn note(&mut self, id: &str, confirmations: u64, tip: u32) {
        let depth = match confirmations {
            0 => return self.leave(id),
            SETTLED.. => Depth::Settled,
            _ => Depth::Shallow { tip },
        };
        self.0.insert(id.to_owned(), depth);
    }

    /// It is in no block.
    fn leave(&mut self, id: &str) {
        self.0.remove(id);
    }
}

/// Reads how things stand for an account at the tip of this count; `included` is what earlier looks found.
pub async fn look(account: &str, genesis: &str, included: StoredValue<Included>, tip: u32) -> Result<Standing, String> {
    let pool = node::waiting(account).await?;
    let now = browser::now().unwrap_or_default();
    let (journal, unread) = match journal::load(genesis) {
        Ok(journal) => (journal, None),
        Err(why) => (Vec::new(), Some(why.to_string())),
    };
    let mut lost = Vec::new();
    for sent in journal.iter().filter(|sent| sent.from == account) {
        if pool.items.iter().any(|item| item.id.to_string() == sent.id) {
            // Also one that a reorg has put back.
            let _ = included.try_update_value(|included| included.leave(&sent.id));
            continue;
        }
        let is_known = included
            .try_with_value(|included| included.is_known(&sent.id, tip))
            .unwrap_or(true);
        let expired = now.saturating_sub(sent.at) > LIFETIME;
        // What is in doubt stays until its owner gives it up, however old it is.
        if is_known || (expired && sent.acknowledged) {
            continue;
        }
        let found = reads::transaction(sent.id.clone())
            .await
            .map_err(|error| error.to_string())?;
        let confirmations = found.as_ref().map_or(0, TransactionPage::confirmations);
        let _ = included.try_update_value(|included| included.note(&sent.id, confirmations, tip));
        match fate(sent, found.map(|page| page.row.status), pool.nonce, &journal) {
            Fate::Waiting | Fate::Included => {}
            fate => lost.push(Missing {
                sent: sent.clone(),
                fate,
                used: pool.nonce > sent.nonce,
                expired,
            }),
        }
    }
    Ok(Standing { pool, lost, unread })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_included_payment_is_looked_up_with_every_tip_until_it_is_settled() {
        let mut included = Included::default();
        assert!(!included.is_known("a", 1), "never looked up");
        included.note("a", 1, 1);
        // Once for each tip, so no more often than blocks come.
        assert!(included.is_known("a", 1));
        assert!(!included.is_known("a", 2));
        assert!(!included.is_known("b", 1));
        included.note("a", SETTLED - 1, 2);
        assert!(!included.is_known("a", 3));
        assert!(!included.is_settled("a"));
        included.note("a", SETTLED, 3);
        assert!(included.is_known("a", 4));
        assert!(included.is_settled("a"));
    }

    #[test]
    fn what_a_reorg_took_out_is_looked_up_again() {
        let mut included = Included::default();
        included.note("a", 2, 1);
        // In no block at the next tip: it may be lost, and is looked up regardless of the tip.
        included.note("a", 0, 2);
        assert!(!included.is_known("a", 2));
        included.note("a", SETTLED + 1, 3);
        included.leave("a");
        assert!(!included.is_known("a", 3));
        assert!(!included.is_settled("a"));
    }
}
