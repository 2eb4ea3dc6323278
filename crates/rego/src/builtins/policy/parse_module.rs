//! `rego.parse_module`: a module as a document.

use crate::builtins::context::text;
use crate::builtins::error::Error;
use crate::syntax::ast::Version;
use crate::syntax::parser::Options;
use crate::syntax::source::Source;
use crate::syntax::tree_json::{Include, parse};
use crate::value::Value;

/// As many levels as a JSON text may have that policy reads.
const MAX_DEPTH: usize = 250;

/// A module as a document, given which names are built-ins. OPA reads it as v1, too, and leaves out the annotations.
pub fn parse_module(args: &[Value], is_builtin: fn(&str) -> bool) -> Result<Option<Value>, Error> {
    let source = Source::new(text(args, 1)?, text(args, 2)?);
    let options = Options { is_builtin, ..Options::default() };
    let include = Include { locations: false, comments: true, annotations: false, max_depth: MAX_DEPTH };
    parse(&source, Version::V1, options, include, Some).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| error.located(&source)).collect();
        Error::failed(match lines.as_slice() {
            [one] => format!("1 error occurred: {one}"),
            many => format!("{} errors occurred:\n{}", many.len(), many.join("\n")),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_an_error() {
        let ask = |text: &str| parse_module(&[Value::from("x.rego"), Value::from(text)], |_| false);
        let tree = ask("package a\np if { input.x }").unwrap().unwrap();
        assert_eq!(tree.at(["rules", "0", "head", "name"]), Some(&Value::from("p")));
        let error = ask("package a.").unwrap_err().message;
        assert!(
            error.starts_with("1 error occurred: x.rego:1: rego_parse_error: unexpected eof token"),
            "{error}"
        );
        let error = ask("package a\np { true }\nq { true }").unwrap_err().message;
        assert!(error.starts_with("2 errors occurred:\nx.rego:2: rego_parse_error: `if` keyword"), "{error}");
        let deep = format!("package a\np := {}1{}", "[".repeat(200), "]".repeat(200));
        assert!(ask(&deep).unwrap_err().message.contains("nests deeper"));
    }
}
