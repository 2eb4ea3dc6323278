//! Regular expressions, as Go has them.

use std::sync::Arc;

use crate::builtins::context::{Context, Prepared, argument, constant, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{Output, check_count, integer};
use crate::builtins::pattern::compiled::{Compiled, Ready, compile};
use crate::builtins::pattern::glob_intersection;
use crate::builtins::pattern::regex_syntax;
use crate::builtins::text::print::quote;
use crate::value::Value;

type Answer = Result<Option<Value>, Error>;

/// What is done with an expression.
type Work = fn(&Compiled, &mut Context, &[Value]) -> Answer;

/// Where the operands are that all have: the expression, and the text that it is searched for in.
pub enum Order {
    /// The expression is the first.
    Expression,
    /// The text is the first.
    Text,
}

impl Order {
    /// The positions of expression and text.
    const fn positions(&self) -> (usize, usize) {
        match self {
            Self::Expression => (1, 2),
            Self::Text => (2, 1),
        }
    }

    /// A call.
    ///
    /// # Errors
    /// When the expression is none, and those of the work.
    pub fn call(&self, context: &mut Context, args: &[Value], work: Work) -> Answer {
        let (expression, input) = self.positions();
        let compiled = compile(text(args, expression)?, text(args, input)?)?;
        work(&compiled, context, args)
    }

    /// A call whose expression is a constant.
    pub fn prepare(&self, known: &[Option<&Value>], work: Work) -> Option<Prepared> {
        let (expression, input) = self.positions();
        let ready = Ready::of(constant(known, expression)?)?;
        Some(Arc::new(move |context, args| work(ready.get(text(args, input)?)?, context, args)))
    }
}

pub fn is_match(compiled: &Compiled, _: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(compiled.is_match(text(args, 2)?)?.into()))
}

/// A value that is no text is no expression either.
pub fn is_valid(_: &mut Context, args: &[Value]) -> Answer {
    let valid =
        argument(args, 1)?.as_str().is_some_and(|expression| regex_syntax::translate(expression).is_ok());
    Ok(Some(valid.into()))
}

/// How many matches are wanted: a negative number is for all.
fn limit(args: &[Value], position: usize) -> Result<usize, Error> {
    Ok(usize::try_from(integer(args, position)?).unwrap_or(usize::MAX))
}

pub fn find_n(compiled: &Compiled, ctx: &mut Context, args: &[Value]) -> Answer {
    let (input, limit) = (text(args, 2)?, limit(args, 3)?);
    let mut found = Vec::new();
    for one in compiled.against(input)?.find_iter(input).take(limit) {
        ctx.check_deadline()?;
        found.push(one.as_str().into());
        check_count(ctx, found.len())?;
    }
    Ok(Some(found.into()))
}

pub fn find_groups(compiled: &Compiled, ctx: &mut Context, args: &[Value]) -> Answer {
    let (input, limit) = (text(args, 2)?, limit(args, 3)?);
    let mut found = Vec::new();
    for groups in compiled.against(input)?.captures_iter(input).take(limit) {
        ctx.check_deadline()?;
        let groups = groups.iter().map(|group| group.map_or("", |group| group.as_str()).into());
        found.push(groups.collect::<Vec<Value>>().into());
        check_count(ctx, found.len().saturating_mul(compiled.names.len()))?;
    }
    Ok(Some(found.into()))
}

pub fn split(compiled: &Compiled, ctx: &mut Context, args: &[Value]) -> Answer {
    let (expression, input) = (text(args, 1)?, text(args, 2)?);
    if input.is_empty() && !expression.is_empty() {
        return Ok(Some(vec![Value::from("")].into()));
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for separator in compiled.against(input)?.find_iter(input) {
        ctx.check_deadline()?;
        end = separator.start();
        // An empty separator at the beginning separates nothing.
        if separator.end() != 0 {
            parts.push(input.get(start..end).unwrap_or_default().into());
        }
        start = separator.end();
        check_count(ctx, parts.len())?;
    }
    if end != input.len() {
        parts.push(input.get(start..).unwrap_or_default().into());
    }
    Ok(Some(parts.into()))
}

pub fn replace(compiled: &Compiled, ctx: &mut Context, args: &[Value]) -> Answer {
    let (input, replacement) = (text(args, 1)?, text(args, 3)?);
    let pieces = pieces(replacement, &compiled.names);
    let mut out = Output::new(ctx);
    let mut copied = 0;
    for groups in compiled.against(input)?.captures_iter(input) {
        ctx.check_deadline()?;
        let Some(whole) = groups.get(0) else { continue };
        out.push(input.get(copied..whole.start()).unwrap_or_default())?;
        copied = whole.end();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => out.push(text)?,
                Piece::Group(group) => out.push(groups.get(*group).map_or("", |group| group.as_str()))?,
                // Of several groups with one name the first that took part.
                Piece::Name(name) => {
                    let mut named = compiled.names.iter().enumerate().filter(|(_, there)| there == name);
                    let found = named.find_map(|(at, _)| groups.get(at));
                    out.push(found.map_or("", |group| group.as_str()))?;
                }
            }
        }
    }
    out.push(input.get(copied..).unwrap_or_default())?;
    Ok(Some(out.finish().into()))
}

