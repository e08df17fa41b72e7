//! The key that names this node to others.

use std::io::Write as _;
use std::path::Path;

use libp2p::identity::Keypair;
use tally_chain::hash::sha256;
use tally_node::regular_file::{self, NotRead};

use super::config::NetworkError;

/// Longest file of a key, in bytes: one of Ed25519 has 68.
const MAX_KEY: u64 = 4 << 10;

/// The key that names this node to others; made at the first start. It signs nothing but connections.
pub(super) fn load(folder: &Path) -> Result<Keypair, NetworkError> {
    let path = folder.join("identity");
    let failed = |source: NotRead| NetworkError::Identity {
        path: path.clone(),
        source,
    };
    let damaged = |reason: String| NetworkError::DamagedIdentity {
        path: path.clone(),
        reason,
    };
    match regular_file::read(&path, MAX_KEY) {
        Ok(bytes) => Keypair::from_protobuf_encoding(&bytes).map_err(|error| damaged(error.to_string())),
        Err(NotRead::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            let keys = Keypair::generate_ed25519();
            let bytes = keys
                .to_protobuf_encoding()
                .map_err(|error| damaged(error.to_string()))?;
            write_private(folder, &path, &bytes).map_err(|error| failed(error.into()))?;
            Ok(keys)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes a file that only its owner can read, whole or not at all.
pub(super) fn write_private(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let fresh = path.with_extension("new");
    let mut file = options.open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(fresh, path)?;
    // The new name itself has to reach the disk, not only the bytes.
    std::fs::File::open(folder)?.sync_all()
}

/// A secret number of this node: no one else can choose addresses or peer ids to suit it.
pub(super) fn secret(keys: &Keypair) -> Result<[u8; 32], NetworkError> {
    let bytes = keys
        .to_protobuf_encoding()
        .map_err(|error| NetworkError::Transport(error.to_string()))?;
    Ok(sha256(&[b"tally/peers", &bytes]).0)
}

#[cfg(test)]
mod tests {
    use tally_testkit::pipe;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_the_same_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let first = load(folder.path()).unwrap().public();
        assert_eq!(load(folder.path()).unwrap().public(), first);
    }

    #[test]
    fn a_key_is_a_regular_file_of_a_key_s_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        let failed = || load(folder.path()).unwrap_err().to_string();
        // A hole: it has that length and takes no room.
        let long = std::fs::File::create(&path).unwrap();
        long.set_len(1 << 36).unwrap();
        let named = format!("network identity {}", path.display());
        assert_eq!(failed(), format!("{named}: it has more than 4096 bytes"));
        // Reading one of these never ends, or does not begin.
        for file in [pipe(folder.path()), "/dev/zero".into()] {
            std::fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(file, &path).unwrap();
            assert_eq!(failed(), format!("{named}: it is no regular file"));
        }
    }
}
