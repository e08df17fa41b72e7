//! Hash power as a matter of chance: double spends and selfish mining, by formula and by counting.
//!
//! Floats are for people here: no rule of the chain depends on them.

use crate::random::Seeded;

/// Blocks by which an attacker may fall behind before a run counts as lost: catching up from there is rarer than one in a million
/// for every share that the laboratory shows below a half.
const GIVEN_UP: i64 = 150;

/// The probability that an attacker with the share `q` of all hash power overtakes a chain that is `z` blocks ahead, by Nakamoto's
/// paper (section 11): the attacker's blocks meanwhile are taken for a Poisson distribution.
pub fn nakamoto(q: f64, z: u32) -> f64 {
    let p = 1.0 - q;
    if q >= p {
        return 1.0;
    }
    let lambda = f64::from(z) * q / p;
    let mut poisson = (-lambda).exp();
    let mut sum = 0.0;
    for k in 0..=z {
        if k > 0 {
            poisson *= lambda / f64::from(k);
        }
        sum += poisson * (1.0 - (q / p).powi(exponent(z - k)));
    }
    1.0 - sum
}

/// The same with the exact distribution of the attacker's blocks, which is the negative binomial one (Rosenfeld, 2014).
pub fn exact(q: f64, z: u32) -> f64 {
    let p = 1.0 - q;
    if q >= p || z == 0 {
        return 1.0;
    }
    // C(m + z - 1, m) p^z q^m, from one m to the next.
    let mut term = p.powi(exponent(z));
    let mut sum = 0.0;
    for m in 0..=z {
        if m > 0 {
            term *= q * f64::from(m + z - 1) / f64::from(m);
        }
        sum += term * (1.0 - (q / p).powi(exponent(z - m)));
    }
    1.0 - sum
}

fn exponent(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The fewest confirmations with which such an attacker succeeds in less than one of a thousand tries; none below 1,000 of them.
pub fn advised(q: f64) -> Option<u32> {
    (1..1_000).find(|z| exact(q, *z) < 0.001)
}

/// Of so many tries, how many succeed: the attacker has one secret block when the payment is made, as both formulas assume, mines
/// while the merchant waits for `z` confirmations, and goes on until it has more blocks than the others, or is hopelessly behind.
pub fn measured(q: f64, z: u32, tries: u32, rng: &mut Seeded) -> f64 {
    let won = (0..tries).filter(|_| overtakes(q, z, rng)).count();
    won as f64 / f64::from(tries)
}

fn overtakes(q: f64, z: u32, rng: &mut Seeded) -> bool {
    let (mut theirs, mut honest) = (1, 0);
    while honest < i64::from(z) {
        match rng.happens(q) {
            true => theirs += 1,
            false => honest += 1,
        }
    }
    let mut ahead = theirs - honest;
    while ahead <= 0 && ahead > -GIVEN_UP {
        ahead += if rng.happens(q) { 1 } else { -1 };
    }
    ahead > 0
}

/// The share of all blocks in the chain that a selfish miner gets with the share `alpha` of hash power, where `gamma` of the others
/// mine on its branch in a tie (Eyal and Sirer, 2013).
pub fn selfish(alpha: f64, gamma: f64) -> f64 {
    let (a, g) = (alpha, gamma);
    let gained = a * (1.0 - a).powi(2) * (4.0 * a + g * (1.0 - 2.0 * a)) - a.powi(3);
    gained / (1.0 - a * (1.0 + (2.0 - a) * a))
}

/// The share of hash power from which on selfish mining pays.
pub fn selfish_threshold(gamma: f64) -> f64 {
    (1.0 - gamma) / (3.0 - 2.0 * gamma)
}

/// The same share, counted over so many blocks that are found.
pub fn selfish_measured(alpha: f64, gamma: f64, blocks: u32, rng: &mut Seeded) -> f64 {
    let (mut own, mut others) = (0_u64, 0_u64);
    let (mut lead, mut tied) = (0_u64, false);
    for _ in 0..blocks {
        let selfish = rng.happens(alpha);
        match (selfish, lead, tied) {
            // Two branches of one block each: the next block decides.
            (true, _, true) => (own, tied) = (own + 2, false),
            (false, _, true) => {
                tied = false;
                match rng.happens(gamma) {
                    true => (own, others) = (own + 1, others + 1),
                    false => others += 2,
                }
            }
            (true, _, false) => lead += 1,
            (false, 0, false) => others += 1,
            // The secret block is shown beside the honest one.
            (false, 1, false) => (lead, tied) = (0, true),
            // The honest block is overtaken at once, by both secret ones.
            (false, 2, false) => (own, lead) = (own + 2, 0),
            (false, _, false) => (own, lead) = (own + 1, lead - 1),
        }
    }
    own as f64 / (own + others).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, by: f64) {
        assert!((found - expected).abs() < by, "{found}, expected {expected}");
    }

    #[test]
    fn the_formula_gives_the_tables_of_the_paper() {
        for (q, z, expected) in [
            (0.1, 0, 1.0),
            (0.1, 1, 0.2045873),
            (0.1, 2, 0.0509779),
            (0.1, 5, 0.0009137),
            (0.1, 10, 0.0000012),
            (0.3, 5, 0.1773523),
            (0.3, 10, 0.0416605),
            (0.3, 50, 0.0000006),
        ] {
            near(nakamoto(q, z), expected, 5e-8);
        }
        // "P < 0.1 %" of the paper.
        for (q, z) in [
            (0.10, 5),
            (0.15, 8),
            (0.20, 11),
            (0.25, 15),
            (0.30, 24),
            (0.35, 41),
            (0.40, 89),
            (0.45, 340),
        ] {
            assert!(nakamoto(q, z) < 0.001 && nakamoto(q, z - 1) >= 0.001, "{q} {z}");
        }
        near(nakamoto(0.5, 6), 1.0, 1e-12);
    }

    #[test]
    fn the_exact_formula_is_what_is_counted() {
        let mut rng = Seeded::new("race");
        for (q, z) in [(0.1, 1), (0.1, 2), (0.3, 3), (0.3, 6), (0.45, 6)] {
            near(measured(q, z, 20_000, &mut rng), exact(q, z), 0.012);
        }
        // Rosenfeld's table: q = 10 %, 2 and 6 confirmations.
        near(exact(0.1, 2), 0.05600, 5e-6);
        near(exact(0.1, 6), 0.00059, 5e-6);
        assert_eq!((advised(0.1), advised(0.5)), (Some(6), None));
        near(measured(0.55, 6, 2_000, &mut rng), 1.0, 1e-9);
    }

    #[test]
    fn selfish_mining_pays_from_its_threshold_on() {
        near(selfish_threshold(0.0), 1.0 / 3.0, 1e-12);
        near(selfish_threshold(0.5), 0.25, 1e-12);
        for gamma in [0.0, 0.5] {
            let threshold = selfish_threshold(gamma);
            near(selfish(threshold, gamma), threshold, 1e-9);
            assert!(selfish(threshold + 0.05, gamma) > threshold + 0.05);
            assert!(selfish(threshold - 0.05, gamma) < threshold - 0.05);
        }
        let mut rng = Seeded::new("selfish");
        for (alpha, gamma) in [(0.2, 0.0), (0.3, 0.5), (0.4, 0.0), (0.4, 1.0)] {
            near(
                selfish_measured(alpha, gamma, 200_000, &mut rng),
                selfish(alpha, gamma),
                0.01,
            );
        }
    }
}
