//! What a node answers to light clients: proofs of its chain, made once for each tip, and headers.
//! Rules: docs/protocol.md#F1 to #F11

mod serve;

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use parking_lot::Mutex;
use tally_chain::light::{self, ALL_HEADERS_UP_TO, ChainReader, Proof, ProveError};
use tally_chain::{BlockId, Bytes, ChainSpec, Header, Height, Manifest, history};

use crate::store::{BlockRecord, Snapshot, StoreError};

/// Blocks below the tip of which proofs are still made: a reader that knows a tip can request its proof while newer ones come.
pub const PROVED_BELOW_TIP: u64 = 16;
/// Proofs that are kept: one of each block of which any is made. A proof has half a megabyte where it has a million blocks.
const KEPT: usize = 17;
/// Most headers that one read gives: 41 bytes each at most.
pub const HEADERS_AT_ONCE: u64 = 4_096;
/// Most blocks that one read gives. Rule: docs/protocol.md#F12
pub const BLOCKS_AT_ONCE: u64 = tally_audit::MAX_BLOCKS;

/// The proof of a tip, as bytes that never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightProof {
    /// The block that it proves.
    pub tip: BlockId,
    /// The whole proof, or all that stands before its headers where these are too many to hold.
    pub bytes: Bytes,
    /// Heights of the headers that follow [`Self::bytes`], where they are not in them.
    pub headers: Option<RangeInclusive<u64>>,
}

/// Why a light client gets no proof or headers.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum LightReadError {
    #[error("block {id} is not in the chain of this node")]
    NotInChain { id: BlockId },
    #[error("block {id} has height {height}; proofs are made of blocks from height {oldest} on")]
    TooOld {
        id: BlockId,
        height: Height,
        oldest: Height,
    },
    #[error("headers from block {from} on are requested, expected 1 to {last}")]
    OutOfRange { from: u64, last: u64 },
    #[error("block {height} is no ancestor of a block at height {tip}")]
    NoAncestor { height: Height, tip: Height },
    #[error("the proof of the chain has {len} bytes or more, a receipt has at most {max}")]
    TooLongForReceipt { len: usize, max: usize },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Proofs of the newest tips.
#[derive(Debug, Default)]
pub(crate) struct LightProofs {
    kept: Mutex<VecDeque<Arc<LightProof>>>,
    /// Held while a proof is made; those that are kept are read meanwhile.
    making: Mutex<()>,
}

impl LightProofs {
    fn kept(&self, id: BlockId) -> Option<Arc<LightProof>> {
        self.kept.lock().iter().find(|proof| proof.tip == id).cloned()
    }

    /// The proof of a block. One is made at a time, once: other requests for a new one wait, so that many readers of a new tip
    /// cost one proof. One that could not be made is tried again for the next request.
    fn get<E>(&self, id: BlockId, make: impl FnOnce() -> Result<LightProof, E>) -> Result<Arc<LightProof>, E> {
        if let Some(proof) = self.kept(id) {
            return Ok(proof);
        }
        let _making = self.making.lock();
        // It may have been made while this request waited.
        if let Some(proof) = self.kept(id) {
            return Ok(proof);
        }
        let made = Arc::new(make()?);
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(made.clone());
        Ok(made)
    }
}

/// The active chain of a snapshot, as the prover reads it.
struct StoredChain<'a> {
    snapshot: &'a Snapshot,
    /// What the store could not read: not the same as something that is missing.
    failed: Cell<Option<StoreError>>,
}

impl<'a> StoredChain<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let failed = Cell::new(None);
        Self { snapshot, failed }
    }

    fn keep<T>(&self, read: Result<Option<T>, StoreError>) -> Option<T> {
        read.unwrap_or_else(|error| {
            self.failed.set(Some(error));
            None
        })
    }

    fn record(&self, height: Height) -> Option<BlockRecord> {
        let id = self.keep(self.snapshot.id_at(height))?;
        self.keep(self.snapshot.record(&id))
    }

    /// What the prover made, or the reason why it could not.
    fn outcome<T>(&self, made: Result<T, ProveError>) -> Result<T, StoreError> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => made.map_err(unproved),
        }
    }
}

impl ChainReader for StoredChain<'_> {
    fn header(&self, height: Height) -> Option<Header> {
        self.record(height).map(|record| record.header)
    }

    fn manifest(&self, height: Height) -> Option<Manifest> {
        self.record(height).map(|record| record.manifest)
    }

    fn node(&self, position: u64) -> Option<history::Node> {
        self.keep(self.snapshot.history_node(position))
    }
}

/// A few headers in a row: as many are read at once, which is faster than one after the other.
struct Piece {
    /// Height of the first one.
    first: u64,
    headers: Vec<Header>,
}

