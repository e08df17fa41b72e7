//! Chains that the benches make for themselves.

use std::path::PathBuf;

use anyhow::Context as _;
use tally_chain::pow::Search;
use tally_chain::{Address, BlockId, ChainSpec, UnixSecs};
use tally_node::{Clock, Imported, MiningConfig, Node, NodeConfig, Work};

use super::signers::Signers;

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
