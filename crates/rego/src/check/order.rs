//! The order in which the conditions of a body are evaluated: as written, as far as every variable is bound before it is
//! needed. The first use of a variable decides its type, hence order matters.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::flat::{Expr, Head, Kind, Term, Var};
use crate::budget;

/// The variables that are bound.
pub(super) type Bound = HashSet<Var>;

/// The conditions of a body in their order; afterwards its variables are bound.
pub(super) fn order<'r>(body: &'r [Expr], bound: &mut Bound) -> Vec<&'r Expr> {
    let mut own = Bound::new();
    body.iter().for_each(|expr| {
        expr.vars(false, &mut |var| {
            own.insert(var);
        });
    });
    let mut ordered = Vec::with_capacity(body.len());
    // From the start to the end, again and again; a condition is tried again only when one of its variables has been bound
    // since, so that what stands the wrong way round costs no pass over all.
    let (mut tries, mut from): (BTreeSet<usize>, usize) = ((0..body.len()).collect(), 0);
    let mut waiting: BTreeSet<usize> = BTreeSet::new();
    let mut mentions: HashMap<Var, Vec<usize>> = HashMap::new();
    while let Some(at) = tries.range(from..).next().or_else(|| tries.first()).copied() {
        budget::work(16);
        tries.remove(&at);
        from = at + 1;
        let Some(expr) = body.get(at) else { continue };
        if !is_ready(expr, bound, &own) {
            if waiting.insert(at) {
                expr.vars(true, &mut |var| mentions.entry(var).or_default().push(at));
            }
            continue;
        }
        waiting.remove(&at);
        ordered.push(expr);
        expr.vars(false, &mut |var| {
            if bound.insert(var) {
                let mentioning = mentions.get(&var).into_iter().flatten();
                tries.extend(mentioning.filter(|at| waiting.contains(at)));
            }
        });
    }
    // Unsafe: the compiler says so.
    ordered.extend(waiting.iter().filter_map(|at| body.get(*at)));
    ordered
}

fn is_ready(expr: &Expr, bound: &Bound, own: &Bound) -> bool {
    let mut known = true;
    if expr.negated {
        expr.vars(true, &mut |var| known &= bound.contains(&var) || !own.contains(&var));
        return known;
    }
    match &expr.kind {
        Kind::Term(term) => evaluable(term, bound, own),
        Kind::Unify(a, b) => unifiable(a, b, bound, own),
        Kind::Call { args, arity, .. } => args.iter().take(*arity).all(|arg| evaluable(arg, bound, own)),
        Kind::Every { domain, body, .. } => {
            body.iter().for_each(|expr| {
                expr.vars(true, &mut |var| known &= bound.contains(&var) || !own.contains(&var));
            });
            known && evaluable(domain, bound, own)
        }
        Kind::Closures(_) => {
            expr.vars(true, &mut |var| known &= bound.contains(&var) || !own.contains(&var));
            known
        }
    }
}

fn unifiable(a: &Term, b: &Term, bound: &Bound, own: &Bound) -> bool {
    if let (Term::Array(a), Term::Array(b)) = (a, b)
        && a.len() == b.len()
    {
        return a.iter().zip(b).all(|(a, b)| unifiable(a, b, bound, own));
    }
    evaluable(a, bound, own) && takes(b, bound, own) || evaluable(b, bound, own) && takes(a, bound, own)
}

/// Whether its value can be found; what is in brackets may be found with it.
fn evaluable(term: &Term, bound: &Bound, own: &Bound) -> bool {
    match term {
        Term::Scalar(_) => true,
        Term::Var(var) => bound.contains(var),
        Term::Ref(reference) => match reference.head {
            Head::Var(var) => bound.contains(&var),
            Head::Input | Head::Data => true,
        },
        Term::Array(items) | Term::Set(items) => items.iter().all(|item| evaluable(item, bound, own)),
        Term::Object(members) => {
            members.iter().all(|(key, value)| evaluable(key, bound, own) && evaluable(value, bound, own))
        }
        Term::Comprehension(_) => {
            let mut known = true;
            term.vars(true, &mut |var| known &= bound.contains(&var) || !own.contains(&var));
            known
        }
    }
}

/// Whether a value can be held against it.
fn takes(term: &Term, bound: &Bound, own: &Bound) -> bool {
    match term {
        Term::Scalar(_) | Term::Var(_) => true,
        Term::Array(items) => items.iter().all(|item| takes(item, bound, own)),
        Term::Object(members) => {
            members.iter().all(|(key, value)| evaluable(key, bound, own) && takes(value, bound, own))
        }
        Term::Set(_) | Term::Ref(_) | Term::Comprehension(_) => evaluable(term, bound, own),
    }
}
