//! Policies that are accepted, and policies that are refused.

mod capabilities;
mod names;
mod schemas;
mod typing;

use std::sync::Arc;

use super::Checks;
use crate::{Module, RegoVersion, Value, compile_checked};

/// What is said of modules `m0`, `m1`, …: `line: message`, `m1:line: message` for those after the first.
fn said(texts: &[&str], version: RegoVersion, checks: &Checks) -> Vec<String> {
    let module = |(number, text): (usize, &&str)| Module {
        id: format!("m{number}"),
        source: Arc::from(*text),
        version,
    };
    let modules = texts.iter().enumerate().map(module).collect();
    let found = compile_checked(modules, Value::object(), checks).err().unwrap_or_default();
    let said = |found: &crate::Diagnostic| {
        let place = found.location.as_ref().map_or_else(String::new, |at| match at.file.as_str() {
            "m0" => format!("{}: ", at.row),
            file => format!("{file}:{}: ", at.row),
        });
        format!("{place}{}", found.message)
    };
    found.iter().map(said).collect()
}

/// Checks a table of bodies: rules below `package p`, and what is said of them.
#[track_caller]
fn table(version: RegoVersion, checks: &Checks, rows: &[(&str, &[&str])]) {
    for (rules, expected) in rows {
        let said = said(&[&format!("package p\n{rules}")], version, checks);
        assert_eq!(said, *expected, "{rules}");
    }
}
