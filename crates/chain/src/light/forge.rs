//! Forged chains that a light client has to reject, for tests and `tally bench light`. Not in the browser's modules.
//!
//! A forger has the true chain, and fewer hashes than were done for its newest blocks; what he cannot mine he makes up. Each
//! kind knows the rules and tries to have what he made up overlooked: by weighing nothing, by luck with few blocks, by false
//! sums, or by another sample.

mod chain;
mod cheap;
mod damage;

use alloy_primitives::U256;

use super::draws::{Plan, Weights};
use super::limits::TAIL_BLOCKS;
use super::prove;
use super::prover::{ChainReader, Edit, forged_sample};
use super::tail;
use crate::units::Height;

pub use chain::{Budget, Chain, Next, Numbers, SealMethod, genesis_id, honest};
pub use cheap::CheapTip;
pub use damage::damage;

/// Blocks that are replaced by flat ones: with a half-life of 288 blocks so many let one block have more work than the true ones.
const FLAT_BLOCKS: u64 = 3_500;
/// The same where each second one is late: until it is as late as that, the true chain grows on.
const HIDDEN_BLOCKS: u64 = 3_650;
/// Blocks that are mined after the one with the work of thousands. With fewer, the windows that have that one require a
/// tail that reaches back to it (F4).
const AFTER_BLOCKS: u64 = 1_600;
/// Blocks that are made up beyond the true chain's.
const MORE_BLOCKS: u64 = 60;
/// Half-lives after which the difficulty is as low as it can be.
const LATE_HALF_LIVES: u32 = 7;
/// Fewest blocks from the one that is replaced to the tip.
const LEAST_SPLICED: u64 = 20;
/// Most blocks that are replaced.
const DEPTH: u64 = HIDDEN_BLOCKS + AFTER_BLOCKS;
/// Hashes of a forger, as a part of those done for the blocks that are replaced: half of the miners' power.
const SHARE: u64 = 2;
/// Tips that a forger tries for a good sample.
const TRIES: u64 = 16;
/// Blocks without work that no draw of these tips may hit.
const GROUND_BLOCKS: u64 = 300;

/// A way to forge a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forger {
    /// Blocks without work, then a tail that was mined, as easy as the times since then allow.
    EasyTail,
    /// Worthless blocks of one time, which make the difficulty rise, then one that was mined and has more work than the true
    /// blocks.
    FlatRun,
    /// The same, each second one of a late time, which would excuse their little work.
    HiddenRuns,
    /// One block is replaced, and the true ones after it stay.
    Splice,
    /// Nodes claim more work for blocks than theirs.
    Inflated,
    /// Blocks without work, and the tip of many whose sample has the fewest of them.
    Grinding,
    /// Blocks without work, then a tail that is as easy as the spec allows.
    WorthlessTail,
    /// Nothing is forged: the true chain as it was earlier.
    Stale,
}

impl Forger {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::EasyTail,
        Self::FlatRun,
        Self::HiddenRuns,
        Self::Splice,
        Self::Inflated,
        Self::Grinding,
        Self::WorthlessTail,
        Self::Stale,
    ];

    /// Its name, for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::EasyTail => "easy tail",
            Self::FlatRun => "flat run",
            Self::HiddenRuns => "hidden runs",
            Self::Splice => "splice",
            Self::Inflated => "inflated",
            Self::Grinding => "grinding",
            Self::WorthlessTail => "worthless tail",
            Self::Stale => "stale",
        }
    }

    /// A forged proof, made from a true chain that is at least [`least_height`] high; `None` where the forger had no luck. Each
    /// `run` is another try, and the same in every process.
    pub fn forge(self, honest: &Chain<'_>, run: u64) -> Option<Vec<u8>> {
        let mut numbers = Numbers::new(run);
        let depth = match self {
            // With no true block on it, it would be a valid chain, and a few keep their seals on a false parent by luck.
            Self::Splice => LEAST_SPLICED + numbers.below(DEPTH - LEAST_SPLICED + 1),
            Self::EasyTail | Self::WorthlessTail => 2 * TAIL_BLOCKS + numbers.below(DEPTH - 2 * TAIL_BLOCKS),
            Self::Inflated => 2 * TAIL_BLOCKS + numbers.below(TAIL_BLOCKS),
            Self::Grinding => TAIL_BLOCKS + GROUND_BLOCKS,
            Self::FlatRun => FLAT_BLOCKS + AFTER_BLOCKS,
            Self::HiddenRuns => HIDDEN_BLOCKS + AFTER_BLOCKS,
            Self::Stale => 1 + numbers.below(1_000),
        };
        let fork = honest.height() - depth;
        let forgery = Forgery { honest, fork, run };
        match self {
            Self::EasyTail => forgery.easy_tail(&mut numbers),
            Self::FlatRun => forgery.flat_run(FLAT_BLOCKS, None),
            Self::HiddenRuns => forgery.flat_run(HIDDEN_BLOCKS, Some(LATE_HALF_LIVES)),
            Self::Splice => forgery.splice(),
            Self::Inflated => forgery.inflated(&mut numbers),
            Self::Grinding => forgery.grinding(),
            Self::WorthlessTail => forgery.worthless_tail(),
            Self::Stale => {
                let proof = prove(honest.spec(), honest, Height(fork)).ok()?;
                proof.bytes(honest.spec(), honest).ok()
            }
        }
    }
}

