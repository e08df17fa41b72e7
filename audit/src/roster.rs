//! Which helper is given which claims, and which of them is lost; the workers themselves are in `pool.rs`.

use std::collections::BTreeMap;

/// The helpers that work, by the number of their place. `T`: where the answer to some claims goes; dropped, there comes none.
pub struct Roster<T> {
    helpers: BTreeMap<usize, Helper<T>>,
    last_number: u32,
}

struct Helper<T> {
    /// By number of the message.
    waiting: BTreeMap<u32, T>,
    /// Answers so far.
    answers: u64,
}

impl<T> Default for Roster<T> {
    fn default() -> Self {
        Self {
            helpers: BTreeMap::new(),
            last_number: 0,
        }
    }
}

impl<T> Roster<T> {
    /// A helper listens.
    pub fn join(&mut self, place: usize) {
        let helper = Helper {
            waiting: BTreeMap::new(),
            answers: 0,
        };
        self.helpers.insert(place, helper);
    }

    /// Gives claims to the helper that has the fewest: its place, and the number of the message. None where there is none.
    pub fn hand_out(&mut self, answer: T) -> Option<(usize, u32)> {
        let least = self.helpers.iter_mut().min_by_key(|(_, helper)| helper.waiting.len());
        let (place, helper) = least?;
        self.last_number = self.last_number.wrapping_add(1);
        helper.waiting.insert(self.last_number, answer);
        Some((*place, self.last_number))
    }

    /// A helper answers this message: where that goes.
    pub fn answered(&mut self, place: usize, number: u32) -> Option<T> {
        let helper = self.helpers.get_mut(&place)?;
        helper.answers += 1;
        helper.waiting.remove(&number)
    }

    /// How often a helper answered; none of one that is lost.
    pub fn answers(&self, place: usize) -> Option<u64> {
        self.helpers.get(&place).map(|helper| helper.answers)
    }

    /// A helper is lost: it is given nothing more, and what it has is answered by none.
    pub fn lose(&mut self, place: usize) {
        self.helpers.remove(&place);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn each_helper_is_given_as_much_as_the_others() {
        let mut roster = Roster::default();
        assert_eq!(roster.hand_out("nobody"), None);
        for place in [4, 7] {
            roster.join(place);
        }
        assert_eq!(roster.hand_out("a"), Some((4, 1)));
        assert_eq!(roster.hand_out("b"), Some((7, 2)));
        assert_eq!(roster.answered(7, 2), Some("b"));
        assert_eq!(roster.hand_out("c"), Some((7, 3)));
        // An answer counts once, and only from the helper that was given the claims.
        assert_eq!((roster.answered(7, 1), roster.answered(4, 1)), (None, Some("a")));
        assert_eq!(roster.answered(4, 1), None);
    }

    /// It would have the fewest claims, since it answers none that it is given.
    #[test]
    fn a_helper_that_is_lost_is_given_nothing_more() {
        let mut roster = Roster::default();
        roster.join(0);
        roster.join(1);
        let answer = Rc::new(());
        assert_eq!(roster.hand_out(answer.clone()), Some((0, 1)));
        roster.lose(0);
        assert_eq!((Rc::strong_count(&answer), roster.answers(0)), (1, None));
        for number in 2..6 {
            assert_eq!(roster.hand_out(answer.clone()), Some((1, number)));
        }
        assert_eq!(roster.answers(1), Some(0));
        assert_eq!(roster.answered(1, 3), Some(answer.clone()));
        assert_eq!(roster.answers(1), Some(1));
        // Lost twice, and late.
        roster.lose(0);
        assert_eq!(roster.answered(0, 1), None);
        roster.lose(1);
        assert_eq!(roster.hand_out(answer), None);
    }
}
