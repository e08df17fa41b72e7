//! The chain of the browser tests gives money to the very accounts that `local` does.

const LOCAL: &str = "crates/chain/specs/local.toml";
const FAST: &str = "end2end/fast.toml";

/// One sentence if the allocations of the two chain specs differ.
pub fn check(files: &[(String, String)]) -> Option<String> {
    let allocations = |path: &str| {
        let (_, content) = files.iter().find(|(name, _)| name == path)?;
        content.find("[[allocations]]").map(|at| content[at..].trim_end())
    };
    match (allocations(LOCAL), allocations(FAST)) {
        (Some(local), Some(fast)) if local == fast => None,
        _ => Some(format!(
            "{FAST}: the allocations differ from those of {LOCAL}: copy them"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_allocations_are_caught() {
        let files = |fast: &str| {
            vec![
                (
                    LOCAL.to_owned(),
                    "name = \"local\"\n[[allocations]]\nbalance = \"1\"\n".to_owned(),
                ),
                (
                    FAST.to_owned(),
                    format!("name = \"fast\"\n[[allocations]]\nbalance = \"{fast}\"\n"),
                ),
            ]
        };
        assert_eq!(check(&files("1")), None);
        assert_eq!(
            check(&files("2")).as_deref(),
            Some("end2end/fast.toml: the allocations differ from those of crates/chain/specs/local.toml: copy them")
        );
        assert_eq!(check(&files("1")[..1]), check(&files("2")));
    }
}
