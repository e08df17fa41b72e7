//! What a node keeps of the network between two runs: its key and the addresses that answered.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use libp2p::Multiaddr;
use libp2p::identity::Keypair;

use super::P2pError;

/// Addresses remembered.
const MAX_REMEMBERED: usize = 256;
/// Bytes of the file that are read at most.
const MAX_FILE: u64 = 64 << 10;

/// The key that names this node to others; made at the first start. It signs nothing but connections.
pub(super) fn load(folder: &Path) -> Result<Keypair, P2pError> {
    let path = folder.join("identity");
    let failed = |source| P2pError::Identity {
        path: path.clone(),
        source,
    };
    let damaged = |reason: String| P2pError::DamagedIdentity {
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

fn write_private(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let fresh = path.with_extension("new");
    let mut file = options.open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(fresh, path)
}

/// Addresses that were called with success, one a line.
#[derive(Debug)]
pub(super) struct Remembered {
    folder: PathBuf,
    addresses: BTreeSet<Multiaddr>,
}

impl Remembered {
    /// Lines that are no address are left out: the file is a help, not a truth.
    pub(super) fn read(folder: &Path) -> Self {
        let path = folder.join("peers");
        let small = std::fs::metadata(&path).is_ok_and(|data| data.len() <= MAX_FILE);
        let text = if small {
            std::fs::read_to_string(&path).unwrap_or_default()
        } else {
            String::new()
        };
        let addresses = text
            .lines()
            .filter_map(|line| line.parse().ok())
            .take(MAX_REMEMBERED)
            .collect();
        Self {
            folder: folder.to_owned(),
            addresses,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Multiaddr> {
        self.addresses.iter()
    }

    pub(super) fn insert(&mut self, address: &Multiaddr) {
        if self.addresses.len() < MAX_REMEMBERED && self.addresses.insert(address.clone()) {
            self.write();
        }
    }

    pub(super) fn remove(&mut self, address: &Multiaddr) {
        if self.addresses.remove(address) {
            self.write();
        }
    }

    fn write(&self) {
        let text: String = self.addresses.iter().map(|address| format!("{address}\n")).collect();
        if let Err(error) = write_private(&self.folder, &self.folder.join("peers"), text.as_bytes()) {
            tracing::warn!(%error, "peers could not be remembered");
        }
    }
}
