use tally_chain::light::Checked;

use super::*;

fn state(phase: Phase) -> State {
    State {
        phase,
        tip: Some(Tip {
            level: Level::AllHeaders,
            height: 1_204_330,
            id: String::new(),
            time: 1_000,
            weight: "1".to_owned(),
            checked: Checked::default(),
            millis: None,
        }),
        ..State::default()
    }
}

fn failure(height: Option<u64>) -> Phase {
    Phase::Failed(Box::new(LightFailure {
        rule: "H5".to_owned(),
        height,
        byte: None,
        what: "w".to_owned(),
        evidence: String::new(),
    }))
}

#[test]
fn the_seal_shows_the_phase() {
    let lines = |phase| {
        let words = words(&state(phase), Some(1_008));
        (words.head, words.line, words.short)
    };
    let own = |head, line: &str, short: &str| (head, line.to_owned(), short.to_owned());
    assert_eq!(lines(Phase::Idle), own("As told", "not verified", "not verified"));
    let checking = |checked, of| Phase::Checking { checked, of };
    assert_eq!(lines(checking(0, 0)), own("Checking", "the proof", "the proof"));
    assert_eq!(lines(checking(212, 563)), own("Checking", "212 of 563", "37 %"));
    assert_eq!(
        lines(Phase::Verified),
        own("Verified from genesis", "1,204,331 blocks, newest 8 s old", "8 s old")
    );
    assert_eq!(
        lines(Phase::Unverified("why".to_owned())),
        own("As told", "no proof of the chain", "no proof")
    );
    assert_eq!(
        lines(failure(Some(2_100))),
        own("Does not hold", "rule H5, block 2,100", "rule H5")
    );
    assert_eq!(lines(failure(None)), own("Does not hold", "rule H5", "rule H5"));
}

#[test]
fn a_change_of_phase_is_announced_once() {
    let (idle, verified, failed) = (State::default(), state(Phase::Verified), state(failure(None)));
    let announced = |before: &State, now: &State| announcement(before, now).is_some();
    assert!(announced(&idle, &verified) && announced(&verified, &failed) && announced(&failed, &verified));
    assert!(!announced(&verified, &verified) && !announced(&failed, &failed) && !announced(&verified, &idle));
}
