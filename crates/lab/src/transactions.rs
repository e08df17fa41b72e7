//! What attackers send as transactions, by scenario. Rules: docs/protocol.md#T1 to #T13, #A4 to #A8

mod chains;
mod fields;
mod keys;
mod money;
mod policies;
mod signatures;

use tally_chain::{Bytes, TransactionError};

pub use crate::act::Act;
use crate::world::Bench;

/// The steps of a scenario that only sends transactions; none for the others.
pub fn script(scenario: &str, bench: &Bench) -> Option<Vec<Act>> {
    let acts = match scenario {
        "tx-bit-flip" => fields::bit_flip(scenario, bench),
        "tx-zero-padded" => fields::zero_padded(scenario, bench),
        "tx-trailing-bytes" => fields::trailing_bytes(scenario, bench),
        "tx-negative" => money::negative(scenario, bench),
        "tx-overspend" => money::overspend(scenario, bench),
        "tx-same-nonce" => money::same_nonce(scenario, bench),
        "tx-replay" => money::replay(scenario, bench),
        "tx-nonce-gap" => money::nonce_gap(scenario, bench),
        "tx-no-fee" => money::no_fee(scenario, bench),
        "tx-expired" => chains::expired(scenario, bench),
        "tx-future" => chains::future(scenario, bench),
        "tx-wrong-chain" => chains::wrong_chain(scenario, bench),
        "tx-other-genesis" => chains::other_genesis(scenario, bench),
        "tx-no-chain-id" => chains::no_chain_id(scenario, bench),
        "tx-foreign-signature" => signatures::foreign(scenario, bench),
        "tx-high-s" => signatures::high_s(scenario, bench),
        "tx-pkcs1" => signatures::pkcs1(bench),
        "key-rsa-1024" => keys::short(bench),
        "key-rsa-e3" => keys::cube(bench),
        "key-roca" => keys::roca(),
        "key-shared-prime" => keys::shared_prime(),
        "policy-too-few" => policies::too_few(scenario, bench),
        "policy-twice" => policies::twice(scenario, bench),
        _ => return crate::old::script(scenario, bench),
    };
    Some(acts)
}

/// What the rules themselves say of an envelope, without a node and its state.
///
/// # Errors
/// If it is wrong whatever the state is.
pub fn check_alone(envelope: &Bytes, bench: &Bench) -> Result<(), TransactionError> {
    let raw = tally_chain::RawTransaction::decode(envelope.clone())?;
    let checked = raw.check(&bench.identity, &tally_chain::ReferenceVerifier)?;
    checked.check_includable(bench.now, bench.spec.fees.initial_base_fee.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tally_chain::UnixSecs;

    use super::*;
    use crate::catalogue::CATALOGUE;

    #[test]
    fn every_script_is_in_the_catalogue_and_has_an_honest_and_a_tampered_version() {
        let now = UnixSecs(1_800_000_000);
        let bench = Bench::new(crate::world::spec(now), now);
        let mut scripts = 0;
        for scenario in CATALOGUE.iter() {
            let Some(acts) = script(scenario.id, &bench) else {
                continue;
            };
            scripts += 1;
            let accepts = |act: &Act| matches!(act, Act::Take { .. } | Act::Tried { refused: None, .. });
            let refuses = |act: &Act| matches!(act, Act::Refuse { .. } | Act::Tried { refused: Some(_), .. });
            assert!(acts.iter().any(accepts), "{}", scenario.id);
            assert!(acts.iter().any(refuses), "{}", scenario.id);
            for act in &acts {
                match act {
                    Act::Take { what, envelope } => {
                        assert_eq!(check_alone(envelope, &bench), Ok(()), "{}: {what}", scenario.id);
                    }
                    Act::Refuse {
                        what, envelope, honest, ..
                    } => {
                        assert_eq!(check_alone(honest, &bench), Ok(()), "{}: {what}", scenario.id);
                        assert!(
                            envelope != honest || scenario.id.contains("replay"),
                            "{}: {what}",
                            scenario.id
                        );
                    }
                    Act::Tried { what, found, refused } => {
                        assert_eq!(found.as_ref().err(), refused.as_ref(), "{}: {what}", scenario.id);
                    }
                    Act::Mine => {}
                }
            }
        }
        assert!(scripts >= 23, "{scripts}");
        let ids: BTreeSet<_> = CATALOGUE.iter().map(|scenario| scenario.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
    }

    /// Keys and forms that a rule of their own keeps out have no other fault.
    #[test]
    fn what_is_wrong_is_found_without_a_node_where_no_state_decides() {
        let now = UnixSecs(1_800_000_000);
        let bench = Bench::new(crate::world::spec(now), now);
        let refused = |id: &str| {
            let acts = script(id, &bench).unwrap();
            let envelopes = acts.into_iter().filter_map(|act| match act {
                Act::Refuse { envelope, .. } => Some(check_alone(&envelope, &bench).unwrap_err().to_string()),
                _ => None,
            });
            envelopes.collect::<Vec<_>>()
        };
        assert_eq!(
            refused("tx-high-s"),
            ["authenticator: secp256k1 signature has a high s; only s <= n/2 is allowed"]
        );
        assert_eq!(
            refused("key-rsa-1024"),
            ["authenticator: RSA modulus has 1024 bits; 2048, 3072 and 4096 are allowed"]
        );
        assert_eq!(refused("key-rsa-e3"), ["authenticator: RSA exponent is not 65537"]);
    }
}
