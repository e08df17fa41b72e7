//! The terminal while a secret is typed: no echo, and nothing of it left behind for the program that comes after.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

/// Longest line of a terminal in its line mode, in bytes (Linux: 4,095 and the line feed).
const MAX_LINE: usize = 4_096;
/// Lines that are pasted at once arrive with less time between them.
const PASTE: Duration = Duration::from_millis(120);
/// How long what still arrives is thrown away, at most.
const DRAIN: Duration = Duration::from_secs(2);

/// The terminal of this process without echo, until it is dropped.
///
/// A secret that is pasted as several lines must not reach the shell, which would show it, run it and keep it in its history:
/// whatever was not read is thrown away when this is dropped, also on the way of an error. Ctrl-C, Ctrl-Z and Ctrl-\ are such a
/// way too: as signals they would end or stop the process here, and leave a terminal without echo to the shell.
pub struct Terminal {
    tty: File,
    before: Termios,
}

impl Terminal {
    /// Switches the echo off and throws away what was typed before.
    pub fn quiet() -> io::Result<Self> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&tty)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        // Without the signal Ctrl-C is a character like others: it ends the line, so that it is read at once.
        silent.special_codes[SpecialCodeIndex::VEOL] = before.special_codes[SpecialCodeIndex::VINTR];
        tcsetattr(&tty, OptionalActions::Flush, &silent)?;
        Ok(Self { tty, before })
    }

    /// One line, without its end; what is pasted after it is thrown away when this is dropped.
    pub fn read_line(&mut self, prompt: &str) -> io::Result<Zeroizing<String>> {
        self.write(prompt)?;
        let line = self.line();
        self.write("\n")?;
        line
    }

    /// A line, and all lines that were pasted with it.
    pub fn read_all(&mut self, prompt: &str) -> io::Result<Zeroizing<String>> {
        self.write(prompt)?;
        let mut text = self.line()?;
        while text.len() < MAX_LINE && self.arrives(PASTE)? {
            let line = self.line()?;
            let mut longer = Zeroizing::new(String::with_capacity(text.len() + 1 + line.len()));
            longer.extend([&text, " ", &line]);
            text = longer;
        }
        self.write("\n")?;
        Ok(text)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.tty.write_all(text.as_bytes())?;
        self.tty.flush()
    }

    /// In a terminal's line mode a read gives one line.
    fn line(&mut self) -> io::Result<Zeroizing<String>> {
        let mut bytes = Zeroizing::new([0_u8; MAX_LINE]);
        let length = self.tty.read(bytes.as_mut())?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if bytes[..length].iter().any(|byte| self.interrupts(*byte)) {
            return Err(io::Error::other("interrupted"));
        }
        let text = std::str::from_utf8(&bytes[..length]).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
    }

    /// Whether this character sends a signal where there is echo.
    fn interrupts(&self, byte: u8) -> bool {
        let codes = &self.before.special_codes;
        let signals = [
            SpecialCodeIndex::VINTR,
            SpecialCodeIndex::VQUIT,
            SpecialCodeIndex::VSUSP,
        ];
        // A code of 0 stands for none.
        byte != 0 && signals.into_iter().any(|signal| codes[signal] == byte)
    }

    /// Whether another line comes within this time.
    fn arrives(&self, within: Duration) -> io::Result<bool> {
        let mut watched = [PollFd::new(&self.tty, PollFlags::IN)];
        let within = Timespec {
            tv_sec: 0,
            tv_nsec: within.subsec_nanos().into(),
        };
        match poll(&mut watched, Some(&within)) {
            Ok(ready) => Ok(ready > 0 && watched[0].revents().contains(PollFlags::IN)),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < DRAIN {
            let _ = tcflush(&self.tty, QueueSelector::IFlush);
            if !self.arrives(PASTE).unwrap_or(false) {
                break;
            }
        }
        // Throws away what came since, before the echo is on again.
        let _ = tcsetattr(&self.tty, OptionalActions::Flush, &self.before);
    }
}
