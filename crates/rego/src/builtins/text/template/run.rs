//! `strings.render_template`: Go's text templates, filled in.
//!
//! Numbers of the data are texts to a template, as Go's decoder keeps them: they print as they are, are true even when
//! zero, and are not equal to numbers in the template.

use std::sync::Arc;

use crate::builtins::context::{Context, Prepared, argument, constant, object, text};
use crate::builtins::error::Error;
use crate::builtins::operand::Output;
use crate::builtins::text::print::quote;
use crate::builtins::text::template::functions::call;
use crate::builtins::text::template::parse::{Node, Operand, Pipeline, Template, parse};
use crate::builtins::text::template::values::{Item, fault, print};
use crate::value::Value;

pub fn render(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let template = text(args, 1)?;
    fill(&parse(template).map_err(Error::failed)?, ctx, args)
}

/// A call whose template is a constant.
pub fn prepare(known: &[Option<&Value>]) -> Option<Prepared> {
    let template = parse(constant(known, 1)?).ok()?;
    Some(Arc::new(move |context, args| fill(&template, context, args)))
}

/// Fills in a template that has been read.
fn fill(template: &Template, ctx: &Context, args: &[Value]) -> Result<Option<Value>, Error> {
    object(args, 2)?;
    let data = Item::of(argument(args, 2)?);
    let variables = vec![("$".to_owned(), data.clone())];
    let mut run = Run { ctx, template, out: Output::new(ctx), variables, depth: 0 };
    run.all(&template.parts, &data)?;
    Ok(Some(run.out.finish().into()))
}

/// How deep templates may use each other.
const MAX_DEPTH: usize = 100;

/// Whether a loop goes on.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Run<'a> {
    ctx: &'a Context,
    template: &'a Template,
    out: Output,
    variables: Vec<(String, Item)>,
    /// How many named templates this is in.
    depth: usize,
}

