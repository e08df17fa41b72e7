//! Which of several chains counts.

use crate::scenario::Group::Chain;
use crate::scenario::Scenario;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "chain-double-spend",
        title: "A double spend by a longer branch",
        group: Chain,
        attack: "Mallory pays a merchant, waits until the payment is in a block, and shows a branch of her own without it that she has \
                 mined in secret. As long as hers has less work nothing happens. Once it has more, all nodes follow it.",
        rules: &["B9", "N6"],
        without: "There would be no agreement on one chain at all. This attack is not prevented by a rule, only made expensive: \
                  receivers of large amounts wait for more blocks (the scenario chain-race has the figures).",
    },
    Scenario {
        id: "chain-race",
        title: "The race behind a double spend",
        group: Chain,
        attack: "With a share q of all hash power Mallory tries to overtake a chain that is already z blocks ahead. The laboratory \
                 runs that race thousands of times and puts Nakamoto's formula beside what it counts.",
        rules: &["B9"],
        without: "Without the rule of the most work there would be no race, and no way to say how safe a payment is.",
    },
    Scenario {
        id: "chain-selfish",
        title: "Selfish mining",
        group: Chain,
        attack: "A miner keeps its blocks secret and shows them only when others come close, so that the others work in vain. Above \
                 some share of hash power it earns more than its share.",
        rules: &["B9", "N7"],
        without: "Among branches of equal work a node keeps the one that it has seen first. That decides how many follow the selfish \
                  miner (the figure gamma): the more they are, the smaller the share at which it pays.",
    },
    Scenario {
        id: "chain-rewrite",
        title: "A rewrite beyond the deepest reorg",
        group: Chain,
        attack: "With more than half of all hash power Mallory mines a heavier chain that leaves ours deep in the past, to take back \
                 what was long settled.",
        rules: &["B9", "N5"],
        without: "A miner with the most power, even for rent and for an hour, could rewrite everything from genesis on. Nodes \
                  that were there keep what is deeper than their rolling checkpoint.",
    },
    Scenario {
        id: "chain-partition",
        title: "A network that falls apart and heals",
        group: Chain,
        attack: "The connection between two nodes is cut. Both go on, each with a chain of its own, and payments are booked on both \
                 sides.",
        rules: &["B9", "N6", "N7"],
        without: "Two truths would stay. Here the side with more work wins when both meet again, and what the other side had \
                  booked returns to the pool.",
    },
    Scenario {
        id: "chain-equal-work",
        title: "A branch of equal work",
        group: Chain,
        attack: "Mallory answers each block with one of her own at the same height, to make nodes change sides back and forth.",
        rules: &["N6", "B9"],
        without: "Nodes would flap between branches at no cost to the attacker. A branch without more work is not even requested, and \
                  of two that a node has it keeps the one that it saw first.",
    },
];
