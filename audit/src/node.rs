//! What the audit reads of a node: the chain spec, the claim of its tip, blocks.

use tally_api::worker::audit::AuditTip;
use tally_audit::{MAX_BLOCKS, longest_part};
use tally_chain::light::{MAX_CLAIM_BYTES, MAX_HEIGHT, TipClaim};
use tally_chain::{BlockId, ChainSpec, Height, genesis};

use crate::fetch::{NoAnswer, get};

/// Longest chain spec that is read, in bytes: as JSON one of the longest is a few times as long as L8 allows.
const MAX_SPEC: u64 = 4 * 1024 * 1024;
/// Longest block that a tab executes, in bytes: some are held at once, each several times over.
const MAX_BLOCK: u64 = 16 * 1024 * 1024;

/// The spec, if it makes the genesis that is meant. Rule: docs/protocol.md#C2
pub async fn spec(node: &str, expected: BlockId) -> Result<ChainSpec, NoAnswer> {
    let bytes = get(node, "spec", MAX_SPEC).await?;
    let spec = serde_json::from_slice::<ChainSpec>(&bytes)
        .map_err(|error| format!("it cannot be read: {error}"))
        .and_then(|spec| spec.checked().map_err(|error| error.to_string()))
        .map_err(|why| NoAnswer::Final(format!("the node's chain spec: {why}")))?;
    match genesis::identity(&spec).genesis {
        found if found == expected => Ok(spec),
        found => Err(NoAnswer::Final(format!(
            "the node's chain spec has genesis {found}, expected {expected}"
        ))),
    }
}

/// The block to end with: the one that was verified, or the one that the node claims. Execution shows whether it is the chain's.
pub async fn tip(node: &str, verified: Option<AuditTip>) -> Result<(Height, BlockId), NoAnswer> {
    let (height, id) = match verified {
        Some(AuditTip { height, id }) => {
            let id = id.parse();
            (
                Height(height),
                id.map_err(|_| NoAnswer::Final("the tip has no id".to_owned()))?,
            )
        }
        None => {
            let bytes = get(node, "light/tip", MAX_CLAIM_BYTES as u64).await?;
            let claim = TipClaim::decode(&bytes);
            let claim = claim.map_err(|error| NoAnswer::Final(format!("the claim of the node's tip: {error}")))?;
            (claim.height(), claim.id())
        }
    };
    match height.0 <= MAX_HEIGHT {
        true => Ok((height, id)),
        false => Err(NoAnswer::Final(format!("block {height} is higher than any chain"))),
    }
}

/// The blocks after `height`, up to the tip `of`, as far as one answer has them; and how many were requested.
pub async fn blocks(
    node: &str,
    spec: &ChainSpec,
    height: Height,
    (of, tip): (Height, BlockId),
) -> Result<(Vec<u8>, u64), NoAnswer> {
    let (from, count) = (height.next(), of.0.saturating_sub(height.0).min(MAX_BLOCKS));
    let path = format!("light/blocks?from={from}&count={count}&tip={tip}");
    let most = longest_part(spec.limits.block_bytes.min(MAX_BLOCK));
    Ok((get(node, &path, most).await?, count))
}
