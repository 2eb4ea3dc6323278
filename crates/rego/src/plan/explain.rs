//! Why a document is what it is: each rule that could have made it, with the first condition that kept it from holding.
//!
//! The index is left aside: a rule that it passes over is a candidate like any other. The first condition that fails is
//! the furthest that any of the ways through a body came to. What that condition asks of other rules is explained below
//! it, as far as `with` has changed nothing there.

use std::cell::RefCell;
use std::rc::Rc;

use super::ir::{Block, Branch, Place, RuleBody, RuleId};
use super::machine::{Failure, Flow, Machine, Val};
use super::watch::{Found, Watch};
use crate::value::Value;

/// How far below the document explanations go.
const MAX_DEPTH: usize = 6;
/// The most candidates of one explanation, those below others counted.
const MAX_CANDIDATES: usize = 200;
/// The most references that are followed from one condition.
const MAX_REFERENCES: usize = 16;

/// Why a document or the value of a function is what it is.
#[derive(Debug)]
pub struct Why {
    /// What defines it.
    pub rule: RuleId,
    /// What it is.
    pub value: Option<Value>,
    /// Whether that is the default.
    pub by_default: bool,
    /// Where it is defined, not false and not empty: the branches that hold. Else: all of them.
    pub candidates: Vec<Candidate>,
    /// How many more there are, beyond the bound.
    pub left_out: usize,
}

/// One way in which a rule could hold.
#[derive(Debug)]
pub struct Candidate {
    /// The head, or the `else`.
    pub place: Place,
    /// How it ended.
    pub end: End,
    /// What it depends on that explains it.
    pub because: Vec<Why>,
}

/// How one way ended.
#[derive(Debug)]
pub enum End {
    /// It holds.
    Holds,
    /// This condition does not hold, and what was found there.
    Fails(Place, Found),
    /// The function's arguments do not look as this way wants them.
    Arguments,
    /// It could not be evaluated.
    Errs(Failure),
}

impl<'e> Machine<'e> {
    /// Explains the document of a rule. `together` says whether two places belong to one condition of the source, which
    /// may be several statements.
    ///
    /// # Errors
    /// When the time is over.
    pub fn explain(&mut self, rule: RuleId, together: Together<'_>) -> Result<Why, Box<Failure>> {
        let mut left = MAX_CANDIDATES;
        self.why(rule, &[], 0, &mut left, together)
    }

    fn why(
        &mut self,
        rule: RuleId,
        args: &[Value],
        depth: usize,
        left: &mut usize,
        together: Together<'_>,
    ) -> Result<Why, Box<Failure>> {
        let args: Vec<Val<'e>> = args.iter().cloned().map(Val::Own).collect();
        let value = if args.is_empty() {
            self.document(rule).map(Val::into_value)
        } else {
            self.function(rule, args.clone())
        };
        let value = match value {
            Err(failure) if failure.code == "eval_cancel_error" => return Err(failure),
            Err(_) => None,
            Ok(value) => value,
        };
        let mut why = Why { rule, value, by_default: false, candidates: Vec::new(), left_out: 0 };
        let program = self.program;
        let Some(rules) = program.rules.get(rule as usize) else { return Ok(why) };
        let grants = why
            .value
            .as_ref()
            .is_some_and(|value| *value != Value::Bool(false) && !value.is_empty_collection());
        let mut ways = Vec::new();
        for body in &rules.bodies {
            if *left == 0 {
                why.left_out += body.branches.len();
                continue;
            }
            let tried = self.try_body(body, &args, together)?;
            let tried = tried.into_iter().filter(|way| !grants || matches!(way.end, End::Holds));
            for way in tried {
                *left = left.saturating_sub(1);
                ways.push(way);
            }
        }
        let holds = ways.iter().any(|way| matches!(way.end, End::Holds));
        why.by_default = why.value.is_some() && rules.default.is_some() && !holds;
        for Way { place, end, references } in ways {
            let mut because = Vec::new();
            // What grants is explained by being there; what it builds on would only be long.
            if depth < MAX_DEPTH && !(grants && depth == 0) {
                for (rule, args) in references {
                    if *left > 0 {
                        because.push(self.why(rule, &args, depth + 1, left, together)?);
                    }
                }
            }
            why.candidates.push(Candidate { place, end, because });
        }
        Ok(why)
    }

