//! `rego.parse_module`

use crate::builtins::context::{Context, text};
use crate::builtins::error::Error;
use crate::builtins::table;
use crate::syntax::ast::Version;
use crate::syntax::parser::Options;
use crate::syntax::source::Source;
use crate::syntax::tree_json::{Include, parse};
use crate::value::Value;

/// As many levels as a JSON text may have that policy reads.
const MAX_DEPTH: usize = 250;

/// A module as a document. OPA reads it as v1, too, and leaves out the annotations.
pub fn parse_module(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let source = Source::new(text(args, 1)?, text(args, 2)?);
    let options = Options { is_builtin: |name| table::find(name).is_some(), ..Options::default() };
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
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let mut context = Context::new(0, deadline, 1 << 20);
        let mut ask = |text: &str| parse_module(&mut context, &[Value::from("x.rego"), Value::from(text)]);
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
