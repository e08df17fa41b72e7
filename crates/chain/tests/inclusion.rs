//! Whether a block may include a transaction that is right by itself, and what makes two of them the same.

mod support;

use support::chain::{GWEI, TIME, ethereum_payment, identity, payment};
use support::keys::{RSA_2048, SECP256K1, raw};
use tally_chain::transaction::{ChainIdentity, EthereumKind};
use tally_chain::{BlockId, CheckedTransaction, ReferenceVerifier, TransactionError, UnixSecs};

fn checked(envelope: Vec<u8>) -> CheckedTransaction {
    raw(envelope).check(&identity(), &ReferenceVerifier).unwrap()
}

#[test]
fn time_and_fee_of_the_block() {
    let tx = checked(RSA_2048.sign(payment(), &identity(), 1).encode());
    let timestamp = UnixSecs(TIME.into());
    let at = |time: u64| tx.check_includable(UnixSecs(time), GWEI);
    let time = u64::from(TIME);
    for fine in [time - 600, time, time + 86_400] {
        assert_eq!(at(fine), Ok(()));
    }
    let (early, late) = (time - 601, time + 86_401);
    assert_eq!(
        at(early),
        Err(TransactionError::FromTheFuture {
            timestamp,
            time: UnixSecs(early)
        })
    );
    assert_eq!(
        at(late),
        Err(TransactionError::Expired {
            timestamp,
            time: UnixSecs(late)
        })
    );
    let (max_fee, base_fee) = (2 * GWEI, 2 * GWEI + 1);
    assert_eq!(tx.check_includable(timestamp, max_fee), Ok(()));
    let too_low = Err(TransactionError::FeeTooLow { max_fee, base_fee });
    assert_eq!(tx.check_includable(timestamp, base_fee), too_low);

    // Ethereum's carry no time: only the fee counts.
    let tx = checked(
        SECP256K1
            .sign_ethereum(ethereum_payment(EthereumKind::DynamicFee))
            .encode(),
    );
    assert_eq!(tx.check_includable(UnixSecs(0), max_fee), Ok(()));
    assert_eq!(tx.check_includable(UnixSecs(u64::MAX), max_fee), Ok(()));
    assert_eq!(tx.check_includable(timestamp, base_fee), too_low);

    // The ends of time do not wrap around.
    let mut last = payment();
    last.timestamp = UnixSecs(u64::MAX);
    let timestamp = last.timestamp;
    let tx = checked(SECP256K1.sign(last, &identity()).encode());
    assert_eq!(tx.check_includable(UnixSecs(u64::MAX), GWEI), Ok(()));
    assert_eq!(
        tx.check_includable(UnixSecs(0), GWEI),
        Err(TransactionError::FromTheFuture {
            timestamp,
            time: UnixSecs(0)
        })
    );
}

/// The id of a Tally transaction does not depend on the signature; the sender and the chain do bind it.
#[test]
fn two_signatures_of_one_payload_are_one_transaction() {
    let ids = [1, 2].map(|seed| checked(RSA_2048.sign(payment(), &identity(), seed).encode()));
    assert_eq!(ids[0].id(), ids[1].id());
    assert_ne!(ids[0].envelope(), ids[1].envelope());
    assert_ne!(
        checked(SECP256K1.sign(payment(), &identity()).encode()).id(),
        ids[0].id()
    );
    let other = ChainIdentity {
        genesis: BlockId::ZERO,
        ..identity()
    };
    let replayed = raw(ids[0].envelope().to_vec()).check(&other, &ReferenceVerifier);
    assert_eq!(replayed, Err(TransactionError::BadSignature));
}
