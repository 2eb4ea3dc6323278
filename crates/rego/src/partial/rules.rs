//! Documents and functions that rules define, of which it is unknown which rules hold.

use std::rc::Rc;

use super::evaluator::{Document, GO_ON, Partial, Ways};
use super::term::{Condition, Kind, Term, Way};
use super::tidy::{exclude, tidy};
use crate::plan::Failure;
use crate::plan::ir::{Comparison, Comprehension, Kind as Defines, Place, RuleBody, RuleId, RuleSet};

/// The most pairs of values of one rule that are held against each other.
const MOST_PAIRS: usize = 10_000;

/// A way, and which row and branch of its rule set it is from.
struct From {
    way: Way,
    body: usize,
    branch: usize,
}

impl<'e> Partial<'e> {
    /// The document of a rule set.
    pub(super) fn document(&mut self, id: RuleId) -> Result<Document, Box<Failure>> {
        let program = self.program;
        let Some(rules) = program.rules.get(id as usize) else { return Ok(Document::Known(None)) };
        if self.world.changed {
            return self.define(rules);
        }
        if let Some(known) = self.documents.get(&id) {
            return Ok(known.clone());
        }
        let document = if self.reach.rule(id) {
            // It is kept for whoever asks for it next, wherever that is.
            let denied = std::mem::replace(&mut self.denied, 0);
            let counting = std::mem::replace(&mut self.counting, false);
            let defined = self.define(rules);
            (self.denied, self.counting) = (denied, counting);
            defined?
        } else {
            Document::Known(self.known.rule(id)?)
        };
        self.documents.insert(id, document.clone());
        Ok(document)
    }

    fn define(&mut self, rules: &'e RuleSet) -> Result<Document, Box<Failure>> {
        match rules.kind {
            Defines::Function(_) => Ok(Document::Known(None)),
            Defines::Complete => {
                let ways = self.one_value(rules, &[])?;
                let known = match ways.all.as_slice() {
                    [] => Some(None),
                    [Way { conditions, value: Term::Const(value), .. }] if conditions.is_empty() => {
                        Some(Some(value.clone()))
                    }
                    _ => None,
                };
                Ok(known.map_or_else(|| Document::Ways(Rc::new(ways)), Document::Known))
            }
            Defines::Partial { set } => match self.gather(rules, set)? {
                Term::Const(value) => Ok(Document::Known(Some(value))),
                made => Ok(Document::Made(made)),
            },
        }
    }

    /// The ways in which a function has a value for arguments.
    pub(super) fn function(&mut self, id: RuleId, args: &[Term]) -> Result<Ways, Box<Failure>> {
        let program = self.program;
        match program.rules.get(id as usize) {
            Some(rules) => self.one_value(rules, args),
            None => Ok(Ways { all: Vec::new(), own: (0, 0), may_conflict: false }),
        }
    }

    fn one_value(&mut self, rules: &'e RuleSet, args: &[Term]) -> Result<Ways, Box<Failure>> {
        let own = self.next_var;
        let counting = std::mem::replace(&mut self.counting, false);
        let conflicting = std::mem::replace(&mut self.conflicting, false);
        let mut found = Vec::new();
        for (number, body) in rules.bodies.iter().enumerate() {
            self.body(body, args, number, &mut found)?;
        }
        self.counting = counting;
        // Of these, not of what is left of them once they are set apart: where two differ, the default is no answer.
        let none: Vec<Vec<Condition>> = found.iter().map(|from| from.way.conditions.clone()).collect();
        let mut ways: Vec<Way> = Vec::new();
        let sure =
            found.iter().find(|from| from.way.conditions.is_empty() && from.way.value.value().is_some());
        let same = |value: &Term| found.iter().all(|from| from.way.value == *value);
        let mut may_conflict = false;
        match sure {
            Some(from) if same(&from.way.value) => ways.push(from.way.clone()),
            _ => {
                may_conflict = self.set_apart(&mut found, own)?;
                for from in &found {
                    if !ways.contains(&from.way) {
                        ways.push(from.way.clone());
                    }
                }
            }
        }
        if let Some(default) = &rules.default {
            let mut otherwise = Vec::new();
            self.body(default, args, usize::MAX, &mut otherwise)?;
            let place = default.place;
            if !none.iter().any(Vec::is_empty) {
                for From { mut way, .. } in otherwise {
                    if !none.is_empty() {
                        way.conditions.push(Condition { kind: Kind::Not(none.clone()), place });
                    }
                    ways.push(way);
                }
            }
        }
        may_conflict |= self.conflicting;
        self.conflicting |= conflicting;
        Ok(Ways { all: ways, own: (own, self.next_var), may_conflict })
    }

    /// The ways of one row: a body, and whatever `else` has behind it.
    fn body(
        &mut self,
        body: &'e RuleBody,
        args: &[Term],
        number: usize,
        found: &mut Vec<From>,
    ) -> Result<(), Box<Failure>> {
        if body.args.len() != args.len() {
            return Ok(());
        }
        let from = self.conditions.len();
        self.framed(body.slots, |this| {
            this.attempt(|this| {
                for (pattern, arg) in body.args.iter().zip(args) {
                    if !this.fits(pattern, arg.clone())? {
                        return Ok(());
                    }
                }
                this.branches(body, (number, from), found)
            })
        })
    }

