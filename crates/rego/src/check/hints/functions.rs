//! Functions that are not there, or no longer.

use super::super::arities::Arities;
use super::super::found::{Found, WARNING};
use super::super::names::Exports;
use super::names::{dotted, meant, near};
use crate::builtins::{table, versions};
use crate::syntax::ast::Module;
use crate::value::Value;

/// Functions of other languages, and what to write.
const FOREIGN: &[(&[&str], &str)] = &[
    (&["len", "length", "size"], "`count(xs)`"),
    (
        &["str", "string", "to_string", "tostring", "toString"],
        "`sprintf(\"%v\", [x])`, or `format_int(n, 10)`",
    ),
    (&["int", "float", "number", "parseInt", "tonumber", "atoi"], "`to_number(x)`"),
    (&["has", "includes", "contain", "has_key", "exists", "member"], "`x in xs`, or `xs[x]`"),
    (&["indexOf", "index_of"], "`indexof(text, part)`"),
    (&["format", "printf"], "`sprintf(\"%v\", [x])`"),
    (&["join"], "`concat(\", \", xs)`"),
    (&["toLowerCase", "tolower", "to_lower", "lowercase"], "`lower(x)`"),
    (&["toUpperCase", "toupper", "to_upper", "uppercase"], "`upper(x)`"),
    (&["now", "time.now", "now_ns"], "`time.now_ns()`"),
    (&["json.parse", "json.decode", "parse_json", "JSON.parse"], "`json.unmarshal(x)`"),
    (&["json.stringify", "json.encode", "JSON.stringify"], "`json.marshal(x)`"),
    (&["yaml.parse", "yaml.decode"], "`yaml.unmarshal(x)`"),
    (&["jwt.decode"], "`io.jwt.decode(x)`"),
    (&["jwt.verify"], "`io.jwt.decode_verify(x, {…})`"),
    (&["is_empty", "isEmpty", "empty"], "`count(xs) == 0`"),
    (&["typeof", "type"], "`type_name(x)`"),
    (&["match", "matches", "regex"], "`regex.match(pattern, text)`"),
    (&["filter", "map"], "a comprehension, `[x | some x in xs; x > 1]`"),
    (&["log", "console.log", "println", "echo"], "`print(x)`"),
    (&["keys"], "`object.keys(x)`"),
    (&["get"], "`object.get(x, \"key\", \"default\")`"),
    (&["if", "switch", "when"], "a rule for each case"),
    (&["random"], "`rand.intn(\"seed\", 10)`"),
    (&["sha256", "md5", "sha1"], "`crypto.sha256(x)`, `crypto.md5(x)` or `crypto.sha1(x)`"),
    (&["base64", "base64_encode"], "`base64.encode(x)`"),
];

/// For a function that is not there: `name` as it was written, `path` as it was understood.
pub(in crate::check) fn missing(name: &str, path: &str, arities: &Arities) -> Option<String> {
    if let Some(path) = path.strip_prefix("data.") {
        let parts: Vec<&str> = path.split('.').collect();
        let (last, package) = parts.split_last()?;
        let package: Vec<Value> = package.iter().map(|part| Value::from(*part)).collect();
        let found = near(last, arities.beside(&package))?;
        let before = name.strip_suffix(last).unwrap_or_default();
        return Some(meant(&format!("{before}{found}")));
    }
    if let Some((_, ours)) = FOREIGN.iter().find(|(names, _)| names.contains(&name)) {
        return Some(format!("write {ours}"));
    }
    let builtins = || table::all().map(|entry| entry.name).filter(|name| !name.starts_with("internal."));
    if let Some(method) = method(name, path, builtins) {
        return Some(method);
    }
    near(name, builtins()).map(meant)
}

/// For `input.user.startsWith("a")`.
fn method<I: Iterator<Item = &'static str>>(
    name: &str,
    path: &str,
    builtins: impl Fn() -> I,
) -> Option<String> {
    let (value, method) = name.rsplit_once('.')?;
    let of_builtins = builtins().any(|builtin| {
        builtin.strip_prefix(value).is_some_and(|rest| rest.starts_with('.'))
            || near(value, builtin.rsplit_once('.').map(|(family, _)| family).into_iter()).is_some()
    });
    if of_builtins || !(path.starts_with("input.") || path == name) {
        return None;
    }
    if let Some((_, ours)) = FOREIGN.iter().find(|(names, _)| names.contains(&method)) {
        return Some(format!("values have no methods: write {ours}"));
    }
    let exact = builtins().find(|builtin| *builtin == method.to_lowercase());
    let builtin = exact.or_else(|| near(&method.to_lowercase(), builtins()))?;
    Some(format!("values have no methods: write `{builtin}({value}, …)`"))
}

/// For a function of a package that is not loaded, or of another one than was meant.
pub(super) fn elsewhere(found: &Found, exports: &Exports<'_>) -> Option<String> {
    let path = found.message.strip_prefix("undefined function ").filter(|_| found.code != WARNING)?;
    let name = path.rsplit('.').next()?;
    let mut packages: Vec<String> = exports
        .iter()
        .filter(|(_, rules)| rules.contains(name))
        .map(|(package, _)| dotted(*package))
        .collect();
    packages.sort();
    if let Some(package) = packages.first() {
        return Some(meant(&format!("data.{package}.{name}")));
    }
    let (package, _) = path.strip_prefix("data.")?.rsplit_once('.')?;
    let loaded = exports.keys().any(|known| dotted(*known) == package);
    (!loaded).then(|| format!("no policy of the package `{package}` is loaded: name its file, too"))
}

/// For a call of a policy's function with another number of arguments: how it is declared.
pub(super) fn declared(found: &Found, modules: &[Module]) -> Option<String> {
    let (path, _) = found.message.strip_prefix("function data.")?.split_once(" has arity ")?;
    let (package, name) = path.rsplit_once('.')?;
    modules.iter().filter(|module| dotted(&module.package.path) == package).find_map(|module| {
        let source = &module.source;
        let rule = module.rules.iter().find(|rule| source.slice(rule.head.name.span) == name)?;
        let args: Vec<&str> = rule.head.args.iter().flatten().map(|arg| source.slice(arg.span)).collect();
        let line = source.line_of(rule.span.start);
        Some(format!("it is `{name}({})` on line {line} of {}", args.join(", "), source.name))
    })
}

/// For a built-in that the capabilities of another OPA do not have.
pub(in crate::check) fn beyond(name: &str) -> String {
    let since = versions::since(name).map(|version| format!("; OPA has it since {version}"));
    format!("the given capabilities do not have it{}", since.unwrap_or_default())
}

/// What to write in place of a deprecated built-in.
pub(in crate::check) fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "all" => "use `every`",
        "any" => "use `true in …`, or `some`",
        "re_match" => "use `regex.match`",
        "net.cidr_overlap" => "use `net.cidr_contains`",
        "set_diff" => "use `-`",
        "cast_array" => "use `is_array`, or a comprehension",
        "cast_set" => "use `is_set`, or a comprehension",
        "cast_string" => "use `is_string`",
        "cast_boolean" => "use `is_boolean`",
        "cast_null" => "use `is_null`",
        "cast_object" => "use `is_object`",
        _ => return None,
    })
}
