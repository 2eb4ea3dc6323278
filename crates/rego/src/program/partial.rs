//! Partial evaluation of queries, within limits.

use super::filters::Filter;
use super::query::Conditions;
use super::{EvalLimits, Program, STACK, end, exceeded_limit, on_stack};
use crate::budget;
use crate::effects::Effects;
use crate::error::{EvalError, EvalErrorKind, Location};
use crate::partial::{self, Residual, Unknown};
use crate::plan::Machine;
use crate::plan::compile::QUERY;
use crate::plan::ir::Place;
use crate::value::Value;

/// The parameters of a partial evaluation.
#[derive(Debug)]
pub struct Supposing<'a> {
    /// What is known of the input document; what of it is unknown counts for nothing.
    pub input: Option<&'a Value>,
    /// What is unknown.
    pub unknowns: &'a [Unknown],
    /// Whether built-ins are called whose arguments do not determine their result (`time.now_ns`, `http.send`), rather than
    /// left for later.
    pub nondeterministic: bool,
    /// The time that policy sees.
    pub now_ns: i64,
    /// The limits of the evaluation.
    pub limits: EvalLimits,
}

impl Program {
    /// Evaluates a query as far as that is possible without what is unknown.
    ///
    /// # Errors
    /// When the evaluation fails, takes too long, or comes to what cannot be evaluated partially.
    pub fn suppose<'a>(
        &'a self,
        query: &'a Conditions,
        supposing: &Supposing<'a>,
        effects: &mut Effects,
    ) -> Result<Residual, EvalError> {
        let Supposing { input, unknowns, nondeterministic, now_ns, limits } = *supposing;
        // Every level takes more of it than where all is known.
        on_stack(self.stack.saturating_mul(4).max(STACK), || {
            let mut context = Self::context(now_ns, &limits, effects);
            let asked =
                partial::Asked { query: &query.plan, input, data: &self.data, unknowns, nondeterministic };
            let evaluated = budget::within(end(limits.deadline), limits.memory, || {
                let mut known = Machine::new(&self.plan, &self.data, input, &mut context, limits.strict);
                known.limit_depth(limits.depth);
                partial::evaluate(&self.plan, known, &asked)
            });
            *effects = context.effects;
            match evaluated {
                Ok(Ok(residual)) => Ok(residual),
                Ok(Err(failure)) => {
                    let mut told = self.failure(&failure, &limits);
                    if let (Some(policy), Place { file: QUERY, span }) = (&mut told.policy, failure.place) {
                        let (row, col) = query.source.position(span.start);
                        policy.location = Some(Location { file: String::new(), row, col });
                    }
                    Err(told)
                }
                Err(Ok(exceeded)) => Err(exceeded_limit(exceeded, &limits)),
                Err(Err(_)) => Err(EvalError::new(EvalErrorKind::Panic, "the evaluator panicked")),
            }
        })
    }

    /// Where a condition comes from.
    pub fn place_of(&self, condition: &partial::Condition) -> Option<Location> {
        self.location_of(condition.place)
    }
}

impl Program {
    /// What the annotations of a rule, of its package and of those above say is unknown.
    pub fn filter_unknowns(&self, path: &[String]) -> Vec<Unknown> {
        let mut unknowns: Vec<Unknown> = self
            .filters
            .iter()
            .filter(|filter| filter.holds_for(path).is_some())
            .flat_map(|filter| filter.unknowns.clone())
            .collect();
        unknowns.sort();
        unknowns.dedup();
        unknowns
    }

    /// The document that says what is to be masked, by the annotation that is nearest to a rule.
    pub fn filter_mask_rule(&self, path: &[String]) -> Option<Vec<String>> {
        let near = |filter: &&Filter| filter.mask_rule.as_ref().and_then(|_| filter.holds_for(path));
        let nearest = self.filters.iter().filter(|filter| near(filter).is_some()).max_by_key(near);
        nearest.and_then(|filter| filter.mask_rule.clone())
    }
}
