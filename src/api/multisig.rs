//! What the API says of a shared account's policy.

use serde::Serialize;
use tally_chain::ReferenceVerifier;
use tally_chain::transaction::{Authenticator, Transaction};
use utoipa::ToSchema;

use super::text::hex;

/// A policy of m of n keys, and which of them signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct MultisigBody {
    /// Signatures that it asks for: m.
    #[schema(example = 2)]
    pub required: usize,
    /// Its n keys, in their order.
    pub keys: Vec<MultisigKeyBody>,
}

/// A key of a policy.
#[derive(Debug, Serialize, ToSchema)]
pub struct MultisigKeyBody {
    /// `RSA-2048`, `RSA-3072`, `RSA-4096` or `secp256k1`.
    #[schema(example = "RSA-2048")]
    pub kind: String,
    /// SPKI DER or the compressed point.
    pub public_key: String,
    /// The account of this key alone; null where the key is no point of the curve and can never sign.
    pub address: Option<String>,
    /// Whether it signed this transaction.
    pub signed: bool,
}

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
        public_key: hex(key.bytes()),
        address: key.address(&ReferenceVerifier).ok().map(|address| address.to_string()),
        signed: multisig.signatures().any(|(signer, _, _)| signer == place),
    });
    Some(MultisigBody {
        required: policy.threshold(),
        keys: keys.collect(),
    })
}
