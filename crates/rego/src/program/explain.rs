//! Builds explanations, with source text, locations and titles, from what the machine saw.

use super::{Effects, EvalLimits, Program, Target, on_stack};
use crate::budget;
use crate::explanation::{Candidate, Condition, Explanation, Result as Came};
use crate::plan::explain::{End, Why};
use crate::plan::ir::Place;
use crate::plan::watch::Found;
use crate::value::Value;

/// The most characters of a condition, and of a value, that are shown.
const MAX_TEXT: usize = 160;

impl Program {
    /// Explains the document at `path`: `None` where no rule defines it, or the time is over.
    ///
    /// Runs the candidates once more, each for itself, within the same limits. `values` says whether what was found in
    /// the input and in data is shown, `effects` what the evaluation has learned from others.
    pub fn explain(
        &self,
        path: &[String],
        input: Option<&Value>,
        now_ns: i64,
        limits: &EvalLimits,
        values: bool,
        effects: &mut Effects,
    ) -> Option<Explanation> {
        let Target::Rule(rule, _) = self.target(path) else { return None };
        on_stack(self.stack, || {
            let mut context = Self::context(now_ns, limits, effects);
            let deadline = context.deadline;
            let explained = budget::within(deadline, limits.memory, || {
                let together = |a: Place, b: Place| {
                    a == b || self.whole(a).is_some_and(|whole| Some(whole) == self.whole(b))
                };
                let why = self.machine(input, &mut context, limits.strict).explain(rule, &together).ok()?;
                Some(self.explanation(why, values))
            });
            *effects = context.effects;
            explained.ok().flatten()
        })
    }

    fn explanation(&self, why: Why, values: bool) -> Explanation {
        let rules = self.plan.rules.get(why.rule as usize);
        let name = rules.map(|rules| rules.path.join(".")).unwrap_or_default();
        let result = match why.value {
            None => Came::Undefined,
            Some(Value::Bool(true)) => Came::True,
            Some(Value::Bool(false)) => Came::False,
            Some(value) if value.is_empty_collection() => Came::Empty,
            Some(_) => Came::Value,
        };
        let candidate = |candidate: crate::plan::explain::Candidate| {
            let (condition, error) = match candidate.end {
                End::Holds | End::Arguments => (None, None),
                End::Fails(place, ref found) => (self.condition(place, found, values), None),
                End::Errs(ref failure) => {
                    (self.condition(failure.place, &Found::default(), false), Some(failure.message.clone()))
                }
            };
            Some(Candidate {
                location: self.location_of(candidate.place)?,
                title: self.title(candidate.place),
                holds: matches!(candidate.end, End::Holds),
                condition,
                error,
                because: candidate.because.into_iter().map(|why| self.explanation(why, values)).collect(),
            })
        };
        Explanation {
            rule: format!("data.{name}"),
            result,
            default: why.by_default,
            candidates: why.candidates.into_iter().filter_map(candidate).collect(),
            left_out: why.left_out,
        }
    }

    fn title(&self, head: Place) -> Option<String> {
        let title = self.outlines.get(head.file as usize)?.title(head.span)?;
        Some(title.to_string())
    }

    /// The condition that a place is part of.
    fn whole(&self, place: Place) -> Option<Place> {
        let span = self.outlines.get(place.file as usize)?.expression(place.span)?;
        Some(Place { span, ..place })
    }

    /// The whole condition that a place is part of, and what was found at the place.
    pub(super) fn condition(&self, place: Place, found: &Found, values: bool) -> Option<Condition> {
        let source = self.sources.get(place.file as usize)?;
        let whole = self.whole(place).unwrap_or(place);
        let found = match found {
            _ if !values => None,
            Found::Values(found) => match found.as_slice() {
                [] => None,
                [one] => Some(format!("{} is {}", short(source.slice(place.span)), shown(one.as_ref()))),
                all => {
                    let all: Vec<String> = all.iter().map(|value| shown(value.as_ref())).collect();
                    Some(all.join(", "))
                }
            },
            Found::Through(name, value) => {
                let written = || gone_through(source.slice(place.span)).map(short);
                let name = name.as_deref().map(short).or_else(written);
                name.map(|name| format!("{name} is {}", state(value.as_ref())))
            }
        };
        let location = self.location_of(whole)?;
        Some(Condition { text: short(source.slice(whole.span)), location, found })
    }
}

/// What is gone through, as it is written: `xs` of `xs[_]` and of `some x in xs`.
fn gone_through(text: &str) -> Option<&str> {
    match text.rsplit_once(" in ") {
        Some((_, collection)) => Some(collection),
        None => text.split_once('[').map(|(collection, _)| collection),
    }
}

/// A value, or in words why there is nothing to go through.
fn state(value: Option<&Value>) -> String {
    match value {
        Some(value) if value.is_empty_collection() => "empty".to_owned(),
        Some(value @ (Value::Array(_) | Value::Set(_) | Value::Object(_))) => shown(Some(value)),
        Some(value) => format!("{}, which has no elements", shown(Some(value))),
        None => shown(None),
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |value| short(&value.to_string()))
}

/// On one line, and cut where it is long.
fn short(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = line.char_indices().nth(MAX_TEXT) {
        line.truncate(at);
        line.push('…');
    }
    line
}
