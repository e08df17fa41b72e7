//! Chains that the benches make for themselves.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rayon::prelude::*;
use tally_chain::hash::sha256;
use tally_chain::pow::Search;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, BlockId, Bytes, ChainSpec, UnixSecs};
use tally_node::{Clock, Imported, MiningConfig, Node, NodeConfig, Work};

use super::fast::{Mix, Sender};
use super::signers::{Signers, chain, identity};

/// Who gets the rewards.
const PRODUCER: Address = Address::repeat_byte(0xaa);

/// A node that mines only on request.
pub fn open(spec: &ChainSpec, data_dir: PathBuf, clock: &Clock) -> anyhow::Result<Node> {
    let config = NodeConfig {
        max_reorg_depth: 100,
        mining: MiningConfig {
            on: false,
            threads: 1,
            producer: PRODUCER,
        },
        ..NodeConfig::new(data_dir, spec.clone())
    };
    Ok(Node::open(config, clock.clone())?)
}

/// Signs transfers and puts them into the pool.
pub fn fill(node: &Node, signers: &Signers, transfers: usize, now: UnixSecs) -> anyhow::Result<()> {
    let tip = node.tip();
    let nonces = signers
        .addresses()
        .map(|address| node.next_nonce(&tip, &address))
        .collect::<Result<Vec<_>, _>>()?;
    let envelopes = signers.transfers(transfers, &nonces, now)?;
    node.submit_batch(envelopes)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    Ok(())
}

/// [`fill`], and mines the next block; the id of it.
pub fn mine(node: &Node, signers: &Signers, transfers: usize, now: UnixSecs) -> anyhow::Result<BlockId> {
    fill(node, signers, transfers, now)?;
    seal(node)
}

/// Mines a block of what the pool holds; the id of it.
pub fn seal(node: &Node) -> anyhow::Result<BlockId> {
    let job = node.template(PRODUCER)?;
    let nonce = Search::new(&job.header, job.target)
        .scan(0, u32::MAX)
        .context("no nonce seals the block")?;
    let work = Work {
        template: job.id,
        extra_nonce: [0; 8],
        time: job.header.time,
        nonce,
    };
    let Imported::Tip(advance) = node.submit_work(&work)? else {
        anyhow::bail!("a mined block did not become the tip")
    };
    Ok(advance.to)
}

/// Most transfers of a block that makes accounts: the pool takes so many from the accounts that send them.
const WIDE_BLOCK: u64 = 20_000;

/// A chain whose blocks come on request, one second after the other, with transfers to as many accounts as wanted.
pub struct Wide {
    pub spec: ChainSpec,
    senders: Vec<Sender>,
    identity: ChainIdentity,
    time: Arc<AtomicU64>,
    /// Recipients that have an account.
    pub accounts: u64,
}

impl Wide {
    pub fn new() -> anyhow::Result<Self> {
        let senders = Sender::some(Mix::Ecc, 8)?;
        let spec = chain(senders.iter().map(Sender::address))?;
        Ok(Self {
            identity: identity(&spec),
            time: Arc::new(AtomicU64::new(u64::from(spec.genesis_time) + 1_000_000)),
            spec,
            senders,
            accounts: 0,
        })
    }

    pub fn open(&self, data_dir: PathBuf) -> anyhow::Result<Node> {
        let time = Arc::clone(&self.time);
        let clock: Clock = Arc::new(move || UnixSecs(time.load(Ordering::Relaxed)));
        open(&self.spec, data_dir, &clock)
    }

    /// The account with this number.
    fn recipient(number: u64) -> Address {
        Address::from_slice(&sha256(&[b"bench account", &number.to_be_bytes()])[..20])
    }

    /// Signs transfers to these recipients, on all cores; then the time from handing them over until their block is durable.
    fn block(&self, node: &Node, to: &[Address]) -> anyhow::Result<Duration> {
        let now = UnixSecs(self.time.fetch_add(1, Ordering::Relaxed) + 1);
        let (tip, count) = (node.tip(), self.senders.len());
        let nonces = self
            .senders
            .iter()
            .map(|sender| node.next_nonce(&tip, &sender.address()));
        let nonces = nonces.collect::<Result<Vec<_>, _>>()?;
        let signed = to.par_iter().enumerate().map(|(at, to)| {
            let from = at % count;
            self.senders[from].transfer(&self.identity, *to, nonces[from] + (at / count) as u64, now)
        });
        let envelopes: Vec<Bytes> = signed.collect::<anyhow::Result<_>>()?;
        let begun = Instant::now();
        for submitted in node.submit_batch(envelopes) {
            submitted?;
        }
        seal(node)?;
        Ok(begun.elapsed())
    }

    /// Makes accounts until there are so many.
    pub fn grow(&mut self, node: &Node, accounts: u64) -> anyhow::Result<()> {
        while self.accounts < accounts {
            let end = accounts.min(self.accounts + WIDE_BLOCK);
            let to: Vec<Address> = (self.accounts..end).map(Self::recipient).collect();
            self.block(node, &to)?;
            self.accounts = end;
        }
        Ok(())
    }

    /// A block of transfers to accounts that exist, spread over all of them; how long it took.
    pub fn among(&self, node: &Node, transfers: u64, turn: u64) -> anyhow::Result<Duration> {
        // By their hashes: neighbours in number are no neighbours in the tree or in the store.
        let spread = (0..transfers).map(|at| {
            let drawn = sha256(&[b"bench draw", &turn.to_be_bytes(), &at.to_be_bytes()]);
            let drawn = drawn.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            Self::recipient(drawn % self.accounts.max(1))
        });
        self.block(node, &spread.collect::<Vec<_>>())
    }
}
