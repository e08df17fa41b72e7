use serde_json::json;
use tally_chain::pow::Target;
use tally_chain::{Amount, B256, BlockId, ChainSpec, Height, genesis};

use super::*;
use crate::verify::rules::tests::{EASIEST, NOW, fresh, local, mined};

const HELD: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const OTHER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// What a node answers about the only account there is, which holds `balance` where the state has 500, in a block of this
/// height, with these bits.
fn answer_at(balance: u64, number: u64, bits: u32) -> AccountBody {
    let account = state_tree::Account {
        nonce: 3,
        balance: "500".parse().unwrap(),
        ..Default::default()
    };
    let key = state_tree::account_key(&address::parse(HELD).unwrap());
    let value_hash = state_tree::value_hash(&account.encode());
    let manifest = Manifest {
        number: Height(number),
        producer: Default::default(),
        state_root: state_tree::root_of(&[(key, value_hash)]),
        transactions_root: B256::ZERO,
        receipts_root: B256::ZERO,
        history_root: B256::ZERO,
        gas_limit: 1,
        gas_used: 0,
        base_fee: 1,
        extra: Bytes::new(),
        seal: Bytes::new(),
    };
    let header = mined(Header {
        version: 1,
        parent: BlockId(B256::repeat_byte(6)),
        manifest_root: manifest.root(),
        time: NOW as u32,
        bits,
        nonce: 0,
    });
    let proof = json!({
        "key": key, "value": Bytes::from(account.encode()), "siblings": [],
        "leaf": { "key": key, "value_hash": value_hash },
        "header_hex": Bytes::copy_from_slice(&header.encode()), "manifest_hex": Bytes::from(manifest.encode()),
    });
    let claimed = json!({
        "address": HELD, "balance": balance.to_string(), "nonce": 3, "next_nonce": 3, "pending": 1, "pending_cost": "100",
        "contract": false, "code_hash": account.code_hash, "label": null, "height": number, "tip": header.id(),
        "proof": proof,
    });
    serde_json::from_value(claimed).unwrap()
}

fn answer(balance: u64) -> AccountBody {
    answer_at(balance, 7, EASIEST)
}

/// The verdict of a tab that has seen no block yet.
fn verdict(answer: &AccountBody, address: &str) -> Result<u64, Unproven> {
    verify(answer, address, &local().1, 0, NOW)
}

fn untrue(why: impl ToString) -> Result<u64, Unproven> {
    Err(Unproven::False(why.to_string()))
}

#[test]
fn a_balance_that_the_state_proves_is_verified() {
    assert_eq!(verdict(&answer(500), HELD), Ok(7));
}

#[test]
fn a_made_up_block_proves_nothing() {
    let genesis = genesis::identity(&ChainSpec::built_in("local").unwrap()).genesis;
    let why = format!("block 0 is not this chain's genesis, {genesis}");
    assert_eq!(verdict(&answer_at(500, 0, EASIEST), HELD), untrue(why));
    let why = "the work that its bits 0x207fffff require is less than this chain allows at height 7";
    assert_eq!(verdict(&answer_at(500, 7, 0x207f_ffff), HELD), untrue(why));
}

#[test]
fn a_block_of_hardly_any_work_is_the_nodes_word() {
    let (_, rules) = fresh();
    let claimed = verify(&answer(500), HELD, &rules, 0, NOW);
    assert_eq!(claimed, Err(Unproven::Light));
    // Its content must hold all the same, and one below a block that was seen is old.
    assert!(matches!(
        verify(&answer(501), HELD, &rules, 0, NOW),
        Err(Unproven::False(_))
    ));
    let old = Err(Unproven::Older { seen: 8, shown: 7 });
    assert_eq!(verify(&answer(500), HELD, &rules, 8, NOW), old);
}

#[test]
fn a_block_below_one_that_was_seen_is_old() {
    let (_, rules) = local();
    assert_eq!(verify(&answer(500), HELD, &rules, 7, NOW), Ok(7));
    let old = Err(Unproven::Older { seen: 8, shown: 7 });
    assert_eq!(verify(&answer(500), HELD, &rules, 8, NOW), old);
}

#[test]
fn what_waits_is_spoken_for() {
    assert_eq!(answer(500).free().to_string(), "400");
    assert_eq!(answer(99).free(), Amount::ZERO);
}

#[test]
fn another_balance_or_another_account_is_not() {
    let key = state_tree::account_key(&address::parse(HELD).unwrap());
    assert_eq!(
        verdict(&answer(501), HELD),
        untrue(state_tree::StateProofError::WrongValue { key })
    );
    let key = state_tree::account_key(&address::parse(OTHER).unwrap());
    assert_eq!(
        verdict(&answer(500), OTHER),
        untrue(state_tree::StateProofError::Absent { key })
    );
}

#[test]
fn a_header_without_its_work_proves_nothing() {
    let mut claimed = answer(500);
    let proof = claimed.proof.as_mut().unwrap();
    let mut header = proof.header_hex.to_vec();
    let target = Target::from_bits(EASIEST).unwrap();
    while target.is_met_by(&Header::decode(header.as_slice().try_into().unwrap()).id()) {
        header[76] = header[76].wrapping_add(1);
    }
    proof.header_hex = header.into();
    assert_eq!(verdict(&claimed, HELD), untrue("the id is above the target"));
}

#[test]
fn a_missing_proof_is_named() {
    let mut claimed = answer(500);
    claimed.proof = None;
    assert_eq!(verdict(&claimed, HELD), Err(Unproven::NoProof));
}
