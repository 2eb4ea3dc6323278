//! Loading ends, whatever the text.

use std::sync::Arc;
use std::time::Instant;

use verdict_rego::{Module, RegoVersion, Value, compile};

use super::ends;
use super::texts::{self, Case, End};

fn module(text: String) -> Module {
    Module { id: "hostile.rego".to_owned(), source: Arc::from(text), version: RegoVersion::V1 }
}

fn load_all(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for (what, text, end) in cases {
        let begun = Instant::now();
        let got = ends(what, move || compile(vec![module(text)], Value::object()).map(drop));
        let messages: Vec<String> = got.err().into_iter().flatten().map(|found| found.message).collect();
        eprintln!(
            "{:>7} ms  {what}: {:.100}",
            begun.elapsed().as_millis(),
            messages.first().map_or("", |m| m)
        );
        let right = match end {
            End::Loads => messages.is_empty(),
            End::Refused(why) => messages.iter().any(|message| message.contains(why)),
        };
        if !right {
            let first: String = messages.first().map(|m| m.chars().take(200).collect()).unwrap_or_default();
            wrong.push(format!("{what}: {end:?}, but {} messages: {first}", messages.len()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nesting() {
    load_all(texts::nestings());
}

#[test]
fn rows() {
    load_all(texts::rows());
}

#[test]
fn oddities() {
    load_all(texts::oddities());
}

#[test]
fn recursion() {
    load_all(texts::recursions());
}
