//! Blocks that the page wants checked: is this one on the verified chain?

use std::collections::{BTreeSet, VecDeque};

use tally_api::worker::light::BlockVerdict;
use tally_chain::history::{NODE_BYTES, Node};
use tally_chain::light::{Followed, NotShown};
use tally_chain::{BlockId, Header, Height, Manifest};

/// Most checks that wait.
const MAX_WAITING: usize = 1_000;
/// Most blocks whose place is remembered.
const MAX_PROVEN: usize = 4_096;

/// A block that the page wants checked.
#[derive(Debug)]
pub(super) struct PendingCheck {
    /// The page's number for it, which comes back with the verdict.
    number: u32,
    header: Header,
    manifest: Manifest,
    /// Whether the node's tip was looked at since: the block may be newer than the verified tip.
    looked: bool,
}

/// What a check needs next.
pub(super) enum Next {
    /// The node has to show that the block at this height is an ancestor of this tip.
    Prove {
        pending: Box<PendingCheck>,
        height: Height,
        tip: BlockId,
    },
    /// The node may have a newer tip.
    Look,
    /// None waits.
    Nothing,
}

/// Checks that wait, the verdicts that were not sent yet, and what was proven.
#[derive(Debug, Default)]
pub(super) struct PendingChecks {
    waiting: VecDeque<Box<PendingCheck>>,
    verdicts: Vec<(u32, BlockVerdict)>,
    /// Blocks that are ancestors of the verified tip, and stay so while it is only followed.
    proven: BTreeSet<BlockId>,
    /// Whether the node gave no answer about one that might get a verdict later.
    owes: bool,
}

impl PendingChecks {
    /// Adds a check; one that needs no proof is answered at once.
    pub fn add(&mut self, number: u32, header: &[u8], manifest: &[u8], genesis: BlockId) {
        let Ok(bytes) = header.try_into() else {
            let why = format!("the header has {} bytes, not 80", header.len());
            return self.answer(number, BlockVerdict::Refuted(why));
        };
        let header = Header::decode(bytes);
        let manifest = match Manifest::decode(manifest) {
            Ok(manifest) if manifest.root() == header.manifest_root => manifest,
            Ok(_) => return self.answer(number, BlockVerdict::Refuted(NotShown::OtherManifest.to_string())),
            Err(error) => return self.answer(number, BlockVerdict::Refuted(error.to_string())),
        };
        let id = header.id();
        // Only genesis has the height 0, and it is known by its id.
        if id == genesis {
            return self.answer(number, BlockVerdict::OnChain);
        }
        if manifest.number == Height::GENESIS {
            let why = format!("block 0 is not this chain's genesis, {genesis}");
            return self.answer(number, BlockVerdict::Refuted(why));
        }
        if self.waiting.len() >= MAX_WAITING {
            return self.answer(
                number,
                BlockVerdict::Unknown("too many blocks are to be checked at once".to_owned()),
            );
        }
        self.waiting.push_back(Box::new(PendingCheck {
            number,
            header,
            manifest,
            looked: false,
        }));
    }

    fn answer(&mut self, number: u32, verdict: BlockVerdict) {
        self.verdicts.push((number, verdict));
    }

    /// The verdicts since the last time.
    pub fn take_verdicts(&mut self) -> Vec<(u32, BlockVerdict)> {
        std::mem::take(&mut self.verdicts)
    }

    /// Nothing is known now.
    pub fn give_up(&mut self, why: &str) {
        for pending in std::mem::take(&mut self.waiting) {
            self.answer(pending.number, BlockVerdict::Unknown(why.to_owned()));
        }
    }

    /// Nothing is known now about the next one.
    pub fn give_up_first(&mut self, why: &str) {
        if let Some(pending) = self.waiting.pop_front() {
            self.answer(pending.number, BlockVerdict::Unknown(why.to_owned()));
            self.owes = true;
        }
    }

    /// Whether one got no verdict since the last time, though there is a verified tip.
    pub fn take_owed(&mut self) -> bool {
        std::mem::take(&mut self.owes)
    }

    /// The tip is no descendant of the one before.
    pub fn forget_proven(&mut self) {
        self.proven.clear();
    }

    /// Answers what can be answered by the tip alone, and returns what the next one needs.
    pub fn next(&mut self, followed: &Followed) -> Next {
        let tip = followed.verified();
        while let Some(mut pending) = self.waiting.pop_front() {
            if self.proven.contains(&pending.header.id()) {
                self.answer(pending.number, BlockVerdict::OnChain);
                continue;
            }
            let (height, tip_height) = (pending.manifest.number, tip.manifest.number);
            if height < tip_height {
                let tip = tip.tip;
                return Next::Prove { pending, height, tip };
            }
            match followed.check_ancestor(&pending.header, &pending.manifest, Vec::new()) {
                Ok(()) => self.prove(&pending),
                Err(_) if !pending.looked => {
                    pending.looked = true;
                    self.waiting.push_front(pending);
                    return Next::Look;
                }
                Err(error) => self.answer(pending.number, BlockVerdict::Refuted(error.to_string())),
            }
        }
        Next::Nothing
    }

    fn prove(&mut self, pending: &PendingCheck) {
        if self.proven.len() >= MAX_PROVEN {
            self.proven.pop_first();
        }
        self.proven.insert(pending.header.id());
        self.answer(pending.number, BlockVerdict::OnChain);
    }

    /// Checks the nodes that came. True where the node's tip has to be looked at first: after a reorg the page knows the new
    /// chain before the worker does.
    pub fn check(&mut self, mut pending: Box<PendingCheck>, nodes: &[u8], followed: &Followed) -> bool {
        let (nodes, rest) = nodes.as_chunks::<NODE_BYTES>();
        let nodes = match rest.is_empty() {
            true => nodes.iter().map(Node::decode).collect(),
            // No proof has so few: it is rejected for that.
            false => Vec::new(),
        };
        match followed.check_ancestor(&pending.header, &pending.manifest, nodes) {
            Ok(()) => self.prove(&pending),
            Err(_) if !pending.looked => {
                pending.looked = true;
                self.waiting.push_front(pending);
                return true;
            }
            Err(error) => self.answer(pending.number, BlockVerdict::Refuted(error.to_string())),
        }
        false
    }

    /// The node gave no proof. True where its tip has to be looked at first.
    pub fn no_proof(&mut self, mut pending: Box<PendingCheck>, why: &str, old_tip: bool) -> bool {
        if old_tip && !pending.looked {
            pending.looked = true;
            self.waiting.push_front(pending);
            return true;
        }
        self.answer(pending.number, BlockVerdict::Unknown(why.to_owned()));
        self.owes = true;
        false
    }
}
