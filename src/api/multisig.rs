//! A shared account's policy in the API.

use tally_api::transactions::{MultisigBody, MultisigKeyBody};
use tally_chain::transaction::{Authenticator, Transaction};
use tally_chain::{Bytes, ReferenceVerifier};

/// The policy that vouches for a transaction. Rule: docs/protocol.md#T11
pub fn multisig(transaction: &Transaction) -> Option<MultisigBody> {
    let Transaction::Tally(tally) = transaction else {
        return None;
    };
    let Authenticator::Multisig(multisig) = &tally.authenticator else {
        return None;
    };
    let policy = multisig.policy();
    let keys = policy.keys().iter().enumerate().map(|(place, key)| MultisigKeyBody {
        kind: key.name().to_owned(),
        public_key: Bytes::copy_from_slice(key.bytes()),
        address: key.address(&ReferenceVerifier).ok(),
        signed: multisig.signatures().any(|(signer, _, _)| signer == place),
    });
    Some(MultisigBody {
        required: policy.threshold(),
        keys: keys.collect(),
    })
}
