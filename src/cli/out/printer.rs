//! What commands print that run until a signal ends them. A thread of its own writes it: an output that is not read costs text, and
//! holds up neither the work of the command nor its end.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tally_node::counted::counted;

use super::{note_line, write_line};

/// Texts that wait for a slow output.
const WAITING: usize = 4_096;
/// How long the end waits for the last of them.
const LAST: Duration = Duration::from_secs(1);

/// Prints texts in their order. When it is dropped, it waits until all are written, at most a second.
pub struct Printer {
    /// None once it is dropped.
    texts: Option<SyncSender<String>>,
    /// Closed once the thread has written the last text.
    written: Receiver<()>,
    /// Texts that found no room since the last one that did.
    lost: u64,
}

impl Printer {
    /// To standard output. A closed or full one takes nothing, and the command goes on.
    pub fn out() -> Self {
        Self::by("output", |text| drop(write_line(format_args!("{text}"))))
    }

    /// To standard error.
    pub fn err() -> Self {
        Self::by("notes", |text| note_line(format_args!("{text}")))
    }

    fn by(thread: &str, mut put: impl FnMut(&str) + Send + 'static) -> Self {
        let (texts, waiting) = sync_channel::<String>(WAITING);
        let (writes, written) = sync_channel::<()>(0);
        // Without the thread nothing is printed: no reason not to run.
        let _ = std::thread::Builder::new().name(thread.to_owned()).spawn(move || {
            waiting.iter().for_each(|text| put(&text));
            drop(writes);
        });
        Self {
            texts: Some(texts),
            written,
            lost: 0,
        }
    }

    /// Prints a text and a line feed. What finds no room is lost, and counted for the next text that does.
    pub fn line(&mut self, text: String) {
        if self.lost > 0 {
            let missing = counted(self.lost, "line is", "lines are");
            if self.has_room_for(format!("({missing} missing here: the output was not read)")) {
                self.lost = 0;
            }
        }
        if !self.has_room_for(text) {
            self.lost += 1;
        }
    }

    fn has_room_for(&self, text: String) -> bool {
        let sent = self.texts.as_ref().map(|texts| texts.try_send(text));
        !matches!(sent, Some(Err(TrySendError::Full(_))))
    }
}

impl Drop for Printer {
    fn drop(&mut self) {
        self.texts = None;
        let _ = self.written.recv_timeout(LAST);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    #[test]
    fn an_output_that_is_not_read_holds_up_nothing() {
        let (_held, wait) = sync_channel::<()>(0);
        let (stuck, is_stuck) = channel();
        let begun = Instant::now();
        let mut printer = Printer::by("test", move |_| {
            let _ = stuck.send(());
            let _ = wait.recv();
        });
        printer.line("the first line".to_owned());
        is_stuck.recv().expect("the thread takes it");
        for _ in 0..3 * WAITING {
            printer.line("a line".to_owned());
        }
        assert_eq!(printer.lost, 2 * WAITING as u64);
        drop(printer);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn what_was_lost_is_named_where_the_output_is_read_again() {
        let (read, wait) = sync_channel::<()>(0);
        let (shown, texts) = channel();
        let mut stuck = true;
        let mut printer = Printer::by("test", move |text| {
            if std::mem::take(&mut stuck) {
                let _ = wait.recv();
            }
            let _ = shown.send(text.to_owned());
        });
        let mut waiting = 0;
        while printer.lost == 0 {
            printer.line("a line".to_owned());
            waiting += 1;
        }
        read.send(()).expect("the thread waits for it");
        // All but the one that was lost.
        for _ in 1..waiting {
            assert_eq!(texts.recv().expect("it is shown"), "a line");
        }
        printer.line("the last one".to_owned());
        drop(printer);
        let rest: Vec<String> = texts.iter().collect();
        assert_eq!(
            rest,
            ["(1 line is missing here: the output was not read)", "the last one"]
        );
    }
}
