//! The key of a container, from a password: Argon2id within bounds. Rules: docs/protocol.md#W10, #W11

use argon2::{Algorithm, Argon2, Params, Version};
use bip39::Mnemonic;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{CHECK_BYTES, ContainerError};

const NEW_SALT_BYTES: usize = 32;

/// What Argon2id costs. Rule: docs/protocol.md#W11
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfParams {
    /// Memory in KiB.
    pub m_kib: u32,
    /// Passes over the memory.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl Default for KdfParams {
    /// 64 MiB, three passes, one lane.
    fn default() -> Self {
        Self {
            m_kib: 65_536,
            t: 3,
            p: 1,
        }
    }
}

/// What is accepted on reading, so that a file can demand neither all memory nor a weak derivation.
pub(super) struct Bounds {
    pub m_kib: (u32, u32),
    pub t: (u32, u32),
    pub p: (u32, u32),
}

pub(super) const BOUNDS: Bounds = Bounds {
    m_kib: (8 * 1_024, 256 * 1_024),
    t: (1, 10),
    p: (1, 4),
};
pub(super) const SALT_BOUNDS: (usize, usize) = (16, 64);

impl Bounds {
    pub(super) fn check(&self, params: &KdfParams) -> Result<(), ContainerError> {
        let within = |field, value: u32, (min, max): (u32, u32)| in_bounds(field, value.into(), min.into(), max.into());
        within("kdf.m_kib", params.m_kib, self.m_kib)?;
        within("kdf.t", params.t, self.t)?;
        within("kdf.p", params.p, self.p)
    }
}

pub(super) fn in_bounds(field: &'static str, found: u64, min: u64, max: u64) -> Result<(), ContainerError> {
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(ContainerError::OutOfBounds { field, found, min, max })
    }
}

/// The key that a password gives for one container; it seals again without the password. Wiped when dropped.
pub struct VaultKey {
    pub(super) params: KdfParams,
    pub(super) salt: Vec<u8>,
    root: Zeroizing<[u8; 32]>,
}

impl VaultKey {
    /// Derives a key with a fresh salt. Takes a noticeable fraction of a second, by design.
    pub fn derive<R: CryptoRng + ?Sized>(
        password: &str,
        params: KdfParams,
        rng: &mut R,
    ) -> Result<Self, ContainerError> {
        let mut salt = vec![0; NEW_SALT_BYTES];
        rng.fill_bytes(&mut salt);
        Self::with_salt(password, params, salt, &BOUNDS)
    }

    pub(super) fn with_salt(
        password: &str,
        params: KdfParams,
        salt: Vec<u8>,
        bounds: &Bounds,
    ) -> Result<Self, ContainerError> {
        if password.is_empty() {
            return Err(ContainerError::EmptyPassword);
        }
        bounds.check(&params)?;
        in_bounds(
            "kdf.salt",
            salt.len() as u64,
            SALT_BOUNDS.0 as u64,
            SALT_BOUNDS.1 as u64,
        )?;
        let no_memory = ContainerError::OutOfMemory { m_kib: params.m_kib };
        let costs = Params::new(params.m_kib, params.t, params.p, Some(32)).map_err(|_| no_memory.clone())?;
        let mut root = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, costs)
            .hash_password_into(normalised(password).as_bytes(), &salt, root.as_mut_slice())
            .map_err(|_| no_memory)?;
        Ok(Self { params, salt, root })
    }

    /// The costs this key was derived with.
    pub fn params(&self) -> KdfParams {
        self.params
    }

    fn expand<const N: usize>(&self, info: &[u8]) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        Hkdf::<Sha256>::from_prk(self.root.as_slice())
            .expect("32 bytes are a whole PRK of SHA-256")
            .expand(info, out.as_mut_slice())
            .expect("HKDF gives up to 8,160 bytes");
        out
    }

    /// Distinguishes a wrong password from a damaged vault.
    pub(super) fn check(&self) -> [u8; CHECK_BYTES] {
        *self.expand(b"tally/vault-check")
    }

    pub(super) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.expand::<32>(b"tally/vault-key")).into())
    }
}

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKey(hidden)")
    }
}

/// The same password typed on another keyboard or system gives the same bytes.
fn normalised(password: &str) -> Zeroizing<String> {
    let mut text = std::borrow::Cow::Borrowed(password);
    Mnemonic::normalize_utf8_cow(&mut text);
    Zeroizing::new(text.into_owned())
}
