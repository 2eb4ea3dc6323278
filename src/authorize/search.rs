//! Searches: which of the candidates that one document lists another one allows.
//!
//! INVARIANT (a search decides nothing by itself): whoever is found has been decided about like anybody who was asked about by
//! name, with a record.

use uuid::Uuid;

use super::call::{Arrival, Batch, Call, Question};
use super::{AuthorizedBatch, Authorizer, BatchRefused, check_size};
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;
use verdict_rego::Value;

/// What a search asks.
#[derive(Debug)]
pub struct Search<L> {
    /// The document that lists the candidates.
    pub candidates: EntryPath,
    /// What it is asked with.
    pub question: Question,
    /// Makes the batch of what that document says; of nothing where it is undefined. What else it gives is given back.
    pub list: L,
}

impl Authorizer {
    /// Lists candidates, and decides about each as [`Authorizer::authorize_batch`] does: the caller is authenticated once, and all
    /// answers come from the same policy.
    ///
    /// # Errors
    /// When the whole of it is refused: the caller, the body, or the list of candidates.
    pub async fn search<L, T>(
        &self,
        arrival: Arrival<'_>,
        ask: impl AsyncFnOnce() -> Result<Search<L>, Failure>,
    ) -> Result<(AuthorizedBatch, T), BatchRefused>
    where
        L: FnOnce(Option<&Value>) -> Result<(Batch, T), Failure>,
    {
        let (mut call, admitted) = self.admit(arrival).await;
        let id = Uuid::new_v4();
        match self.list((&mut call, id), admitted, ask).await {
            Ok((batch, kept)) => {
                let answers = self.decide_items(&call, batch).await;
                let batch = AuthorizedBatch { id, answers, explanation_denied: false, rate: call.rate };
                Ok((batch, kept))
            }
            Err(Stopped::Recorded(refused)) => Err(refused),
            Err(Stopped::By(failure)) => {
                let recorded = self.decider.record(call.refuse(failure)).await;
                Err(recorded.map_or_else(BatchRefused::Unrecorded, |decision| {
                    BatchRefused::Refused(Box::new(decision))
                }))
            }
        }
    }

    /// The candidates, each counted.
    async fn list<L, T>(
        &self,
        (call, id): (&mut Call, Uuid),
        admitted: Result<(), Failure>,
        ask: impl AsyncFnOnce() -> Result<Search<L>, Failure>,
    ) -> Result<(Batch, T), Stopped>
    where
        L: FnOnce(Option<&Value>) -> Result<(Batch, T), Failure>,
    {
        admitted?;
        let Search { candidates, question, list } = ask().await?;
        check_same_callers(call, &candidates)?;
        call.batch_id = Some(id);
        let listing = call.item(question).at(candidates);
        let unrecorded = |unrecorded| Stopped::Recorded(BatchRefused::Unrecorded(unrecorded));
        let listed = self.ruled(listing).await.map_err(unrecorded)?;
        if listed.failure.is_some() {
            return Err(Stopped::Recorded(BatchRefused::Refused(Box::new(listed))));
        }
        let (batch, kept) = list(listed.result.as_ref())?;
        let batch = check_size(batch, &call.in_force)?;
        self.count(call, batch.inputs.len()).await?;
        Ok((batch, kept))
    }
}

/// Why no candidate is decided about.
enum Stopped {
    /// Something that has no record yet.
    By(Failure),
    /// Something that has one, or could not have one.
    Recorded(BatchRefused),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::By(failure)
    }
}

/// Whoever may ask one of the two documents may ask the other: the caller was let in to one of them.
fn check_same_callers(call: &Call, candidates: &EntryPath) -> Result<(), Failure> {
    let mode = |path| call.in_force.authenticator.mode_for(path);
    if call.path.as_ref().map(mode) == Some(mode(candidates)) {
        return Ok(());
    }
    let message = "`identity.entrypoints` has different modes for the document that decides and the one that lists candidates";
    Err(Failure::new(FailureKind::Misconfigured, message))
}
