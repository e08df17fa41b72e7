//! The vault file: encrypted, readable by its owner only, replaced as a whole.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tally_wallet::{KdfParams, MAX_CONTAINER_BYTES, Vault, VaultKey, system_rng};
use zeroize::Zeroizing;

/// Fewest characters of a new password.
const MIN_PASSWORD: usize = 8;

/// Where the vault is kept.
pub struct VaultFile(PathBuf);

impl VaultFile {
    pub fn at(path: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(path) = path {
            return Ok(Self(path));
        }
        let folders = directories::ProjectDirs::from("", "", "tally");
        let folders = folders.context("no home directory was found for the vault; name a file with --vault")?;
        Ok(Self(folders.config_dir().join("wallet.json")))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A new wallet never overwrites one.
    pub fn check_free(&self) -> anyhow::Result<()> {
        if self.0.exists() {
            bail!(
                "{} exists already; name another file with --vault, or move it away",
                self.0.display()
            );
        }
        Ok(())
    }

    pub fn open(&self) -> anyhow::Result<(Vault, VaultKey)> {
        let bytes = self.read()?;
        let password = secret("TALLY_WALLET_PASSWORD", "Password: ")?;
        Ok(Vault::open(&bytes, &password)?)
    }

    /// The sealed bytes.
    pub fn read(&self) -> anyhow::Result<Vec<u8>> {
        let missing = || format!("no vault in {}; make one with `tally wallet new`", self.0.display());
        let length = std::fs::metadata(&self.0).with_context(missing)?.len();
        if length > MAX_CONTAINER_BYTES as u64 {
            bail!(
                "{} has {length} bytes, a vault has at most {MAX_CONTAINER_BYTES}",
                self.0.display()
            );
        }
        std::fs::read(&self.0).with_context(missing)
    }

    /// Encrypts a new vault under a password.
    pub fn create(&self, vault: &Vault, password: &str) -> anyhow::Result<()> {
        let key = VaultKey::derive(password, KdfParams::default(), &mut system_rng())?;
        self.replace(vault, &key)
    }

    pub fn replace(&self, vault: &Vault, key: &VaultKey) -> anyhow::Result<()> {
        self.write(&vault.seal(key, &mut system_rng())?)
    }

    /// Writes the sealed vault beside the old one first, so that no moment leaves neither.
    pub fn write(&self, sealed: &[u8]) -> anyhow::Result<()> {
        let folder = self
            .0
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder).context("cannot write the vault")?;
        file.write_all(sealed)?;
        file.as_file().sync_all()?;
        file.persist(&self.0)
            .with_context(|| format!("cannot write {}", self.0.display()))?;
        Ok(())
    }
}

/// A secret from the environment, or typed without echo.
pub fn secret(variable: &str, prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    match std::env::var(variable) {
        Ok(secret) => Ok(Zeroizing::new(secret)),
        Err(_) => {
            let typed = rpassword::prompt_password(prompt);
            typed
                .map(Zeroizing::new)
                .with_context(|| format!("nobody can be asked; set {variable}"))
        }
    }
}

/// A passphrase of BIP-39, where one is wanted; typed twice, since a slip gives other accounts.
pub fn passphrase(wanted: bool) -> anyhow::Result<Zeroizing<String>> {
    if !wanted {
        return Ok(Zeroizing::default());
    }
    let passphrase = secret("TALLY_WALLET_PASSPHRASE", "Passphrase of the phrase: ")?;
    again("TALLY_WALLET_PASSPHRASE", "The same passphrase again: ", &passphrase)?;
    Ok(passphrase)
}

/// A new password, typed twice unless it comes from the environment.
pub fn new_password() -> anyhow::Result<Zeroizing<String>> {
    chosen_password("TALLY_WALLET_PASSWORD")
}

/// A new password from this variable, or typed twice.
pub fn chosen_password(variable: &str) -> anyhow::Result<Zeroizing<String>> {
    let password = secret(variable, "New password: ")?;
    let length = password.chars().count();
    if length < MIN_PASSWORD {
        bail!("the password has {length} characters, at least {MIN_PASSWORD} are needed");
    }
    again(variable, "The same password again: ", &password)?;
    Ok(password)
}

/// Asks for a secret once more, unless it came from the environment.
fn again(variable: &str, prompt: &str, first: &str) -> anyhow::Result<()> {
    if std::env::var_os(variable).is_some() {
        return Ok(());
    }
    let again = Zeroizing::new(rpassword::prompt_password(prompt)?);
    if *again != *first {
        bail!("the two differ");
    }
    Ok(())
}
