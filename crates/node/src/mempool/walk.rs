//! Reading the pool in parts: what takes long holds its lock for a moment at a time.

use std::ops::Bound::{Excluded, Unbounded};

use tally_chain::{Address, CheckedTransaction};

use super::{Mempool, Pooled};

impl Mempool {
    /// All transactions by sender and nonce, from the first one behind this place on: [`Mempool::iter`] from there. What
    /// enters or leaves the pool between two parts is seen or not, and shifts nothing else.
    pub fn after(&self, place: Option<(Address, u64)>) -> impl Iterator<Item = &CheckedTransaction> {
        self.entries_after(place).map(Pooled::transaction)
    }

    /// The same with what the pool knows about them.
    pub(super) fn entries_after(&self, place: Option<(Address, u64)>) -> impl Iterator<Item = &Pooled> {
        let begun = place.and_then(|(address, nonce)| {
            let sender = self.senders.get(&address)?;
            Some(sender.queue.range::<u64, _>((Excluded(nonce), Unbounded)))
        });
        let behind = place.map_or(Unbounded, |(address, _)| Excluded(address));
        let others = self.senders.range::<Address, _>((behind, Unbounded));
        let rest = begun.into_iter().flatten().map(|(_, pooled)| pooled);
        rest.chain(others.flat_map(|(_, sender)| sender.queue.values()))
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::state_tree::Account;
    use tally_chain::{Amount, TxId, U256};

    use super::*;
    use crate::mempool::MempoolConfig;
    use crate::verifier::fixture::{NOW, Signer, payment};

    const BASE_FEE: u128 = 1_000;

    fn place(transaction: &CheckedTransaction) -> (Address, u64) {
        (transaction.sender(), transaction.view().nonce)
    }

    fn ids<'a>(transactions: impl Iterator<Item = &'a CheckedTransaction>) -> Vec<TxId> {
        transactions.map(CheckedTransaction::id).collect()
    }

    #[test]
    fn parts_of_any_length_are_the_whole_pool_in_its_order() {
        let mut pool = Mempool::new(MempoolConfig::default(), BASE_FEE);
        for number in 1..=4 {
            let signer = Signer::new(number);
            for nonce in 0..3 {
                let account = Account {
                    balance: Amount(U256::from(u64::MAX)),
                    ..Account::default()
                };
                let transaction = signer.checked(payment(nonce, 5));
                pool.insert(transaction, account, NOW, BASE_FEE).unwrap();
            }
        }
        let whole = ids(pool.iter());
        for length in 1..=13 {
            let (mut read, mut after) = (Vec::new(), None);
            loop {
                let part: Vec<_> = pool.after(after).take(length).collect();
                let Some(last) = part.last() else { break };
                after = Some(place(last));
                read.extend(ids(part.into_iter()));
            }
            assert_eq!(read, whole, "in parts of {length}");
        }
        // What has left meanwhile is no reason to start again, or to leave out another.
        let left = pool.get(&whole[4]).map(place);
        assert!(pool.remove(&whole[4]).is_some());
        assert_eq!(ids(pool.after(left)), whole[5..]);
    }
}