impl Run<'_> {
    fn all(&mut self, nodes: &[Node], dot: &Item) -> Result<Flow, Error> {
        let known = self.variables.len();
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                self.variables.truncate(known);
                return Ok(flow);
            }
        }
        self.variables.truncate(known);
        Ok(Flow::On)
    }

    fn node(&mut self, node: &Node, dot: &Item) -> Result<Flow, Error> {
        match node {
            Node::Text(text) => self.out.push(text)?,
            Node::Print(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    print(&value, &mut self.out)?;
                }
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
            Node::If(branches, otherwise) => {
                let known = self.variables.len();
                let mut chosen = otherwise;
                for (condition, body) in branches {
                    if self.pipeline(condition, dot)?.is_true() {
                        chosen = body;
                        break;
                    }
                }
                let flow = self.all(chosen, dot)?;
                self.variables.truncate(known);
                return Ok(flow);
            }
            Node::With(branches, otherwise) => {
                let known = self.variables.len();
                let mut chosen = (otherwise, dot.clone());
                for (pipeline, body) in branches {
                    let value = self.pipeline(pipeline, dot)?;
                    if value.is_true() {
                        chosen = (body, value);
                        break;
                    }
                }
                let flow = self.all(chosen.0, &chosen.1)?;
                self.variables.truncate(known);
                return Ok(flow);
            }
            Node::Template(name, dot_of) => self.named(name, dot_of.as_ref(), dot)?,
            Node::Range(pipeline, body, otherwise) => return self.range(pipeline, body, otherwise, dot),
        }
        Ok(Flow::On)
    }

    /// A named template knows nothing of what is around it but its dot.
    fn named(&mut self, name: &str, dot_of: Option<&Pipeline>, dot: &Item) -> Result<(), Error> {
        let template = self.template;
        let Some(body) = template.named.get(name) else {
            return Err(fault(format!("template {} not defined", quote(name))));
        };
        let dot = dot_of.map_or(Ok(Item::Nothing), |pipeline| self.pipeline(pipeline, dot))?;
        self.ctx.check_deadline()?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(fault("exceeded maximum template depth"));
        }
        let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), dot.clone())]);
        self.all(body, &dot)?;
        self.variables = outer;
        self.depth -= 1;
        Ok(())
    }

    fn range(
        &mut self,
        pipeline: &Pipeline,
        body: &[Node],
        otherwise: &[Node],
        dot: &Item,
    ) -> Result<Flow, Error> {
        let known = self.variables.len();
        let value = self.commands(pipeline, dot)?;
        let elements: Box<dyn Iterator<Item = (Item, Item)>> = match &value {
            Item::Nothing => Box::new(std::iter::empty()),
            Item::Int(count) => Box::new((0..*count).map(|at| (Item::Int(at), Item::Int(at)))),
            Item::Data(Value::Array(items)) => {
                Box::new(items.iter().enumerate().map(|(at, item)| (Item::Int(at as i64), Item::of(item))))
            }
            Item::Data(Value::Object(members)) => {
                Box::new(members.iter().map(|(key, member)| (Item::of(key), Item::of(member))))
            }
            other => return Err(fault(format!("range can't iterate over {}", other.type_name()))),
        };
        let mut any = false;
        for (key, element) in elements {
            any = true;
            self.ctx.check_deadline()?;
            match pipeline.variables.as_slice() {
                [] => (),
                [one] => self.set(one, pipeline.assigns, element.clone()),
                [first, second, ..] => {
                    self.set(first, pipeline.assigns, key);
                    self.set(second, pipeline.assigns, element.clone());
                }
            }
            let flow = self.all(body, &element)?;
            self.variables.truncate(known);
            if flow == Flow::Break {
                break;
            }
        }
        if !any {
            return self.all(otherwise, dot);
        }
        Ok(Flow::On)
    }

    fn set(&mut self, name: &str, assigns: bool, value: Item) {
        match self.variables.iter_mut().rev().find(|(there, _)| assigns && there == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name.to_owned(), value)),
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Item) -> Result<Item, Error> {
        let value = self.commands(pipeline, dot)?;
        for name in &pipeline.variables {
            self.set(name, pipeline.assigns, value.clone());
        }
        Ok(value)
    }

    fn commands(&mut self, pipeline: &Pipeline, dot: &Item) -> Result<Item, Error> {
        self.ctx.check_deadline()?;
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, last, dot)?);
        }
        last.ok_or_else(|| fault("empty pipeline"))
    }

    fn command(&mut self, command: &[Operand], last: Option<Item>, dot: &Item) -> Result<Item, Error> {
        match command.split_first() {
            Some((Operand::Function(name), rest)) => {
                // These two look at no more arguments than they must.
                if matches!(name.as_str(), "and" | "or") {
                    let mut value = None;
                    for operand in rest {
                        let next = self.operand(operand, dot)?;
                        let decided = next.is_true() == (name == "or");
                        value = Some(next);
                        if decided {
                            return value.ok_or_else(|| fault("no value"));
                        }
                    }
                    return last.or(value).ok_or_else(|| {
                        fault(format!("wrong number of args for {name}: want at least 1 got 0"))
                    });
                }
                let mut args =
                    rest.iter().map(|operand| self.operand(operand, dot)).collect::<Result<Vec<_>, _>>()?;
                args.extend(last);
                call(self.ctx, name, &args)
            }
            Some((operand, [])) if last.is_none() => self.operand(operand, dot),
            _ => Err(fault("can't give argument to non-function")),
        }
    }

    fn operand(&mut self, operand: &Operand, dot: &Item) -> Result<Item, Error> {
        let walk =
            |start: Item, path: &[String]| path.iter().try_fold(start, |value, name| value.field(name));
        Ok(match operand {
            Operand::Dot(path) => walk(dot.clone(), path)?,
            Operand::Variable(name, path) => {
                let found = self.variables.iter().rev().find(|(there, _)| there == name);
                let (_, value) = found.ok_or_else(|| fault(format!("undefined variable: {name}")))?;
                walk(value.clone(), path)?
            }
            Operand::Group(pipeline, path) => walk(self.pipeline(pipeline, dot)?, path)?,
            Operand::Function(name) => call(self.ctx, name, &[])?,
            Operand::Text(text) => Item::Text(text.clone()),
            Operand::Int(number) => Item::Int(*number),
            Operand::Float(number) => Item::Float(*number),
            Operand::Bool(value) => Item::Bool(*value),
            Operand::Nil => Item::Nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Object;

    #[test]
    fn templates() {
        let list: Value = vec!["x".into(), Value::from(0), Value::Null].into();
        let inner = Object::from_entries(vec![("b".into(), Value::from(7)), ("c".into(), true.into())]);
        let data = Object::from_entries(vec![
            ("a".into(), inner.into()),
            ("list".into(), list),
            ("s".into(), "<é>".into()),
        ]);
        for (template, want) in [
            ("{{.a.b}}{{.a.x}}{{.x.y}}", "7<undefined><undefined>"),
            ("a {{- /* no */ -}} b", "ab"),
            ("a {{- .s -}} b", "a<é>b"),
            ("{{range $i, $e := .list}}{{if $i}},{{end}}{{$i}}={{$e}}{{end}}", "0=x,1=0,2=<undefined>"),
            ("{{range $k, $v := .a}}{{$k}}:{{$v}};{{end}}", "b:7;c:true;"),
            ("{{range .list}}{{.}}{{break}}{{else}}none{{end}}", "x"),
            ("{{range .none}}{{.}}{{else}}none{{end}}", "none"),
            ("{{with .a}}{{.b}}{{$.s}}{{end}}", "7<é>"),
            ("{{if and .a.c (eq .a.b \"7\")}}y{{else if .s}}z{{else}}n{{end}}", "y"),
            ("{{if not .s}}y{{else if eq .s \"q\" \"<é>\"}}z{{end}}", "z"),
            ("{{$x := 1}}{{if .s}}{{$x = 2}}{{end}}{{$x}}", "2"),
            ("{{len .list}} {{index .list 0}} {{len .s}}", "3 x 4"),
            ("{{.s | html | printf \"%s-%d\" | print}}", "&lt;é&gt;-%!d(MISSING)"),
            ("{{printf \"%03d\" 5}}{{`}}`}}{{\"\\u00e9\"}}", "005}}é"),
            ("{{.list}} {{.a}}", "[x 0 <nil>] map[b:7 c:true]"),
            ("{{with .none}}a{{else with .a}}{{.b}}{{else}}c{{end}}", "7"),
            (
                "{{define \"x\"}}[{{.}}{{$}}]{{end}}{{template \"x\" .s}}{{range .list}}{{template \"x\"}}{{end}}",
                "[<é><é>][<undefined><undefined>][<undefined><undefined>][<undefined><undefined>]",
            ),
            ("{{block \"x\" .a}}{{$v := .b}}{{$v}}{{end}}{{template \"x\" .a}}", "77"),
            ("{{define \"x\"}}{{end}}{{define \"x\"}}1{{end}}{{template \"x\"}}", "1"),
            ("{{slice \"abc\" 1 2}}{{slice .list 1}}{{slice .list 0 1 3}}{{slice .s}}", "b[0 <nil>][x]<é>"),
            (
                "{{js \"x<'\\\\\\n=\"}}{{urlquery \"a b&\" 1 2}}{{html \"<\" \"&\"}}",
                "x\\u003C\\'\\\\\\u000A\\u003Da+b%261+2&lt;&amp;",
            ),
            (
                "{{index \"abc\" 1}} {{0x1F}} {{017}} {{1_000}} {{'\\n'}} {{-0b11}} {{1e3}}",
                "98 31 15 1000 10 -3 1000",
            ),
            ("{{/* a */}}{{- /* b */ -}} x", "x"),
            ("{{(index .list 0)}}{{print 1 2 \"a\" 3}}", "x1 2a3"),
        ] {
            let later = std::time::Instant::now() + std::time::Duration::from_secs(9);
            let mut ctx = Context::new(0, later, 1000);
            let got = render(&mut ctx, &[template.into(), data.clone().into()]);
            assert_eq!(got, Ok(Some(want.into())), "{template}");
        }
        for template in [
            "{{",
            "{{if .a}}",
            "{{end}}",
            "{{nope .a}}",
            "{{$y}}",
            "{{.s.t}}",
            "{{break}}",
            "{{lt .a.b 1}}",
            "{{call .s}}",
            "{{template \"x\"}}",
            "{{template .s}}",
            "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}",
            "{{define \"x\"}}1{{end}}{{define \"x\"}}2{{end}}",
            "{{if .a}}{{define \"x\"}}{{end}}{{end}}",
            "{{range .list}}{{block \"x\" .}}{{break}}{{end}}{{end}}",
            "{{$x := 1}}{{block \"x\" .}}{{$x}}{{end}}",
            "{{slice .s 9}}",
            "{{slice .s 2 1}}",
            "{{slice .a 1}}",
            "{{with .a}}{{else if .b}}{{end}}",
            "{{09}}",
            "{{}}",
        ] {
            let later = std::time::Instant::now() + std::time::Duration::from_secs(9);
            let mut ctx = Context::new(0, later, 1000);
            assert!(render(&mut ctx, &[template.into(), data.clone().into()]).is_err(), "{template}");
        }
    }
}
