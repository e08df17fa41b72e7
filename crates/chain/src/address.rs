//! Addresses: 20 bytes, EIP-55. Rules: docs/protocol.md#A1, #A2, #A3, #A8

pub use alloy_primitives::Address;
use alloy_primitives::keccak256;

use crate::hash::sha256;

/// Why a text is not an address. Rule: docs/protocol.md#A1
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum AddressError {
    #[error("address does not start with 0x")]
    NoPrefix,
    #[error("address has {len} characters after 0x, expected 40")]
    WrongLength { len: usize },
    #[error("address has the character {found:?}, which is not a hex digit")]
    NotHex { found: char },
    #[error("address does not satisfy its EIP-55 checksum: one of its characters is wrong")]
    BadChecksum,
}

/// Parses `0x` and 40 hex digits; mixed case must satisfy the checksum. Rule: docs/protocol.md#A1
pub fn parse(text: &str) -> Result<Address, AddressError> {
    let digits = text.strip_prefix("0x").ok_or(AddressError::NoPrefix)?;
    if let Some(found) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(AddressError::NotHex { found });
    }
    let mut bytes = [0; 20];
    alloy_primitives::hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| AddressError::WrongLength { len: digits.len() })?;
    let address = Address::new(bytes);
    let mixed = digits.contains(|c: char| c.is_ascii_lowercase()) && digits.contains(|c: char| c.is_ascii_uppercase());
    if mixed && address.to_checksum(None) != text {
        return Err(AddressError::BadChecksum);
    }
    Ok(address)
}

/// Address of a secp256k1 key from its uncompressed point `x || y`. Rule: docs/protocol.md#A2
pub fn of_secp256k1(point: &[u8; 64]) -> Address {
    Address::from_slice(&keccak256(point)[12..])
}

/// Address of an RSA key from its SubjectPublicKeyInfo DER. Rule: docs/protocol.md#A3
pub fn of_rsa(spki_der: &[u8]) -> Address {
    Address::from_slice(&sha256(&[b"tally/rsa", spki_der])[12..])
}

/// Address of a policy from its encoding. Rule: docs/protocol.md#A8
pub fn of_policy(encoding: &[u8]) -> Address {
    Address::from_slice(&sha256(&[b"tally/multisig", encoding])[12..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_case_must_satisfy_the_checksum() {
        let good = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        assert_eq!(parse(good).unwrap().to_checksum(None), good);
        assert_eq!(parse(&good.to_lowercase()), parse(good));
        assert_eq!(parse(&good.replace("f39F", "f39f")), Err(AddressError::BadChecksum));
        assert_eq!(parse(&good[2..]), Err(AddressError::NoPrefix));
        assert_eq!(parse("0x12"), Err(AddressError::WrongLength { len: 2 }));
        assert_eq!(parse("0x1g"), Err(AddressError::NotHex { found: 'g' }));
    }
}
