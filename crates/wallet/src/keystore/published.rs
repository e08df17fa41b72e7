//! RSA keys that are published: printed in standards, or part of the tests of public libraries. Rule: docs/protocol.md#W23

use alloy_primitives::hex;
use tally_chain::hash::sha256;

/// Bytes of a fingerprint: among so few, another key has one of them less than once in 2^42.
const BYTES: usize = 6;

/// The first bytes of SHA-256 of their moduli, ascending: RFC 7515 and RFC 7517, the tests of Wycheproof, CPython, Node.js,
/// aws-lc, RustCrypto, rustls, rcgen, PyCryptodome and smaller ones, the CFRG's examples, and the published example of
/// Debian's broken generator (CVE-2008-0166). All keys of that generator are some hundred thousand a size: megabytes for every
/// tab, against keys that were to be replaced in 2008; README.md states this.
const FINGERPRINTS: [[u8; BYTES]; 35] = [
    hex!("00d875d9edcf"),
    hex!("01e72bea3508"),
    hex!("0726c342429a"),
    hex!("1604c66582b1"),
    hex!("26d6872d476b"),
    hex!("31c152529eb0"),
    hex!("432267d148c5"),
    hex!("46b801d91ab0"),
    hex!("5020ab737590"),
    hex!("5188758736d1"),
    hex!("5ebec92c6fb0"),
    hex!("66441bf06c26"),
    hex!("7019991b4d70"),
    hex!("75ec01abbc56"),
    hex!("7aaea065a3cb"),
    hex!("7dad088dd741"),
    hex!("83bc4cea6428"),
    hex!("8445af999f73"),
    hex!("9737ff9c0d63"),
    hex!("9f9b34693eae"),
    hex!("9ff8fb6fbc79"),
    hex!("a68782f7f4dc"),
    hex!("a8696928b5b6"),
    hex!("a9bec6de794a"),
    hex!("b144558b880f"),
    hex!("b2ccb80df3aa"),
    hex!("baadabb1d8f8"),
    hex!("bcf6da78229f"),
    hex!("bd83a1319f89"),
    hex!("c9d85347bc1d"),
    hex!("cfd9828d5c4b"),
    hex!("d0add40619f9"),
    hex!("e5d72e2dea94"),
    hex!("ebaf369082e4"),
    hex!("ebeba98ef666"),
];

/// Whether the key of this modulus (big-endian, without leading zeros) is one of them.
pub(super) fn is_published(modulus: &[u8]) -> bool {
    let digest = sha256(&[modulus]);
    FINGERPRINTS.iter().any(|known| digest.starts_with(known))
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding as _};

    use super::*;

    #[test]
    fn the_key_of_rfc_7517_is_among_them() {
        let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc\
                       _BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ\
                       R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bF\
                       TWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let modulus = Base64UrlUnpadded::decode_vec(modulus).unwrap();
        assert_eq!(modulus.len(), 256);
        assert!(is_published(&modulus));
        let mut other = modulus;
        other[100] ^= 1;
        assert!(!is_published(&other));
        assert!(FINGERPRINTS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
