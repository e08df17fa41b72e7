//! What a node keeps of its peers between two runs: addresses that answered, anchors, bans. The files are a help, not a
//! truth: what cannot be read is left out. Rules: docs/protocol.md#N10, #N12

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use libp2p::Multiaddr;
use tally_node::regular_file::{self, NotRead};

use super::identity::write_private;
use crate::session::peers::bans::{self, Bans, Moment};

/// Addresses remembered, and bytes of their file that are read at most.
const MAX_REMEMBERED: usize = 256;
const MAX_FILE: u64 = 64 << 10;

/// Addresses that answered, one a line.
pub(super) const PEERS: &str = "peers";
/// The good peers of this node's own dialling, one a line.
pub(super) const ANCHORS: &str = "anchors";
/// JSON.
pub(super) const BANS: &str = "bans";

/// A file of text in the folder, of `max` bytes at most; empty where there is none, or another thing in its place.
fn read(folder: &Path, name: &str, max: u64) -> String {
    let path = folder.join(name);
    match regular_file::read_text(&path, max) {
        Ok(text) => text,
        Err(NotRead::Io(error)) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot be read and is left out");
            String::new()
        }
    }
}

/// Addresses of a file; lines that are none are left out.
pub(super) fn addresses(folder: &Path, name: &str) -> Vec<Multiaddr> {
    let text = read(folder, name, MAX_FILE);
    let addresses = text.lines().filter_map(|line| line.parse().ok());
    addresses.take(MAX_REMEMBERED).collect()
}

/// Writes a file whole, or leaves the old one; readable by its owner alone.
pub(super) fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    if let Err(error) = write_private(folder, &path, text.as_bytes()) {
        tracing::warn!(path = %path.display(), %error, "cannot be written: it will be missing at the next start");
    }
}

pub(super) fn write_addresses<'a>(folder: &Path, name: &str, addresses: impl Iterator<Item = &'a Multiaddr>) {
    let text: String = addresses
        .take(MAX_REMEMBERED)
        .map(|address| format!("{address}\n"))
        .collect();
    write(folder, name, &text);
}

/// Unix seconds by the machine's clock.
fn unix() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The file of bans.
pub(super) struct BansFile {
    folder: PathBuf,
    written: u64,
}

impl BansFile {
    /// The file, and the bans in it that are not over.
    pub(super) fn open(folder: &Path) -> (Self, Bans) {
        let text = read(folder, BANS, bans::MAX_FILE);
        let moment = Moment { now: 0, unix: unix() };
        let bans = if text.is_empty() {
            Bans::default()
        } else {
            Bans::from_text(&text, moment).unwrap_or_else(|error| {
                tracing::warn!(path = %folder.join(BANS).display(), %error, "the bans cannot be read and are left out");
                Bans::default()
            })
        };
        let file = Self {
            folder: folder.to_owned(),
            written: bans.version(),
        };
        (file, bans)
    }

    /// Writes the bans if they have changed. `now` is the session's clock, milliseconds.
    pub(super) fn keep(&mut self, bans: &Bans, now: u64) -> bool {
        if bans.version() == self.written {
            return false;
        }
        self.written = bans.version();
        write(&self.folder, BANS, &bans.to_text(Moment { now, unix: unix() }));
        true
    }
}

#[cfg(test)]
mod tests {
    use tally_testkit::pipe;

    use super::*;

    #[test]
    fn what_is_kept_is_read_from_regular_files_of_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let one: Multiaddr = "/ip4/9.9.9.9/tcp/9333".parse().unwrap();
        write_addresses(folder.path(), PEERS, [&one].into_iter());
        assert_eq!(addresses(folder.path(), PEERS), [one]);
        assert!(addresses(folder.path(), ANCHORS).is_empty(), "there is none");
        let path = folder.path().join(PEERS);
        // Each of these gives no end, or no beginning. Another thing than a file has no length either.
        for file in [pipe(folder.path()), "/dev/zero".into()] {
            for name in [PEERS, BANS] {
                let path = folder.path().join(name);
                let _ = std::fs::remove_file(&path);
                std::os::unix::fs::symlink(&file, &path).unwrap();
            }
            assert!(addresses(folder.path(), PEERS).is_empty());
            let (_, bans) = BansFile::open(folder.path());
            assert_eq!(bans.peers().count(), 0);
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, vec![b'\n'; MAX_FILE as usize + 1]).unwrap();
        assert!(addresses(folder.path(), PEERS).is_empty());
    }
}
