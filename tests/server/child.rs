//! The binary under test as a process.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{ErrorKind, PipeReader, PipeWriter, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use rustix::fs::OFlags;
pub use tally_testkit::process::{Child, FAST_CHAIN, node_args, signal};

use crate::binary;

/// Runs `tally` with these arguments and the folder as its data directory.
pub fn start(args: &[&str], folder: &Path) -> Child {
    Child::by(binary::tally(), args, folder)
}

/// A pipe that is full and that nothing reads: what writes to it waits until this is dropped.
pub struct FullPipe {
    _reader: PipeReader,
    writer: PipeWriter,
}

impl FullPipe {
    pub fn new() -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let full = Self {
            _reader: reader,
            writer,
        };
        // By a handle of its own, which does not wait; processes get one that does.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut filler = OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(full.path())
            .unwrap();
        let end = loop {
            if let Err(error) = filler.write(b"x") {
                break error;
            }
        };
        assert_eq!(end.kind(), ErrorKind::WouldBlock);
        full
    }

    /// Where a process of this user can open it.
    fn path(&self) -> OsString {
        format!("/proc/{}/fd/{}", std::process::id(), self.writer.as_raw_fd()).into()
    }

    /// A shell that becomes `tally` with these redirections, in which `$FULL` is this pipe.
    pub fn shell(&self, redirections: &str) -> Command {
        let mut shell = Command::new("sh");
        let script = format!("exec \"$0\" \"$@\" {redirections}");
        shell.arg("-c").arg(script).arg(binary::path()).env("FULL", self.path());
        shell
    }
}

/// `tally node` on a free port.
pub fn node(args: &[&str], folder: &Path) -> Child {
    start(&[&["node", "--listen", "127.0.0.1:0"], args].concat(), folder)
}

/// `tally audit` of a data directory; what it prints if it finds a fault.
pub fn audit(chain: &str, folder: &Path) -> Result<(), String> {
    let mut audit = binary::tally();
    let done = audit
        .args(["audit", "--chain", chain, "--data-dir"])
        .arg(folder)
        .output()
        .unwrap();
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stdout).into_owned()),
    }
}
