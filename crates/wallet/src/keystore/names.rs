//! Names that people know for what is not read: a bare OID helps no one. Rule: docs/protocol.md#W20

use super::der;

/// Longest OID that is repeated, in bytes: a longer one may be a piece of something else.
const MAX_OID: usize = 10;
/// Beginnings of the OIDs that standards bodies gave to algorithms.
const BEGINNINGS: [&[u8]; 8] = [
    &[0x2a, 0x86, 0x48],
    &[0x2a, 0x81, 0x1c],
    &[0x2a, 0x83, 0x08],
    &[0x2b, 0x81, 0x04],
    &[0x2b, 0x24, 0x03],
    &[0x2b, 0x06, 0x01, 0x04, 0x01],
    &[0x2b, 0x65],
    &[0x60, 0x86, 0x48, 0x01],
];

/// Algorithms by their OID.
const NAMES: [(&str, &str); 46] = [
    ("1.2.840.113549.3.7", "DES-EDE3-CBC"),
    ("1.3.14.3.2.7", "DES-CBC"),
    ("1.2.840.113549.3.2", "RC2-CBC"),
    ("1.2.840.113549.3.4", "RC4"),
    ("1.2.840.113549.1.5.3", "PBE with MD5 and DES-CBC"),
    ("1.2.840.113549.1.5.6", "PBE with MD5 and RC2-CBC"),
    ("1.2.840.113549.1.5.10", "PBE with SHA-1 and DES-CBC"),
    ("1.2.840.113549.1.5.11", "PBE with SHA-1 and RC2-CBC"),
    ("1.2.840.113549.1.12.1.1", "PBE with SHA-1 and RC4-128"),
    ("1.2.840.113549.1.12.1.2", "PBE with SHA-1 and RC4-40"),
    ("1.2.840.113549.1.12.1.3", "PBE with SHA-1 and DES-EDE3-CBC"),
    ("1.2.840.113549.1.12.1.4", "PBE with SHA-1 and DES-EDE2-CBC"),
    ("1.2.840.113549.1.12.1.5", "PBE with SHA-1 and RC2-128-CBC"),
    ("1.2.840.113549.1.12.1.6", "PBE with SHA-1 and RC2-40-CBC"),
    ("2.16.840.1.101.3.4.1.1", "AES-128-ECB"),
    ("2.16.840.1.101.3.4.1.6", "AES-128-GCM"),
    ("2.16.840.1.101.3.4.1.26", "AES-192-GCM"),
    ("2.16.840.1.101.3.4.1.41", "AES-256-ECB"),
    ("2.16.840.1.101.3.4.1.43", "AES-256-OFB"),
    ("2.16.840.1.101.3.4.1.44", "AES-256-CFB"),
    ("2.16.840.1.101.3.4.1.46", "AES-256-GCM"),
    ("1.2.392.200011.61.1.1.1.4", "Camellia-256-CBC"),
    ("1.2.156.10197.1.104.2", "SM4-CBC"),
    ("1.2.840.113549.2.5", "HMAC with MD5"),
    ("1.2.840.113549.2.8", "HMAC with SHA-224"),
    ("1.2.840.113549.2.10", "HMAC with SHA-384"),
    ("2.16.840.1.101.3.4.2.14", "HMAC with SHA3-256"),
    ("1.2.156.10197.1.401.2", "HMAC with SM3"),
    ("1.2.840.113549.1.1.7", "RSAES-OAEP"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.3.1", "Diffie-Hellman"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.132.0.33", "P-224"),
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.2.156.10197.1.301", "SM2"),
    ("1.3.132.0.8", "secp160r1"),
];

/// What an OID stands for, with the OID; nothing of one that no standard gives.
pub(super) fn of_oid(content: &[u8]) -> String {
    let dotted = der::oid_text(content);
    if let Some((_, name)) = NAMES.iter().find(|(oid, _)| *oid == dotted) {
        return format!("{name} ({dotted})");
    }
    let plausible = content.len() <= MAX_OID && BEGINNINGS.iter().any(|beginning| content.starts_with(beginning));
    if plausible { dotted } else { "unknown".to_owned() }
}

/// A name from a JSON file, where it can be one: what could be a piece of a key is not repeated.
pub(super) fn of_text(found: &str) -> String {
    let piece = |part: &str| part.len() <= 10 && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let name = found.len() <= 32 && found.split(['-', '_', '.', '/', ' ']).all(piece);
    if name { found.to_owned() } else { "unknown".to_owned() }
}
