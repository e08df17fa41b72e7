//! Receipts: what a transaction did. Rule: docs/protocol.md#X5

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{Encodable, RlpEncodable};
use serde::{Deserialize, Serialize};

use crate::codec::{CodecError, ListReader};
use crate::fees::effective_price;
use crate::hash::TxId;
use crate::transaction::View;
use crate::units::Amount;

/// One log entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, RlpEncodable)]
pub struct Log {
    /// The contract that wrote it.
    pub address: Address,
    /// At most 4.
    pub topics: Vec<B256>,
    /// The bytes that are not indexed.
    pub data: Bytes,
}

/// What a transaction did. Rule: docs/protocol.md#X5
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the transaction. Rule: docs/protocol.md#T4
    pub transaction: TxId,
    /// Whether it took effect; the fee is paid in either case.
    pub success: bool,
    /// Gas of this transaction alone.
    pub gas_used: u64,
    /// Address of the contract it created.
    pub contract: Option<Address>,
    /// What contracts logged, in their order.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// Its RLP list. Rule: docs/protocol.md#X5
    pub fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(64);
        self.transaction.0.encode(&mut payload);
        u64::from(self.success).encode(&mut payload);
        self.gas_used.encode(&mut payload);
        self.contract
            .as_ref()
            .map_or(&[][..], |a| a.as_slice())
            .encode(&mut payload);
        self.logs.encode(&mut payload);
        crate::codec::wrap_list(&payload)
    }

    /// Decodes exactly one receipt.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut items = ListReader::open("receipt", bytes)?;
        let transaction = TxId(items.b256("receipt.transaction")?);
        let success = match items.u64("receipt.status")? {
            0 => false,
            1 => true,
            _ => {
                return Err(CodecError::Rlp {
                    field: "receipt.status",
                    source: alloy_rlp::Error::Overflow,
                });
            }
        };
        let gas_used = items.u64("receipt.gas_used")?;
        let contract = items.optional_address("receipt.contract")?;
        let mut list = items.list("receipt.logs")?;
        let mut logs = Vec::new();
        while !list.is_empty() {
            let mut log = list.list("log")?;
            let address = log.address("log.address")?;
            let mut words = log.list("log.topics")?;
            let mut topics = Vec::new();
            while !words.is_empty() {
                topics.push(words.b256("log.topic")?);
                if topics.len() > 4 {
                    return Err(CodecError::TooMany {
                        field: "log.topics",
                        count: topics.len(),
                        max: 4,
                    });
                }
            }
            let data = Bytes::copy_from_slice(log.bytes("log.data", usize::MAX)?);
            log.end()?;
            logs.push(Log { address, topics, data });
        }
        items.end()?;
        Ok(Self {
            transaction,
            success,
            gas_used,
            contract,
            logs,
        })
    }

    /// What the transaction with this `view` gave the producer of its block, in base units; `base_fee` is the block's, in base
    /// units per gas. Rule: docs/protocol.md#X3
    pub fn priority_fee(&self, view: &View<'_>, base_fee: u128) -> Amount {
        let price = effective_price(view.max_fee, view.max_priority_fee, base_fee).unwrap_or(base_fee);
        Amount(U256::from(price - base_fee).saturating_mul(U256::from(self.gas_used)))
    }

    /// The same of all transactions of a block, whose views come in the order of the receipts. Rule: docs/protocol.md#X3
    pub fn priority_fees<'a>(receipts: &[Self], views: impl IntoIterator<Item = View<'a>>, base_fee: u128) -> Amount {
        let paid = views.into_iter().zip(receipts);
        let paid = paid.map(|(view, receipt)| receipt.priority_fee(&view, base_fee).0);
        Amount(paid.fold(U256::ZERO, U256::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_producer_receives_what_was_paid_over_the_base_fee() {
        let receipt = |gas_used| Receipt {
            transaction: TxId(B256::ZERO),
            success: true,
            gas_used,
            contract: None,
            logs: Vec::new(),
        };
        let data = Bytes::new();
        let view = |max_priority_fee, max_fee| View {
            kind: 2,
            chain_id: 1,
            nonce: 0,
            timestamp: None,
            max_priority_fee,
            max_fee,
            gas_limit: 100,
            to: None,
            value: Amount::ZERO,
            data: &data,
            access_list: &[],
        };
        let amount = |units: u64| Amount(U256::from(units));
        for (view, fee) in [(view(3, 10), 30), (view(3, 7), 20), (view(3, 5), 0), (view(3, 4), 0)] {
            assert_eq!(receipt(10).priority_fee(&view, 5), amount(fee), "{view:?}");
        }
        let receipts = [receipt(10), receipt(1), receipt(2)];
        let views = || [view(3, 10), view(3, 7), view(1, 10)];
        assert_eq!(Receipt::priority_fees(&receipts, views(), 5), amount(30 + 2 + 2));
        assert_eq!(Receipt::priority_fees(&[], [], 5), Amount::ZERO);
        // The largest prices and gas fit.
        let all = Receipt::priority_fees(
            &[receipt(u64::MAX), receipt(u64::MAX)],
            [view(u128::MAX, u128::MAX); 2],
            0,
        );
        assert_eq!(
            all,
            Amount(U256::from(u128::MAX) * U256::from(u64::MAX) * U256::from(2))
        );
    }
}
