//! Secrets at a terminal: a phrase that is pasted as several lines is read whole, and nothing of it reaches what comes after.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::binary;

const PASSWORD: &str = "correct horse";
const WORDS: [&str; 12] = [
    "tenant", "beach", "smooth", "fitness", "sugar", "boy", "survey", "rack", "luxury", "clip", "scissors", "clay",
];
/// The first secp256k1 account of these words.
const ADDRESS: &str = "0x74c6E204bCdFd16508A9051aB14990018e257c9e";

/// A shell's place after the command: whatever is left in the terminal's input would come out of `cat`.
struct Terminal {
    master: File,
    output: Receiver<Vec<u8>>,
    seen: String,
    child: Child,
}

impl Terminal {
    fn start(vault: &std::path::Path, args: &str) -> Self {
        let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = || File::options().read(true).write(true).open(&name).unwrap();
        let script = format!("\"$TALLY\" {args}; echo \"[ended $?]\"; exec cat");
        // A session of its own, with this terminal as its controlling one.
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", "sh", "-c", &script])
            .env("TALLY", binary::path())
            .env("TALLY_WALLET", vault)
            .env_remove("TALLY_WALLET_PASSWORD")
            .env_remove("TALLY_WALLET_PHRASE")
            .stdin(slave())
            .stdout(slave())
            .stderr(slave())
            .spawn()
            .unwrap();
        let master = File::from(master);
        let mut reader = master.try_clone().unwrap();
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut part = [0; 4_096];
            // The terminal ends with an error once no process has it open.
            while let Ok(count @ 1..) = reader.read(&mut part) {
                if sender.send(part[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            master,
            output,
            seen: String::new(),
            child,
        }
    }

    /// Reads on until this text is seen.
    fn expect(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let part = self.output.recv_timeout(Duration::from_secs(60));
            let part = part.unwrap_or_else(|_| panic!("{text:?} is not in\n{}", self.seen));
            self.seen += &String::from_utf8_lossy(&part);
        }
    }

    fn paste(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Ends what comes after the command, and gives all that was ever on the screen.
    fn end(mut self, code: i32) -> String {
        self.expect(&format!("[ended {code}]"));
        self.paste("the-end\r");
        // Once as it is echoed, once as `cat` has read it.
        self.expect("the-end\r\nthe-end\r\n");
        self.paste("\u{4}");
        self.child.wait().unwrap();
        self.seen
    }
}

fn nothing_leaks(seen: &str) {
    for word in WORDS {
        assert!(!seen.contains(word), "{word} is in\n{seen}");
    }
}

#[test]
fn a_phrase_of_several_lines_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lines) in [("two", 6), ("three", 4), ("each", 1)] {
        let vault = folder.path().join(name);
        let mut terminal = Terminal::start(&vault, "wallet restore --chain local");
        terminal.expect("Recovery phrase: ");
        let text: Vec<String> = WORDS.chunks(lines).map(|words| words.join(" ") + "\r").collect();
        terminal.paste(&text.concat());
        for prompt in ["New password: ", "The same password again: "] {
            terminal.expect(prompt);
            terminal.paste(&format!("{PASSWORD}\r"));
        }
        terminal.expect(ADDRESS);
        let seen = terminal.end(0);
        nothing_leaks(&seen);
        assert!(!seen.contains(PASSWORD), "{seen}");
    }
}

#[test]
fn a_phrase_pasted_line_by_line_is_read_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&folder.path().join("vault"), "wallet restore --chain local");
    terminal.expect("Recovery phrase: ");
    terminal.paste(&(WORDS[..6].join(" ") + "\r"));
    terminal.expect("6 words so far");
    terminal.paste(&(WORDS[6..].join(" ") + "\r"));
    terminal.expect("New password: ");
    terminal.paste("short\r");
    terminal.expect("at least 8 are needed");
    nothing_leaks(&terminal.end(1));
}

#[test]
fn nothing_of_a_paste_reaches_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let words = WORDS.join(" ");
    for (paste, reason) in [
        // More lines than a phrase has.
        (format!("{words}\r\r{words}\r{words}\r"), "words"),
        // A slip in the first line, the rest in further ones.
        (format!("tenant beech\r{}\r", WORDS[2..].join(" ")), "word 2"),
    ] {
        let vault = folder.path().join("vault");
        let mut terminal = Terminal::start(&vault, "wallet restore --chain local");
        terminal.expect("Recovery phrase: ");
        terminal.paste(&paste);
        let seen = terminal.end(1);
        assert!(seen.contains(reason), "{seen}");
        // The message may name the word that is wrong, by its place only.
        nothing_leaks(&seen);
        assert!(!vault.exists());
    }
    // After a password prompt, the lines behind the password are not the next answer.
    let vault = folder.path().join("other");
    let mut terminal = Terminal::start(&vault, "wallet new --chain local");
    terminal.expect("New password: ");
    terminal.paste(&format!("{PASSWORD}\r{words}\r{words}\r"));
    terminal.expect("The same password again: ");
    terminal.paste("another one\r");
    let seen = terminal.end(1);
    assert!(seen.contains("the two differ"), "{seen}");
    nothing_leaks(&seen);
}

#[test]
fn an_interrupted_question_leaves_the_terminal_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let vault = folder.path().join("vault");
    // Ctrl-C alone is read at once; Ctrl-Z and Ctrl-\ with the end of the line.
    for keys in ["tenant beach\u{3}", "\u{3}", "tenant\u{1a}\r", "tenant\u{1c}\r"] {
        let mut terminal = Terminal::start(&vault, "wallet restore --chain local");
        terminal.expect("Recovery phrase: ");
        terminal.paste(keys);
        // What is typed then is echoed again.
        let seen = terminal.end(1);
        assert!(seen.contains("interrupted"), "{seen}");
        nothing_leaks(&seen);
        assert!(!vault.exists());
    }
}

#[test]
fn a_variable_that_cannot_be_read_is_named_and_no_prompt_comes() {
    let folder = tempfile::tempdir().unwrap();
    let vault = folder.path().join("vault");
    let password = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"correct h\xf6rse");
    for variable in ["TALLY_WALLET_PASSWORD", "TALLY_WALLET_PHRASE"] {
        let output = binary::tally()
            .args(["wallet", "restore", "--chain", "local"])
            .env("TALLY_WALLET", &vault)
            .env("TALLY_WALLET_PHRASE", WORDS.join(" "))
            .env(variable, password)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            format!("tally: {variable} is set, but what it holds is not UTF-8\n")
        );
        assert!(!vault.exists());
    }
}
