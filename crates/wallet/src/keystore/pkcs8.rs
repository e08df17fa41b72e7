//! PKCS#8: private keys with the name of their algorithm, plain or under PBES2. Rule: docs/protocol.md#W21

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::der::{self, CONTEXT_0, CONTEXT_1_BITS, INTEGER, NULL, OCTET_STRING, OID, Reader, SEQUENCE};
use super::kdf::{Kdf, Prf, length};
use super::secp256k1::{self, CURVE};
use super::{KeystoreError, names, rsa};
use crate::keys::SigningKey;

/// 1.2.840.113549.1.1.1, rsaEncryption
pub(super) const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// 1.2.840.10045.2.1, id-ecPublicKey
pub(super) const EC: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// 1.2.840.113549.1.5.13
const PBES2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
/// 1.2.840.113549.1.5.12
const PBKDF2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
/// 1.3.6.1.4.1.11591.4.11
const SCRYPT: [u8; 9] = [0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 11];
/// 1.2.840.113549.2.7, .9 and .11
const HMACS: [([u8; 8], Prf); 3] = [
    ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 7], Prf::Sha1),
    ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9], Prf::Sha256),
    ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 11], Prf::Sha512),
];
/// 2.16.840.1.101.3.4.1.2, .22 and .42
const CIPHERS: [([u8; 9], Cipher); 3] = [
    ([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2], Cipher::Aes128),
    ([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 22], Cipher::Aes192),
    ([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42], Cipher::Aes256),
];

/// Rounds of new files. Rule: docs/protocol.md#W21
pub(super) const NEW_ROUNDS: u32 = 600_000;
const NEW_SALT_BYTES: usize = 16;
const BLOCK: usize = 16;
/// Longest plain key: RSA-4096 takes 2,400 bytes.
const MAX_CIPHERTEXT_BYTES: usize = 16_384;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
}

impl Cipher {
    fn key_bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }
}

fn damaged(field: &'static str) -> KeystoreError {
    KeystoreError::Damaged { field }
}

/// A private key from a file, and whether an accident in it would have been found.
pub(super) struct Found {
    pub key: SigningKey,
    pub checked: bool,
}

/// Reads `PrivateKeyInfo` (version 0) and `OneAsymmetricKey` (version 1, RFC 5958), which may name the public key as well.
pub(super) fn read(pkcs8: &[u8]) -> Result<Found, KeystoreError> {
    const FIELD: &str = "the private key (PKCS#8)";
    let mut reader = Reader::inside(SEQUENCE, pkcs8).ok_or(damaged(FIELD))?;
    let version = version(&mut reader, FIELD)?;
    if version > 1 {
        return Err(KeystoreError::UnknownVersion {
            found: version,
            supported: 1,
        });
    }
    let mut algorithm = reader.sequence().ok_or(damaged("the key's algorithm"))?;
    let name = algorithm.take(OID).ok_or(damaged("the key's algorithm"))?;
    let key = reader.take(OCTET_STRING).ok_or(damaged(FIELD))?;
    // Attributes may follow; the key does not depend on them.
    if reader.next_is(CONTEXT_0) {
        reader.take(CONTEXT_0).ok_or(damaged(FIELD))?;
    }
    let mut stated = None;
    if version == 1 && reader.next_is(CONTEXT_1_BITS) {
        let bits = reader.take(CONTEXT_1_BITS).and_then(|bits| bits.strip_prefix(&[0]));
        stated = Some(bits.ok_or(damaged(FIELD))?);
    }
    if !reader.is_empty() {
        return Err(damaged(FIELD));
    }
    if name == RSA {
        check_no_parameters(algorithm)?;
        let key = rsa::read_private(key)?;
        if stated.is_some_and(|stated| stated != key.public().pkcs1()) {
            return Err(KeystoreError::OtherPublicKey);
        }
        let key = SigningKey::Rsa(key);
        return Ok(Found { key, checked: true });
    }
    if name == EC {
        secp256k1::check_parameters(algorithm)?;
        let found = secp256k1::read_private(key, false, stated)?;
        return Ok(Found {
            key: SigningKey::Secp256k1(found.key),
            checked: found.checked,
        });
    }
    Err(unknown_key(name))
}

/// A version number; what is larger than any is a piece of something else, and is not repeated.
pub(super) fn version(reader: &mut Reader<'_>, field: &'static str) -> Result<u64, KeystoreError> {
    reader.small().filter(|version| *version < 100).ok_or(damaged(field))
}

pub(super) fn unknown_key(oid: &[u8]) -> KeystoreError {
    KeystoreError::UnknownAlgorithm {
        field: "the key's algorithm",
        found: names::of_oid(oid),
        known: "RSA (rsaEncryption) and EC (secp256k1)",
    }
}

/// No parameters: NULL, or nothing at all, as GnuTLS and older libraries write it.
pub(super) fn check_no_parameters(mut algorithm: Reader<'_>) -> Result<(), KeystoreError> {
    if algorithm.is_empty() {
        return Ok(());
    }
    match algorithm.take(NULL) {
        Some([]) if algorithm.is_empty() => Ok(()),
        _ => Err(damaged("the algorithm's parameters")),
    }
}

