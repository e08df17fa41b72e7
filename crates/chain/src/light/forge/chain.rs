//! Chains of headers in memory, without transactions: true ones, and forks of them that are forged.

use alloy_primitives::{Address, B256, Bytes, U256};

use crate::consensus::{HeaderSeal, SealContext};
use crate::genesis;
use crate::hash::{BlockId, sha256};
use crate::header::Header;
use crate::history::{self, Node};
use crate::light::prover::ChainReader;
use crate::light::range::largest_between;
use crate::manifest::Manifest;
use crate::pow::{Search, Target};
use crate::spec::{ChainSpec, ConsensusSpec};
use crate::units::{Height, Weight};

/// Numbers that look random and are the same in every run (splitmix64).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The sequence with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number of 0 and more, below `limit`, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Hashes that may still be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(pub u64);

/// What seals a block.
#[derive(Debug)]
pub enum SealMethod<'a> {
    /// A nonce that was searched for, as long as there are hashes.
    Mined(&'a mut Budget),
    /// None: the header's id does not meet its bits, but by chance.
    None,
}

/// What is put into the next block.
#[derive(Debug, Clone, Copy)]
pub struct Next {
    /// Unix seconds.
    pub time: u32,
    /// The bits that D1 gives, or else the easiest that the spec allows.
    pub due: bool,
    /// The weight that its leaf claims, where that is not its work.
    pub weight: Option<U256>,
}

impl Next {
    /// A block as the rules want it.
    pub fn at(time: u32) -> Self {
        Self {
            time,
            due: true,
            weight: None,
        }
    }
}

/// A chain from genesis on, or a fork that shares the beginning of another.
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    spec: &'a ChainSpec,
    base: Option<&'a Chain<'a>>,
    /// Number of the first block of its own.
    first: u64,
    /// Position of the first node of its own.
    first_node: u64,
    blocks: Vec<(Header, Manifest)>,
    nodes: Vec<Node>,
    peaks: Vec<(u64, Node)>,
    /// What makes its blocks others than those of another chain.
    salt: u64,
}

impl<'a> Chain<'a> {
    /// Genesis alone.
    pub fn new(spec: &'a ChainSpec) -> Self {
        let genesis = genesis::block(spec);
        let mut chain = Self {
            spec,
            base: None,
            first: 0,
            first_node: 0,
            blocks: Vec::new(),
            nodes: Vec::new(),
            peaks: Vec::new(),
            salt: 0,
        };
        chain.append(genesis.header, genesis.manifest, None);
        chain
    }

    /// The same chain up to this height, to be continued otherwise. `salt` makes its blocks differ from those of other forks.
    pub fn fork(&'a self, height: u64, salt: u64) -> Self {
        let (mut from, mut peaks) = (0, Vec::new());
        while from <= height {
            let size = largest_between(from, height + 1);
            let node = self
                .node(history::position_over(from, size))
                .expect("the chain is longer");
            peaks.push((size, node));
            from += size;
        }
        // The nodes over blocks up to this height come before the leaf of the next one.
        let first_node = history::position_over(height + 1, 1);
        Self {
            spec: self.spec,
            base: Some(self),
            first: height + 1,
            first_node,
            blocks: Vec::new(),
            nodes: Vec::new(),
            peaks,
            salt,
        }
    }

