//! The key that names this node to others.

use std::io::Write as _;
use std::path::Path;

use libp2p::identity::Keypair;
use tally_chain::hash::sha256;

use super::config::NetworkError;

/// The key that names this node to others; made at the first start. It signs nothing but connections.
pub(super) fn load(folder: &Path) -> Result<Keypair, NetworkError> {
    let path = folder.join("identity");
    let failed = |source| NetworkError::Identity {
        path: path.clone(),
        source,
    };
    let damaged = |reason: String| NetworkError::DamagedIdentity {
        path: path.clone(),
        reason,
    };
    match std::fs::read(&path) {
        Ok(bytes) => Keypair::from_protobuf_encoding(&bytes).map_err(|error| damaged(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let keys = Keypair::generate_ed25519();
            let bytes = keys
                .to_protobuf_encoding()
                .map_err(|error| damaged(error.to_string()))?;
            write_private(folder, &path, &bytes).map_err(failed)?;
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
