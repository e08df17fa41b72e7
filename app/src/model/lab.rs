use serde::{Deserialize, Serialize};

/// An attack of the security laboratory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabScenario {
    /// The name under which `tally lab run` finds it.
    pub id: String,
    pub title: String,
    /// What it attacks.
    pub group: String,
    /// What the attacker does.
    pub attack: String,
    /// Numbers of the rules that decide it.
    pub rules: Vec<String>,
    /// What would happen without them.
    pub without: String,
}

/// Scenarios that attack the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabGroup {
    pub title: String,
    pub scenarios: Vec<LabScenario>,
}

/// The page of all scenarios.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabView {
    pub groups: Vec<LabGroup>,
}

/// The page of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabScenarioView {
    pub scenario: LabScenario,
    /// Name and title of the scenario before it.
    pub before: Option<(String, String)>,
    /// Name and title of the scenario after it.
    pub after: Option<(String, String)>,
}
