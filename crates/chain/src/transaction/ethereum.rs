//! Ethereum's envelopes: legacy with EIP-155, EIP-2930, EIP-1559. Rules: docs/protocol.md#T1, #T5, #T10

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Encodable;

use super::{MAX_ACCESS_ADDRESSES, MAX_ACCESS_SLOTS, MAX_TRANSACTION_BYTES, TransactionError, View};
use crate::address;
use crate::codec::{CodecError, ListReader, wrap_list};
use crate::hash::TxId;
use crate::keys::{SignatureVerifier, check_secp256k1_form};
use crate::units::Amount;

/// Which envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EthereumKind {
    /// Without a type byte, with EIP-155
    Legacy,
    /// EIP-2930
    AccessList,
    /// EIP-1559
    DynamicFee,
}

impl EthereumKind {
    /// EIP-2718 type byte; 0 for legacy.
    pub fn type_byte(self) -> u8 {
        match self {
            Self::Legacy => 0,
            Self::AccessList => 1,
            Self::DynamicFee => 2,
        }
    }
}

/// A transaction as wallets of the EVM world sign it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EthereumTransaction {
    /// Which of the three envelopes.
    pub kind: EthereumKind,
    /// The number that the signature is bound to. Rule: docs/protocol.md#T5
    pub chain_id: u64,
    /// The sender's account nonce when it executes. Rule: docs/protocol.md#T6
    pub nonce: u64,
    /// Base units per gas; equal to `max_fee` for the two older kinds.
    pub max_priority_fee: u128,
    /// Base units per gas, base fee included.
    pub max_fee: u128,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// `None` creates a contract.
    pub to: Option<Address>,
    /// What `to` receives, in base units.
    pub value: Amount,
    /// Call data, or the init code of a contract.
    pub data: Bytes,
    /// Addresses and slots that are warm from the start (EIP-2930); empty for legacy. Rule: docs/protocol.md#L6
    pub access_list: Vec<(Address, Vec<B256>)>,
    /// Whether the y coordinate of the signature's point is odd. Rule: docs/protocol.md#T10
    pub y_odd: bool,
    /// `r || s`
    pub signature: [u8; 64],
}

impl EthereumTransaction {
    pub(super) fn decode(envelope: &[u8]) -> Result<Self, TransactionError> {
        match envelope.first() {
            None => Err(TransactionError::Empty),
            Some(0xc0..) => Self::decode_legacy(envelope),
            Some(1) => Self::decode_typed(EthereumKind::AccessList, &envelope[1..]),
            Some(2) => Self::decode_typed(EthereumKind::DynamicFee, &envelope[1..]),
            Some(&found) => Err(TransactionError::UnknownType { found }),
        }
    }

    fn decode_legacy(list: &[u8]) -> Result<Self, TransactionError> {
        let mut items = ListReader::open("transaction", list)?;
        let nonce = items.u64("nonce")?;
        let gas_price = items.u128("gas_price")?;
        let gas_limit = items.u64("gas_limit")?;
        let to = items.optional_address("to")?;
        let value = Amount(items.u256("value")?);
        let data = Bytes::copy_from_slice(items.bytes("data", MAX_TRANSACTION_BYTES)?);
        let v = items.u64("v")?;
        let signature = read_signature(&mut items)?;
        items.end()?;
        // 27 and 28 are signatures without a chain id: they could be replayed on every chain (T5).
        let eip155 = v.checked_sub(35).ok_or(TransactionError::NotReplayProtected { v })?;
        Ok(Self {
            kind: EthereumKind::Legacy,
            chain_id: eip155 / 2,
            nonce,
            max_priority_fee: gas_price,
            max_fee: gas_price,
            gas_limit,
            to,
            value,
            data,
            access_list: Vec::new(),
            y_odd: eip155 % 2 == 1,
            signature,
        })
    }

    fn decode_typed(kind: EthereumKind, list: &[u8]) -> Result<Self, TransactionError> {
        let mut items = ListReader::open("transaction", list)?;
        let chain_id = items.u64("chain_id")?;
        let nonce = items.u64("nonce")?;
        let (max_priority_fee, max_fee) = if kind == EthereumKind::DynamicFee {
            (items.u128("max_priority_fee")?, items.u128("max_fee")?)
        } else {
            let price = items.u128("gas_price")?;
            (price, price)
        };
        let gas_limit = items.u64("gas_limit")?;
        let to = items.optional_address("to")?;
        let value = Amount(items.u256("value")?);
        let data = Bytes::copy_from_slice(items.bytes("data", MAX_TRANSACTION_BYTES)?);
        let access_list = read_access_list(items.list("access_list")?)?;
        let y_odd = match items.u64("y_parity")? {
            0 => false,
            1 => true,
            found => return Err(TransactionError::BadParity { found }),
        };
        let signature = read_signature(&mut items)?;
        items.end()?;
        Ok(Self {
            kind,
            chain_id,
            nonce,
            max_priority_fee,
            max_fee,
            gas_limit,
            to,
            value,
            data,
            access_list,
            y_odd,
            signature,
        })
    }

