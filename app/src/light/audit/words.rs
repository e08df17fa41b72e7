//! The texts of the panel about an audit.

use tally_api::worker::audit::{AuditAhead, AuditEnd, AuditProgress};

use super::super::outcome::Audited;
use crate::format;

/// What the seal and the marks see of it.
pub fn audited(end: &AuditEnd) -> Audited {
    match end {
        AuditEnd::Executed { tip, ahead: None, .. } => Audited::Executed(tip.id.clone()),
        // A block that this clock does not allow yet breaks no other rule: neither executed (F12) nor a fault.
        AuditEnd::Executed { ahead: Some(_), .. } => Audited::Nothing,
        AuditEnd::Fault { height, rule, .. } => Audited::Fault(place(*height, rule.as_deref())),
        AuditEnd::Ended(_) => Audited::Nothing,
    }
}

/// The announcement for screen readers at the end.
pub fn announcement(end: &AuditEnd) -> String {
    match end {
        AuditEnd::Executed { ahead: None, .. } => {
            "The audit is complete: every block was executed, and everything agrees.".to_owned()
        }
        AuditEnd::Executed { ahead: Some(ahead), .. } => {
            format!("The audit is complete: every block was executed, but {}.", clock(ahead))
        }
        AuditEnd::Fault { height, rule, .. } => {
            format!("The audit found a fault: {}.", place(*height, rule.as_deref()))
        }
        AuditEnd::Ended(_) => "The audit could not go on.".to_owned(),
    }
}

/// Which blocks are ahead of the clock.
pub fn clock(ahead: &AuditAhead) -> String {
    let blocks = format::plural(ahead.blocks, "block is", "blocks are");
    let by = format::duration(ahead.secs as f64);
    format!("{blocks} ahead of this device's clock, by up to {by} (rule B4)")
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
    use tally_api::worker::audit::AuditTip;

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

    #[test]
    fn a_chain_with_blocks_ahead_of_the_clock_is_not_executed() {
        let end = |ahead| AuditEnd::Executed {
            tip: AuditTip {
                height: 3,
                id: "ab".to_owned(),
            },
            claimed: false,
            ahead,
            progress: AuditProgress::default(),
            report: String::new(),
        };
        assert_eq!(audited(&end(None)), Audited::Executed("ab".to_owned()));
        let agrees = "The audit is complete: every block was executed, and everything agrees.";
        assert_eq!(announcement(&end(None)), agrees);
        let ahead = AuditAhead { blocks: 2, secs: 500 };
        assert_eq!(audited(&end(Some(ahead))), Audited::Nothing);
        let duration = format::duration(500.0);
        let expected = format!("2 blocks are ahead of this device's clock, by up to {duration} (rule B4)");
        assert_eq!(clock(&ahead), expected);
        let said = announcement(&end(Some(ahead)));
        assert_eq!(
            said,
            format!("The audit is complete: every block was executed, but {expected}.")
        );
    }
}