    /// Its spec.
    pub fn spec(&self) -> &'a ChainSpec {
        self.spec
    }

    /// Height of its tip.
    pub fn height(&self) -> u64 {
        self.first + self.blocks.len() as u64 - 1
    }

    /// A header of it.
    ///
    /// # Panics
    /// Where the chain is shorter.
    pub fn at(&self, height: u64) -> Header {
        self.header(Height(height)).expect("the chain is that high")
    }

    /// Its newest header; of a fork without blocks of its own, that of the block where it begins.
    pub fn tip(&self) -> Header {
        self.at(self.height())
    }

    /// Total work of its blocks.
    pub fn weight(&self) -> Weight {
        let sum = |sum: U256, (_, node): &(u64, Node)| sum.saturating_add(node.weight);
        Weight(self.peaks.iter().fold(U256::ZERO, sum))
    }

    /// The median of the last eleven times, in Unix seconds.
    pub fn median(&self) -> u32 {
        let from = self.height().saturating_sub(10);
        let mut times: Vec<u32> = (from..=self.height()).map(|height| self.at(height).time).collect();
        times.sort_unstable();
        times[times.len() / 2]
    }

    fn anchor_time(&self) -> Option<u32> {
        (self.height() > 0).then(|| self.at(1).time)
    }

    /// Bits that D1 gives for the next block.
    fn seal(&self) -> HeaderSeal {
        self.spec.engine().seal_after(SealContext {
            anchor_time: self.anchor_time(),
            parent_time: self.tip().time,
            parent_height: Height(self.height()),
        })
    }

    /// Expected hashes for the next block.
    pub fn next_work(&self) -> Weight {
        Target::from_bits(self.seal().bits).map_or(Weight::default(), Target::work)
    }

    /// Adds a block; false where its seal was not found before the hashes were used up, and nothing was added.
    pub fn push(&mut self, next: Next, seal: SealMethod<'_>) -> bool {
        let manifest = self.next_manifest();
        let mut fields = self.seal();
        if !next.due {
            fields.bits = easiest(self.spec);
        }
        let mut header = fields.header(self.tip().id(), manifest.root(), next.time);
        if let SealMethod::Mined(budget) = seal {
            let Some(nonce) = mine(&header, budget) else {
                return false;
            };
            header.nonce = nonce;
        }
        self.append(header, manifest, next.weight);
        true
    }

    /// Adds blocks as the rules want them, each `spacing` seconds after the one before; false where hashes ran out.
    pub fn push_many(&mut self, count: u64, spacing: u32, budget: &mut Budget) -> bool {
        (0..count).all(|_| {
            let time = self.tip().time.saturating_add(spacing).max(self.median() + 1);
            self.push(Next::at(time), SealMethod::Mined(budget))
        })
    }

    /// Adds a mined block that fits, of as many as are tried, and returns how many there were; nothing is added if none fits.
    pub(super) fn push_chosen(&mut self, time: u32, tries: u64, fits: impl Fn(&Header) -> bool) -> Option<u64> {
        let manifest = self.next_manifest();
        let mut header = self.seal().header(self.tip().id(), manifest.root(), time);
        let mut search = Search::new(&header, Target::from_bits(header.bits).ok()?);
        let mut first = 0;
        for tried in 1..=tries {
            header.nonce = search.scan(first, u32::MAX - first)?;
            if fits(&header) {
                self.append(header, manifest, None);
                return Some(tried);
            }
            first = header.nonce + 1;
        }
        None
    }

    /// Work of the newest blocks, so many of them.
    pub(super) fn newest_weight(&self, count: u64) -> U256 {
        let newest = self.height() + 1 - count..=self.height();
        let weights = newest.map(|height| self.spec.engine().weight(&self.at(height)).0);
        weights.fold(U256::ZERO, U256::saturating_add)
    }

    /// Adds a block of another chain as it is, whether it fits or not.
    pub fn splice(&mut self, header: Header, manifest: Manifest) {
        self.append(header, manifest, None);
    }

    fn next_manifest(&self) -> Manifest {
        let number = self.height() + 1;
        let mut extra = number.to_be_bytes().to_vec();
        extra.extend(self.salt.to_be_bytes());
        Manifest {
            number: Height(number),
            producer: Address::repeat_byte(0xaa),
            state_root: sha256(&[b"state", &number.to_be_bytes()]),
            transactions_root: B256::repeat_byte(0xbb),
            receipts_root: B256::repeat_byte(0xcc),
            history_root: self.history_root(),
            gas_limit: self.spec.limits.gas_limit,
            gas_used: 0,
            base_fee: self.spec.fees.min_base_fee.into(),
            extra: Bytes::from(extra),
            seal: Bytes::new(),
        }
    }

    fn history_root(&self) -> B256 {
        let peaks = self.peaks.iter().map(|(_, node)| node);
        history::root_over(self.height() + 1, peaks).expect("weights of tests do not overflow")
    }

    fn append(&mut self, header: Header, manifest: Manifest, weight: Option<U256>) {
        let weight = weight.map_or_else(|| self.spec.engine().weight(&header), Weight);
        let (mut size, mut node) = (1, Node::leaf(header.id(), &header, weight));
        self.blocks.push((header, manifest));
        self.nodes.push(node.clone());
        while let Some((_, left)) = self.peaks.pop_if(|(left_size, _)| *left_size == size) {
            node = history::parent(&left, &node).expect("weights of tests do not overflow");
            self.nodes.push(node.clone());
            size *= 2;
        }
        self.peaks.push((size, node));
    }

    fn block(&self, height: u64) -> Option<&(Header, Manifest)> {
        match height.checked_sub(self.first) {
            Some(at) => self.blocks.get(usize::try_from(at).ok()?),
            None => self.base?.block(height),
        }
    }
}

