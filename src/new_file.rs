//! New files that commands write: the whole of one or none, and never over another.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a new file.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fill(File::create_new(path)?, path, bytes)
}

/// Writes a new file that only its owner may read, from its first byte on.
pub fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    fill(options.open(path)?, path, bytes)
}

/// Where not all of it fits on the disk nothing is left: a part would stand in the way of the next try, and be taken for the
/// whole on the day it is needed.
fn fill(mut file: File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}
