//! What the light client, or an audit, has shown to those who wait for it.

use tally_api::worker::light::{Phase, ProofError, State};

/// Whether verdicts of before this state no longer count, or may be better now.
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never verifies")
)]
pub fn outdates(now: &State, before: &State) -> bool {
    let is_verified = |state: &State| matches!(state.phase, Phase::Verified);
    // A worker that is lost counts nothing any more.
    now.revision != before.revision || is_verified(now) != is_verified(before)
}

/// What an audit has shown, as the seal and the marks see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audited {
    /// Nothing so far.
    #[default]
    Nothing,
    /// Everything up to the block with this id.
    Executed(String),
    /// A block breaks a rule; which, and where.
    Fault(String),
}

/// Why the proof of a receipt shows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never verifies")
)]
pub enum Unproved {
    /// It does not hold; why.
    False(String),
    /// It could not be verified here; why.
    NotHere(String),
}

impl From<ProofError> for Unproved {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::False(why) => Self::False(why),
            // Another proof may show that chain.
            ProofError::TooLittle(why) => Self::NotHere(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_end_with_the_state_that_they_were_given_in() {
        let state = |phase: Phase, revision: u32| State {
            phase,
            revision,
            ..State::default()
        };
        let verified = state(Phase::Verified, 3);
        let more = State {
            bytes: 7,
            ..verified.clone()
        };
        assert!(!outdates(&more, &verified), "a block that follows");
        assert!(outdates(&state(Phase::Verified, 4), &verified), "a reorg");
        let lost = state(Phase::Unverified("why".to_owned()), 0);
        for (now, before) in [(&lost, &verified), (&verified, &lost)] {
            assert!(outdates(now, before));
        }
        let lost_at_once = state(Phase::Unverified("why".to_owned()), 3);
        assert!(outdates(&lost_at_once, &verified), "whatever the worker counted");
    }

    #[test]
    fn a_sample_that_shows_too_little_is_not_false() {
        let why = "why".to_owned();
        let outcomes = [ProofError::False(why.clone()), ProofError::TooLittle(why.clone())].map(Unproved::from);
        assert_eq!(outcomes, [Unproved::False(why.clone()), Unproved::NotHere(why)]);
    }
}
