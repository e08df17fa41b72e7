//! The steps of a scenario as they are written down.

use tally_api::ProblemBody;
use tally_lab::report::{Answer, Step};

/// What was done so far.
#[derive(Debug, Default)]
pub struct Notes(Vec<Step>);

impl Notes {
    /// All steps, in order.
    pub fn into_steps(self) -> Vec<Step> {
        self.0
    }

    /// Writes a step down.
    pub fn add(&mut self, what: impl Into<String>, answer: Answer, expected: impl Into<String>, as_expected: bool) {
        self.0.push(Step {
            what: what.into(),
            answer,
            expected: expected.into(),
            as_expected,
        });
    }

    /// Something that has to be accepted, with what the node answered to it.
    ///
    /// # Errors
    /// If there was no answer.
    pub fn accepts(&mut self, what: impl Into<String>, answer: anyhow::Result<String>) -> anyhow::Result<()> {
        let answer = answer_of(answer)?;
        let accepted = matches!(answer, Answer::Accepted { .. });
        self.add(what, answer, "accepted", accepted);
        Ok(())
    }

    /// Something that has to be rejected with a problem of this name.
    ///
    /// # Errors
    /// If there was no answer.
    pub fn refuses(
        &mut self,
        what: impl Into<String>,
        kind: &str,
        answer: anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let answer = answer_of(answer)?;
        let refused = matches!(&answer, Answer::Refused { kind: found, .. } if found == kind);
        self.add(what, answer, kind, refused);
        Ok(())
    }

    /// Something that is looked at: `detail` is what was seen, `held` whether it is as `expected`.
    pub fn sees(
        &mut self,
        what: impl Into<String>,
        detail: impl Into<String>,
        expected: impl Into<String>,
        held: bool,
    ) {
        let detail = detail.into();
        self.add(what, Answer::Observed { detail }, expected, held);
    }
}

/// A node's answer: what it took, or its problem.
///
/// # Errors
/// If it is no answer of a node at all.
fn answer_of(answer: anyhow::Result<String>) -> anyhow::Result<Answer> {
    let error = match answer {
        Ok(detail) => return Ok(Answer::Accepted { detail }),
        Err(error) => error,
    };
    let problem = error.downcast::<ProblemBody>()?;
    Ok(Answer::Refused {
        kind: problem.name().to_owned(),
        detail: problem.detail,
    })
}
