//! Blocks.

use crate::scenario::Group::Blocks;
use crate::scenario::Scenario;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "block-amount",
        title: "An amount changed in a mined block",
        group: Blocks,
        attack: "A peer passes a mined block on in which it has changed one amount: first only that, then with the Merkle root \
                 computed anew and the work done again.",
        rules: &["B2", "K1", "T3"],
        without: "The past could be rewritten by any node that stores it. The first change no longer fits the header; the second fits, \
                  and the payer's signature does not.",
    },
    Scenario {
        id: "block-swapped",
        title: "Two transactions swapped",
        group: Blocks,
        attack: "A miner exchanges the order of two payments of one account and mines the block properly.",
        rules: &["T6", "X1"],
        without: "The order would be a matter of opinion, and with it which payment was still covered.",
    },
    Scenario {
        id: "block-missing",
        title: "A transaction left out after the fact",
        group: Blocks,
        attack: "A miner takes a payment out of a block, corrects the Merkle root of the transactions, and mines the block with \
                 the remaining figures as they were.",
        rules: &["B2", "B6"],
        without: "Payments could disappear from blocks whose state still contains them: the list and the books would differ.",
    },
    Scenario {
        id: "block-doubled",
        title: "A transaction twice in one block",
        group: Blocks,
        attack: "A miner puts one payment into a block twice, with the right Merkle root for that.",
        rules: &["B8", "T6"],
        without: "The receiver would be paid twice by one signature.",
    },
    Scenario {
        id: "block-state-root",
        title: "A forged state root",
        group: Blocks,
        attack: "A miner writes a state into the header in which an account holds a million more, and mines the block properly.",
        rules: &["B2", "S3"],
        without: "Light wallets, which read balances under this root, would believe the miner. Full nodes execute every block \
                  and compare.",
    },
    Scenario {
        id: "block-reward",
        title: "A reward that is too high",
        group: Blocks,
        attack: "A miner pays itself one hundred coins for a block where fifty are due, and computes the state root for exactly that.",
        rules: &["I1", "X4", "B2"],
        without: "Miners would print money. There is no field for the reward: what each node computes itself is the reward.",
    },
    Scenario {
        id: "block-history",
        title: "Another past in the manifest",
        group: Blocks,
        attack: "A miner commits to another history than that of the block's ancestors, to prove blocks later that never were.",
        rules: &["B2", "R3"],
        without: "Receipts would prove transactions of a chain that does not exist.",
    },
    Scenario {
        id: "block-base-fee",
        title: "A base fee of the miner's choice",
        group: Blocks,
        attack: "A miner sets the burned part of the fee to nothing, to keep more of it.",
        rules: &["B7"],
        without: "The price of room in blocks would be whatever the miner of the moment likes.",
    },
    Scenario {
        id: "block-future",
        title: "A block from the future",
        group: Blocks,
        attack: "A miner dates a block an hour ahead: a slow chain looks fast then, and the difficulty falls.",
        rules: &["B4"],
        without: "Difficulty would follow the miners' clocks and not the time.",
    },
    Scenario {
        id: "block-past",
        title: "A block before the median",
        group: Blocks,
        attack: "A miner dates a block before the median of the eleven blocks before it, so that time runs backwards.",
        rules: &["B3"],
        without: "With dates that go back and forth, difficulty could be driven anywhere, and payments that expired could be included.",
    },
    Scenario {
        id: "block-easy-bits",
        title: "Difficulty chosen too low",
        group: Blocks,
        attack: "A miner writes an easier target into the header and does only the work that this target requires.",
        rules: &["B5", "D1", "H4"],
        without: "Everyone would mine at the least difficulty, and work would protect nothing.",
    },
    Scenario {
        id: "block-no-work",
        title: "No work at all",
        group: Blocks,
        attack: "A miner hands in a block with a nonce that it has not searched.",
        rules: &["H5"],
        without: "Writing a chain would cost nothing, and so would rewriting it.",
    },
    Scenario {
        id: "block-orphan",
        title: "A block on nothing",
        group: Blocks,
        attack: "A peer claims a long chain and shows sealed headers that continue no block that the node knows.",
        rules: &["B1", "N5", "N9"],
        without: "Strangers could fill the memory of nodes with pieces that belong to nothing.",
    },
];
