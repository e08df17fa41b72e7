//! Envelopes put together by hand, so that any part of them can be wrong. Rules: docs/protocol.md#T2, #T3

use alloy_rlp::Encodable;
use tally_chain::codec::wrap_list;
use tally_chain::hash::sha256;
use tally_chain::transaction::{ChainIdentity, Payload, TALLY_TYPE};
use tally_chain::{Address, B256, Bytes};

/// Places of the fields in a payload.
pub(crate) const VALUE: usize = 7;

/// One RLP item.
pub(crate) fn item(value: &(impl Encodable + ?Sized)) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

/// A byte string as an RLP item, whatever integer it is meant to be.
pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    item(bytes)
}

/// A `0x54` envelope of one key by its parts.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Nine RLP items.
    pub(crate) fields: Vec<Vec<u8>>,
    /// Of the authenticator.
    pub(crate) kind: u64,
    /// Of the authenticator.
    pub(crate) public_key: Vec<u8>,
    /// Of the authenticator.
    pub(crate) signature: Vec<u8>,
}

impl Envelope {
    /// Without a signature.
    pub(crate) fn new(payload: &Payload, kind: u64, public_key: Vec<u8>) -> Self {
        let to = payload.to.as_ref().map_or(&[][..], |to| to.as_slice());
        Self {
            fields: vec![
                item(&payload.chain_id),
                item(&payload.nonce),
                item(&payload.timestamp.0),
                item(&payload.max_priority_fee),
                item(&payload.max_fee),
                item(&payload.gas_limit),
                string(to),
                item(&payload.value.0),
                string(&payload.data),
            ],
            kind,
            public_key,
            signature: Vec::new(),
        }
    }

    /// What a signature covers. Rule: docs/protocol.md#T3
    pub(crate) fn digest(&self, chain: &ChainIdentity, sender: Address) -> B256 {
        let payload = [&[TALLY_TYPE][..], &wrap_list(&self.fields.concat())].concat();
        sha256(&[b"tally/tx", chain.genesis.as_bytes(), sender.as_slice(), &payload])
    }

    /// The bytes that are sent.
    pub(crate) fn encode(&self) -> Bytes {
        let authenticator = [item(&self.kind), string(&self.public_key), string(&self.signature)];
        with_authenticator(&self.fields, &authenticator)
    }
}

/// An envelope with any authenticator.
pub(crate) fn with_authenticator(fields: &[Vec<u8>], authenticator: &[Vec<u8>]) -> Bytes {
    let list = [fields.concat(), wrap_list(&authenticator.concat())].concat();
    [&[TALLY_TYPE][..], &wrap_list(&list)].concat().into()
}
