//! Hints: what was probably meant, and what to write instead. Made only of what is wrong.
//!
//! Reading order: this file → `names` → `functions`, `arguments` (calls) → `variables`.

pub(super) mod arguments;
pub(super) mod functions;
pub(super) mod names;
mod variables;

use super::arities::Arities;
use super::found::Found;
use super::names::exports;
use crate::syntax::ast::Module;

/// How many findings get a hint. Each takes a look at its rule, which may be large.
const MOST: usize = 100;

/// Adds hints that need a look at the modules to what has none.
pub fn advise(modules: &[Module], found: &mut [Found]) {
    if found.is_empty() {
        return;
    }
    let exports = exports(modules);
    for found in found.iter_mut().filter(|found| found.hint.is_none()).take(MOST) {
        found.hint = modules.get(found.file).and_then(|module| {
            variables::hint(modules, module, found, &exports)
                .or_else(|| functions::elsewhere(found, &exports))
                .or_else(|| functions::declared(found, modules))
                .or_else(|| {
                    let path = found.message.strip_prefix("undefined function ")?;
                    functions::missing(path, path, &Arities::new(modules))
                })
        });
        found.hint = found.hint.take().or_else(|| plain(&found.message).map(str::to_owned));
    }
}

/// For messages that are the same whatever the policy.
fn plain(message: &str) -> Option<&'static str> {
    Some(match message {
        _ if message.starts_with("var ") && message.ends_with(" assigned above") => {
            "a variable has one value: compare with `==`, or choose another name"
        }
        _ if message.starts_with("var ") && message.ends_with(" referenced above") => {
            "give it its value before it is used, or choose another name"
        }
        _ if message.starts_with("var ") && message.ends_with(" declared above") => {
            "to compare write `==`; for another variable choose another name"
        }
        _ if message.starts_with("arg ") && message.ends_with(" redeclared") => {
            "it is an argument of the function: choose another name, or compare with `==`"
        }
        _ if message.starts_with("declared var ") && message.ends_with(" unused") => {
            "use it in the body, or remove its `some`"
        }
        "cannot assign to ref" => "to compare write `==`; what policy is given does not change",
        _ if message.starts_with("cannot assign to ") => "to compare write `==`",
        _ if message.starts_with("multiple default rules ") => "keep one of them",
        _ if message.contains(" is recursive: ") => {
            "a rule cannot depend on itself; `graph.reachable` and `walk` go through graphs and trees"
        }
        _ => return None,
    })
}
