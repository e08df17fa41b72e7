//! What a node claims of its tip, before anything is verified. Rule: docs/protocol.md#F11

use alloy_primitives::{B256, U256};

use super::prover::write_manifest;
use crate::codec::CodecError;
use crate::hash::BlockId;
use crate::header::{HEADER_BYTES, Header};
use crate::manifest::{MAX_MANIFEST_BYTES, Manifest};
use crate::units::{Height, Weight};

/// Length of the total work in the answer, in bytes.
const WEIGHT_BYTES: usize = 32;
/// Longest answer about a tip, in bytes. Rule: docs/protocol.md#F11
pub const MAX_CLAIM_BYTES: usize = HEADER_BYTES + WEIGHT_BYTES + 2 + MAX_MANIFEST_BYTES;

/// A tip as a node claims it: only that header and manifest belong together is checked. Rule: docs/protocol.md#F11
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TipClaim {
    /// Header of the tip.
    pub header: Header,
    /// Manifest of the tip.
    pub manifest: Manifest,
    /// Total work of the chain, genesis and tip included.
    pub weight: Weight,
}

/// Why an answer about a tip is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ClaimError {
    #[error("the answer about a tip has {len} bytes, at most {max} are read")]
    TooLong { len: usize, max: usize },
    #[error("the answer about a tip has {len} bytes and ends too early")]
    Truncated { len: usize },
    #[error("the answer about a tip goes on after its end")]
    TrailingBytes,
    #[error(transparent)]
    Manifest(#[from] CodecError),
    #[error("manifest root is {found:#x} in the header of the tip, expected {expected:#x}")]
    WrongManifestRoot { found: B256, expected: B256 },
}

impl TipClaim {
    /// Its bytes. Rule: docs/protocol.md#F11
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.header.encode().to_vec();
        out.extend_from_slice(&self.weight.0.to_be_bytes::<WEIGHT_BYTES>());
        write_manifest(&self.manifest, &mut out);
        out
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// Where the bytes have another form, or the header does not commit to the manifest.
    pub fn decode(bytes: &[u8]) -> Result<Self, ClaimError> {
        let (len, max) = (bytes.len(), MAX_CLAIM_BYTES);
        if len > max {
            return Err(ClaimError::TooLong { len, max });
        }
        let truncated = ClaimError::Truncated { len };
        let parts = || {
            let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
            let (weight, rest) = rest.split_first_chunk::<WEIGHT_BYTES>()?;
            let (manifest_len, rest) = rest.split_first_chunk::<2>()?;
            let (manifest, rest) = rest.split_at_checked(u16::from_be_bytes(*manifest_len).into())?;
            Some((header, weight, manifest, rest))
        };
        let (header, weight, manifest, rest) = parts().ok_or(truncated)?;
        if !rest.is_empty() {
            return Err(ClaimError::TrailingBytes);
        }
        let (header, manifest) = (Header::decode(header), Manifest::decode(manifest)?);
        let (found, expected) = (header.manifest_root, manifest.root());
        if found != expected {
            return Err(ClaimError::WrongManifestRoot { found, expected });
        }
        Ok(Self {
            header,
            manifest,
            weight: Weight(U256::from_be_bytes(*weight)),
        })
    }

    /// Id of the tip.
    pub fn id(&self) -> BlockId {
        self.header.id()
    }

    /// Height of the tip.
    pub fn height(&self) -> Height {
        self.manifest.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis;
    use crate::spec::ChainSpec;

    #[test]
    fn a_claim_has_one_form() {
        let genesis = genesis::block(&ChainSpec::built_in("local").unwrap());
        let claim = TipClaim {
            header: genesis.header,
            manifest: genesis.manifest,
            weight: Weight(U256::from(65_537)),
        };
        let bytes = claim.encode();
        assert_eq!(TipClaim::decode(&bytes), Ok(claim.clone()));
        assert_eq!((claim.id(), claim.height()), (genesis.header.id(), Height::GENESIS));
        for len in 0..bytes.len() {
            assert_eq!(TipClaim::decode(&bytes[..len]), Err(ClaimError::Truncated { len }));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(TipClaim::decode(&longer), Err(ClaimError::TrailingBytes));
        let (len, max) = (MAX_CLAIM_BYTES + 1, MAX_CLAIM_BYTES);
        let error = ClaimError::TooLong { len, max };
        assert_eq!(TipClaim::decode(&vec![0; len]), Err(error));
        let mut other = claim.clone();
        other.header.manifest_root = B256::repeat_byte(7);
        let error = ClaimError::WrongManifestRoot {
            found: other.header.manifest_root,
            expected: claim.header.manifest_root,
        };
        assert_eq!(TipClaim::decode(&other.encode()), Err(error));
    }
}
