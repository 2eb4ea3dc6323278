//! Searches: for subjects, resources or actions, among candidates that a document of the policy lists.
//!
//! INVARIANT (found is allowed): a result is a candidate about which the same evaluation, asked by itself, says `true`. So candidates
//! are ids, and bring no properties of their own.

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value as Json, json};

use super::answer;
use super::asked::{self, Asked, Entity};
use super::door::{Candidates, Door, PROTOCOL};
use super::page::Page;
use crate::authorize::{AuthorizedBatch, Batch, BatchRefused, Question, Search, Until};
use crate::decision_log::Unrecorded;
use crate::doors::body::Unread;
use crate::doors::context::arrival;
use crate::doors::edge::Edge;
use crate::model::decision::{Decision, Outcome};
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;
use verdict_rego::Value;

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doors) enum Kind {
    Subject,
    Resource,
    Action,
}

impl Kind {
    const fn entity(self) -> Entity {
        match self {
            Self::Subject => Entity::Subject,
            Self::Resource => Entity::Resource,
            Self::Action => Entity::Action,
        }
    }
}

/// The document that lists what is searched for.
fn candidates(door: &Door, kind: Kind) -> Result<EntryPath, Failure> {
    let Candidates { subjects, resources, actions } = door.candidates();
    let (key, path) = match kind {
        Kind::Subject => ("subjects", subjects),
        Kind::Resource => ("resources", resources),
        Kind::Action => ("actions", actions),
    };
    path.clone().ok_or_else(|| {
        let message = format!("nothing lists candidates for this search (`doors.authzen.search.{key}`)");
        Failure::new(FailureKind::UnknownPath, message)
    })
}

/// What a search asks, read.
struct Query {
    entity: Entity,
    /// The input of the document that lists candidates.
    input: Value,
    page: Option<Page>,
}

impl Query {
    fn read(kind: Kind, mut body: Value) -> Result<Self, String> {
        let entity = kind.entity();
        if entity == Entity::Action {
            // Whatever it says.
            body.remove("action");
        } else if let Some(mut sought) = body.remove(entity.name()) {
            sought.remove(entity.key());
            body.insert(entity.name(), sought);
        }
        let input = Asked::of(&body)?.sought(Some(entity))?;
        let page = Page::read(body.get("page"), &format!("{}\n{input}", entity.name()))?;
        Ok(Self { entity, input, page })
    }

    /// The type that candidates have; actions have none.
    fn wanted(&self) -> Option<&str> {
        self.input.at([self.entity.name(), "type"]).and_then(Value::as_str)
    }

    /// The keys of the candidates in a document.
    fn keys(&self, listed: Option<&Value>) -> Result<Vec<String>, String> {
        let Some(listed) = listed else { return Ok(Vec::new()) };
        if !matches!(listed, Value::Array(_) | Value::Set(_)) {
            return Err(format!("it is not a list but {}", listed.type_name()));
        }
        let key = |candidate: &Value| -> Result<Option<String>, String> {
            if let Some(text) = candidate.as_str() {
                return Ok(Some(text.to_owned()));
            }
            let of_type = candidate.get("type").and_then(Value::as_str);
            let other = self.wanted().is_some_and(|wanted| of_type.is_some_and(|other| other != wanted));
            match candidate.get(self.entity.key()).and_then(Value::as_str) {
                Some(_) if other => Ok(None),
                Some(key) => Ok(Some(key.to_owned())),
                None => {
                    let member = self.entity.key();
                    Err(format!("a candidate is neither a text nor an object with the text `{member}`"))
                }
            }
        };
        listed.elements().into_iter().filter_map(|candidate| key(candidate).transpose()).collect()
    }

    /// The input of a candidate.
    fn input(&self, key: &str) -> Value {
        let (mut input, name) = (self.input.clone(), self.entity.name());
        let mut entity = input.remove(name).unwrap_or_else(Value::object);
        entity.insert(self.entity.key(), Value::from(key));
        input.insert(name, entity);
        input
    }

