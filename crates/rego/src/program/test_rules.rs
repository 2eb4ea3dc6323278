//! Which rules are tests: those of a name that begins with `test_`, or with `todo_test_` while they are not to run.

use super::Program;
use crate::error::Location;
use crate::plan::ir::Kind;

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRule {
    /// Its document.
    pub path: Vec<String>,
    /// The package that it is in.
    pub package: Vec<String>,
    /// The path from there, e.g. `test_x`; the second rule of that name is `test_x#01`.
    pub name: String,
    /// Where its head is.
    pub location: Location,
    /// Whether it is an object with a member for each case.
    pub has_cases: bool,
}

impl Program {
    /// All tests, in the order of packages, files and lines.
    pub fn test_rules(&self) -> Vec<TestRule> {
        let mut tests: Vec<TestRule> =
            self.plan.rules.iter().filter_map(|rules| self.test_rule(rules)).collect();
        let key = |test: &TestRule| {
            let Location { file, row, col } = &test.location;
            (test.package.to_vec(), file.clone(), *row, *col)
        };
        tests.sort_by_key(key);
        tests
    }

    fn test_rule(&self, rules: &crate::plan::ir::RuleSet) -> Option<TestRule> {
        let first = rules.bodies.first().or(rules.default.as_ref())?;
        let (source, package) =
            (self.sources.get(first.place.file as usize)?, self.packages.get(first.place.file as usize)?);
        let own = rules.path.get(package.len()..)?;
        if matches!(rules.kind, Kind::Function(_)) || !own.iter().any(|part| is_test(part)) {
            return None;
        }
        let (row, col) = source.position(first.place.span.start);
        Some(TestRule {
            path: super::entry_path(&rules.path),
            package: package.clone(),
            name: own.join("."),
            location: Location { file: source.name.to_string(), row, col },
            has_cases: rules.bodies.iter().any(|body| !body.tail.is_empty()),
        })
    }
}

fn is_test(name: &str) -> bool {
    name.starts_with("test_") || name.starts_with("todo_test_")
}