/// A sample of a chain with a tail of so many blocks, or of as many as the rules give, and with other records than they require,
/// where they are changed; `None` where nothing of the kind can be written.
pub fn sample(chain: &Chain<'_>, tail: Option<u64>, edit: Option<Edit<'_>>) -> Option<Vec<u8>> {
    forged_sample(chain.spec(), chain, Height(chain.height()), tail, edit).ok()?
}

/// The least height of a true chain that is forged: what is left of it is still sampled.
pub fn least_height() -> u64 {
    super::ALL_HEADERS_UP_TO + DEPTH
}

struct Forgery<'a> {
    honest: &'a Chain<'a>,
    /// Height of the newest true block.
    fork: u64,
    run: u64,
}

impl<'a> Forgery<'a> {
    fn chain(&self) -> Chain<'a> {
        self.honest.fork(self.fork, self.run + 1)
    }

    /// Hashes that the forger has.
    fn budget(&self) -> Budget {
        let replaced = self.honest.weight().0 - self.honest.fork(self.fork, 0).weight().0;
        Budget(u64::try_from(replaced).unwrap_or(u64::MAX) / SHARE)
    }

    fn spacing(&self) -> u32 {
        self.honest.spec().engine().spacing()
    }

    fn half_life(&self) -> u32 {
        chain::half_life(self.honest.spec())
    }

    /// Blocks with the bits and times that are due, and without work.
    fn made_up(&self, chain: &mut Chain<'_>, count: u64) {
        for _ in 0..count {
            let time = chain.tip().time + self.spacing();
            chain.push(Next::at(time), SealMethod::None);
        }
    }

    /// As the rules want it, or else with a tail that is too light, or a tip.
    fn proof(chain: &Chain<'_>) -> Option<Vec<u8>> {
        sample(chain, None, None).or_else(|| sample(chain, Some(TAIL_BLOCKS), None))
    }

    fn easy_tail(&self, numbers: &mut Numbers) -> Option<Vec<u8>> {
        let (mut chain, mut budget) = (self.chain(), self.budget());
        // The tail may have little work: what is made up has to have more than the true chain by itself.
        let count = self.honest.height() - self.fork + MORE_BLOCKS;
        self.made_up(&mut chain, count);
        // A pause of up to four half-lives: the tail costs a sixteenth then.
        let pause = numbers.below(4 * u64::from(self.half_life()));
        let time = chain.tip().time + u32::try_from(pause).ok()?;
        (chain.push(Next::at(time), SealMethod::Mined(&mut budget))
            && chain.push_many(TAIL_BLOCKS, self.spacing(), &mut budget))
        .then(|| Self::proof(&chain))?
    }

    /// `hidden`: half-lives by which each second block is later than the time when the difficulty would be what it was.
    fn flat_run(&self, count: u64, hidden: Option<u32>) -> Option<Vec<u8>> {
        let (mut chain, mut budget) = (self.chain(), self.budget());
        let flat = chain.tip().time;
        let in_step = flat + u32::try_from(count).ok()? * self.spacing();
        let late = in_step + hidden.unwrap_or(0) * self.half_life();
        let end = self.fork + count;
        let tip = end + 1 + AFTER_BLOCKS;
        for number in self.fork + 1..=end {
            let begins_window = tail::lengths(tip).any(|blocks| tip + 1 - blocks == number);
            // The block that is mined takes its bits from the time of the last of these, which is not late. One that is always
            // shown is late, since its time is the only one that excuses the next.
            let is_late = hidden.is_some() && ((end - number) % 2 == 1 || begins_window);
            let next = Next {
                due: begins_window,
                ..Next::at(if is_late { late } else { flat })
            };
            // So little work that it is done, but for those that are always shown.
            chain.push(next, SealMethod::Mined(&mut budget));
        }
        // Its own time lets the difficulty fall again, so that the next ones cost what they did before. Whether the median
        // allows that time is only checked in the tail.
        let after = (0..=u32::try_from(AFTER_BLOCKS).ok()?).all(|number| {
            let time = in_step + number * self.spacing();
            chain.push(Next::at(time), SealMethod::Mined(&mut budget))
        });
        after.then(|| Self::proof(&chain))?
    }

    fn splice(&self) -> Option<Vec<u8>> {
        let mut chain = self.chain();
        let mut budget = Budget(u64::MAX);
        let time = self.honest.at(self.fork + 1).time;
        chain.push(Next::at(time), SealMethod::Mined(&mut budget));
        for height in self.fork + 2..self.honest.height() {
            let height = Height(height);
            chain.splice(self.honest.header(height)?, self.honest.manifest(height)?);
        }
        // The tip commits to what was put together.
        chain.push_many(1, self.spacing(), &mut budget);
        Self::proof(&chain)
    }

    /// In the tree, some blocks have up to 2^16 times their work, or by far more than all others.
    fn inflated(&self, numbers: &mut Numbers) -> Option<Vec<u8>> {
        let mut chain = self.chain();
        let count = self.honest.height() - self.fork - TAIL_BLOCKS;
        let absurd = numbers.below(4) == 0;
        for _ in 0..count {
            let work = chain.next_work().0;
            let weight = match numbers.below(50) {
                0 if absurd => Some(U256::ONE << 60),
                0 => Some(work << usize::try_from(1 + numbers.below(16)).unwrap_or(1)),
                _ => None,
            };
            let next = Next {
                weight,
                ..Next::at(chain.tip().time + self.spacing())
            };
            // They have their work, so that nothing but the sums is false.
            chain.push(next, SealMethod::Mined(&mut Budget(u64::MAX)));
        }
        chain.push_many(TAIL_BLOCKS, self.spacing(), &mut Budget(u64::MAX));
        Self::proof(&chain)
    }

    fn grinding(&self) -> Option<Vec<u8>> {
        let (mut chain, mut budget) = (self.chain(), self.budget());
        let made_up = chain.height() + 1..chain.height() + 1 + GROUND_BLOCKS;
        self.made_up(&mut chain, GROUND_BLOCKS);
        if !chain.push_many(TAIL_BLOCKS - 1, self.spacing(), &mut budget) {
            return None;
        }
        let tries = (0..TRIES).filter_map(|salt| {
            let mut other = chain.fork(chain.height(), self.run ^ (salt << 32));
            let found = other.push_many(1, self.spacing(), &mut budget);
            found.then(|| (hits(&other, &made_up), salt))
        });
        let (_, salt) = tries.min()?;
        let mut best = chain.fork(chain.height(), self.run ^ (salt << 32));
        best.push_many(1, self.spacing(), &mut Budget(u64::MAX));
        Self::proof(&best)
    }

    fn worthless_tail(&self) -> Option<Vec<u8>> {
        let (mut chain, mut budget) = (self.chain(), self.budget());
        let count = self.honest.height() - self.fork + MORE_BLOCKS;
        self.made_up(&mut chain, count);
        let time = chain.tip().time + 12 * self.half_life();
        (chain.push(Next::at(time), SealMethod::Mined(&mut budget))
            && chain.push_many(TAIL_BLOCKS, self.spacing(), &mut budget))
        .then(|| Self::proof(&chain))?
    }
}

/// Draws of a tip that are in these blocks.
fn hits(chain: &Chain<'_>, blocks: &std::ops::Range<u64>) -> usize {
    let engine = chain.spec().engine();
    let work = |height| engine.weight(&chain.at(height)).0;
    let sum =
        |mut heights: std::ops::Range<u64>| heights.try_fold(U256::ZERO, |sum, height| sum.checked_add(work(height)));
    let (tip, total) = (chain.height(), chain.weight().0);
    let (Some(tail), Some(after), Some(own)) = (
        sum(tip + 1 - TAIL_BLOCKS..tip + 1),
        sum(blocks.end..tip + 1),
        sum(blocks.clone()),
    ) else {
        return usize::MAX;
    };
    let weights = Weights {
        total,
        tail,
        tip: work(tip),
    };
    let Ok(plan) = Plan::of(weights) else { return usize::MAX };
    let places = plan.places(chain.tip().id());
    places.range(total - after - own..total - after).count()
}
