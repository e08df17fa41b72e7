//! What an audit came to, as the page shows it and as files to keep.

use serde_json::{Value, json};
use tally_api::worker::audit::{AuditAhead, AuditEnd, AuditProgress, AuditTip};
use tally_audit::{Ahead, Broken as _, Replay, RuleFault};
use tally_chain::{BlockId, Bytes, ChainSpec, Height};

/// Why an audit ends before its tip.
pub enum End {
    /// A block breaks a rule; its bytes, where it is about one.
    Fault(Box<RuleFault>, Option<Bytes>),
    /// Nothing more is known.
    Stopped(String),
}

/// The chain that was executed.
pub struct Audited<'a> {
    pub spec: &'a ChainSpec,
    pub replay: &'a Replay<'a>,
    pub height: Height,
    pub tip: BlockId,
    /// Whether the tip is only what the node claims.
    pub claimed: bool,
}

impl Audited<'_> {
    fn report(&self, faults: Vec<RuleFault>, millis: u64) -> Value {
        let report = self.replay.report(self.tip, self.height, faults);
        report.to_json(&self.spec.name, json!(millis as f64 / 1_000.0))
    }

    pub fn end(&self, end: Result<(), End>, progress: AuditProgress) -> AuditEnd {
        match end {
            Ok(()) => AuditEnd::Executed {
                tip: AuditTip {
                    height: self.height.0,
                    id: self.tip.to_string(),
                },
                claimed: self.claimed,
                ahead: self
                    .replay
                    .ahead()
                    .map(|Ahead { blocks, secs }| AuditAhead { blocks, secs }),
                report: text(&self.report(Vec::new(), progress.millis)),
                progress,
            },
            Err(End::Stopped(why)) => AuditEnd::Ended(why),
            Err(End::Fault(fault, block)) => {
                let (height, rule) = (fault.height().map(|height| height.0), fault.rule());
                let what = fault.to_string();
                let report = self.report(vec![*fault], progress.millis);
                let evidence = json!({
                    "format": "tally-audit-evidence",
                    "version": 1,
                    "rule": rule,
                    "height": height,
                    "what": what,
                    "block": block,
                    "report": report,
                });
                AuditEnd::Fault {
                    height,
                    rule: rule.map(str::to_owned),
                    what,
                    report: text(&report),
                    evidence: text(&evidence),
                }
            }
        }
    }
}

fn text(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("values of JSON have a form as text")
}

#[cfg(test)]
mod tests {
    use tally_chain::{Amount, UnixSecs, genesis};

    use super::*;

    const NOW: u64 = 1_900_000_000;

    /// The end of an audit that has seen blocks of these times.
    fn ended(times: &[u32], claimed: bool, end: Result<(), End>) -> AuditEnd {
        let spec = ChainSpec::built_in("local").unwrap();
        let mut replay = Replay::new(&spec, UnixSecs(NOW));
        times.iter().for_each(|time| replay.see_time(*time));
        let audited = Audited {
            spec: &spec,
            replay: &replay,
            height: Height::GENESIS,
            tip: genesis::identity(&spec).genesis,
            claimed,
        };
        audited.end(end, AuditProgress::default())
    }

    /// Rule B4 is one of those that an audit shows (F12), and this clock decides about it: the page is given what it found.
    #[test]
    fn blocks_ahead_of_the_clock_are_named_at_the_end() {
        let end = |times: &[u32], claimed: bool| match ended(times, claimed, Ok(())) {
            AuditEnd::Executed {
                claimed, ahead, report, ..
            } => (claimed, ahead, serde_json::from_str::<Value>(&report).unwrap()),
            other => panic!("{other:?}"),
        };
        let (claimed, ahead, report) = end(&[1_900_000_120], false);
        assert_eq!((claimed, ahead, &report["ahead_of_clock"]), (false, None, &Value::Null));
        let (claimed, ahead, report) = end(&[1_900_000_121, 1_900_000_120, 1_900_000_500], true);
        let expected = AuditAhead { blocks: 2, secs: 500 };
        assert_eq!((claimed, ahead), (true, Some(expected)));
        assert_eq!(report["ahead_of_clock"], json!({ "blocks": 2, "secs": 500 }));
    }

    #[test]
    fn an_audit_that_does_not_come_to_the_tip_names_why() {
        let why = "the node is gone".to_owned();
        assert_eq!(ended(&[], false, Err(End::Stopped(why.clone()))), AuditEnd::Ended(why));
        let (found, expected) = (Amount::ZERO, Amount::from_coins("1").unwrap());
        let fault = RuleFault::Balances { found, expected };
        let text = fault.to_string();
        let end = ended(
            &[],
            false,
            Err(End::Fault(Box::new(fault), Some(Bytes::from_static(&[7])))),
        );
        let AuditEnd::Fault {
            height,
            rule,
            what,
            evidence,
            ..
        } = end
        else {
            panic!("{end:?}")
        };
        assert_eq!((height, rule.as_deref(), what), (None, Some("I2"), text.clone()));
        let evidence: Value = serde_json::from_str(&evidence).unwrap();
        assert_eq!((&evidence["block"], &evidence["what"]), (&json!("0x07"), &json!(text)));
        assert_eq!(evidence["report"]["first_fault"]["rule"], "I2");
    }
}
