//! What an audit came to, as the page shows it and as files to keep.

use serde_json::{Value, json};
use tally_api::worker::audit::{AuditEnd, AuditProgress, AuditTip};
use tally_audit::{Broken as _, Replay, RuleFault};
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
