//! The vault file: encrypted, readable by its owner only, replaced as a whole, changed by one command at a time.
//! Rule: docs/protocol.md#W55

mod lock;
mod store;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tally_wallet::{KdfParams, MAX_CONTAINER_BYTES, Vault, VaultKey, system_rng};

use super::secrets::secret;
use crate::private_file;
use crate::regular_file::{self, NotRead};
pub use lock::Lock;
pub use store::{create, follow, replace};

/// How long a command waits for another one that changes the vault. The longest change searches an RSA-4096 key.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the vault is kept.
pub struct VaultFile(PathBuf);

/// A vault that is open to be changed. Other commands wait until this is dropped.
pub struct Change {
    /// Where the vault's own bytes are: behind a symbolic link, if it is one.
    target: PathBuf,
    /// What was read: it is written over only if it still stands there.
    read: Vec<u8>,
    key: VaultKey,
    _lock: Lock,
}

/// The file is not what it was when it was read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} was changed by another program meanwhile; nothing was written. Run the command again", path.display())]
pub struct Overtaken {
    path: PathBuf,
}

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

    /// A file beside the vault, behind the same link.
    pub fn beside(&self, ending: &str) -> anyhow::Result<PathBuf> {
        let mut name = follow(&self.0)?.into_os_string();
        name.push(ending);
        Ok(name.into())
    }

    /// A new wallet never overwrites one.
    pub fn check_free(&self) -> anyhow::Result<()> {
        let target = follow(&self.0)?;
        if target.exists() {
            bail!(
                "{} exists already; name another file with --vault, or move it away",
                self.0.display()
            );
        }
        let cannot = || format!("cannot make {}", self.0.display());
        private_file::check_folder(private_file::folder(&target)).with_context(cannot)
    }

    /// Opens the vault to read it.
    pub fn open(&self) -> anyhow::Result<(Vault, VaultKey)> {
        let bytes = self.read()?;
        let password = secret("TALLY_WALLET_PASSWORD", "Password: ")?;
        Ok(Vault::open(&bytes, &password)?)
    }

    /// Opens the vault to change it, and keeps other commands from changing it meanwhile.
    pub fn change(&self) -> anyhow::Result<(Vault, Change)> {
        // No command waits for a user who looks for a password, or for a vault that is not there.
        self.read()?;
        let password = secret("TALLY_WALLET_PASSWORD", "Password: ")?;
        self.change_with(&password)
    }

    fn change_with(&self, password: &str) -> anyhow::Result<(Vault, Change)> {
        let lock = self.lock()?;
        let read = self.read()?;
        let (vault, key) = Vault::open(&read, password)?;
        let target = follow(&self.0)?;
        let change = Change {
            target,
            read,
            key,
            _lock: lock,
        };
        Ok((vault, change))
    }

    /// Keeps other commands from changing the vault until this is dropped.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        Lock::take(&self.beside(".lock")?, "the vault", PATIENCE)
    }

    /// The sealed bytes.
    pub fn read(&self) -> anyhow::Result<Vec<u8>> {
        let target = follow(&self.0)?;
        regular_file::read(&target, MAX_CONTAINER_BYTES as u64).map_err(|error| {
            let path = self.0.display();
            let words = match &error {
                NotRead::Io(error) if error.kind() == ErrorKind::NotFound => {
                    format!("no vault in {path}; make one with `tally wallet new`")
                }
                // It may well be there.
                _ => format!("cannot read {path}"),
            };
            anyhow::Error::from(error).context(words)
        })
    }

    /// Encrypts a new vault under a password; a file that is there by now is left alone.
    pub fn create(&self, vault: &Vault, password: &str) -> anyhow::Result<()> {
        let key = VaultKey::derive(password, KdfParams::default(), &mut system_rng())?;
        self.create_sealed(&vault.seal(&key, &mut system_rng())?)
    }

    /// The same of a vault that is sealed already.
    pub fn create_sealed(&self, sealed: &[u8]) -> anyhow::Result<()> {
        create(&follow(&self.0)?, sealed)
    }

    /// Writes over a vault that [`Self::read`] gave, under [`Self::lock`].
    pub fn replace(&self, read: &[u8], sealed: &[u8]) -> anyhow::Result<()> {
        swap(&follow(&self.0)?, read, sealed)
    }
}

