//! A set of bounded size.

use std::collections::{BTreeSet, VecDeque};

/// A set that forgets its oldest members.
#[derive(Debug)]
pub(crate) struct Remembered<T> {
    members: BTreeSet<T>,
    order: VecDeque<T>,
    max: usize,
}

impl<T: Ord + Copy> Remembered<T> {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            members: BTreeSet::new(),
            order: VecDeque::new(),
            max,
        }
    }

    pub(crate) fn contains(&self, member: &T) -> bool {
        self.members.contains(member)
    }

    /// The first member from `low` to `high`.
    pub(crate) fn range(&self, low: &T, high: &T) -> Option<&T> {
        self.members.range(low..=high).next()
    }

    /// Returns whether it is new.
    pub(crate) fn insert(&mut self, member: T) -> bool {
        let new = self.members.insert(member);
        if new {
            self.order.push_back(member);
            if self.order.len() > self.max
                && let Some(oldest) = self.order.pop_front()
            {
                self.members.remove(&oldest);
            }
        }
        new
    }

    pub(crate) fn remove(&mut self, member: &T) {
        if self.members.remove(member) {
            self.order.retain(|other| other != member);
        }
    }
}
