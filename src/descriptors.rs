//! Open files and connections: how many the system lets this process have, and how they are divided.

use std::sync::OnceLock;

/// What is taken for granted where the system has no figure.
const USUAL: u64 = 1_024;

static LIMIT: OnceLock<u64> = OnceLock::new();

/// Raises the soft limit of open descriptors to the hard one, which needs no privilege. Once, before anything is opened.
pub fn raise() {
    LIMIT.get_or_init(|| {
        let raised = rlimit::increase_nofile_limit(u64::MAX);
        raised.unwrap_or_else(|error| {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            soft()
        })
    });
}

fn soft() -> u64 {
    rlimit::Resource::NOFILE.get_soft().unwrap_or(USUAL)
}

/// Connections that one listener may hold of `wanted`, so that the store, the network and the other listeners keep what
/// they need: at most `share` of eight parts of all descriptors.
pub fn connections(wanted: usize, share: u64) -> usize {
    part(*LIMIT.get_or_init(soft), wanted, share)
}

fn part(limit: u64, wanted: usize, share: u64) -> usize {
    let part = limit / 8 * share;
    wanted.min(usize::try_from(part).unwrap_or(usize::MAX)).max(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_limit_leaves_most_of_it_to_others() {
        assert_eq!(part(1 << 20, 4_096, 3), 4_096);
        assert_eq!(part(256, 4_096, 3), 96);
        assert_eq!(part(64, 4_096, 3), 24);
        assert_eq!(part(16, 4_096, 1), 8, "a listener without any room would be none");
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        raise();
        let (soft, hard) = rlimit::Resource::NOFILE.get().expect("this system has limits");
        assert_eq!(soft, hard);
    }
}
