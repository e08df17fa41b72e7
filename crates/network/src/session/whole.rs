//! Whose doing it is that a block is not imported. Rule: docs/protocol.md#N9

use tally_chain::codec::ListReader;
use tally_chain::header::HEADER_BYTES;
use tally_chain::manifest::Manifest;
use tally_chain::{B256, BlockError, BlockId, Bytes, CodecError, Header, merkle};
use tally_node::ImportError;

use super::offence::Offence;

/// The id of an encoded block, nothing else of it read.
pub(crate) fn block_id(bytes: &[u8]) -> Result<BlockId, CodecError> {
    let header = ListReader::open("block", bytes)?.fixed::<HEADER_BYTES>("header")?;
    Ok(Header::decode(&header).id())
}

/// Whether these bytes are the block that their header names, whatever that block is worth: the manifest is the header's,
/// the transactions are the manifest's. Where they are not, the sender made them up, and the block may be good.
pub(crate) fn belongs(bytes: &[u8]) -> bool {
    parts_of(bytes).is_ok_and(|(header, manifest, leaves)| {
        header.manifest_root == manifest.root() && manifest.transactions_root == merkle::root(&leaves)
    })
}

fn parts_of(bytes: &[u8]) -> Result<(Header, Manifest, Vec<B256>), CodecError> {
    let mut items = ListReader::open("block", bytes)?;
    let header = Header::decode(&items.fixed::<HEADER_BYTES>("header")?);
    let manifest = Manifest::decode(items.raw_item("manifest")?)?;
    let mut list = items.list("transactions")?;
    let mut leaves = Vec::new();
    while !list.is_empty() {
        leaves.push(merkle::leaf_hash(list.bytes("transaction", bytes.len())?));
    }
    items.end()?;
    Ok((header, manifest, leaves))
}

/// Whether these envelopes, in this order, are the transactions that a manifest names.
pub(crate) fn makes_root<'a>(manifest: &Manifest, envelopes: impl Iterator<Item = &'a Bytes>) -> bool {
    let leaves: Vec<_> = envelopes.map(|envelope| merkle::leaf_hash(envelope)).collect();
    manifest.transactions_root == merkle::root(&leaves)
}

/// What it means for the peer that showed a block's header as part of its own chain, if the block itself, parts and all, is
/// not imported; nothing if this node's clock, store, base or depth limit is the reason.
pub(crate) fn blame(id: BlockId, error: &ImportError) -> Option<Offence> {
    match error {
        ImportError::Store(_)
        | ImportError::TooDeep { .. }
        | ImportError::UnknownParent { .. }
        | ImportError::Block(BlockError::FromTheFuture { .. }) => None,
        ImportError::Block(_)
        | ImportError::InvalidParent { .. }
        | ImportError::KnownInvalid { .. }
        | ImportError::Execution { .. } => {
            let reason = error.to_string();
            Some(Offence::InvalidBlock { id, reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::Height;
    use tally_node::StoreError;

    use super::*;

    #[test]
    fn what_this_nodes_own_store_base_or_depth_does_is_no_offence() {
        let id = BlockId(B256::ZERO);
        let (free, needed) = (1, 2);
        let what = "a block".to_owned();
        let own = [
            ImportError::Store(StoreError::NoRoom {
                path: "store".into(),
                free,
                needed,
            }),
            ImportError::Store(StoreError::Broken {
                path: "store".into(),
                detail: "cannot write".to_owned(),
            }),
            ImportError::Store(StoreError::Missing { what: what.clone() }),
            ImportError::Store(StoreError::Altered { what }),
            ImportError::Store(StoreError::Closing),
            ImportError::Store(StoreError::Damaged {
                what: "a block",
                source: CodecError::Rlp {
                    field: "block",
                    source: alloy_rlp::Error::Overflow,
                },
            }),
            ImportError::Store(StoreError::NotKept {
                height: Height(1),
                base: Height(2),
            }),
            ImportError::UnknownParent { parent: id },
            ImportError::TooDeep { depth: 2, max: 1 },
        ];
        for error in own {
            assert_eq!(blame(id, &error), None, "{error}");
        }
        assert!(blame(id, &ImportError::KnownInvalid { id }).is_some());
    }
}