    fn result(&self, key: &str) -> Json {
        match self.wanted() {
            Some(wanted) => json!({ "type": wanted, "id": key }),
            None => json!({ "name": key }),
        }
    }

    /// The answer, with a page where the request had one.
    fn told(&self, results: &[Json], decided: usize, candidates: usize) -> Json {
        match &self.page {
            None => json!({ "results": results }),
            Some(page) => json!({
                "page": { "next_token": page.next(decided, candidates), "count": results.len() },
                "results": results,
            }),
        }
    }

    /// The candidates of a page, and when the page is full. What is asked for without pages is answered with as a whole, or not.
    fn batch(&self, keys: Vec<String>, most: usize, question: Question) -> Result<Batch, Failure> {
        let (offset, until) = match &self.page {
            None if keys.len() > most => {
                let message = format!(
                    "the search has {} candidates, and {most} are decided about at a time (`server.max_batch_items`): \
                     ask for pages, with a `page` in the request",
                    keys.len()
                );
                return Err(Failure::new(FailureKind::TooLarge, message));
            }
            None => (0, Until::End),
            Some(Page { limit, offset, .. }) => (*offset, limit.map_or(Until::End, Until::Allowed)),
        };
        let inputs = keys.into_iter().skip(offset).take(most).map(|key| {
            let input = self.input(&key);
            (key, Ok(input))
        });
        Ok(Batch { inputs: inputs.collect(), until, common: None, question })
    }
}

/// `POST /access/v1/search/…`.
pub(super) async fn handle(edge: &Edge, kind: Kind, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let most = edge.authorizer.in_force().settings.batch.items;
    let ask = async || {
        let candidates = candidates(&edge.authzen, kind)?;
        let body = asked::read(&parts.headers, &mut unread).await?;
        let query = Query::read(kind, body).map_err(asked::invalid)?;
        let question = edge.authzen.question(None, started);
        let listing = Question { input: Some(query.input.clone()), form: None, ..question.clone() };
        let path = candidates.clone();
        let list = move |listed: Option<&Value>| {
            let keys = query.keys(listed).map_err(|why| {
                let message = format!("`{path}` does not list candidates: {why}");
                Failure::new(FailureKind::EvaluationFailed, message)
            })?;
            let candidates = keys.len();
            Ok((query.batch(keys, most, question)?, (query, candidates)))
        };
        Ok(Search { candidates, question: listing, list })
    };
    let arrival = arrival(&parts, PROTOCOL, Ok(edge.authzen.document().clone()), started);
    match edge.authorizer.search(arrival, ask).await {
        Ok((batch, (query, candidates))) => match results(&query, &batch) {
            Ok(results) => {
                let body = query.told(&results, batch.answers.len(), candidates).to_string();
                answer::whole(edge, &parts.headers, &batch, body, started)
            }
            Err(Unsettled::Failed(decision)) => answer::single(decision),
            Err(Unsettled::Unrecorded(unrecorded)) => answer::unrecorded(unrecorded),
        },
        Err(BatchRefused::Refused(decision)) => answer::single(&decision),
        Err(BatchRefused::Unrecorded(unrecorded)) => answer::unrecorded(&unrecorded),
    }
}

/// A candidate about which nobody knows.
enum Unsettled<'a> {
    Failed(&'a Decision),
    Unrecorded(&'a Unrecorded),
}

/// The candidates that are allowed. One whose evaluation failed fails the search: a shorter list would look like an answer.
fn results<'a>(query: &Query, batch: &'a AuthorizedBatch) -> Result<Vec<Json>, Unsettled<'a>> {
    let mut results = Vec::new();
    for (key, answer) in &batch.answers {
        match answer {
            Ok(decision) if decision.outcome == Outcome::Error => return Err(Unsettled::Failed(decision)),
            Ok(decision) if decision.outcome == Outcome::Allow => results.push(query.result(key)),
            Ok(_) => {}
            Err(unrecorded) => return Err(Unsettled::Unrecorded(unrecorded)),
        }
    }
    Ok(results)
}
