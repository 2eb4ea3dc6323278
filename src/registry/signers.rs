//! The private halves of signing keys that are in use, opened once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::EcdsaKeyPair;

use crate::model::clock::Timestamp;

/// The most that are kept of either; when there are more, all are opened or made anew.
const MOST: usize = 4096;

/// A card that was signed.
#[derive(Debug, Clone)]
pub(super) struct Card {
    /// What it was made of.
    pub(super) says: String,
    /// The card.
    pub(super) text: String,
    /// From when on another one is made.
    pub(super) until: Timestamp,
}

/// What is kept so as not to be opened or signed with every call.
#[derive(Default)]
pub(super) struct Signers {
    pairs: Mutex<HashMap<String, Arc<EcdsaKeyPair>>>,
    cards: Mutex<HashMap<String, Card>>,
}

impl Signers {
    pub(super) fn pair(&self, kid: &str) -> Option<Arc<EcdsaKeyPair>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner).get(kid).map(Arc::clone)
    }

    pub(super) fn keep(&self, kid: &str, pair: &Arc<EcdsaKeyPair>) {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if pairs.len() >= MOST {
            pairs.clear();
        }
        pairs.insert(kid.to_owned(), Arc::clone(pair));
    }

    /// The card of an agent, if it still says this.
    pub(super) fn card(&self, agent: &str, says: &str, now: Timestamp) -> Option<String> {
        let cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        cards.get(agent).filter(|card| card.says == says && now < card.until).map(|card| card.text.clone())
    }

    pub(super) fn keep_card(&self, agent: &str, card: Card) {
        let mut cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        if cards.len() >= MOST {
            cards.clear();
        }
        cards.insert(agent.to_owned(), card);
    }
}

/// Nothing of it.
impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signers")
    }
}
