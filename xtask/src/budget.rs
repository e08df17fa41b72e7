//! What a page may weigh on its way to a browser: scripts, WASM and styles as they are sent, that is under brotli.
//!
//! Every release build prints the table and fails where a page is heavier. docs/benchmarks.md says how the limits came about.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

use crate::front::Needs;

/// What every page loads, beside its part of the code.
const FRAME: [&str; 4] = ["tally.css", "tally.js", "tally.wasm", "parts.js"];

/// What the light client loads, beside the page that starts it.
const LIGHT: [&str; 3] = ["light-worker.js", "light.js", "light.wasm"];

/// What an audit loads, beside the page that starts it; the helpers load the same module again, from the browser's cache.
const AUDIT: [&str; 4] = ["audit-helper.js", "audit-worker.js", "audit.js", "audit.wasm"];

/// A page, or a worker, and what it may weigh.
struct Budget {
    what: &'static str,
    /// Files by their path in the build.
    files: &'static [&'static str],
    /// Parts of the pages' code.
    parts: &'static [&'static str],
    /// Bytes as they are sent.
    most: u64,
}

const BUDGETS: [Budget; 14] = [
    Budget {
        what: "the dashboard",
        files: &FRAME,
        parts: &["dashboard"],
        most: 380_000,
    },
    Budget {
        what: "a list of the explorer",
        files: &FRAME,
        parts: &["lists"],
        most: 380_000,
    },
    Budget {
        what: "a block, a transaction or an account",
        files: &FRAME,
        parts: &["details"],
        most: 410_000,
    },
    Budget {
        what: "a block or a transaction, with the checks of this tab",
        files: &FRAME,
        parts: &["details", "proofs"],
        most: 540_000,
    },
    Budget {
        what: "a page about running the node",
        files: &FRAME,
        parts: &["operations"],
        most: 460_000,
    },
    Budget {
        what: "tokens and the log of operator actions",
        files: &FRAME,
        parts: &["tokens"],
        most: 380_000,
    },
    Budget {
        what: "the catalogue of the laboratory",
        files: &FRAME,
        parts: &["lab"],
        most: 380_000,
    },
    Budget {
        what: "the check of a receipt",
        files: &FRAME,
        parts: &["receipt"],
        most: 475_000,
    },
    Budget {
        what: "the wallet, unlocked",
        files: &FRAME,
        parts: &["wallet"],
        most: 620_000,
    },
    Budget {
        what: "the wallet's history, with its checks",
        files: &FRAME,
        parts: &["wallet", "history", "proofs"],
        most: 960_000,
    },
    Budget {
        what: "what a wallet is used for seldom",
        files: &FRAME,
        parts: &["wallet", "seldom"],
        most: 800_000,
    },
    Budget {
        what: "the worker of the light client, which every page starts",
        files: &LIGHT,
        parts: &[],
        most: 182_000,
    },
    Budget {
        what: "the dashboard, with the panel of the seal",
        files: &FRAME,
        parts: &["dashboard", "panel"],
        most: 420_000,
    },
    Budget {
        what: "the workers of an audit, which a reader begins",
        files: &AUDIT,
        parts: &[],
        most: 500_000,
    },
];

/// Compares the sizes of a build's files, by their path in it, with the budgets.
///
/// # Errors
/// Names the first page that is too heavy, or a file of a budget that the build does not have.
pub fn check(sizes: &BTreeMap<&str, u64>, needs: &Needs) -> Result<()> {
    let mut too_heavy = None;
    for budget in &BUDGETS {
        let weight = budget.weight(sizes, needs)?;
        println!(
            "  {:>4} of {:>4} KB  {}",
            weight.div_ceil(1000),
            budget.most / 1000,
            budget.what
        );
        if weight > budget.most {
            too_heavy = too_heavy.or(Some((budget, weight)));
        }
    }
    match too_heavy {
        Some((budget, weight)) => bail!(
            "{} weighs {weight} bytes, at most {} are allowed (xtask/src/budget.rs)",
            budget.what,
            budget.most
        ),
        None => Ok(()),
    }
}

impl Budget {
    /// Bytes of all its files, each counted once.
    fn weight(&self, sizes: &BTreeMap<&str, u64>, needs: &Needs) -> Result<u64> {
        let mut files: BTreeSet<&str> = self.files.iter().copied().collect();
        for part in self.parts {
            let Some(needed) = needs.get(*part) else {
                bail!("{}: the build has no part {part}", self.what);
            };
            files.extend(needed.iter().map(String::as_str));
        }
        let mut sum = 0;
        for file in files {
            let size = sizes.get(file);
            ensure!(size.is_some(), "{}: the build has no {file}", self.what);
            sum += size.copied().unwrap_or_default();
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [&str; 12] = [
        "panel",
        "dashboard",
        "details",
        "history",
        "lab",
        "lists",
        "operations",
        "proofs",
        "receipt",
        "seldom",
        "tokens",
        "wallet",
    ];

    fn needs() -> Needs {
        let own = |part: &str| {
            vec![
                format!("split_{part}.wasm"),
                "chunk_1.wasm".to_owned(),
                "parts.js".to_owned(),
            ]
        };
        PARTS.map(|part| (part.to_owned(), own(part))).into()
    }

    /// A part has 10,000 bytes, what they share 1,000; the frame has 10,000 and its module; the light client has 3,000, the audit 4,000.
    fn sizes(needs: &Needs, module: u64) -> BTreeMap<&str, u64> {
        let parts = needs.values().map(|files| (files[0].as_str(), 10_000));
        let frame = [
            ("parts.js", 500),
            ("tally.css", 500),
            ("tally.js", 9_000),
            ("tally.wasm", module),
        ];
        let light = LIGHT.map(|file| (file, 1_000));
        let audit = AUDIT.map(|file| (file, 1_000));
        let shared = [("chunk_1.wasm", 1_000)];
        parts.chain(shared).chain(frame).chain(light).chain(audit).collect()
    }

    #[test]
    fn a_page_weighs_the_frame_and_its_parts_each_file_once() {
        let needs = needs();
        let weight = |budget: &Budget| {
            budget
                .weight(&sizes(&needs, 100_000), &needs)
                .expect("all files are there")
        };
        let found = BUDGETS.each_ref().map(weight);
        let (one, two, three, light, audit) = (121_000, 131_000, 141_000, 3_000, 4_000);
        assert_eq!(
            found,
            [
                one, one, one, two, one, one, one, one, one, three, two, light, two, audit
            ]
        );
    }

    #[test]
    fn a_page_that_is_too_heavy_fails_the_build() {
        let needs = needs();
        let most = BUDGETS[0].most;
        assert!(check(&sizes(&needs, most - 21_000), &needs).is_ok());
        let error = check(&sizes(&needs, most - 20_999), &needs).expect_err("a byte too much");
        let expected = format!(
            "the dashboard weighs {} bytes, at most {most} are allowed (xtask/src/budget.rs)",
            most + 1
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_budget_without_its_files_is_no_budget() {
        let needs = needs();
        let mut sizes = sizes(&needs, 1);
        sizes.remove("chunk_1.wasm");
        let error = check(&sizes, &needs).expect_err("a file is missing");
        assert_eq!(error.to_string(), "the dashboard: the build has no chunk_1.wasm");
    }
}
