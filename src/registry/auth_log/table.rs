//! Attempts of one interval, counted, in bounded memory.
//!
//! INVARIANT (none is lost): each attempt is counted in exactly one entry. Where there is no room for one of its own, it is
//! counted in one that says less.

use std::collections::HashMap;

use super::attempt::{Alike, Attempt, Kept};
use crate::model::clock::Timestamp;
use crate::registry::row::AuthEvent;

/// How many entries there may be of callers that are known.
pub(super) const MOST_KNOWN: usize = 16_384;
/// How many entries there may be of strangers.
pub(super) const MOST_STRANGERS: usize = 1024;
/// How many more there may be for organisations as a whole, once those of known callers are full.
const MOST_ORGANISATIONS: usize = 4096;
/// How many entries may differ in nothing but what whoever calls can vary at will.
pub(super) const MOST_VARIANTS: u32 = 32;

/// Attempts that were alike.
#[derive(Debug, Default)]
struct Counted {
    /// When the first of them was.
    at: Option<Timestamp>,
    /// How many there were; none where the entry only counts its variants.
    count: u64,
    /// How many entries say more than this one.
    variants: u32,
}

/// Attempts, counted.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: HashMap<Kept, Counted>,
    known: usize,
    strangers: usize,
    /// How many attempts are counted in entries that say less than is known of them.
    pub(super) folded: u64,
}

impl Table {
    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many attempts it has.
    pub(super) fn attempts(&self) -> u64 {
        self.entries.values().map(|counted| counted.count).sum()
    }

    /// Counts attempts that are alike. `at` says when the first was, and is asked only where there were none yet.
    pub(super) fn count(&mut self, attempt: Attempt<'_>, count: u64, at: impl FnOnce() -> Timestamp) {
        if let Some(counted) = self.find(attempt).filter(|counted| counted.count > 0) {
            counted.count = counted.count.saturating_add(count);
            return;
        }
        let place = self.place_for(attempt);
        if place != attempt {
            self.folded = self.folded.saturating_add(count);
        }
        if let Some(counted) = self.find(place) {
            counted.at = counted.at.or_else(|| Some(at()));
            counted.count = counted.count.saturating_add(count);
        }
    }

    /// Makes an entry for an attempt that has none, or says which other one it is counted in. It is there when this returns.
    fn place_for<'a>(&mut self, attempt: Attempt<'a>) -> Attempt<'a> {
        let (broader, organisation) = (attempt.broader(), attempt.of_organisation());
        if self.take_place(broader, MOST_KNOWN) {
            if attempt == broader {
                return attempt;
            }
            let few = self.find(broader).is_some_and(|counted| counted.variants < MOST_VARIANTS);
            if !few || !self.take_place(attempt, MOST_KNOWN) {
                return broader;
            }
            if let Some(counted) = self.find(broader) {
                counted.variants += 1;
            }
            return attempt;
        }
        if organisation.organisation.is_some()
            && self.take_place(organisation, MOST_KNOWN + MOST_ORGANISATIONS)
        {
            return organisation;
        }
        // Of these there are as many as there are ways to end.
        let anybody = attempt.of_anybody();
        if self.find(anybody).is_none() {
            self.entries.insert(Kept::from(anybody), Counted::default());
        }
        anybody
    }

    fn find(&mut self, attempt: Attempt<'_>) -> Option<&mut Counted> {
        self.entries.get_mut(&attempt as &dyn Alike)
    }

    /// Makes an entry, unless there is one; `false` where there is no room.
    fn take_place(&mut self, attempt: Attempt<'_>, most_known: usize) -> bool {
        if self.find(attempt).is_some() {
            return true;
        }
        let (taken, most) = match attempt.is_of_stranger() {
            true => (&mut self.strangers, MOST_STRANGERS),
            false => (&mut self.known, most_known),
        };
        if *taken >= most {
            return false;
        }
        *taken += 1;
        self.entries.insert(Kept::from(attempt), Counted::default());
        true
    }

    /// Adds what another table has.
    pub(super) fn merge(&mut self, other: Self) {
        self.folded = self.folded.saturating_add(other.folded);
        if self.is_empty() {
            let folded = self.folded;
            *self = Self { folded, ..other };
            return;
        }
        for (kept, Counted { at, count, .. }) in other.entries {
            if let Some(at) = at.filter(|_| count > 0) {
                self.count(kept.attempt(), count, || at);
            }
        }
    }

    /// What is in it, as it is stored.
    pub(super) fn events(&self) -> Vec<AuthEvent> {
        let counted = self.entries.iter().filter_map(|(kept, Counted { at, count, .. })| {
            at.filter(|_| *count > 0).map(|at| kept.event(at, *count))
        });
        let mut events: Vec<_> = counted.collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// A table of the same size, with nothing in it.
    pub(super) fn anew(&self) -> Self {
        Self { entries: HashMap::with_capacity(self.entries.len()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
