//! Text that has no place in the project: paths of one machine, package sources of one network, unfinished work.

/// (text, why not). Written in two halves, so that this file passes its own check.
const FORBIDDEN: [(&str, &str); 7] = [
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/home", "/"), "a path of one machine"),
    (concat!("TO", "DO"), "unfinished work belongs in the tracker"),
    (concat!("FIX", "ME"), "unfinished work belongs in the tracker"),
    (concat!("XX", "X"), "unfinished work belongs in the tracker"),
    (
        concat!("place", "holder text"),
        "unfinished work belongs in the tracker",
    ),
];

const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// What is wrong with the text of one file, as `path:line: …`.
pub fn check(path: &str, content: &str) -> Vec<String> {
    let mut errors = Vec::new();
    for (number, line) in content.lines().enumerate() {
        let place = format!("{path}:{}", number + 1);
        if path == "Cargo.lock" {
            if line.starts_with("source = ") && line != CRATES_IO {
                errors.push(format!("{place}: a package that is not from crates.io"));
            }
            continue;
        }
        if path.ends_with("package-lock.json") {
            if line.contains("\"resolved\"") && !line.contains("https://registry.npmjs.org/") {
                errors.push(format!("{place}: a package that is not from the public npm registry"));
            }
            continue;
        }
        for (text, why) in FORBIDDEN {
            if line.contains(text) {
                errors.push(format!("{place}: {text:?}: {why}"));
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_are_caught() {
        let path = concat!("/ro", "ot/");
        assert_eq!(
            check("docs/map.md", &format!("fine\nsee {path}secret\n")),
            [format!("docs/map.md:2: {path:?}: a path of one machine")]
        );
    }

    #[test]
    fn packages_come_from_the_public_registries() {
        assert_eq!(
            check("Cargo.lock", "source = \"git+https://example.org/x\"\n"),
            ["Cargo.lock:1: a package that is not from crates.io"]
        );
        assert_eq!(check("Cargo.lock", CRATES_IO), Vec::<String>::new());
        assert_eq!(
            check(
                "end2end/package-lock.json",
                "\"resolved\": \"https://mirror.example.org/a.tgz\""
            ),
            ["end2end/package-lock.json:1: a package that is not from the public npm registry"]
        );
    }
}