/// Writes `PrivateKeyInfo`.
pub(super) fn write(key: &SigningKey) -> Zeroizing<Vec<u8>> {
    let (algorithm, inner) = match key {
        SigningKey::Rsa(key) => (rsa_algorithm(), rsa::write_private(key)),
        SigningKey::Secp256k1(key) => (ec_algorithm(), secp256k1::write_private(key)),
    };
    let inner = der::item(OCTET_STRING, &[&inner]);
    der::item(SEQUENCE, &[&[INTEGER, 1, 0], &algorithm, &inner])
}

pub(super) fn rsa_algorithm() -> Zeroizing<Vec<u8>> {
    der::item(SEQUENCE, &[&der::item(OID, &[&RSA]), &[NULL, 0]])
}

pub(super) fn ec_algorithm() -> Zeroizing<Vec<u8>> {
    der::item(SEQUENCE, &[&der::item(OID, &[&EC]), &der::item(OID, &[&CURVE])])
}

/// `EncryptedPrivateKeyInfo` whose form and bounds hold; nothing is decrypted yet.
pub(super) struct Encrypted<'a> {
    kdf: Kdf,
    salt: &'a [u8],
    cipher: Cipher,
    iv: [u8; BLOCK],
    ciphertext: &'a [u8],
}

impl<'a> Encrypted<'a> {
    pub fn read(der: &'a [u8]) -> Result<Self, KeystoreError> {
        const FIELD: &str = "the encryption's parameters (PBES2)";
        let mut outer = Reader::inside(SEQUENCE, der).ok_or(damaged("the encrypted key (PKCS#8)"))?;
        let mut algorithm = outer.sequence().ok_or(damaged(FIELD))?;
        let ciphertext = outer.take(OCTET_STRING).ok_or(damaged("the ciphertext"))?;
        let name = algorithm.take(OID).ok_or(damaged(FIELD))?;
        if name != PBES2 {
            return Err(KeystoreError::UnknownAlgorithm {
                field: "the encryption",
                found: names::of_oid(name),
                known: "PBES2",
            });
        }
        let mut parameters = algorithm.sequence().ok_or(damaged(FIELD))?;
        let mut kdf = parameters.sequence().ok_or(damaged(FIELD))?;
        let mut scheme = parameters.sequence().ok_or(damaged(FIELD))?;
        let ends = [outer.is_empty(), algorithm.is_empty(), parameters.is_empty()];
        if ends != [true; 3] {
            return Err(damaged(FIELD));
        }
        let name = scheme.take(OID).ok_or(damaged("the cipher"))?;
        let (_, cipher) =
            CIPHERS
                .into_iter()
                .find(|(oid, _)| oid == name)
                .ok_or_else(|| KeystoreError::UnknownAlgorithm {
                    field: "the cipher",
                    found: names::of_oid(name),
                    known: "AES-128-CBC, AES-192-CBC, AES-256-CBC",
                })?;
        let iv = scheme.take(OCTET_STRING).and_then(|iv| iv.try_into().ok());
        let iv = iv.filter(|_| scheme.is_empty()).ok_or(damaged("the cipher's IV"))?;
        let name = kdf.take(OID).ok_or(damaged(FIELD))?;
        let inner = kdf.sequence().filter(|_| kdf.is_empty()).ok_or(damaged(FIELD))?;
        let (kdf, salt) = read_kdf(name, inner, cipher)?;
        length("the salt", salt.len(), 8, 64)?;
        length("the ciphertext", ciphertext.len(), BLOCK, MAX_CIPHERTEXT_BYTES)?;
        if ciphertext.len() % BLOCK != 0 {
            return Err(damaged("the ciphertext"));
        }
        Ok(Self {
            kdf,
            salt,
            cipher,
            iv,
            ciphertext,
        })
    }

    /// The format has no checksum: that the password is right is seen from the beginning of what it gives, which is
    /// the same for all keys. Where that is right and the rest is not, the file is damaged.
    pub fn open(&self, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..self.cipher.key_bytes()];
        self.kdf.derive(password, self.salt, key)?;
        let mut plain = Zeroizing::new(self.ciphertext.to_vec());
        let done = match self.cipher {
            Cipher::Aes128 => decrypt::<cbc::Decryptor<Aes128>>(key, &self.iv, &mut plain),
            Cipher::Aes192 => decrypt::<cbc::Decryptor<Aes192>>(key, &self.iv, &mut plain),
            Cipher::Aes256 => decrypt::<cbc::Decryptor<Aes256>>(key, &self.iv, &mut plain),
        };
        done.ok_or(damaged("the ciphertext"))?;
        // The padding by the length of the structure, not by its last byte: a wrong password gives a plausible last byte in one
        // of 256 cases.
        let len = total_len(&plain).ok_or(KeystoreError::WrongPassword)?;
        let padding = self.ciphertext.len().wrapping_sub(len);
        if !(1..=BLOCK).contains(&padding) {
            return Err(KeystoreError::WrongPassword);
        }
        if plain[len..].iter().any(|byte| usize::from(*byte) != padding) {
            return Err(damaged("the end of the ciphertext"));
        }
        plain.truncate(len);
        Ok(plain)
    }
}

