//! Guards around the engine's built-ins, and the ones that must be ours.
//!
//! The engine's built-ins do not look at the deadline, and some panic or take gigabytes on arguments that a request can
//! carry. Each is wrapped here: the guard sees the arguments first, and refuses what would not end in time. A refusal
//! is a built-in error, so it denies.

use std::cell::Cell;

use regorus::unstable::{BUILTINS, Expr, Ref, Span};
use regorus::{Engine, Source, Value};

use crate::model::clock::Timestamp;

/// The most elements that a built-in may make.
const MAX_ELEMENTS: u64 = 1_000_000;
/// The most bytes of text that a built-in may make.
const MAX_TEXT: usize = 16 << 20;
/// The furthest that a number may be shifted to the left, in bits.
const MAX_SHIFT: u64 = 4_096;

thread_local! {
    /// The time of the decision that this thread is making, in nanoseconds since the Unix epoch.
    static NOW: Cell<i64> = const { Cell::new(0) };
}

/// Sets what `time.now_ns()` says on this thread until the next call.
pub(super) fn set_now(at: Timestamp) {
    NOW.set(at.0);
}

type Guard = fn(&[Value]) -> Result<(), String>;

const GUARDED: [(&str, u8, Guard); 11] = [
    ("numbers.range", 2, |args| range(args, None)),
    ("numbers.range_step", 3, |args| range(args, args.get(2))),
    ("concat", 2, concat),
    ("replace", 3, replace),
    ("strings.count", 2, |args| not_empty(args.get(1), "the text that is looked for")),
    ("time.format", 1, time_format),
    ("bits.lsh", 2, shift),
    ("net.cidr_expand", 1, cidr_expand),
    ("sprintf", 2, sprintf),
    ("array.concat", 2, |args| elements(args.iter().map(length).sum())),
    ("object.union", 2, |args| elements(args.iter().map(length).sum())),
];

/// Whether a name is a function that is neither in the engine's table nor declared by a policy.
pub(super) fn is_extra(name: &str) -> bool {
    // `print` and `walk` are built into the engine's evaluation itself.
    matches!(name, "print" | "walk")
}

/// Puts the guards in front of the engine's built-ins: an extension of the same name goes before them.
///
/// # Errors
/// When the engine does not take one.
pub(super) fn install(engine: &mut Engine) -> Result<(), String> {
    for (name, arity, guard) in GUARDED {
        let Some((builtin, _)) = BUILTINS.get(name) else { continue };
        let (place, parameters) = placeholder(arity)?;
        let call = move |args: Vec<Value>| {
            guard(&args).map_err(anyhow_message)?;
            builtin(&place, &parameters, &args, true)
                .map_err(|error| anyhow_message(last_line(&error.to_string())))
        };
        engine.add_extension(name.to_owned(), arity, Box::new(call)).map_err(|error| error.to_string())?;
    }
    let now = |_: Vec<Value>| Ok(Value::from(NOW.get()));
    engine.add_extension("time.now_ns".to_owned(), 0, Box::new(now)).map_err(|error| error.to_string())
}

/// The engine wants a place and the parameters' expressions for its messages; the caller's place is added outside.
fn placeholder(arity: u8) -> Result<(Span, Vec<Ref<Expr>>), String> {
    let source =
        Source::from_contents("builtin".to_owned(), " ".to_owned()).map_err(|error| error.to_string())?;
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    let parameter = || Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
    let parameters = (0..arity).map(|_| parameter()).collect();
    Ok((span, parameters))
}

fn anyhow_message(message: String) -> anyhow::Error {
    anyhow::Error::msg(message)
}

/// What the engine says behind its place and excerpt.
fn last_line(error: &str) -> String {
    error.rsplit_once("error: ").map_or(error, |(_, message)| message).to_owned()
}

fn elements(count: u64) -> Result<(), String> {
    if count > MAX_ELEMENTS { Err(format!("would make more than {MAX_ELEMENTS} elements")) } else { Ok(()) }
}

fn text_of(bytes: usize) -> Result<(), String> {
    if bytes > MAX_TEXT {
        Err(format!("would make more than {} MiB of text", MAX_TEXT >> 20))
    } else {
        Ok(())
    }
}

fn length(value: &Value) -> u64 {
    let count = match value {
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn text(value: Option<&Value>) -> &str {
    match value {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

fn not_empty(value: Option<&Value>, what: &str) -> Result<(), String> {
    match value {
        Some(Value::String(text)) if text.is_empty() => Err(format!("{what} is empty")),
        _ => Ok(()),
    }
}

/// The numbers from the first to the second argument, `step` apart.
fn range(args: &[Value], step: Option<&Value>) -> Result<(), String> {
    let [Value::Number(from), Value::Number(to), ..] = args else { return Ok(()) };
    let (Some(from), Some(to)) = (from.as_i64(), to.as_i64()) else {
        return Err("the bounds are not 64-bit integers".to_owned());
    };
    let step = match step {
        Some(Value::Number(step)) => {
            step.as_u64().filter(|step| *step > 0).ok_or("the step is not a positive integer")?
        }
        _ => 1,
    };
    elements(from.abs_diff(to) / step)
}

fn concat(args: &[Value]) -> Result<(), String> {
    let [Value::String(delimiter), parts] = args else { return Ok(()) };
    let parts: Box<dyn Iterator<Item = &Value>> = match parts {
        Value::Array(items) => Box::new(items.iter()),
        Value::Set(items) => Box::new(items.iter()),
        _ => return Ok(()),
    };
    text_of(parts.map(|part| text(Some(part)).len() + delimiter.len()).sum())
}

fn replace(args: &[Value]) -> Result<(), String> {
    let (subject, old, new) = (text(args.first()), text(args.get(1)), text(args.get(2)));
    let most = if old.is_empty() { subject.len() + 1 } else { subject.len() / old.len() };
    text_of(subject.len().saturating_add(most.saturating_mul(new.len())))
}

fn time_format(args: &[Value]) -> Result<(), String> {
    let layout = match args {
        [Value::Array(parts)] => text(parts.get(2)),
        _ => "",
    };
    if layout.is_ascii() { Ok(()) } else { Err("the layout has characters beyond ASCII".to_owned()) }
}

fn shift(args: &[Value]) -> Result<(), String> {
    match args {
        [Value::Number(_), Value::Number(by)] if by.as_u64().is_none_or(|by| by > MAX_SHIFT) => {
            Err(format!("the shift is negative or more than {MAX_SHIFT} bits"))
        }
        _ => Ok(()),
    }
}

fn cidr_expand(args: &[Value]) -> Result<(), String> {
    let (address, bits) = text(args.first()).split_once('/').unwrap_or_default();
    let width: u32 = if address.contains(':') { 128 } else { 32 };
    let host_bits = bits.parse::<u32>().map_or(0, |bits| width.saturating_sub(bits));
    elements(1_u64.checked_shl(host_bits).unwrap_or(u64::MAX))
}

/// A width in a format makes text of that length out of nothing.
fn sprintf(args: &[Value]) -> Result<(), String> {
    let digits = text(args.first()).split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    if digits.unwrap_or(0) > 4 {
        Err("a width or precision in the format has more than 4 digits".to_owned())
    } else {
        Ok(())
    }
}
