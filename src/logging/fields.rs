//! Text from outside in log lines: on one line, without what cannot be seen or steers a terminal, and not long.

use std::fmt::{self, Debug, Write as _};

use tally_chain::visible;
use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Bytes of one field of a log line.
pub(super) const MAX_FIELD: usize = 1_024;

/// Text from outside as a log line may hold it: at most 1,024 bytes, `\u{…}` for what cannot be seen.
pub fn outside(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_FIELD);
    let mut shown = visible::escaped(&text[..end]).into_owned();
    if end < text.len() {
        let _ = write!(shown, "… ({} bytes)", text.len());
    }
    shown
}

/// Writes the fields of every event and span, each through [`outside`]: so no place that logs can forget it.
pub struct Escaped;

impl<'writer> FormatFields<'writer> for Escaped {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Visitor {
            writer,
            first: true,
            result: Ok(()),
        };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct Visitor<'writer> {
    writer: Writer<'writer>,
    first: bool,
    result: fmt::Result,
}

impl Visitor<'_> {
    fn write(&mut self, field: &Field, value: &str) -> fmt::Result {
        if !std::mem::take(&mut self.first) {
            self.writer.write_char(' ')?;
        }
        if field.name() != "message" {
            let name = field.name().trim_start_matches("r#");
            match self.writer.has_ansi_escapes() {
                true => write!(self.writer, "\u{1b}[2m{name}=\u{1b}[0m")?,
                false => write!(self.writer, "{name}=")?,
            }
        }
        self.writer.write_str(&outside(value))
    }
}

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.record_debug(field, &format_args!("{value}")),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // What the `log` crate adds has been written by the event's own format.
        if self.result.is_ok() && !field.name().starts_with("log.") {
            self.result = self.write(field, &format!("{value:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_field_begins_a_line_or_steers_the_terminal() {
        let kept = Written::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(Escaped)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        let evil = "a\nFAKE\u{1b}[31m\u{202e}\u{200b}\r\u{7f}\u{9b}";
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", path = evil, method = %evil);
            span.in_scope(|| tracing::warn!(agent = evil, error = %evil, more = ?evil, "said {evil}"));
        });
        let text = String::from_utf8(kept.0.lock().clone()).expect("UTF-8");
        assert_eq!(text.lines().count(), 1, "{text}");
        let line = text.trim_end_matches('\n');
        assert_eq!(visible::hidden(line), None, "{line}");
        assert_eq!(line.matches("FAKE").count(), 6, "{line}");
    }

    #[test]
    fn long_text_is_cut_and_marked_so() {
        assert_eq!(outside("short"), "short");
        let cut = outside(&"ä".repeat(10_000));
        assert!(cut.starts_with("ää") && cut.ends_with("ä… (20000 bytes)"), "{cut}");
        assert_eq!(cut.len(), MAX_FIELD + "… (20000 bytes)".len());
    }
}