/// A part of a replacement.
enum Piece<'a> {
    Text(&'a str),
    Group(usize),
    Name(&'a str),
}

/// Takes `$1`, `${1}`, `$name`, `${name}` and `$$` apart; other dollars are text.
fn pieces<'a>(mut rest: &'a str, names: &[String]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Text(before));
        if let Some(after) = after.strip_prefix('$') {
            pieces.push(Piece::Text("$"));
            rest = after;
            continue;
        }
        let (braced, inside) = after.strip_prefix('{').map_or((false, after), |inside| (true, inside));
        let end = inside.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inside.len());
        let (name, behind) = inside.split_at_checked(end).unwrap_or((inside, ""));
        let behind = if braced { behind.strip_prefix('}') } else { Some(behind) };
        match behind {
            Some(behind) if !name.is_empty() => {
                let leading_zero = name.len() > 1 && name.starts_with('0');
                let number = name.parse().ok().filter(|_| !leading_zero && name.len() < 9);
                pieces.push(match number {
                    Some(group) if name.bytes().all(|b| b.is_ascii_digit()) => Piece::Group(group),
                    _ if names.iter().any(|there| there == name) => Piece::Name(name),
                    _ => Piece::Text(""),
                });
                rest = behind;
            }
            _ => {
                pieces.push(Piece::Text("$"));
                rest = after;
            }
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// A text with expressions between delimiters, which must match the whole.
pub fn template_match(_: &mut Context, args: &[Value]) -> Answer {
    let (template, input) = (text(args, 1)?, text(args, 2)?);
    let (start, end) = (text(args, 3)?, text(args, 4)?);
    let fault = |which| {
        let length = start.len();
        Error::failed(format!("{which} delimiter has to be exactly one character long but is {length} long"))
    };
    let &[start] = start.as_bytes() else { return Err(fault("start")) };
    let &[end] = end.as_bytes() else { return Err(fault("end")) };
    let expression = template_expression(template, start, end)?;
    Ok(Some(compile(&expression, input)?.is_match(input)?.into()))
}

fn template_expression(template: &str, start: u8, end: u8) -> Result<String, Error> {
    let unbalanced = || Error::failed(format!("unbalanced braces in {}", quote(template)));
    let mut out = String::from("^");
    let (mut level, mut from, mut opened) = (0_usize, 0, 0);
    let literal = |out: &mut String, text: &str| {
        for c in text.chars() {
            if c.is_ascii_punctuation() && c != '_' {
                out.push('\\');
            }
            out.push(c);
        }
    };
    for (at, byte) in template.bytes().enumerate() {
        if byte == start {
            level += 1;
            if level == 1 {
                opened = at;
            }
        } else if byte == end {
            level = level.checked_sub(1).ok_or_else(unbalanced)?;
            if level == 0 {
                let inside = template.get(opened + 1..at).unwrap_or_default();
                // Each must be an expression on its own.
                compile(&format!("^{inside}$"), "")?;
                literal(&mut out, template.get(from..opened).unwrap_or_default());
                out.push('(');
                out.push_str(inside);
                out.push(')');
                from = at + 1;
            }
        }
    }
    if level != 0 {
        return Err(unbalanced());
    }
    literal(&mut out, template.get(from..).unwrap_or_default());
    out.push('$');
    Ok(out)
}

pub fn globs_match(ctx: &mut Context, args: &[Value]) -> Answer {
    let (first, second) = (text(args, 1)?, text(args, 2)?);
    glob_intersection::intersect(ctx, first, second).map(|answer| Some(answer.into()))
}