impl ChainReader for Piece {
    fn header(&self, height: Height) -> Option<Header> {
        let at = usize::try_from(height.0.checked_sub(self.first)?).ok()?;
        self.headers.get(at).copied()
    }

    fn manifest(&self, _: Height) -> Option<Manifest> {
        None
    }

    fn node(&self, _: u64) -> Option<history::Node> {
        None
    }
}

fn unproved(error: ProveError) -> StoreError {
    match error {
        ProveError::MissingBlock { what, height } => StoreError::Missing {
            what: format!("the {what} of block {height}"),
        },
        ProveError::MissingNode { position } => StoreError::Missing {
            what: format!("the node at position {position} of the history"),
        },
        ProveError::Altered { blocks } => StoreError::Altered {
            what: format!("the history of {blocks} blocks"),
        },
    }
}

/// Proves the chain of a snapshot up to the block of this id and height.
fn prove(spec: &ChainSpec, snapshot: &Snapshot, id: BlockId, height: Height) -> Result<LightProof, StoreError> {
    let chain = StoredChain::new(snapshot);
    let Proof { mut head, headers, .. } = chain.outcome(light::prove(spec, &chain, height))?;
    let held = headers.end().saturating_sub(*headers.start()) < ALL_HEADERS_UP_TO;
    let headers = match held {
        true => {
            write_headers(spec, snapshot, headers, &mut head)?;
            None
        }
        false => Some(headers),
    };
    Ok(LightProof {
        tip: id,
        bytes: head.into(),
        headers,
    })
}

/// Writes the compact headers of these heights of the active chain, which begin at 1 or above. Rule: docs/protocol.md#F2
fn write_headers(
    spec: &ChainSpec,
    snapshot: &Snapshot,
    heights: RangeInclusive<u64>,
    out: &mut Vec<u8>,
) -> Result<(), StoreError> {
    let (mut from, last) = heights.into_inner();
    while from <= last {
        let to = last.min(from + (HEADERS_AT_ONCE - 1));
        // The time of a compact header counts from its parent's.
        let first = from - 1;
        let records = snapshot.records_between(Height(first), Height(to));
        let headers = records
            .map(|record| Ok(record?.header))
            .collect::<Result<_, StoreError>>()?;
        light::encode_headers(spec, &Piece { first, headers }, from..=to, out).map_err(unproved)?;
        from = to + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use tally_chain::B256;

    fn proof(byte: u8) -> LightProof {
        LightProof {
            tip: BlockId(B256::repeat_byte(byte)),
            bytes: vec![byte].into(),
            headers: None,
        }
    }

    #[test]
    fn kept_proofs_are_given_while_another_is_made() {
        let proofs = LightProofs::default();
        let id = |byte| BlockId(B256::repeat_byte(byte));
        proofs.get(id(1), || Ok::<_, ()>(proof(1))).unwrap();
        let made = proofs.get(id(2), || {
            assert_eq!(proofs.kept(id(2)), None);
            let kept = proofs.get(id(1), || Err(())).unwrap();
            assert_eq!(*kept, proof(1));
            Ok::<_, ()>(proof(2))
        });
        assert_eq!(made.as_deref(), Ok(&proof(2)));
    }

    #[test]
    fn requests_for_one_proof_wait_for_it() {
        let proofs = LightProofs::default();
        let made = AtomicUsize::new(0);
        let get = || {
            proofs.get(BlockId::ZERO, || {
                made.fetch_add(1, Ordering::Relaxed);
                Ok::<_, ()>(proof(0))
            })
        };
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..8).map(|_| scope.spawn(get)).collect();
            for reader in readers {
                assert_eq!(reader.join().unwrap().as_deref(), Ok(&proof(0)));
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn a_proof_is_made_once_and_the_oldest_are_forgotten() {
        let proofs = LightProofs::default();
        let id = |byte| BlockId(B256::repeat_byte(byte));
        let make = |byte| proofs.get(id(byte), || Ok::<_, ()>(proof(byte)));
        let known = |byte| proofs.get(id(byte), || Err(()));
        assert_eq!(known(0), Err(()));
        for byte in 0..=KEPT as u8 {
            assert_eq!(make(byte).as_deref(), Ok(&proof(byte)));
            assert_eq!(known(byte).as_deref(), Ok(&proof(byte)), "it was made");
        }
        assert_eq!(known(0), Err(()), "it was forgotten");
        assert!((1..=KEPT as u8).all(|byte| known(byte).is_ok()));
        assert_eq!(proofs.kept.lock().len(), KEPT);
        assert_eq!(KEPT as u64, PROVED_BELOW_TIP + 1);
    }
}
