//! Receipts: what a transaction did. Rule: docs/protocol.md#X5

use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{Encodable, RlpEncodable};
use serde::{Deserialize, Serialize};

use crate::codec::{CodecError, ListReader};
use crate::hash::TxId;

/// One log entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, RlpEncodable)]
pub struct Log {
    pub address: Address,
    /// At most 4.
    pub topics: Vec<B256>,
    pub data: Bytes,
}

/// What a transaction did. Rule: docs/protocol.md#X5
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub transaction: TxId,
    pub success: bool,
    /// Gas of this transaction alone.
    pub gas_used: u64,
    /// Address of the contract it created.
    pub contract: Option<Address>,
    pub logs: Vec<Log>,
}

impl Receipt {
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
}