    fn encode_unsigned_fields(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + self.data.len());
        if self.kind != EthereumKind::Legacy {
            self.chain_id.encode(&mut out);
        }
        self.nonce.encode(&mut out);
        if self.kind == EthereumKind::DynamicFee {
            self.max_priority_fee.encode(&mut out);
        }
        self.max_fee.encode(&mut out);
        self.gas_limit.encode(&mut out);
        self.to.as_ref().map_or(&[][..], |a| a.as_slice()).encode(&mut out);
        self.value.0.encode(&mut out);
        self.data.encode(&mut out);
        match self.kind {
            EthereumKind::Legacy => {}
            _ => out.extend(encode_access_list(&self.access_list)),
        }
        out
    }

    fn wrap(&self, fields: &[u8]) -> Vec<u8> {
        let list = wrap_list(fields);
        match self.kind {
            EthereumKind::Legacy => list,
            kind => [&[kind.type_byte()][..], &list].concat(),
        }
    }

    /// The digest that the sender signed: keccak256, as Ethereum defines it for each kind.
    pub fn signing_hash(&self) -> B256 {
        let mut fields = self.encode_unsigned_fields();
        if self.kind == EthereumKind::Legacy {
            // EIP-155: the chain id and two zeros stand where v, r and s will.
            self.chain_id.encode(&mut fields);
            0u8.encode(&mut fields);
            0u8.encode(&mut fields);
        }
        keccak256(self.wrap(&fields))
    }

    /// The signed envelope.
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = self.encode_unsigned_fields();
        match self.kind {
            // chain_id * 2 + 35 + parity: the decoder has made sure that it fits.
            EthereumKind::Legacy => {
                self.chain_id
                    .saturating_mul(2)
                    .saturating_add(35 + u64::from(self.y_odd))
                    .encode(&mut fields);
            }
            _ => u64::from(self.y_odd).encode(&mut fields),
        }
        U256::from_be_slice(&self.signature[..32]).encode(&mut fields);
        U256::from_be_slice(&self.signature[32..]).encode(&mut fields);
        self.wrap(&fields)
    }

    pub(super) fn authenticate(
        &self,
        envelope: &[u8],
        verifier: &dyn SignatureVerifier,
    ) -> Result<(Address, TxId), TransactionError> {
        check_secp256k1_form(&self.signature)?;
        let point = verifier
            .recover_secp256k1(&self.signing_hash().0, &self.signature, self.y_odd)
            .ok_or(TransactionError::BadSignature)?;
        Ok((address::of_secp256k1(&point), TxId(keccak256(envelope))))
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            kind: self.kind.type_byte(),
            chain_id: self.chain_id,
            nonce: self.nonce,
            timestamp: None,
            max_priority_fee: self.max_priority_fee,
            max_fee: self.max_fee,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            data: &self.data,
            access_list: &self.access_list,
        }
    }
}

fn read_signature(items: &mut ListReader<'_>) -> Result<[u8; 64], CodecError> {
    let mut out = [0; 64];
    out[..32].copy_from_slice(&items.u256("r")?.to_be_bytes::<32>());
    out[32..].copy_from_slice(&items.u256("s")?.to_be_bytes::<32>());
    Ok(out)
}

fn read_access_list(mut items: ListReader<'_>) -> Result<Vec<(Address, Vec<B256>)>, CodecError> {
    let (mut list, mut slots) = (Vec::new(), 0);
    while !items.is_empty() {
        let mut entry = items.list("access_list.entry")?;
        let address = entry.address("access_list.address")?;
        let mut keys = entry.list("access_list.slots")?;
        let mut words = Vec::new();
        while !keys.is_empty() {
            words.push(keys.b256("access_list.slot")?);
            slots += 1;
            if slots > MAX_ACCESS_SLOTS {
                return Err(CodecError::TooMany {
                    field: "access_list.slots",
                    count: slots,
                    max: MAX_ACCESS_SLOTS,
                });
            }
        }
        entry.end()?;
        list.push((address, words));
        if list.len() > MAX_ACCESS_ADDRESSES {
            let (count, max) = (list.len(), MAX_ACCESS_ADDRESSES);
            return Err(CodecError::TooMany {
                field: "access_list",
                count,
                max,
            });
        }
    }
    Ok(list)
}

fn encode_access_list(list: &[(Address, Vec<B256>)]) -> Vec<u8> {
    let mut entries = Vec::new();
    for (address, slots) in list {
        let mut entry = Vec::new();
        address.encode(&mut entry);
        slots.encode(&mut entry);
        entries.extend(wrap_list(&entry));
    }
    wrap_list(&entries)
}
