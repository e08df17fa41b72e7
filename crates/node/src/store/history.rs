//! The histories of accounts: one entry for each account and block, with what touched it there, in order.
//!
//! A block of thousands of transactions that pay one account writes one entry for it, not thousands.

use std::collections::BTreeMap;

use tally_chain::{Address, B256, Height, TxId};

use super::keyspaces::height_key;
use super::{Indexed, Place};

/// Bytes of a transaction in an entry: its index (`u32`, big-endian) and its id.
pub(super) const ENTRY: usize = 36;

/// Keys and values that a block adds.
pub(super) fn entries(height: Height, transactions: &[Indexed]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let mut touched: BTreeMap<Address, Vec<u8>> = BTreeMap::new();
    for (index, transaction) in (0u32..).zip(transactions) {
        let twice = transaction
            .recipient
            .filter(|recipient| *recipient != transaction.sender);
        for address in std::iter::once(transaction.sender).chain(twice) {
            let entry = touched.entry(address).or_default();
            entry.extend(index.to_be_bytes());
            entry.extend(transaction.id.as_bytes());
        }
    }
    touched
        .into_iter()
        .map(move |(address, value)| (key(&address, height), value))
}

pub(super) fn key(address: &Address, height: Height) -> Vec<u8> {
    [address.as_slice(), &height_key(height)[..]].concat()
}

pub(super) fn decode(height: Height, entry: &[u8; ENTRY]) -> (Place, TxId) {
    let (index, id) = entry.split_at(4);
    let index = u32::from_be_bytes([index[0], index[1], index[2], index[3]]);
    (Place { height, index }, TxId(B256::from_slice(id)))
}
