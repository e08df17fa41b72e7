//! The scenarios of the security laboratory.

use tally_app::model::{LabGroup, LabScenario, LabScenarioView, LabView};
use tally_lab::{CATALOGUE, Group, Scenario};

fn shown(scenario: &Scenario) -> LabScenario {
    LabScenario {
        id: scenario.id.to_owned(),
        title: scenario.title.to_owned(),
        group: scenario.group.title().to_owned(),
        attack: scenario.attack.to_owned(),
        rules: scenario.rules.iter().map(|rule| (*rule).to_owned()).collect(),
        without: scenario.without.to_owned(),
    }
}

/// All of them.
pub fn all() -> LabView {
    let of_group = |group: Group| LabGroup {
        title: group.title().to_owned(),
        scenarios: CATALOGUE
            .iter()
            .filter(|scenario| scenario.group == group)
            .map(shown)
            .collect(),
    };
    LabView {
        groups: Group::ALL.map(of_group).into(),
    }
}

/// One of them, with those around it; none where there is no such name.
pub fn one(name: &str) -> Option<LabScenarioView> {
    let place = CATALOGUE.iter().position(|scenario| scenario.id == name)?;
    let named = |scenario: &Scenario| (scenario.id.to_owned(), scenario.title.to_owned());
    Some(LabScenarioView {
        scenario: shown(&CATALOGUE[place]),
        before: place.checked_sub(1).map(|before| named(&CATALOGUE[before])),
        after: CATALOGUE.get(place + 1).map(named),
    })
}
