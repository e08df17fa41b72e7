//! The old system: a small simulator of the chains of the demos that Tally replaces, with their defects.
//!
//! It does what those programs do, in a few lines: payments without signatures, blocks whose proof does not cover them, the longest
//! list of blocks as the truth, everything in memory. It serves as an exercise and is used for nothing else.

use tally_chain::hash::sha256;
use tally_chain::{Amount, Bytes, U256};

use crate::act::{Act, refuse, take};
use crate::forgery::{VALUE, string};
use crate::keys::{Secp256k1Signer, Signer as _};
use crate::world::Bench;

/// The sender of new money.
const NOBODY: &str = "0";
/// A proof begins with so many zero hex digits.
const ZEROS: usize = 2;

/// A payment as it was posted. Nothing shows who posted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldPayment {
    /// A name.
    pub sender: String,
    /// A name.
    pub recipient: String,
    /// Any number.
    pub amount: i64,
}

/// A block of the old chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldBlock {
    /// In the order in which they were posted.
    pub payments: Vec<OldPayment>,
    /// A number whose hash with the proof before begins with zeros.
    pub proof: u64,
    /// Of the block before.
    pub previous: String,
}

impl OldBlock {
    fn hash(&self) -> String {
        sha256(&[format!("{self:?}").as_bytes()]).to_string()
    }
}

/// A node of the old chain.
#[derive(Debug, Clone)]
pub struct OldNode {
    chain: Vec<OldBlock>,
    waiting: Vec<OldPayment>,
}

impl Default for OldNode {
    /// What the program begins with, each time.
    fn default() -> Self {
        let genesis = OldBlock {
            payments: Vec::new(),
            proof: 100,
            previous: "1".to_owned(),
        };
        Self {
            chain: vec![genesis],
            waiting: Vec::new(),
        }
    }
}

/// The check of the old chain: of the two proofs only, not of what the block says.
fn is_proof(last: u64, proof: u64) -> bool {
    let hash = sha256(&[format!("{last}{proof}").as_bytes()]).to_string();
    hash["0x".len()..].starts_with(&"0".repeat(ZEROS))
}

impl OldNode {
    /// `POST /transactions/new`: whatever is posted is taken.
    pub fn post(&mut self, sender: &str, recipient: &str, amount: i64) {
        self.waiting.push(OldPayment {
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
            amount,
        });
    }

    /// `GET /mine`: one coin out of nothing for the miner, and a block of all that waits.
    pub fn mine(&mut self, miner: &str) {
        self.post(NOBODY, miner, 1);
        let (last, previous) = self
            .chain
            .last()
            .map_or((0, String::new()), |last| (last.proof, last.hash()));
        let proof = (0..).find(|proof| is_proof(last, *proof)).unwrap_or_default();
        self.chain.push(OldBlock {
            payments: std::mem::take(&mut self.waiting),
            proof,
            previous,
        });
    }

    /// The sum of all that an account received, less all that it sent.
    pub fn balance(&self, account: &str) -> i64 {
        let payments = self.chain.iter().flat_map(|block| &block.payments);
        payments.fold(0, |sum, payment| {
            let received = if payment.recipient == account {
                payment.amount
            } else {
                0
            };
            let sent = if payment.sender == account { payment.amount } else { 0 };
            sum + received - sent
        })
    }

    /// How many blocks it has.
    pub fn len(&self) -> usize {
        self.chain.len()
    }

    /// Whether it has no payments yet.
    pub fn is_empty(&self) -> bool {
        self.chain.iter().all(|block| block.payments.is_empty())
    }

    /// The check that the old chain calls valid: hashes point back, and the proofs fit each other.
    pub fn is_valid(&self) -> bool {
        self.chain
            .windows(2)
            .all(|pair| pair[1].previous == pair[0].hash() && is_proof(pair[0].proof, pair[1].proof))
    }

    /// `GET /nodes/resolve`: takes over the chain of another node if it has more blocks; returns whether it did.
    pub fn resolve(&mut self, other: &Self) -> bool {
        let longer = other.len() > self.len() && other.is_valid();
        if longer {
            self.chain.clone_from(&other.chain);
        }
        longer
    }
}

/// A step on the old system: what was tried, and what it does, which is never a rejection.
fn shown(what: &str, found: String) -> Act {
    Act::Tried {
        what: format!("old system: {what}"),
        found: Ok(found),
        refused: None,
    }
}

/// Alice holds ten coins, mined by her.
fn village() -> OldNode {
    let mut node = OldNode::default();
    (0..10).for_each(|_| node.mine("Alice"));
    node
}

