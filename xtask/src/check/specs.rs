//! The chains of the browser tests give money to the very accounts that `local` does.

const LOCAL: &str = "crates/chain/specs/local.toml";
const OTHERS: [&str; 2] = ["end2end/fast.toml", "end2end/paced.toml"];

/// One sentence for the first chain spec whose allocations differ from those of `local`.
pub fn check(files: &[(String, String)]) -> Option<String> {
    let allocations = |path: &str| {
        let (_, content) = files.iter().find(|(name, _)| name == path)?;
        content.find("[[allocations]]").map(|at| content[at..].trim_end())
    };
    let local = allocations(LOCAL);
    OTHERS.into_iter().find_map(|other| {
        let same = local.is_some() && allocations(other) == local;
        (!same).then(|| format!("{other}: the allocations differ from those of {LOCAL}: copy them"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_allocations_are_caught() {
        let spec = |path: &str, balance: &str| {
            (
                path.to_owned(),
                format!("name = \"a\"\n[[allocations]]\nbalance = \"{balance}\"\n"),
            )
        };
        let files = |balances: [&str; 3]| {
            [LOCAL, OTHERS[0], OTHERS[1]]
                .into_iter()
                .zip(balances)
                .map(|(path, balance)| spec(path, balance))
                .collect::<Vec<_>>()
        };
        let differs = |path: &str| {
            Some(format!(
                "{path}: the allocations differ from those of {LOCAL}: copy them"
            ))
        };
        assert_eq!(check(&files(["1", "1", "1"])), None);
        assert_eq!(check(&files(["1", "2", "1"])), differs("end2end/fast.toml"));
        assert_eq!(check(&files(["1", "1", "2"])), differs("end2end/paced.toml"));
        assert_eq!(check(&files(["1", "1", "1"])[..2]), differs("end2end/paced.toml"));
        assert_eq!(check(&files(["1", "1", "1"])[1..]), differs("end2end/fast.toml"));
    }
}