impl Change {
    /// Writes the changed vault in the place of the one that was read.
    pub fn keep(self, vault: &Vault) -> anyhow::Result<()> {
        swap(&self.target, &self.read, &vault.seal(&self.key, &mut system_rng())?)
    }
}

/// The lock keeps out commands of ours; what else writes there (a copy from a backup, an older program) is seen by the bytes.
fn swap(target: &Path, read: &[u8], sealed: &[u8]) -> anyhow::Result<()> {
    let now = regular_file::read(target, MAX_CONTAINER_BYTES as u64);
    let now = now.with_context(|| format!("cannot read {}", target.display()))?;
    if now != read {
        let path = target.to_owned();
        return Err(Overtaken { path }.into());
    }
    replace(target, sealed)
}

#[cfg(test)]
mod tests {
    use tally_chain::{BlockId, UnixSecs};
    use tally_wallet::{ChainBinding, Phrase};

    use super::*;

    const PASSWORD: &str = "correct horse";

    fn vault() -> Vault {
        let phrase = "test test test test test test test test test test test junk";
        let binding = ChainBinding {
            genesis: BlockId::ZERO,
            chain_id: 1,
            name: "test".to_owned(),
        };
        let phrase = Phrase::parse(phrase).expect("a known phrase");
        Vault::new(phrase, "", binding, UnixSecs(0))
    }

    #[test]
    fn what_another_program_wrote_meanwhile_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = VaultFile(folder.path().join("wallet.json"));
        file.create(&vault(), PASSWORD).expect("made");
        let (mut changed, change) = file.change_with(PASSWORD).expect("opens");
        changed.add_secp256k1("new").expect("added");
        // A copy from a backup: the same vault, sealed again.
        let key = VaultKey::derive(PASSWORD, KdfParams::default(), &mut system_rng()).expect("derives");
        let other = vault().seal(&key, &mut system_rng()).expect("seals");
        std::fs::write(file.path(), &other).expect("written");
        let overtaken = change.keep(&changed).expect_err("the file changed");
        let path = file.path().to_owned();
        assert_eq!(overtaken.downcast_ref(), Some(&Overtaken { path }));
        assert_eq!(file.read().expect("reads"), other);
    }

    #[test]
    fn only_a_vault_that_is_not_there_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| VaultFile(folder.path().join(name));
        std::fs::write(folder.path().join("letter"), "mine").expect("written");
        let missing = at("wallet.json").read().expect_err("nothing is there");
        let path = folder.path().display();
        assert_eq!(
            missing.to_string(),
            format!("no vault in {path}/wallet.json; make one with `tally wallet new`")
        );
        // Below a file, and a folder in its place: nothing shows that there is none.
        for name in ["letter/wallet.json", "."] {
            let error = at(name).read().expect_err("it cannot be read");
            assert_eq!(
                error.to_string(),
                format!("cannot read {}", at(name).path().display()),
                "{error:#}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_vault_is_a_regular_file_of_a_vault_s_size() {
        for device in ["/dev/null", "/dev/zero"] {
            let error = VaultFile(device.into()).read().expect_err("no file");
            assert_eq!(
                format!("{error:#}"),
                format!("cannot read {device}: it is no regular file")
            );
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = VaultFile(folder.path().join("wallet.json"));
        std::fs::write(file.path(), vec![b' '; MAX_CONTAINER_BYTES + 1]).expect("written");
        let error = file.read().expect_err("too long");
        let path = file.path().display();
        assert_eq!(
            format!("{error:#}"),
            format!("cannot read {path}: it has more than {MAX_CONTAINER_BYTES} bytes")
        );
    }

    #[test]
    fn a_vault_is_made_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = VaultFile(folder.path().join("wallet.json"));
        file.create_sealed(b"first").expect("made");
        let error = file.create_sealed(b"second").expect_err("it is there");
        assert!(error.to_string().contains("exists already"), "{error:#}");
        assert_eq!(file.read().expect("reads"), b"first");
    }
}
