//! Scenarios on the terminal.

use tally_lab::report::{Answer, Outcome, Report};
use tally_node::counted::counted;

use crate::cli::out::{Unprinted, outln, plain};

/// Width of the text.
const WIDTH: usize = 110;

/// A text in lines of [`WIDTH`], each after a margin.
fn wrapped(text: &str, margin: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("it begins with a line");
        if !line.is_empty() && line.len() + 1 + word.len() + margin.len() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
        .iter()
        .map(|line| format!("{margin}{line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What one scenario came to.
pub fn print(outcome: &Outcome) -> Result<(), Unprinted> {
    let mark = if outcome.held { "held" } else { "FAILED" };
    let rules: Vec<_> = outcome.rules.iter().map(|rule| rule.link.as_str()).collect();
    outln!("{mark:<7} {}: {} ({} ms)", outcome.id, outcome.title, outcome.millis)?;
    outln!("{}", wrapped(&outcome.attack, "  "))?;
    outln!("{}", wrapped(&format!("Rules: {}", rules.join(", ")), "  "))?;
    for (number, step) in (1..).zip(&outcome.steps) {
        let mark = if step.as_expected { "->" } else { "! ->" };
        let answer = format!("{mark} {}", step.answer.line());
        outln!("{}", wrapped(&plain(&format!("{number}. {}", step.what)), "  "))?;
        outln!("{}", wrapped(&plain(&answer), "     "))?;
        // What was counted stands beside what it should be; an answer of a node speaks for itself.
        if !step.as_expected || matches!(step.answer, Answer::Observed { .. }) {
            let expected = format!("expected: {}", step.expected);
            outln!("{}", wrapped(&plain(&expected), "        "))?;
        }
    }
    outln!("{}", wrapped(&format!("Without the rule: {}", outcome.without), "  "))?;
    outln!("")
}

/// The last line.
pub fn print_summary(report: &Report) -> Result<(), Unprinted> {
    let failed = match report.failed {
        0 => String::new(),
        failed => format!(", {failed} did not"),
    };
    outln!(
        "{} ended as the rules demand{failed}",
        counted(report.held, "scenario", "scenarios")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_longer_than_the_terminal() {
        let text = "word ".repeat(60);
        let wrapped = wrapped(&text, "  ");
        assert!(wrapped.lines().count() > 2);
        assert!(
            wrapped
                .lines()
                .all(|line| line.len() <= WIDTH && line.starts_with("  word"))
        );
        assert_eq!(super::wrapped("", "  "), "  ");
    }
}
