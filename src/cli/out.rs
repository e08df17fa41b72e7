//! All that commands print. `println!` and its kin are not used below `src/cli`: they panic where nothing can be written, and a
//! command that has moved coins must show that by its exit code instead (`cargo xtask check` looks for them).
//!
//! A result goes to standard output with [`outln!`] and may fail; whatever is for the person at the terminal goes to
//! standard error with [`errln!`] and never fails: there is nowhere left to report it. Commands that end by a signal print with a
//! [`Printer`], since a full pipe would hold up that end.

mod printer;

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use tally_chain::visible;
use zeroize::Zeroizing;

pub use printer::Printer;

/// Devices that take everything and keep nothing. Where a process begins without a standard output, Rust opens the first in its
/// place, so that a closed output looks the same.
const NULL_DEVICES: [&str; 2] = ["/dev/null", "/dev/zero"];

/// Why a result could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum Unprinted {
    /// The reader of a pipe is gone, as with `| head`: no fault of this command.
    #[error("standard output was closed by its reader")]
    Closed,
    #[error("cannot write to standard output: {0}")]
    Failed(io::Error),
    /// What is written there is never seen. Only for secrets that are shown once; all else may be thrown away.
    #[error("standard output is closed, or leads to a device that keeps nothing ({})", NULL_DEVICES.join(", "))]
    NullDevice,
}

impl From<io::Error> for Unprinted {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

/// What was done, where printing that failed: the exit code shows it instead.
#[derive(Debug, thiserror::Error)]
#[error("{done}, but it could not be printed")]
pub struct DoneUnprinted {
    /// What was done, such as `sent, id 0x…`.
    pub done: String,
    pub source: Unprinted,
}

/// For a result that is printed after something was done that printing it does not undo.
pub trait After {
    /// Names in the error what was done.
    fn after(self, done: impl FnOnce() -> String) -> Result<(), DoneUnprinted>;
}

impl After for Result<(), Unprinted> {
    fn after(self, done: impl FnOnce() -> String) -> Result<(), DoneUnprinted> {
        self.map_err(|source| DoneUnprinted { done: done(), source })
    }
}

/// Writes to standard output at once, so that a full disk or a closed pipe is seen here and not at the end.
pub fn write(text: fmt::Arguments<'_>) -> Result<(), Unprinted> {
    Ok(put(io::stdout().lock(), &text.to_string())?)
}

/// The same with a line feed.
pub fn write_line(text: fmt::Arguments<'_>) -> Result<(), Unprinted> {
    Ok(put(io::stdout().lock(), &format!("{text}\n"))?)
}

/// Whether a secret that is shown once would be seen by anyone, as far as that can be known before.
///
/// # Errors
/// [`Unprinted::NullDevice`].
pub fn check_seen() -> Result<(), Unprinted> {
    keeping(standard_output()?).map(drop)
}

/// Writes a secret that is shown this once, with a line feed.
///
/// # Errors
/// [`Unprinted::NullDevice`] before anything is written; the error of the system, also where standard output is open for reading
/// only: Rust's own takes that for success.
pub fn write_once(text: fmt::Arguments<'_>) -> Result<(), Unprinted> {
    let line = Zeroizing::new(format!("{text}\n"));
    Ok(put(keeping(standard_output()?)?, &line)?)
}

/// A handle of standard output that is not buffered.
fn standard_output() -> io::Result<File> {
    io::stdout().flush()?;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

fn keeping(out: File) -> Result<File, Unprinted> {
    let found = out.metadata()?;
    let leads_to = |device: &str| std::fs::metadata(device).is_ok_and(|known| known.rdev() == found.rdev());
    match found.file_type().is_char_device() && NULL_DEVICES.into_iter().any(leads_to) {
        true => Err(Unprinted::NullDevice),
        false => Ok(out),
    }
}

/// The text with `\u{…}` in place of what cannot be seen or moves the cursor of a terminal: a node, or a file, must not write
/// over what this program has shown. Line ends and tabs stay. Rule: docs/protocol.md#W8
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(['\n', '\t']) {
        let line = part.trim_end_matches(['\n', '\t']);
        shown.push_str(&visible::escaped(line));
        shown.push_str(&part[line.len()..]);
    }
    shown
}

/// Writes to standard error, as far as that is possible.
pub fn note(text: fmt::Arguments<'_>) {
    let _ = put(io::stderr().lock(), &text.to_string());
}

/// The same with a line feed. Much of it repeats the text of a node or a file: it is written [`plain`].
pub fn note_line(text: fmt::Arguments<'_>) {
    let _ = put(io::stderr().lock(), &format!("{}\n", plain(&text.to_string())));
}

fn put(mut out: impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints to standard output: `Result<(), Unprinted>`.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::out::write(::std::format_args!($($text)*)) };
}

/// Prints a line to standard output: `Result<(), Unprinted>`.
macro_rules! outln {
    ($($text:tt)*) => { $crate::cli::out::write_line(::std::format_args!($($text)*)) };
}

/// Prints a secret that is shown this once, and a line feed, to standard output: `Result<(), Unprinted>`.
macro_rules! once {
    ($($text:tt)*) => { $crate::cli::out::write_once(::std::format_args!($($text)*)) };
}

/// Prints to standard error.
macro_rules! err {
    ($($text:tt)*) => { $crate::cli::out::note(::std::format_args!($($text)*)) };
}

/// Prints a line to standard error.
macro_rules! errln {
    () => { $crate::cli::out::note_line(::std::format_args!("")) };
    ($($text:tt)*) => { $crate::cli::out::note_line(::std::format_args!($($text)*)) };
}

pub(crate) use {err, errln, once, out, outln};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_moves_the_cursor_of_a_terminal() {
        for (text, expected) in [
            ("T: d\u{1b}[2J\u{9b}H", "T: d\\u{1b}[2J\\u{9b}H"),
            ("over\rwritten", "over\\u{d}written"),
            ("turned \u{202e}txet", "turned \\u{202e}txet"),
            ("line 1\n\tline 2 – äöü\n", "line 1\n\tline 2 – äöü\n"),
            ("", ""),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn a_secret_goes_nowhere_but_where_it_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |path: &std::path::Path| File::options().write(true).create(true).truncate(false).open(path);
        for device in NULL_DEVICES {
            let found = keeping(open(device.as_ref()).expect("opens")).map(drop);
            let shown = found.expect_err("nobody reads it").to_string();
            assert_eq!(
                shown,
                "standard output is closed, or leads to a device that keeps nothing (/dev/null, /dev/zero)"
            );
        }
        // A full disk is found when it is written to; a file and a pipe keep what they get.
        let (_reader, writer) = io::pipe().expect("a pipe");
        let files = [
            open("/dev/full".as_ref()).expect("opens"),
            open(&folder.path().join("file")).expect("made"),
            File::from(std::os::fd::OwnedFd::from(writer)),
        ];
        for file in files {
            assert!(keeping(file).is_ok());
        }
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_distinguished_from_a_full_disk() {
        let closed = Unprinted::from(io::Error::from(ErrorKind::BrokenPipe));
        assert!(matches!(closed, Unprinted::Closed));
        let full = Unprinted::from(io::Error::from(ErrorKind::StorageFull));
        assert_eq!(full.to_string(), "cannot write to standard output: no storage space");
        assert!(matches!(full, Unprinted::Failed(_)));
    }
}
