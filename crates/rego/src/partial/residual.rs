//! What is left of a query.

use super::document::Doc;
use super::evaluator::{GO_ON, Partial};
use super::reach::Reach;
use super::render::Writer;
use super::term::{Condition, Head, Term};
use super::unknown::Unknown;
use crate::plan::ir::Program;
use crate::plan::{Failure, Machine, Query};
use crate::syntax::ast::Version;
use crate::syntax::parser::Options;
use crate::syntax::source::Source;
use crate::syntax::tree_json::{self, Include};
use crate::value::Value;

/// What is left of a query: it holds where one of these does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residual {
    /// The conjunctions. None: the query never holds. One that is empty: it always does.
    pub ways: Vec<Rest>,
}

/// One of the conjunctions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// What has to hold.
    pub conditions: Vec<Condition>,
    /// What the variables of the query are then.
    pub names: Vec<(String, Term)>,
}

/// What is asked.
pub(crate) struct Asked<'a> {
    pub(crate) query: &'a Query,
    /// What is known of the input.
    pub(crate) input: Option<&'a Value>,
    pub(crate) data: &'a Value,
    pub(crate) unknowns: &'a [Unknown],
    /// Whether built-ins are called whose arguments do not determine their result.
    pub(crate) nondeterministic: bool,
}

/// Evaluates a query as far as that is possible.
pub(crate) fn evaluate<'e>(
    program: &'e Program,
    known: Machine<'e>,
    asked: &Asked<'e>,
) -> Result<Residual, Box<Failure>> {
    let (of_input, of_data): (Vec<&Unknown>, Vec<&Unknown>) =
        asked.unknowns.iter().partition(|unknown| unknown.input);
    let paths = |all: Vec<&Unknown>| all.into_iter().map(|unknown| unknown.path.clone()).collect::<Vec<_>>();
    let (of_input, of_data) = (paths(of_input), paths(of_data));
    let input = Doc::new(&Head::Input, asked.input.cloned(), &of_input);
    let data = Doc::new(&Head::Data, Some(asked.data.clone()), &of_data);
    let reach = Reach::new(program, (of_input, of_data), asked.nondeterministic);
    let mut partial = Partial::new(program, known, reach, (input, data));
    let query = asked.query;
    let mut ways: Vec<Rest> = Vec::new();
    let _flow = partial.framed(query.slots, |partial| {
        partial.run(&query.block, 0, &mut |partial| {
            let Some(conditions) = partial.since(0)? else { return GO_ON };
            let names =
                query.vars.iter().map(|(name, slot)| (name.to_string(), partial.slot(*slot))).collect();
            let rest = Rest { conditions, names };
            if !ways.contains(&rest) {
                ways.push(rest);
            }
            GO_ON
        })
    })?;
    // What always holds leaves nothing to ask of the rest.
    if let Some(sure) = ways.iter().position(|rest| rest.conditions.is_empty() && rest.names.is_empty()) {
        ways = vec![ways.swap_remove(sure)];
    }
    Ok(Residual { ways })
}

impl Residual {
    /// The conditions of each conjunction as Rego, and the module of the rules that they refer to, where there are any.
    pub fn to_rego(&self) -> (Vec<Vec<String>>, Option<String>) {
        let mut writer = Writer::default();
        let queries = self.ways.iter().map(|rest| writer.query(&rest.conditions, &rest.names)).collect();
        (queries, writer.module())
    }

    /// The same as documents, in the shape of OPA's compile API: `queries`, none where the query never holds, and `support`.
    ///
    /// # Errors
    /// What is left is larger than a document of syntax may be.
    pub fn to_ast(&self, max_depth: usize) -> Result<Value, String> {
        let include = Include { locations: false, comments: false, annotations: false, max_depth };
        let (queries, support) = self.to_rego();
        let wrong = |errors: Vec<crate::syntax::error::Error>| {
            let first = errors.first().map(|error| error.message.clone()).unwrap_or_default();
            format!("what is left cannot be written down: {first}")
        };
        let conditions = |query: &Vec<String>| match query.is_empty() {
            true => Ok(Value::array()),
            false => tree_json::parse_conditions(&Source::new("", query.join("\n")), include, |found| found),
        };
        let queries: Vec<Value> = queries.iter().map(conditions).collect::<Result<_, _>>().map_err(wrong)?;
        let mut result = Value::object();
        if !queries.is_empty() {
            result.insert("queries", Value::from(queries));
        }
        if let Some(module) = support {
            let source = Source::new("", module);
            let module = tree_json::parse(&source, Version::V1, Options::default(), include, |found| found);
            result.insert("support", Value::from(vec![module.map_err(wrong)?]));
        }
        Ok(result)
    }
}
