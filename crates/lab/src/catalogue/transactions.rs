//! Transactions and keys.

use crate::scenario::Group::Transactions;
use crate::scenario::Scenario;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "tx-bit-flip",
        title: "One bit flipped in each field",
        group: Transactions,
        attack: "Mallory passes Alice's signed payment on and changes one bit of it on the way: in the amount, in the recipient, in \
                 any other field, in the key or in the signature.",
        rules: &["T3", "T5", "T2"],
        without: "Any node that relays a payment could change who receives it and how much. The signature covers all nine fields, \
                  the sender and the genesis id, so that no bit of them is free.",
    },
    Scenario {
        id: "tx-foreign-signature",
        title: "Somebody else's signature",
        group: Transactions,
        attack: "Mallory writes a payment from Alice's account to her own and signs it with her own key, under Alice's public key.",
        rules: &["T3", "A2"],
        without: "Everyone could spend everyone's money: an account would be only a name. The sender is not written in a \
                  transaction at all, it follows from the key under which the signature verifies.",
    },
    Scenario {
        id: "tx-replay",
        title: "The same payment again",
        group: Transactions,
        attack: "Bob, whom Alice has paid once, sends her signed payment to the node again and again. The signature is genuine \
                 each time.",
        rules: &["T6", "B8"],
        without: "One signature would pay as often as the receiver likes, until the account is empty.",
    },
    Scenario {
        id: "tx-same-nonce",
        title: "The same coins to two people",
        group: Transactions,
        attack: "Alice signs two payments with the same nonce, one to Bob and one to Carol, and hopes that both are booked.",
        rules: &["T6", "W52"],
        without: "Both receivers would believe themselves paid. Each nonce is used once: the second payment takes the first \
                  one's place only at a higher fee while it waits, and never once it is in a block.",
    },
    Scenario {
        id: "tx-overspend",
        title: "One base unit more than there is",
        group: Transactions,
        attack: "Alice spends all that she has, and the smallest unit that exists more.",
        rules: &["T9"],
        without: "Balances would go below zero, which means that money is made out of nothing.",
    },
    Scenario {
        id: "tx-negative",
        title: "A negative amount",
        group: Transactions,
        attack: "Mallory pays Bob minus one: where amounts have a sign, that takes the coins out of his account.",
        rules: &["E3", "T9", "E1"],
        without: "A payment of a negative amount is a theft with the thief's own signature. Amounts have no sign here: what \
                  looks like one is a very large number, which nobody holds.",
    },
    Scenario {
        id: "tx-nonce-gap",
        title: "A nonce far ahead",
        group: Transactions,
        attack: "Mallory fills the pools of all nodes with payments that no block can take for a long time, at no cost.",
        rules: &["T6"],
        without: "Pools would be full of transactions that wait for others that never come; honest ones find no room. How far ahead a \
                  nonce may be is a limit of each node's pool; that the last one of all is never used is the rule.",
    },
    Scenario {
        id: "tx-no-fee",
        title: "Next to no fee",
        group: Transactions,
        attack: "Mallory sends transactions at a price that is as good as nothing, or at one that contradicts itself.",
        rules: &["T8", "X3"],
        without: "Filling every block would cost nothing, and nobody else would get into one.",
    },
    Scenario {
        id: "tx-expired",
        title: "An old signature",
        group: Transactions,
        attack: "Mallory keeps a payment that Alice signed long ago and then gave up, and sends it when it hurts.",
        rules: &["T7"],
        without: "A payment that never came to a block would hang over the account for ever. Here it ends after a day.",
    },
    Scenario {
        id: "tx-future",
        title: "A date in the future",
        group: Transactions,
        attack: "A payment is dated ahead, so that it lives longer than a day or looks newer than others.",
        rules: &["T7"],
        without: "The date would say nothing, and the end after a day could be avoided by writing a later one.",
    },
    Scenario {
        id: "tx-wrong-chain",
        title: "Signed for another chain",
        group: Transactions,
        attack: "Mallory takes a payment that Alice made on a playground and sends it to the chain where money counts.",
        rules: &["T5"],
        without: "What is tried out on one chain would be paid on all others where the same key holds money.",
    },
    Scenario {
        id: "tx-other-genesis",
        title: "The same chain id, another genesis",
        group: Transactions,
        attack: "Mallory starts a chain of her own with this chain's number, lets Alice pay there with play money, and sends the \
                 payment here.",
        rules: &["T3"],
        without: "Numbers of chains are free for anyone to copy. The genesis id is not, and the signature covers it.",
    },
    Scenario {
        id: "tx-no-chain-id",
        title: "A signature that names no chain",
        group: Transactions,
        attack: "An old wallet of the EVM world signs without a chain id, as before EIP-155. The signature holds on every chain.",
        rules: &["T5"],
        without: "Such a payment could be replayed on every chain on which the account has the nonce and the balance.",
    },
    Scenario {
        id: "tx-zero-padded",
        title: "A zero before the amount",
        group: Transactions,
        attack: "The amount is written with a zero byte in front. It is the same number in other bytes, and the signature \
                 covers exactly these.",
        rules: &["E1"],
        without: "One payment would have many encodings, and so many hashes: what was paid under one id could be denied \
                  under another, and two programs could read it differently.",
    },
    Scenario {
        id: "tx-trailing-bytes",
        title: "Bytes after the end",
        group: Transactions,
        attack: "Something is appended to a signed envelope, or its last byte is missing.",
        rules: &["E1", "T1"],
        without: "Anyone could give a payment of others another form and carry data for free; readers would disagree where \
                  it ends.",
    },
    Scenario {
        id: "tx-high-s",
        title: "The mirrored signature",
        group: Transactions,
        attack: "For every secp256k1 signature (r, s) there is a second one, (r, n - s), that anyone can compute without the key. \
                 Mallory sends Alice's payment with that one.",
        rules: &["A6", "T10"],
        without: "Strangers could change the bytes of a signed payment. Where an id covers the signature, the payer no longer \
                  finds her payment under the id that she knows: exchanges have paid twice for that.",
    },
    Scenario {
        id: "tx-pkcs1",
        title: "The older RSA padding",
        group: Transactions,
        attack: "The right RSA key signs the right message with the padding of PKCS#1 v1.5, which has a history of forged \
                 signatures where verifiers read it carelessly.",
        rules: &["A5"],
        without: "Two kinds of signatures would count for one key, and the weaker one decides how safe it is.",
    },
    Scenario {
        id: "key-rsa-1024",
        title: "An RSA key of 1,024 bits",
        group: Transactions,
        attack: "An account belongs to an RSA key of 1,024 bits, a size that is held to be within reach of a determined attacker. It holds money and \
                 its signature verifies.",
        rules: &["A4"],
        without: "Accounts would exist whose key can be computed from their public half.",
    },
    Scenario {
        id: "key-rsa-e3",
        title: "An RSA key with the exponent 3",
        group: Transactions,
        attack: "An account belongs to an RSA key with the public exponent 3, with which signatures of sloppy verifiers were forged \
                 by taking cube roots.",
        rules: &["A4"],
        without: "The safety of an account would depend on how carefully every single verifier was written.",
    },
    Scenario {
        id: "key-roca",
        title: "A key of a faulty chip (ROCA)",
        group: Transactions,
        attack: "Millions of smart cards made RSA keys whose primes follow a pattern; they can be factored (CVE-2017-15361). Such a \
                 key is brought into a wallet. The chain cannot see it by its form, the wallet can.",
        rules: &["W23", "A4"],
        without: "The owner would pay into an account whose key others compute. No rule of consensus looks for this: it is \
                  found before any money is there.",
    },
    Scenario {
        id: "key-shared-prime",
        title: "Two keys with a prime in common",
        group: Transactions,
        attack: "Two RSA keys were made with too little randomness and have one prime in common. The greatest common divisor of \
                 their public numbers is that prime, and both keys are broken.",
        rules: &["W27"],
        without: "Anyone who sees both public keys could sign for both. A survey of the Internet in 2012 found tens of \
                  thousands of such keys.",
    },
    Scenario {
        id: "policy-too-few",
        title: "A shared account with one signature too few",
        group: Transactions,
        attack: "One of three owners of a two-of-three account pays from it alone, or claims that two have signed.",
        rules: &["T12", "T11"],
        without: "The shared account would be the account of its fastest owner.",
    },
    Scenario {
        id: "policy-twice",
        title: "One owner counted twice",
        group: Transactions,
        attack: "One owner puts her signature in the places of two keys, or makes a policy in which her key stands twice.",
        rules: &["A7", "T12"],
        without: "Two of three would be one of three for a signer who knows the trick.",
    },
];
