//! What templates of many producers have in common: the transactions, and what they do.

use std::sync::Arc;

use tally_chain::consensus::Engine;
use tally_chain::{Address, BlockId, Bytes, CheckedTransaction};
use tally_ledger::{Assembled, SharedBlock};

use super::TemplateError;
use crate::miner::MiningJob;
use crate::pipeline::Tip;

/// Transactions on a tip, assembled once.
pub(super) struct Body {
    /// Grows from body to body.
    pub sequence: u64,
    pub tip: Arc<Tip>,
    /// Unix seconds; what code sees as the time.
    pub time: u32,
    pub block: Block,
}

/// For whom a body is.
pub(super) enum Block {
    Shared(Box<SharedBlock>),
    /// Assembled for one producer: code in it looks at who is paid.
    Own {
        assembled: Box<Assembled>,
        transactions: Arc<Vec<CheckedTransaction>>,
    },
}

impl Block {
    pub fn own(mut assembled: Assembled) -> Self {
        let transactions = Arc::new(std::mem::take(&mut assembled.transactions));
        // A template needs only their root.
        assembled.receipts.clear();
        let assembled = Box::new(assembled);
        Self::Own {
            assembled,
            transactions,
        }
    }
}

impl Body {
    pub fn parent(&self) -> BlockId {
        self.tip.record.id
    }

    pub fn latest_time(&self) -> u32 {
        match &self.block {
            Block::Shared(shared) => shared.latest_time,
            Block::Own { assembled, .. } => assembled.latest_time,
        }
    }

    /// Whether transactions were left out because they look at the producer.
    pub fn left_out_for_sharing(&self) -> bool {
        matches!(&self.block, Block::Shared(shared) if shared.left_out_for_sharing())
    }

    pub fn suits(&self, producer: Address) -> bool {
        match &self.block {
            Block::Shared(shared) => shared.suits(producer),
            Block::Own { assembled, .. } => assembled.manifest.producer == producer,
        }
    }

    /// The template for a producer at `time` (Unix seconds), or as near to it as the transactions allow; none if this
    /// body does not suit the producer.
    pub fn job(
        &self,
        id: u64,
        producer: Address,
        extra: &Bytes,
        time: u32,
        engine: &Engine,
    ) -> Result<Option<MiningJob>, TemplateError> {
        let (manifest, seal, transactions) = match &self.block {
            Block::Shared(shared) => {
                let manifest = shared.manifest_for(producer, extra.clone(), &self.tip.snapshot)?;
                (manifest, shared.seal, &shared.transactions)
            }
            Block::Own {
                assembled,
                transactions,
            } => {
                let manifest = &assembled.manifest;
                let manifest = (manifest.producer == producer).then(|| manifest.clone());
                (manifest, assembled.seal, transactions)
            }
        };
        let Some(manifest) = manifest else { return Ok(None) };
        let latest_time = self.latest_time();
        let time = time.clamp(self.time, latest_time.max(self.time));
        Ok(Some(MiningJob {
            id,
            header: seal.header(self.parent(), manifest.root(), time),
            latest_time,
            target: engine.mining_target(&seal).map_err(TemplateError::Seal)?,
            transactions: transactions.clone(),
            manifest,
        }))
    }
}
