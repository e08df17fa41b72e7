//! Damaged proofs.

use super::Numbers;

/// Longest part of a proof that is damaged at once, in bytes.
const LONGEST: usize = 200;

/// One change of a proof, which is not empty: a bit, or a part that is cut off, cut out, doubled or reversed. It may be the same
/// again, where the part is equal to what comes in its place.
pub fn damage(proof: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut below = |limit: usize| usize::try_from(numbers.below(limit as u64)).expect("it is below a usize");
    let at = below(proof.len());
    let len = 1 + below(LONGEST);
    let end = (at + len).min(proof.len());
    let mut damaged = proof.to_vec();
    match below(5) {
        0 => damaged[at] ^= 1 << below(8),
        1 => damaged.truncate(at),
        2 => drop(damaged.drain(at..end)),
        3 => {
            let part = damaged[at..end].to_vec();
            damaged.splice(at..at, part);
        }
        _ => damaged[at..end].reverse(),
    }
    damaged
}
