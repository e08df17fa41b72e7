//! The chain of the old demos.

use crate::scenario::Group::OldSystem;
use crate::scenario::Scenario;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "old-unsigned",
        title: "A payment without a signature",
        group: OldSystem,
        attack: "The old chain believes whatever is posted to it: Mallory enters a payment from Alice to herself, and one from the \
                 sender 0, which makes new money.",
        rules: &["T2", "T3", "I1"],
        without: "As in the old system: everyone spends everyone's money, and everyone mints.",
    },
    Scenario {
        id: "old-replay",
        title: "The same payment twice",
        group: OldSystem,
        attack: "Mallory posts a payment that she once received a second time.",
        rules: &["T6"],
        without: "As in the old system: payments have no number, so that the second one is as good as the first.",
    },
    Scenario {
        id: "old-negative",
        title: "A negative amount",
        group: OldSystem,
        attack: "Mallory pays Alice an amount below zero: her own balance grows, Alice's shrinks.",
        rules: &["E3", "T9"],
        without: "As in the old system: amounts are any number, and balances any sum of them.",
    },
    Scenario {
        id: "old-forged-chain",
        title: "A forged longer chain",
        group: OldSystem,
        attack: "Mallory writes a chain in which all money is hers. It is a block longer, its proofs are cheap, and the old node takes \
                 it over: it counts blocks, and checks neither payments nor work.",
        rules: &["B5", "B9"],
        without: "As in the old system: the longest file wins, whatever it says. Here the work that a header claims follows from the \
                  headers before it, so that a cheap chain cannot even be written.",
    },
    Scenario {
        id: "old-restart",
        title: "Lost on restart",
        group: OldSystem,
        attack: "The program ends, by an update or a power cut, and is started again.",
        rules: &["B9"],
        without: "As in the old system: the chain lives in memory, and a restart begins with an empty one.",
    },
];
