//! The proof of its chain that a receipt of version 2 carries. Rules: docs/protocol.md#P7, #P8

use alloy_primitives::Bytes;
use serde::{Deserialize, Serialize};

use super::{Claim, PortableReceipt, Proven, ReceiptError, Refuted};
use crate::hash::BlockId;
use crate::keys::SignatureVerifier;
use crate::light::{Verified, Verifier};
use crate::spec::ChainSpec;
use crate::units::UnixSecs;

/// Longest proof of a chain in a receipt, in bytes: a sample of any chain, or some 40,000 headers. Rule: docs/protocol.md#L12
pub const MAX_PROOF_BYTES: usize = 1_572_864;

/// What leads from a genesis id to the later block of a receipt. Rule: docs/protocol.md#P7
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainProof {
    /// Spec of the chain. It counts only if it makes the genesis that the reader knows. Rules: docs/protocol.md#C1 to #C3
    pub spec: ChainSpec,
    /// The proof of the later block, at most [`MAX_PROOF_BYTES`] bytes. Rule: docs/protocol.md#F3
    pub proof: Bytes,
}

/// What a receipt of version 2 shows to a reader who knows a genesis id alone.
#[derive(Debug, Clone)]
pub struct ProvenFromGenesis {
    /// The transaction and its place, `trusted` being genesis.
    pub proven: Proven,
    /// The chain up to the later block: how much of it was checked, and the time of its tip.
    pub chain: Verified,
}

impl ChainProof {
    /// Verifies the chain from this genesis up to the tip of the proof. `now`: the reader's clock. Rules: docs/protocol.md#F1 to #F9
    ///
    /// # Errors
    /// The first thing that is wrong with proof or spec. Where a sample shows too little, nothing is shown against the chain
    /// ([`LightFault::needs_all_headers`](crate::light::LightFault::needs_all_headers)): this proof does not show it.
    pub fn verify(&self, genesis: BlockId, now: UnixSecs) -> Result<Verified, ReceiptError> {
        let (len, max) = (self.proof.len(), MAX_PROOF_BYTES);
        if len > max {
            return Err(ReceiptError::ProofTooLong { len, max });
        }
        let spec = self.spec.clone().checked()?;
        let mut verifier = Verifier::new(spec, genesis, now).map_err(ReceiptError::OtherSpec)?;
        verifier.push(&self.proof)?;
        Ok(verifier.finish()?)
    }
}

impl PortableReceipt {
    /// Checks every claim from a genesis id alone: the later block of the receipt is the tip of a chain whose work is verified
    /// from there. `now`: the reader's clock; how old that tip is, and whether a chain with more total work exists, is for the reader to judge.
    /// Rules: docs/protocol.md#P2 to #P5, #P8
    pub fn check_from_genesis(
        &self,
        genesis: BlockId,
        now: UnixSecs,
        verifier: &dyn SignatureVerifier,
    ) -> Result<ProvenFromGenesis, Refuted> {
        // The chain last, though a foreign spec is soon seen: what is reported to hold are the claims before the one that fails.
        let linked = self.link(Some(genesis), verifier)?;
        let refuted = |error| Claim::Chain.refuted(error);
        let proof = self.chain_proof().ok_or_else(|| {
            let version = self.version();
            refuted(ReceiptError::NoProof { version })
        })?;
        let chain = proof.verify(genesis, now).map_err(refuted)?;
        let proven = linked.on_chain(chain.tip)?;
        Ok(ProvenFromGenesis { proven, chain })
    }
}
