//! Money that is not there, or that is spent twice. Rules: docs/protocol.md#E3, #T6, #T8, #T9

use tally_chain::{Address, Amount, U256};

use crate::act::{Act, refuse, take};
use crate::forgery::{VALUE, string};
use crate::keys::{Secp256k1Signer, Signer as _};
use crate::world::{BALANCE, Bench, coins};

/// Alice, and the accounts of Bob and Carol.
fn people(scenario: &str) -> (Secp256k1Signer, Address, Address) {
    let of = |index| Secp256k1Signer::of(scenario, index);
    (of(0), of(1).address(), of(2).address())
}

pub fn negative(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob, _) = people(scenario);
    let honest = alice.envelope(&bench.identity, &bench.ten(0, bob));
    let minus_one = bench.payment(0, bob, Amount(U256::MAX));
    let mut longer = alice.open(&bench.identity, &bench.ten(0, bob));
    longer.fields[VALUE] = string(&[0xff; 33]);
    longer.signature = alice.sign(&longer.digest(&bench.identity, alice.address()));
    vec![
        refuse(
            "-1 base unit as a machine writes it: 32 bytes 0xff",
            "cost-overflow",
            alice.envelope(&bench.identity, &minus_one),
            &honest,
        ),
        refuse("33 bytes 0xff", "integer-overflow", longer.encode(), &honest),
        take("10 coins to the same account", honest),
    ]
}

pub fn overspend(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob, _) = people(scenario);
    let balance = Amount::from_coins(BALANCE).expect("a constant of this crate");
    let all = balance
        .checked_sub(bench.highest_fee())
        .expect("the fee is less than the balance");
    let over = all.checked_add(Amount(U256::ONE)).expect("the balance is small");
    let honest = alice.envelope(&bench.identity, &bench.payment(0, bob, all));
    vec![
        refuse(
            "all that the account holds, less the highest fee, plus 1 base unit",
            "insufficient-funds",
            alice.envelope(&bench.identity, &bench.payment(0, bob, over)),
            &honest,
        ),
        take("the same without that unit", honest),
    ]
}

pub fn same_nonce(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob, carol) = people(scenario);
    let second = alice.envelope(&bench.identity, &bench.ten(0, carol));
    let next = alice.envelope(&bench.identity, &bench.ten(1, carol));
    vec![
        take(
            "Alice pays Bob 10, nonce 0",
            alice.envelope(&bench.identity, &bench.ten(0, bob)),
        ),
        refuse(
            "Alice pays Carol the same coins, nonce 0 again, while the first waits",
            "replacement-underpriced",
            second.clone(),
            &next,
        ),
        Act::Mine,
        refuse(
            "the second payment again, now that the first is in a block",
            "nonce-too-low",
            second,
            &next,
        ),
        take("Alice pays Carol with her next nonce, 1", next),
    ]
}

pub fn replay(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob, _) = people(scenario);
    let paid = alice.envelope(&bench.identity, &bench.ten(0, bob));
    let next = alice.envelope(&bench.identity, &bench.ten(1, bob));
    vec![
        take("Alice pays Bob 10", paid.clone()),
        refuse(
            "Bob sends her payment once more while it waits",
            "already-pending",
            paid.clone(),
            &next,
        ),
        Act::Mine,
        refuse(
            "Bob sends it once more after it was paid",
            "already-included",
            paid,
            &next,
        ),
        take("Alice pays Bob a second time, with a signature of its own", next),
    ]
}

pub fn nonce_gap(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob, _) = people(scenario);
    let honest = alice.envelope(&bench.identity, &bench.ten(0, bob));
    vec![
        refuse(
            "a payment with nonce 5,000, which no block can take for long",
            "nonce-too-high",
            alice.envelope(&bench.identity, &bench.ten(5_000, bob)),
            &honest,
        ),
        refuse(
            "the last nonce of all, after which the account could count no further",
            "nonce-too-large",
            alice.envelope(&bench.identity, &bench.ten(u64::MAX, bob)),
            &honest,
        ),
        take("nonce 0", honest),
    ]
}

pub fn no_fee(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob, _) = people(scenario);
    let honest = alice.envelope(&bench.identity, &bench.ten(0, bob));
    let mut free = bench.payment(0, bob, coins(10));
    (free.max_fee, free.max_priority_fee) = (1, 1);
    let mut turned = bench.payment(0, bob, coins(10));
    turned.max_priority_fee = turned.max_fee + 1;
    vec![
        refuse(
            "a price of 1 base unit per gas",
            "fee-too-low",
            alice.envelope(&bench.identity, &free),
            &honest,
        ),
        refuse(
            "a part for the producer above the whole price",
            "priority-fee-above-max-fee",
            alice.envelope(&bench.identity, &turned),
            &honest,
        ),
        take("the same payment at a usual price", honest),
    ]
}
