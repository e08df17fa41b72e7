//! The forms of key files, by name.

use std::fmt;

/// The forms of key files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON of Ethereum wallets, version 3. Encrypted.
    Web3,
    /// `ENCRYPTED PRIVATE KEY`.
    EncryptedPkcs8,
    /// `PRIVATE KEY`. Not encrypted.
    Pkcs8,
    /// `RSA PRIVATE KEY`. Not encrypted.
    Pkcs1,
    /// `EC PRIVATE KEY`. Not encrypted.
    Sec1,
    /// A secp256k1 scalar. Not encrypted.
    HexPrivate,
    /// `PUBLIC KEY`.
    Spki,
    /// `RSA PUBLIC KEY`.
    Pkcs1Public,
    /// A point of secp256k1.
    HexPublic,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Web3 => "Web3 keystore (version 3)",
            Self::EncryptedPkcs8 => "encrypted PKCS#8 PEM",
            Self::Pkcs8 => "PKCS#8 PEM without encryption",
            Self::Pkcs1 => "PKCS#1 PEM without encryption",
            Self::Sec1 => "SEC1 PEM without encryption",
            Self::HexPrivate => "private key in hex",
            Self::Spki => "public key PEM (SPKI)",
            Self::Pkcs1Public => "public key PEM (PKCS#1)",
            Self::HexPublic => "public key in hex",
        })
    }
}
