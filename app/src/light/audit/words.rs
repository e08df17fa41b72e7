//! The texts of the panel about an audit.

use tally_api::worker::audit::{AuditEnd, AuditProgress};

use super::super::outcome::Audited;
use crate::format;

/// What the seal and the marks see of it.
pub fn audited(end: &AuditEnd) -> Audited {
    match end {
        AuditEnd::Executed { tip, .. } => Audited::Executed(tip.id.clone()),
        AuditEnd::Fault { height, rule, .. } => Audited::Fault(place(*height, rule.as_deref())),
        AuditEnd::Ended(_) => Audited::Nothing,
    }
}

/// The announcement for screen readers at the end.
pub fn announcement(end: &AuditEnd) -> String {
    match end {
        AuditEnd::Executed { .. } => {
            "The audit is complete: every block was executed, and everything agrees.".to_owned()
        }
        AuditEnd::Fault { height, rule, .. } => {
            format!("The audit found a fault: {}.", place(*height, rule.as_deref()))
        }
        AuditEnd::Ended(_) => "The audit could not go on.".to_owned(),
    }
}

/// Rule and height of a fault.
pub fn place(height: Option<u64>, rule: Option<&str>) -> String {
    let rule = rule.map_or_else(|| "its rules".to_owned(), |rule| format!("rule {rule}"));
    match height {
        Some(height) => format!("{rule}, block {}", format::count(height)),
        None => rule,
    }
}

/// How far it is.
pub fn done(progress: &AuditProgress) -> String {
    if progress.of == 0 {
        return "Reading the chain spec.".to_owned();
    }
    format!(
        "{} of {}, {}.",
        format::count(progress.blocks),
        format::plural(progress.of, "block", "blocks"),
        format::plural(progress.transactions, "transaction", "transactions")
    )
}

/// How fast it is, and about how long it will take.
pub fn speed(progress: &AuditProgress) -> Option<String> {
    // Before that much is done a guess is worth little.
    if progress.blocks == 0 || progress.millis < 500 {
        return None;
    }
    let rate = progress.blocks as f64 * 1_000.0 / progress.millis as f64;
    let left = progress.of.saturating_sub(progress.blocks) as f64 / rate;
    let rate = format::count(rate.round() as u64);
    Some(format!("{rate} blocks/s, about {} left", format::duration(left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_blocks_so_far() {
        let mut progress = AuditProgress {
            blocks: 1_000,
            of: 11_000,
            transactions: 1,
            millis: 2_000,
            ..AuditProgress::default()
        };
        assert_eq!(done(&progress), "1,000 of 11,000 blocks, 1 transaction.");
        let duration = format::duration(20.0);
        assert_eq!(speed(&progress), Some(format!("500 blocks/s, about {duration} left")));
        progress.millis = 499;
        assert_eq!(speed(&progress), None);
        assert_eq!(done(&AuditProgress::default()), "Reading the chain spec.");
    }

    #[test]
    fn a_fault_names_its_rule_and_block() {
        assert_eq!(place(Some(1_234), Some("B2")), "rule B2, block 1,234");
        assert_eq!(place(None, Some("I2")), "rule I2");
        let end = AuditEnd::Ended("w".to_owned());
        assert_eq!(audited(&end), Audited::Nothing);
    }
}