fn read_kdf<'a>(name: &[u8], mut parameters: Reader<'a>, cipher: Cipher) -> Result<(Kdf, &'a [u8]), KeystoreError> {
    const FIELD: &str = "the key derivation's parameters";
    let salt = parameters.take(OCTET_STRING).ok_or(damaged("the salt"))?;
    let mut number = || parameters.small().ok_or(damaged(FIELD));
    let kdf = if name == PBKDF2 {
        let rounds = number()?;
        check_key_length(&mut parameters, cipher)?;
        let prf = if parameters.is_empty() {
            // The default of the standard.
            Prf::Sha1
        } else {
            let mut algorithm = parameters.sequence().ok_or(damaged(FIELD))?;
            let name = algorithm.take(OID).ok_or(damaged(FIELD))?;
            check_no_parameters(algorithm)?;
            let known = HMACS.into_iter().find(|(oid, _)| oid == name);
            let unknown = || KeystoreError::UnknownAlgorithm {
                field: "PBKDF2's hash",
                found: names::of_oid(name),
                known: "HMAC with SHA-1, SHA-256 or SHA-512",
            };
            known.ok_or_else(unknown)?.1
        };
        Kdf::pbkdf2(prf, rounds)?
    } else if name == SCRYPT {
        let (n, r, p) = (number()?, number()?, number()?);
        check_key_length(&mut parameters, cipher)?;
        Kdf::scrypt(n, r, p)?
    } else {
        return Err(KeystoreError::UnknownAlgorithm {
            field: "the key derivation",
            found: names::of_oid(name),
            known: "PBKDF2 and scrypt",
        });
    };
    if !parameters.is_empty() {
        return Err(damaged(FIELD));
    }
    Ok((kdf, salt))
}

/// Where the length of the key is given, it is the cipher's.
fn check_key_length(parameters: &mut Reader<'_>, cipher: Cipher) -> Result<(), KeystoreError> {
    if !parameters.next_is(INTEGER) {
        return Ok(());
    }
    match parameters.small() {
        Some(len) if len == cipher.key_bytes() as u64 => Ok(()),
        _ => Err(damaged("the length of the derived key")),
    }
}

fn decrypt<C: BlockModeDecrypt + KeyIvInit>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Option<()> {
    let cipher = C::new_from_slices(key, iv).ok()?;
    cipher.decrypt_padded::<NoPadding>(data).ok().map(drop)
}

/// How long the PKCS#8 structure is that these bytes begin with.
fn total_len(plain: &[u8]) -> Option<usize> {
    let (header, len) = match plain {
        [SEQUENCE, len @ 0..=0x7f, ..] => (2, usize::from(*len)),
        [SEQUENCE, 0x81, len, ..] => (3, usize::from(*len)),
        [SEQUENCE, 0x82, high, low, ..] => (4, usize::from(*high) << 8 | usize::from(*low)),
        _ => return None,
    };
    let begins_well = matches!(plain.get(header..header + 4)?, [INTEGER, 1, 0 | 1, SEQUENCE]);
    begins_well.then_some(header + len).filter(|len| *len <= plain.len())
}

/// Encrypts under PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC. Rule: docs/protocol.md#W21
pub(super) fn encrypt<R: CryptoRng + ?Sized>(plain: &[u8], password: &[u8], rounds: u32, rng: &mut R) -> Vec<u8> {
    let (mut salt, mut iv) = ([0; NEW_SALT_BYTES], [0; BLOCK]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut iv);
    let kdf = Kdf::Pbkdf2 {
        prf: Prf::Sha256,
        rounds,
    };
    let mut key = Zeroizing::new([0; 32]);
    kdf.derive(password, &salt, key.as_mut_slice())
        .expect("PBKDF2 needs no memory");
    let mut data = Zeroizing::new(vec![0; plain.len() + BLOCK]);
    data[..plain.len()].copy_from_slice(plain);
    let ciphertext = cbc::Encryptor::<Aes256>::new((&*key).into(), &iv.into())
        .encrypt_padded::<Pkcs7>(&mut data, plain.len())
        .expect("there is room for one more block");
    let hmac = der::item(SEQUENCE, &[&der::item(OID, &[&HMACS[1].0]), &[NULL, 0]]);
    let salt = der::item(OCTET_STRING, &[&salt]);
    let kdf = der::item(SEQUENCE, &[&salt, &der::unsigned(&rounds.to_be_bytes()), &hmac]);
    let kdf = der::item(SEQUENCE, &[&der::item(OID, &[&PBKDF2]), &kdf]);
    let scheme = der::item(
        SEQUENCE,
        &[&der::item(OID, &[&CIPHERS[2].0]), &der::item(OCTET_STRING, &[&iv])],
    );
    let parameters = der::item(SEQUENCE, &[&kdf, &scheme]);
    let algorithm = der::item(SEQUENCE, &[&der::item(OID, &[&PBES2]), &parameters]);
    der::item(SEQUENCE, &[&algorithm, &der::item(OCTET_STRING, &[ciphertext])]).to_vec()
}