/// What the old system does in a scenario; none for scenarios of another kind.
pub fn demonstration(scenario: &str) -> Option<Vec<Act>> {
    let mut node = village();
    Some(match scenario {
        "old-unsigned" => {
            node.post("Alice", "Mallory", 10);
            node.post(NOBODY, "Mallory", 1_000_000);
            node.mine("Bob");
            vec![
                shown(
                    "Mallory posts a payment of 10 from Alice",
                    format!("taken; Alice holds {}", node.balance("Alice")),
                ),
                shown(
                    "Mallory posts a payment of a million from the sender 0",
                    format!("taken; Mallory holds {}", node.balance("Mallory")),
                ),
            ]
        }
        "old-replay" => {
            node.post("Alice", "Mallory", 4);
            node.post("Alice", "Mallory", 4);
            node.mine("Bob");
            let text = format!("taken twice; Alice holds {} in place of 6", node.balance("Alice"));
            vec![shown("Alice's payment of 4 is posted a second time", text)]
        }
        "old-negative" => {
            node.post("Mallory", "Alice", -5);
            node.mine("Bob");
            let text = format!(
                "taken; Alice holds {}, Mallory {}",
                node.balance("Alice"),
                node.balance("Mallory")
            );
            vec![shown("Mallory pays Alice -5", text)]
        }
        "old-forged-chain" => {
            let mut forged = OldNode::default();
            forged.post(NOBODY, "Mallory", 1_000_000);
            (0..=node.len()).for_each(|_| forged.mine("Mallory"));
            let adopted = node.resolve(&forged);
            let text = format!(
                "taken over: {adopted}; Alice holds {}, Mallory {}",
                node.balance("Alice"),
                node.balance("Mallory")
            );
            vec![shown(
                "Mallory shows a chain with more blocks and her own payments",
                text,
            )]
        }
        "old-restart" => {
            let before = node.balance("Alice");
            node = OldNode::default();
            let text = format!("Alice holds {} where she held {before}", node.balance("Alice"));
            vec![shown("the program ends and begins again", text)]
        }
        _ => return None,
    })
}

/// The steps of the scenarios that only send transactions to Tally; none for the others.
pub(crate) fn script(scenario: &str, bench: &Bench) -> Option<Vec<Act>> {
    let (alice, mallory) = (Secp256k1Signer::of(scenario, 0), Secp256k1Signer::of(scenario, 1));
    let payment = bench.ten(0, mallory.address());
    let honest = alice.envelope(&bench.identity, &payment);
    let answer = match scenario {
        "old-unsigned" => {
            let mut unsigned = alice.open(&bench.identity, &payment);
            unsigned.signature = Vec::new();
            let mut from_nobody = unsigned.clone();
            from_nobody.public_key = vec![0; 33];
            from_nobody.signature = vec![1; 64];
            vec![
                refuse(
                    "Tally: Alice's payment without a signature",
                    "field-wrong-length",
                    unsigned.encode(),
                    &honest,
                ),
                refuse(
                    "Tally: new money from nobody: a key of zeros",
                    "secp256k1-key-malformed",
                    from_nobody.encode(),
                    &honest,
                ),
                take("Tally: Alice's payment with her signature", honest),
            ]
        }
        "old-replay" => {
            let next = alice.envelope(&bench.identity, &bench.ten(1, mallory.address()));
            vec![
                take("Tally: Alice pays 10", honest.clone()),
                Act::Mine,
                refuse(
                    "Tally: her payment is sent a second time",
                    "already-included",
                    honest,
                    &next,
                ),
            ]
        }
        "old-negative" => {
            let minus = bench.payment(0, mallory.address(), Amount(U256::MAX - U256::from(4)));
            let mut longer = alice.open(&bench.identity, &payment);
            longer.fields[VALUE] = string(b"-5");
            longer.signature = alice.sign(&longer.digest(&bench.identity, alice.address()));
            let text: Bytes = longer.encode();
            vec![
                refuse(
                    "Tally: -5 as a machine writes it",
                    "cost-overflow",
                    alice.envelope(&bench.identity, &minus),
                    &honest,
                ),
                // The two characters are the number 0x2d35, in base units: no sign, and less than a trillionth of a coin.
                take(
                    "Tally: the characters -5 as an amount: a small number without a sign",
                    text,
                ),
            ]
        }
        _ => return None,
    };
    let mut acts = demonstration(scenario)?;
    acts.extend(answer);
    Some(acts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_chain_has_the_defects_of_the_demos() {
        let mut node = village();
        assert_eq!((node.balance("Alice"), node.len(), node.is_valid()), (10, 11, true));
        node.post("Alice", "Mallory", 100);
        node.mine("Bob");
        assert_eq!(
            (node.balance("Alice"), node.balance("Mallory")),
            (-90, 100),
            "nothing is checked"
        );
        // A proof covers no payment: of a mined block anything can be changed at its end.
        let mut forged = node.clone();
        forged.chain.last_mut().unwrap().payments[0].amount = 5;
        assert!(forged.is_valid());
        assert!(!node.resolve(&forged), "it is not longer");
        forged.mine("Mallory");
        assert!(node.resolve(&forged));
        assert_eq!(node.balance("Mallory"), 6);
        assert!(OldNode::default().is_empty());
    }

    #[test]
    fn each_demonstration_shows_what_it_claims() {
        let text = |scenario| match demonstration(scenario).unwrap().pop().unwrap() {
            Act::Tried { found, .. } => found.unwrap(),
            other => panic!("{other:?}"),
        };
        for (scenario, expected) in [
            ("old-unsigned", "taken; Mallory holds 1000010"),
            ("old-replay", "taken twice; Alice holds 2 in place of 6"),
            ("old-negative", "taken; Alice holds 5, Mallory 5"),
            ("old-forged-chain", "taken over: true; Alice holds 0, Mallory 1000012"),
            ("old-restart", "Alice holds 0 where she held 10"),
        ] {
            assert_eq!(text(scenario), expected);
        }
        assert_eq!(demonstration("tx-replay"), None);
    }
}