impl ChainReader for Chain<'_> {
    fn header(&self, height: Height) -> Option<Header> {
        self.block(height.0).map(|(header, _)| *header)
    }

    fn manifest(&self, height: Height) -> Option<Manifest> {
        self.block(height.0).map(|(_, manifest)| manifest.clone())
    }

    fn node(&self, position: u64) -> Option<Node> {
        match position.checked_sub(self.first_node) {
            Some(at) => self.nodes.get(usize::try_from(at).ok()?).cloned(),
            None => self.base?.node(position),
        }
    }
}

fn easiest(spec: &ChainSpec) -> u32 {
    match &spec.consensus {
        ConsensusSpec::Pow(pow) => pow.pow_limit_bits,
    }
}

/// Seconds after which the work that is due has halved.
pub(super) fn half_life(spec: &ChainSpec) -> u32 {
    match &spec.consensus {
        ConsensusSpec::Pow(pow) => pow.half_life,
    }
}

/// Searches for a nonce, with at most as many hashes as there are.
fn mine(header: &Header, budget: &mut Budget) -> Option<u32> {
    let target = Target::from_bits(header.bits).ok()?;
    let count = u32::try_from(budget.0).unwrap_or(u32::MAX);
    let nonce = Search::new(header, target).scan(0, count);
    budget.0 -= nonce.map_or(u64::from(count), |nonce| u64::from(nonce) + 1);
    nonce
}

/// The id of a chain's genesis.
pub fn genesis_id(spec: &ChainSpec) -> BlockId {
    genesis::block(spec).header.id()
}

/// A true chain of this height: miners of a steady power find its blocks by chance, `spacing` seconds apart on average at the
/// work of its beginning, and one clock of five is wrong.
///
/// # Panics
/// Where a seal is not found among all nonces.
pub fn honest(spec: &ChainSpec, height: u64, seed: u64) -> Chain<'_> {
    let (mut chain, mut numbers) = (Chain::new(spec), Numbers::new(seed));
    let spacing = u64::from(spec.engine().spacing());
    let mut clock = u64::from(chain.tip().time) + 10;
    let (first, mut budget) = (spec.engine().weight(&chain.tip()).0, Budget(u64::MAX));
    for _ in 0..height {
        // The square of an even distribution: many short intervals, some long ones, a third on average.
        let root = numbers.below(1_000);
        let interval = chain.next_work().0 * U256::from(root * root * 3 * spacing) / (first * U256::from(1_000_000));
        clock += interval.saturating_to::<u64>();
        let wrong = match numbers.below(5) {
            0 => numbers.below(6 * spacing),
            _ => 0,
        };
        let time = u32::try_from(clock + wrong).unwrap_or(u32::MAX).max(chain.median() + 1);
        assert!(
            chain.push(Next::at(time), SealMethod::Mined(&mut budget)),
            "a seal is found"
        );
    }
    chain
}
