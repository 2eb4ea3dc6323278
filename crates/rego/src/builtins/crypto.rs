//! The built-ins for digests, certificates, tokens and signed requests.

use super::super::json::{Escape, write_escaped};
use super::super::value::Value;
use super::call::Function;
use super::{aws, crypto_hash, crypto_x509, jwt};

/// All of them, by their names.
pub fn functions() -> impl Iterator<Item = (&'static str, Function)> {
    [crypto_hash::FUNCTIONS, crypto_x509::FUNCTIONS, aws::FUNCTIONS]
        .into_iter()
        .flatten()
        .copied()
        .chain(jwt::functions())
}

/// As Go marshals it: without spaces, and nothing in it that HTML would take for its own.
pub(super) fn go_json(value: &Value) -> String {
    let mut text = String::new();
    write_escaped(value, Escape::Html, &mut text);
    text
}

#[cfg(test)]
pub(super) mod testing {
    use super::super::super::value::Value;
    use super::super::call::{Context, Error, Function};

    /// Calls one of these built-ins, in the first second of 2025.
    pub(in super::super) fn call(
        functions: &[(&str, Function)],
        name: &str,
        args: &[Value],
    ) -> Result<Option<Value>, Error> {
        let (_, function) = functions.iter().find(|(known, _)| *known == name).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        function(&mut Context::new(1_735_689_600_000_000_000, deadline, 1 << 20), args)
    }
}