    /// Runs one body for itself, whatever the index says of it.
    fn try_body(
        &mut self,
        body: &'e RuleBody,
        args: &[Val<'e>],
        together: Together<'_>,
    ) -> Result<Vec<Way>, Box<Failure>> {
        let recorder = Rc::new(RefCell::new(Recorder::new(body)));
        self.watched_by(Box::new(Rc::clone(&recorder)));
        let result = self.body(body, args, &mut |_, _| Ok(Flow::Stop));
        self.watch = None;
        let recorder = recorder.take();
        let failed = match result {
            Err(failure) if failure.code == "eval_cancel_error" => return Err(failure),
            other => other.err(),
        };
        if !recorder.entered {
            return Ok(vec![Way { place: body.place, end: End::Arguments, references: Vec::new() }]);
        }
        let mut ways = Vec::new();
        let places = std::iter::once(body.place).chain(body.branches.iter().skip(1).map(|b| b.place));
        for ((branch, place), seen) in body.branches.iter().zip(places).zip(recorder.seen) {
            let place_of = |at: usize| branch.block.stmts.get(at).map(|(_, place)| *place);
            let fails = seen.furthest.and_then(place_of);
            let end = match fails {
                _ if seen.holds => End::Holds,
                Some(condition) => End::Fails(condition, seen.found),
                None => break,
            };
            let explains =
                |at: usize| seen.holds || place_of(at).zip(fails).is_some_and(|(a, b)| together(a, b));
            let references = seen.references.into_iter().filter(|(at, ..)| explains(*at));
            ways.push(Way {
                place,
                end,
                references: references.map(|(_, rule, args)| (rule, args)).collect(),
            });
        }
        // An error ends the branch that was tried last, whether a condition was being tried or its value was.
        if let (Some(failure), Some(last)) = (failed, ways.last_mut()) {
            last.end = End::Errs(*failure);
        }
        Ok(ways)
    }
}

/// A branch that was tried.
struct Way {
    place: Place,
    end: End,
    references: Vec<Reference>,
}

type Reference = (RuleId, Vec<Value>);

/// Whether two places belong to one condition.
type Together<'t> = &'t dyn Fn(Place, Place) -> bool;

/// How far each branch of one body came, and what its statements referred to.
#[derive(Default)]
struct Recorder<'e> {
    branches: &'e [Branch],
    seen: Vec<Seen>,
    /// How many bodies are being run, the watched one first.
    depth: usize,
    entered: bool,
    /// The branch and the statement that run.
    now: Option<(usize, usize)>,
}

#[derive(Default)]
struct Seen {
    furthest: Option<usize>,
    found: Found,
    /// By statement; the last one where a statement calls a function anew.
    references: Vec<(usize, RuleId, Vec<Value>)>,
    holds: bool,
}

impl<'e> Recorder<'e> {
    fn new(body: &'e RuleBody) -> Self {
        let seen = body.branches.iter().map(|_| Seen::default()).collect();
        Self { branches: &body.branches, seen, ..Self::default() }
    }

    /// The branch of the watched body that a block is the conditions of.
    fn branch(&self, block: &Block) -> Option<usize> {
        let own = || self.branches.iter().position(|branch| std::ptr::eq(&raw const branch.block, block));
        if self.depth == 1 { own() } else { None }
    }
}

impl Watch for Recorder<'_> {
    fn enter(&mut self, _body: &RuleBody) {
        self.depth += 1;
        self.entered = true;
    }

    fn statement(&mut self, block: &Block, at: usize) {
        let Some(branch) = self.branch(block) else { return };
        let Some(seen) = self.seen.get_mut(branch) else { return };
        if seen.furthest.is_none_or(|furthest| at >= furthest) {
            (seen.furthest, seen.found) = (Some(at), Found::default());
        }
        self.now = Some((branch, at));
    }

    fn fails(&mut self, block: &Block, at: usize, found: Found) {
        let branch = self.branch(block).and_then(|branch| self.seen.get_mut(branch));
        if let Some(seen) = branch.filter(|seen| seen.furthest == Some(at)) {
            seen.found = found;
        }
    }

    fn refers(&mut self, rule: RuleId, args: &[Value], changed: bool) {
        let Some((branch, now)) = self.now.filter(|_| self.depth == 1 && !changed) else { return };
        let Some(seen) = self.seen.get_mut(branch) else { return };
        let same = |(at, other, _): &(usize, RuleId, Vec<Value>)| (*at, *other) == (now, rule);
        seen.references.retain(|reference| !same(reference));
        if seen.references.len() < MAX_REFERENCES {
            seen.references.push((now, rule, args.to_vec()));
        }
    }

    fn holds(&mut self, branch: &Branch) {
        if let Some(seen) = self.branch(&branch.block).and_then(|branch| self.seen.get_mut(branch)) {
            seen.holds = true;
        }
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}
