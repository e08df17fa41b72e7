//! The races of hash power: formulas beside what is counted.

use tally_lab::Seeded;
use tally_lab::race::{advised, exact, measured, nakamoto, selfish as share, selfish_measured, selfish_threshold};

use super::notes::Notes;

/// Shares of hash power that are shown.
const SHARES: [f64; 5] = [0.10, 0.20, 0.30, 0.40, 0.45];
/// Confirmations that are shown.
const CONFIRMATIONS: [u32; 4] = [1, 2, 3, 6];
/// Tries of each race, and of those at full size.
const TRIES: [u32; 2] = [2_000, 100_000];
/// Blocks of each run of selfish mining, and of those at full size.
const BLOCKS: [u32; 2] = [100_000, 5_000_000];
/// Standard deviations that a count may be away from its formula: chance exceeds this once in fifteen thousand.
const ALLOWED: f64 = 4.0;

/// How far a frequency of so many tries may be from its probability.
fn allowed(probability: f64, tries: u32) -> f64 {
    let tries = f64::from(tries);
    ALLOWED * (probability * (1.0 - probability) / tries).sqrt() + 1.0 / tries
}

#[allow(clippy::unnecessary_wraps, reason = "all scenarios are called alike")]
pub fn double_spend(full: bool, notes: &mut Notes) -> anyhow::Result<()> {
    let tries = TRIES[usize::from(full)];
    let mut rng = Seeded::new("chain-race");
    for q in SHARES {
        for z in CONFIRMATIONS {
            let (formula, exact) = (nakamoto(q, z), exact(q, z));
            let counted = measured(q, z, tries, &mut rng);
            let held = (counted - exact).abs() <= allowed(exact, tries);
            notes.sees(
                format!(
                    "{:.0} % of all hash power against {z} confirmations, {tries} tries",
                    q * 100.0
                ),
                format!("{:.2} % succeed", counted * 100.0),
                format!(
                    "{:.2} % by Nakamoto's formula, {:.2} % exactly",
                    formula * 100.0,
                    exact * 100.0
                ),
                held,
            );
        }
        let advice = advised(q).map_or("none is enough".to_owned(), |z| z.to_string());
        notes.sees(
            format!(
                "confirmations against {:.0} %, so that less than 0.1 % succeed",
                q * 100.0
            ),
            advice,
            "a number that grows with the share",
            advised(q).is_some(),
        );
    }
    let certain = measured(0.51, 6, 200, &mut rng);
    notes.sees(
        "51 % of all hash power against 6 confirmations",
        format!("{:.1} % succeed", certain * 100.0),
        "all but those that are given up: no number of confirmations is enough",
        certain > 0.9 && advised(0.51).is_none(),
    );
    Ok(())
}

#[allow(clippy::unnecessary_wraps, reason = "all scenarios are called alike")]
pub fn selfish(full: bool, notes: &mut Notes) -> anyhow::Result<()> {
    let blocks = BLOCKS[usize::from(full)];
    let mut rng = Seeded::new("chain-selfish");
    for gamma in [0.0, 0.5, 1.0] {
        for alpha in [0.2, 0.3, 0.4] {
            let formula = share(alpha, gamma);
            let counted = selfish_measured(alpha, gamma, blocks, &mut rng);
            // Blocks depend on each other here, so that the count is less sure than that of single tries.
            let held = (counted - formula).abs() <= 2.0 * allowed(formula, blocks);
            let pays = if formula > alpha { "it pays" } else { "it does not pay" };
            notes.sees(
                format!(
                    "{:.0} % of hash power, {:.0} % of the others follow in a tie",
                    alpha * 100.0,
                    gamma * 100.0
                ),
                format!("{:.2} % of the chain's blocks: {pays}", counted * 100.0),
                format!("{:.2} % by the formula of Eyal and Sirer", formula * 100.0),
                held,
            );
        }
        let threshold = selfish_threshold(gamma);
        notes.sees(
            format!(
                "from which share on it pays, where {:.0} % follow in a tie",
                gamma * 100.0
            ),
            format!("{:.1} %", threshold * 100.0),
            "the share at which the formula gives just that share",
            (share(threshold, gamma) - threshold).abs() < 1e-9,
        );
    }
    Ok(())
}