    fn branches(
        &mut self,
        body: &'e RuleBody,
        (number, from): (usize, usize),
        found: &mut Vec<From>,
    ) -> Result<(), Box<Failure>> {
        let after_args = self.conditions.len();
        let mut earlier: Vec<Vec<Condition>> = Vec::new();
        for (at, branch) in body.branches.iter().enumerate() {
            self.place = branch.place;
            let more = body.branches.len() > at + 1;
            let mut held = Vec::new();
            let _flow = self.attempt(|this| {
                if !earlier.is_empty() {
                    this.push(Kind::Not(earlier.clone()));
                }
                let own = this.conditions.len();
                this.run(&branch.block, 0, &mut |this| {
                    let Some(conditions) = this.since(from)? else { return GO_ON };
                    if more && let Some(own) = this.since(own)? {
                        held.push(own);
                    }
                    let way = Way { conditions, key: None, value: this.value(&branch.value) };
                    found.push(From { way, body: number, branch: at });
                    GO_ON
                })
            })?;
            debug_assert!(self.conditions.len() == after_args, "conditions are taken back");
            if held.iter().any(Vec::is_empty) {
                break;
            }
            earlier.append(&mut held);
        }
        Ok(())
    }

    /// Where two ways may give different values, each holds only where the other does not; says whether there are such.
    fn set_apart(&mut self, found: &mut [From], own: u32) -> Result<bool, Box<Failure>> {
        let end = self.next_var;
        let mut pairs = 0;
        let mut against: Vec<Vec<Vec<Condition>>> = vec![Vec::new(); found.len()];
        for (at, from) in found.iter().enumerate() {
            let mut varies = false;
            from.way.value.vars(&mut |var| varies |= var >= own);
            for (other_at, other) in found.iter().enumerate() {
                let itself = at == other_at;
                let same = itself || from.way.value == other.way.value;
                if same && !varies
                    || from.body == other.body && from.branch != other.branch
                    || !itself && exclude(&from.way.conditions, &other.way.conditions)
                {
                    continue;
                }
                pairs += 1;
                if pairs > MOST_PAIRS {
                    return self.unsupported("too many values of one rule may differ");
                }
                // Another way of the same, with variables of its own.
                let way = self.renamed((own, end)).way(&other.way);
                let mut conditions = way.conditions;
                let differs = Kind::Compare(Comparison::NotEqual, way.value.clone(), from.way.value.clone());
                match (&way.value, &from.way.value) {
                    (Term::Const(a), Term::Const(b)) if a == b => continue,
                    (Term::Const(_), Term::Const(_)) => {}
                    _ => conditions.push(Condition { kind: differs, place: self.place }),
                }
                if let (Some(conditions), Some(against)) = (tidy(&conditions), against.get_mut(at)) {
                    against.push(conditions);
                }
            }
        }
        let may_conflict = against.iter().any(|against| !against.is_empty());
        for (from, against) in found.iter_mut().zip(against) {
            if !against.is_empty() {
                from.way.conditions.push(Condition { kind: Kind::Not(against), place: self.place });
            }
        }
        Ok(may_conflict)
    }

    /// The set or object that rules gather.
    fn gather(&mut self, rules: &'e RuleSet, set: bool) -> Result<Term, Box<Failure>> {
        let own = self.next_var;
        let mut ways = Vec::new();
        for body in &rules.bodies {
            let one_key = body.tail.len() == 1 && !body.contains;
            let fits = if set { body.tail.is_empty() && body.contains } else { one_key };
            if !fits {
                self.place = body.place;
                let message = "rules gather an object within an object, and which of them hold is unknown";
                return self.unsupported(message);
            }
            self.gather_body(body, set, &mut ways)?;
        }
        self.place = rules.bodies.first().map_or_else(Place::default, |body| body.place);
        self.gathered(if set { Comprehension::Set } else { Comprehension::Object }, ways, own)
    }

    fn gather_body(
        &mut self,
        body: &'e RuleBody,
        set: bool,
        ways: &mut Vec<Way>,
    ) -> Result<(), Box<Failure>> {
        let Some(branch) = body.branches.first() else { return Ok(()) };
        let from = self.conditions.len();
        self.denied += 1;
        let gathered = self.framed(body.slots, |this| {
            this.run(&branch.block, 0, &mut |this| {
                let Some(conditions) = this.since(from)? else { return GO_ON };
                let key = body.tail.first().filter(|_| !set).map(|key| this.value(key));
                let way = Way { conditions, key, value: this.value(&branch.value) };
                if !ways.contains(&way) {
                    ways.push(way);
                }
                GO_ON
            })
        });
        self.denied -= 1;
        gathered.map(|_| ())
    }
}
