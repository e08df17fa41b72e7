//! A forger whose tip costs little, so that many can be tried. Rules: docs/protocol.md#F4, #F5

use super::chain::{Budget, Chain, Next, SealMethod, half_life};
use crate::light::draws::{Plan, Weights};
use crate::light::limits::TAIL_BLOCKS;

/// Blocks without work on the end of the true chain, then mined ones, a pause, and mined ones that cost little. Of many tips that
/// one is taken which draws none of the blocks without work.
#[derive(Debug, Clone, Copy)]
pub struct CheapTip {
    /// Blocks without work.
    pub made_up: u64,
    /// Blocks after these that cost what the true ones do; two at least.
    pub mined: u64,
    /// How much later the last of these is than is due, in half-lives: so often the work of the next ones halves.
    pub half_lives: u32,
    /// Blocks after the pause, the tip included; one at least.
    pub cheap: u64,
    /// Tips that are tried at most.
    pub tries: u64,
}

impl CheapTip {
    /// The forged chain, and how many tips were tried; `None` where each of them draws a block without work. Its proof has a tail
    /// of 200 blocks. Each `run` is another try, and the same in every process.
    pub fn forge<'a>(&self, honest: &'a Chain<'a>, run: u64) -> Option<(Chain<'a>, u64)> {
        let (mut chain, mut budget) = (honest.fork(honest.height(), run + 1), Budget(u64::MAX));
        let spacing = honest.spec().engine().spacing();
        for _ in 0..self.made_up {
            chain.push(Next::at(chain.tip().time + spacing), SealMethod::None);
        }
        chain.push_many(1, spacing, &mut budget);
        // A record of the first mined block would show its parent.
        let hidden = honest.weight().0..chain.weight().0;
        chain.push_many(self.mined - 2, spacing, &mut budget);
        let late = chain.tip().time + spacing + self.half_lives * half_life(honest.spec());
        chain.push(Next::at(late), SealMethod::Mined(&mut budget));
        chain.push_many(self.cheap - 1, spacing, &mut budget);
        let tip = chain.next_work().0;
        let tail = chain.newest_weight(TAIL_BLOCKS - 1).saturating_add(tip);
        let total = chain.weight().0.saturating_add(tip);
        let plan = Plan::of(Weights { total, tail, tip }).ok()?;
        let time = (chain.tip().time + spacing).max(chain.median() + 1);
        let tried = chain.push_chosen(time, self.tries, |header| plan.misses(header.id(), &hidden))?;
        Some((chain, tried))
    }
}
