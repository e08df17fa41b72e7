//! Signatures that Ethereum's rules, or ours about them, do not allow.

mod support;

use support::chain::{ethereum_payment, identity};
use support::keys::{SECP256K1, negate_s};
use support::{hex, rlp, rlp_list};
use tally_chain::keys::KeyError;
use tally_chain::transaction::{EthereumKind, EthereumTransaction};
use tally_chain::{RawTransaction, ReferenceVerifier, TransactionError, U256};

const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

fn verdict(envelope: Vec<u8>) -> Result<(), TransactionError> {
    RawTransaction::decode(envelope)?
        .check(&identity(), &ReferenceVerifier)
        .map(|_| ())
}

#[test]
fn ethereum_signatures() {
    let signed = |kind, change: &dyn Fn(&mut EthereumTransaction)| {
        let mut tx = SECP256K1.sign_ethereum(ethereum_payment(kind));
        change(&mut tx);
        verdict(tx.encode())
    };
    for kind in [EthereumKind::Legacy, EthereumKind::AccessList, EthereumKind::DynamicFee] {
        let key = |error| Err(TransactionError::Key(error));
        // Its other form, valid for Ethereum before EIP-2: s negated and the parity flipped.
        let twin = signed(kind, &|tx| {
            tx.signature = negate_s(&tx.signature);
            tx.y_odd = !tx.y_odd;
        });
        assert_eq!(twin, key(KeyError::Secp256k1HighS));
        assert_eq!(
            signed(kind, &|tx| tx.signature[..32].fill(0)),
            key(KeyError::Secp256k1Range)
        );
        assert_eq!(
            signed(kind, &|tx| tx.signature[32..].fill(0)),
            key(KeyError::Secp256k1Range)
        );
        assert_eq!(
            signed(kind, &|tx| tx.signature[..32].copy_from_slice(&hex(ORDER))),
            key(KeyError::Secp256k1Range)
        );
        // No point of the curve has x = 5, so no one signed this.
        let nobody = signed(kind, &|tx| {
            tx.signature[..31].fill(0);
            tx.signature[31] = 5;
        });
        assert_eq!(nobody, Err(TransactionError::BadSignature));
    }
    // A legacy transaction's v in the old form, and values that are none.
    let legacy = SECP256K1.sign_ethereum(ethereum_payment(EthereumKind::Legacy));
    let with_v = |v: u64| {
        let mut items = vec![
            alloy_rlp::encode(legacy.nonce),
            alloy_rlp::encode(legacy.max_fee),
            alloy_rlp::encode(legacy.gas_limit),
            rlp(legacy.to.unwrap().as_slice()),
            alloy_rlp::encode(legacy.value.0),
            rlp(&legacy.data),
        ];
        items.push(alloy_rlp::encode(v));
        items.push(rlp(
            &U256::from_be_slice(&legacy.signature[..32]).to_be_bytes_trimmed_vec()
        ));
        items.push(rlp(
            &U256::from_be_slice(&legacy.signature[32..]).to_be_bytes_trimmed_vec()
        ));
        rlp_list(&items)
    };
    let protected = identity().chain_id * 2 + 35;
    assert_eq!(with_v(protected + u64::from(legacy.y_odd)), legacy.encode());
    for v in [0, 1, 26, 27, 28, 34] {
        assert_eq!(verdict(with_v(v)), Err(TransactionError::NotReplayProtected { v }));
    }
    let expected = identity().chain_id;
    for (v, found) in [(35, 0), (36, 0), (37, 1), (u64::MAX, (u64::MAX - 35) / 2)] {
        assert_eq!(
            verdict(with_v(v)),
            Err(TransactionError::WrongChain { found, expected })
        );
    }
    // A typed transaction's parity is 0 or 1. It is the one-byte item before r and s.
    let mut typed = SECP256K1
        .sign_ethereum(ethereum_payment(EthereumKind::DynamicFee))
        .encode();
    let at = typed.len() - 67;
    assert!(matches!(typed[at], 0x80 | 0x01) && typed[at + 1] == 0xa0 && typed[at + 34] == 0xa0);
    for found in [2u8, 27, 28] {
        typed[at] = found;
        let found = found.into();
        assert_eq!(verdict(typed.clone()), Err(TransactionError::BadParity { found }));
    }
}
