//! What is remembered of an event that was received.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::audit::hex;
use super::record::Stored;
use super::row::Kind;
use crate::model::clock::Timestamp;

/// An event that was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Who sent it.
    pub issuer: String,
    /// Its name there.
    pub jti: String,
    /// What it says.
    pub event: String,
    /// When it was received.
    pub received_at: Timestamp,
}

impl EventRecord {
    /// The id of its row: short, whatever the two are.
    pub fn id_of(issuer: &str, jti: &str) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&(issuer.len() as u64).to_be_bytes());
        context.update(issuer.as_bytes());
        context.update(jti.as_bytes());
        format!("evt_{}", hex(context.finish().as_ref()))
    }
}

impl Stored for EventRecord {
    const KIND: Kind = Kind::Event;
    const WORD: &'static str = "event";

    fn row_id(&self) -> String {
        Self::id_of(&self.issuer, &self.jti)
    }

    fn organisation(&self) -> Option<&str> {
        None
    }

    fn owner(&self) -> Option<&str> {
        None
    }
}
