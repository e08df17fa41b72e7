use serde_json::json;
use tally_chain::{Amount, B256, BlockId, Height};

use super::*;
use crate::verify::rules::tests::{EASIEST, NOW, mined};

const HELD: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const OTHER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// What a node answers about the only account there is, which holds `balance` where the state has 500, in a block of this
/// height.
fn answer_at(balance: u64, number: u64) -> AccountBody {
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
        bits: EASIEST,
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
    answer_at(balance, 7)
}

/// The verdict of a tab that has verified the chain up to that block.
fn verdict(answer: &AccountBody, address: &str) -> Result<u64, Unproven> {
    verify(answer, address, &BlockVerdict::OnChain, 0)
}

fn untrue(why: impl ToString) -> Result<u64, Unproven> {
    Err(Unproven::False(why.to_string()))
}

#[test]
fn a_balance_that_the_state_proves_is_verified() {
    assert_eq!(verdict(&answer(500), HELD), Ok(7));
}

#[test]
fn a_block_that_is_not_on_the_verified_chain_proves_nothing() {
    let why = "block 7 is above the verified tip, block 3";
    let refuted = BlockVerdict::Refuted(why.to_owned());
    assert_eq!(verify(&answer(500), HELD, &refuted, 0), untrue(why));
    // Without a verified chain the balance is what the node reports, and its proof must hold all the same.
    let unknown = BlockVerdict::Unknown(why.to_owned());
    assert_eq!(
        verify(&answer(500), HELD, &unknown, 9),
        Err(Unproven::Unverified(why.to_owned()))
    );
    assert!(matches!(
        verify(&answer(501), HELD, &unknown, 0),
        Err(Unproven::False(_))
    ));
}

#[test]
fn a_block_below_the_tip_that_was_verified_before_the_question_is_old() {
    assert_eq!(verify(&answer(500), HELD, &BlockVerdict::OnChain, 7), Ok(7));
    let old = Err(Unproven::Older { seen: 8, shown: 7 });
    assert_eq!(verify(&answer(500), HELD, &BlockVerdict::OnChain, 8), old);
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
fn a_header_of_another_manifest_proves_nothing() {
    let mut claimed = answer(500);
    let proof = claimed.proof.as_mut().unwrap();
    proof.header_hex = answer_at(500, 8).proof.unwrap().header_hex;
    assert_eq!(
        verdict(&claimed, HELD),
        untrue("the manifest is not the one in the header")
    );
    claimed.proof.as_mut().unwrap().header_hex = Bytes::from_static(&[0; 79]);
    assert_eq!(verdict(&claimed, HELD), untrue("the header has not 80 bytes"));
}

#[test]
fn a_missing_proof_is_named() {
    let mut claimed = answer(500);
    claimed.proof = None;
    assert_eq!(verdict(&claimed, HELD), Err(Unproven::NoProof));
}
