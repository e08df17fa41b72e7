//! The scenarios: what an attacker does, which rule is in the way, and what would happen without it.

mod blocks;
mod chain;
mod network;
mod old;
mod transactions;

use std::sync::LazyLock;

use crate::scenario::Scenario;

/// All scenarios, in the order in which they run.
pub static CATALOGUE: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    let parts: [&[Scenario]; 5] = [
        transactions::SCENARIOS,
        blocks::SCENARIOS,
        chain::SCENARIOS,
        network::SCENARIOS,
        old::SCENARIOS,
    ];
    parts.concat()
});

impl Scenario {
    /// The scenario of this name.
    pub fn named(id: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|scenario| scenario.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Group;

    #[test]
    fn every_rule_that_is_cited_stands_in_the_specification() {
        let protocol = include_str!("../../../docs/protocol.md");
        for scenario in CATALOGUE.iter() {
            assert!(!scenario.rules.is_empty(), "{}", scenario.id);
            for rule in scenario.rules {
                let anchor = format!("<a id=\"{rule}\"></a>");
                assert!(protocol.contains(&anchor), "{}: {rule}", scenario.id);
            }
        }
    }

    #[test]
    fn there_are_enough_scenarios_of_each_group_and_their_names_are_for_the_command_line() {
        assert!(CATALOGUE.len() >= 30, "{}", CATALOGUE.len());
        for group in Group::ALL {
            assert!(
                CATALOGUE.iter().filter(|scenario| scenario.group == group).count() >= 5,
                "{group:?}"
            );
        }
        for scenario in CATALOGUE.iter() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(
                scenario.id.chars().all(plain) && scenario.id != "all",
                "{}",
                scenario.id
            );
            assert_eq!(Scenario::named(scenario.id), Some(scenario), "each name once");
            for text in [scenario.attack, scenario.without] {
                assert!(text.ends_with('.') && text.len() > 40, "{}", scenario.id);
            }
        }
        // They run in the order in which they are shown.
        assert!(CATALOGUE.is_sorted_by_key(|scenario| scenario.group));
    }
}
