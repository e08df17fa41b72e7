//! A node among peers, and on its machine.

use crate::scenario::Group::Network;
use crate::scenario::Scenario;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "net-garbage",
        title: "Bytes that are no message",
        group: Network,
        attack: "A peer sends random bytes in place of a message, and announces a frame of four gigabytes.",
        rules: &["N1", "N2", "N9"],
        without: "A few bytes would make a node allocate all of its memory, or end it.",
    },
    Scenario {
        id: "net-other-chain",
        title: "A peer of another chain",
        group: Network,
        attack: "A node of another chain connects and offers its blocks.",
        rules: &["N3", "N9"],
        without: "Networks of different chains would grow together, and each would check the other's blocks for nothing.",
    },
    Scenario {
        id: "net-headers",
        title: "A flood of headers",
        group: Network,
        attack: "A peer pours out headers that nobody has requested.",
        rules: &["N1", "N9"],
        without: "Each would cost the node two hashes and a look into its store, as fast as the line allows.",
    },
    Scenario {
        id: "net-false-claim",
        title: "A claim of more work than there is",
        group: Network,
        attack: "A peer claims a chain with a thousand times our work, so that the node occupies itself with it, and has none.",
        rules: &["N9", "N6"],
        without: "One misbehaving peer would keep a node from following the honest chain for as long as it likes.",
    },
    Scenario {
        id: "net-transactions",
        title: "A flood of bad transactions",
        group: Network,
        attack: "A peer announces transactions, is asked for them, and sends such with wrong signatures.",
        rules: &["N9", "N7"],
        without: "Checking signatures is what costs a node most: a flood of wrong ones would stop it.",
    },
    Scenario {
        id: "net-connections",
        title: "A flood of connections",
        group: Network,
        attack: "One machine opens 160 connections and says nothing on them.",
        rules: &["N8"],
        without: "All places would be taken by strangers who are silent, and the node would be alone among them.",
    },
    Scenario {
        id: "net-clocks",
        title: "Peers with a wrong clock",
        group: Network,
        attack: "Peers that have come by themselves claim that it is already tomorrow, so that the node takes blocks of tomorrow or \
                 stops for fear that its own clock is wrong.",
        rules: &["N13", "B4"],
        without: "Time would be what most strangers say. The median of peers never changes the time by which a node checks.",
    },
    Scenario {
        id: "node-kill",
        title: "kill -9 in the middle of work",
        group: Network,
        attack: "The node's process is killed again and again while it stores blocks and payments, at a moment that nobody chooses.",
        rules: &["B9"],
        without: "What the node has acknowledged would be gone, or the books would be half written.",
    },
    Scenario {
        id: "node-torn-write",
        title: "A torn write",
        group: Network,
        attack: "A power cut leaves the last file half written: its end is missing.",
        rules: &["B2"],
        without: "The node would go on with a state that no block has, and each block after it would be built on that.",
    },
];
