//! `verdict repl`: a prompt for queries and rules, over policy and data.
//!
//! Has the commands of OPA's prompt. Statements are evaluated as by `verdict eval`, by the same code; an error never ends
//! the session.
//!
//! Exit code: 0 from a terminal; where standard input is none, 2 if a statement failed, after all others were tried; 2 if policy,
//! data or input cannot be read.
//!
//! Reading order: [`ReplArgs`] → `statement` → `session` → `command`; `terminal` and `complete` read lines.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use self::command::Verb;
use self::complete::Known;
use self::session::Session;
use self::statement::Statement;
use self::terminal::{Lines, Read};
use super::envelope::EnvelopeArgs;
use super::eval::indent::indented;
use super::eval::{Explain, Format, Given, Problem, Settings, answer, read_input, show};
use super::print::{complain, note, print};
use super::reading::ReadingArgs;
use super::sources;
use super::test::watch::{self, Look};
use crate::bundle::tree::Root;
use verdict_rego::diagnostic::SHOWN;
use verdict_rego::syntax::is_unfinished;
use verdict_rego::{Diagnostic, Program, Value};

mod command;
mod complete;
mod session;
mod statement;
mod terminal;

/// Arguments of `verdict repl`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplArgs {
    /// Policy or data files, or directories of them
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The same, as for `verdict eval`; repeatable
    #[arg(short, long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// Bundle: a directory or an archive; repeatable
    #[arg(short, long, value_name = "PATH")]
    pub bundle: Vec<PathBuf>,
    /// Input document, a JSON or YAML file [default: `data.repl.input`]
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Output format to begin with
    #[arg(short, long, value_enum, default_value_t = Shown::Pretty)]
    pub format: Shown,
    /// Reload policy and data when files change
    #[arg(short, long)]
    pub watch: bool,
    /// File with the history [default: verdict/repl_history in `$XDG_STATE_HOME` or ~/.local/state]
    #[arg(short = 'H', long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Who asks for what
    #[command(flatten)]
    pub envelope: EnvelopeArgs,
    /// How policy is read
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shown {
    /// Values and tables
    Pretty,
    /// JSON, as `verdict eval` prints it
    Json,
}

/// Runs the command.
pub fn run(args: &ReplArgs) -> ExitCode {
    let ran = Repl::begin(args).and_then(|mut repl| {
        let mut lines = Lines::open(args.history.as_deref())?;
        repl.read_all(&mut lines)?;
        Ok(repl.failed && !lines.is_terminal())
    });
    match ran {
        Ok(failed) => ExitCode::from(if failed { 2 } else { 0 }),
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

/// Why a statement failed; every one of them is shown.
type Failed = Vec<Problem>;

struct Repl<'a> {
    args: &'a ReplArgs,
    /// Policy and data, other than bundles.
    data: Vec<PathBuf>,
    session: Session,
    settings: Settings,
    /// The files as they were loaded.
    looked: Look,
    /// Whether a statement failed.
    failed: bool,
}

impl<'a> Repl<'a> {
    fn begin(args: &'a ReplArgs) -> Result<Self, String> {
        let data: Vec<PathBuf> = args.paths.iter().chain(&args.data).cloned().collect();
        let mut settings = Settings::of_prompt();
        if args.format == Shown::Json {
            settings.format = Format::Json;
        }
        let looked = watch::look(&watched(args, &data));
        let loaded = load(args, &data)?;
        let given = args.input.as_deref().map(read_input).transpose()?;
        let given = given.or_else(|| loaded.data().at(["repl", "input"]).cloned());
        let input = args.envelope.around(given)?;
        let session = Session::begin(&loaded, input).map_err(|found| listed(&found))?;
        Ok(Self { args, data, session, settings, looked, failed: false })
    }

    fn read_all(&mut self, lines: &mut Lines) -> Result<(), String> {
        if lines.is_terminal() {
            note(concat!("Verdict ", env!("CARGO_PKG_VERSION"), "; `help` lists commands, Ctrl-D ends"));
        }
        let mut statement = String::new();
        let mut dropped = false;
        loop {
            let prompt = if statement.is_empty() { "> " } else { "| " };
            let line = match lines.next(prompt, || Known::of(&self.session))? {
                Read::Line(line) => line,
                // Once to drop what was typed, twice to end.
                Read::Dropped if dropped => return Ok(()),
                Read::Dropped => {
                    note("Ctrl-C again, or Ctrl-D, ends");
                    (dropped, statement) = (true, String::new());
                    continue;
                }
                Read::End if statement.is_empty() => return Ok(()),
                // What is unfinished at the end is an error, not to be passed over.
                Read::End => String::new(),
            };
            dropped = false;
            if !statement.is_empty() {
                statement.push('\n');
            }
            statement.push_str(&line);
            if !line.trim().is_empty() && is_unfinished(&statement) {
                continue;
            }
            let whole = std::mem::take(&mut statement);
            let whole = whole.trim_end();
            if whole.is_empty() {
                continue;
            }
            lines.keep(whole);
            self.look();
            match self.line(whole) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(problems) => self.complain(&problems),
            }
        }
    }

    fn complain(&mut self, problems: &[Problem]) {
        self.failed = true;
        let texts: Vec<&str> = problems.iter().take(SHOWN).map(|problem| problem.text.as_str()).collect();
        complain(&texts.join("\n"));
    }

    /// Does what a statement says; whether the session goes on.
    fn line(&mut self, text: &str) -> Result<bool, Failed> {
        match command::read(text) {
            Some(Ok((Verb::Exit, _))) => Ok(false),
            Some(Ok((verb, rest))) => self.command(verb, rest).map(|()| true),
            Some(Err(message)) => Err(plain(message)),
            None => self.statement(text).map(|()| true),
        }
    }

    fn statement(&mut self, text: &str) -> Result<(), Failed> {
        match statement::read(text, &self.session.header()).map_err(problems)? {
            Statement::Package(path) => self.session.enter(&path).map_err(problems),
            Statement::Import(import) => self.session.import(&import).map_err(problems),
            Statement::Input(value) => {
                self.session.input = Some(self.value(&value)?);
                Ok(())
            }
            Statement::Rules(rules) if rules.is_empty() => Ok(()),
            Statement::Rules(rules) => {
                let name = rules.first().map(|rule| rule.name.clone()).unwrap_or_default();
                let word =
                    if self.session.define(text, rules).map_err(problems)? { "replaced" } else { "defined" };
                note(&format!(
                    "{word} rule `{name}` in package {}; `show` lists what is defined",
                    self.session.package()
                ));
                Ok(())
            }
            Statement::Query => {
                let given = self.given(text)?;
                let mut settings = self.settings.clone();
                if settings.explain != Explain::Off && !given.is_document() {
                    settings.explain = Explain::Off;
                    note("only results of documents are explained, such as `data.app.allow`");
                }
                let answer = answer(&settings, &given)?;
                show(&settings, &given, &answer);
                Ok(())
            }
        }
    }

    fn given(&self, text: &str) -> Result<Given, Failed> {
        let program = self.session.program().clone();
        Given::over(program, self.session.input.clone(), text, &self.session.scope())
    }

    /// The one value of an expression.
    fn value(&self, text: &str) -> Result<Value, Failed> {
        let given = self.given(text)?;
        let rows = answer(&Settings::of_prompt(), &given)?.rows;
        match rows.as_slice() {
            [row] if row.values.len() == 1 => Ok(row.values.first().cloned().unwrap_or(Value::Null)),
            [] => Err(plain("the value is undefined; the input stays as it is".to_owned())),
            _ => Err(plain("this is more than one value; the input stays as it is".to_owned())),
        }
    }

    fn command(&mut self, verb: Verb, rest: &str) -> Result<(), Failed> {
        match verb {
            Verb::Exit => {}
            Verb::Help => print(&command::help()),
            Verb::Show if rest == "debug" => print(&self.shown_settings()),
            Verb::Show if rest.is_empty() => print(&self.session.shown()),
            Verb::Show => return Err(plain(format!("`show {rest}`: write `show` or `show debug`"))),
            Verb::Unset => return self.unset(rest),
            Verb::UnsetPackage => {
                let path = rest.strip_prefix("data.").unwrap_or(rest);
                if !self.session.unset_package(path).map_err(problems)? {
                    return Err(plain(format!("nothing was defined here in package {path}")));
                }
                note(&format!("the current package is {}", self.session.package()));
            }
            Verb::Dump => return self.dump(rest),
            Verb::Json => self.settings.format = Format::Json,
            Verb::Pretty => self.settings.format = Format::Pretty,
            Verb::PrettyLimit => {
                let limit = rest.parse();
                self.settings.pretty_limit =
                    limit.map_err(|_| plain(format!("`{rest}` is no number; e.g. `pretty-limit 120`")))?;
            }
            Verb::Trace => return self.trace(rest),
            Verb::Metrics => toggle("metrics", &mut self.settings.metrics),
            Verb::Instrument => toggle("instrument", &mut self.settings.instrument),
            Verb::Profile => toggle("profile", &mut self.settings.profile),
            Verb::Strict => toggle("strict-builtin-errors", &mut self.settings.strict_builtin_errors),
            Verb::Target if matches!(rest, "" | "rego") => {}
            Verb::Target => return Err(plain(format!("target `{rest}` is not supported, only `rego`"))),
            Verb::Unsupported(why) => return Err(plain(why.to_owned())),
        }
        Ok(())
    }

    fn unset(&mut self, name: &str) -> Result<(), Failed> {
        if name == "input" {
            self.session.input = None;
            return Ok(());
        }
        if !self.session.unset(name).map_err(problems)? {
            let package = self.session.package();
            return Err(plain(format!(
                "`{name}` was not defined here in package {package}; `show` lists what was"
            )));
        }
        Ok(())
    }

    fn trace(&mut self, rest: &str) -> Result<(), Failed> {
        let on = match rest {
            "" => self.settings.explain == Explain::Off,
            "off" => false,
            "full" | "fails" | "notes" | "debug" => true,
            _ => return Err(plain(format!("`trace {rest}`: write `trace`, `trace full` or `trace off`"))),
        };
        self.settings.explain = if on { Explain::Full } else { Explain::Off };
        note(&format!("trace: {}", on_or_off(on)));
        Ok(())
    }

    fn dump(&self, file: &str) -> Result<(), Failed> {
        let text = indented(&self.session.program().data().to_string()) + "\n";
        if file.is_empty() {
            print(&text);
            return Ok(());
        }
        std::fs::write(file, text).map_err(|error| plain(format!("cannot write `{file}`: {error}")))
    }

    fn shown_settings(&self) -> String {
        let settings = &self.settings;
        let shown = json!({
            "package": self.session.package(),
            "format": if settings.format == Format::Json { "json" } else { "pretty" },
            "pretty_limit": settings.pretty_limit,
            "trace": settings.explain != Explain::Off,
            "metrics": settings.metrics,
            "instrument": settings.instrument,
            "profile": settings.profile,
            "strict_builtin_errors": settings.strict_builtin_errors,
            "target": "rego",
        });
        indented(&shown.to_string()) + "\n"
    }

    /// With `--watch`, takes what has changed since the last statement; what cannot be loaded leaves what was there.
    fn look(&mut self) {
        if !self.args.watch {
            return;
        }
        let now = watch::look(&watched(self.args, &self.data));
        let changed = watch::differences(&self.looked, &now);
        let Some(changed) = changed.first() else { return };
        self.looked = now;
        let loaded = load(self.args, &self.data);
        match loaded.and_then(|loaded| self.session.reload(&loaded).map_err(|found| listed(&found))) {
            Ok(()) => note(&format!("`{}` changed: reloaded", changed.display())),
            Err(message) => {
                self.failed = true;
                complain(&format!("`{}` changed, and what was loaded stays:\n{message}", changed.display()));
            }
        }
    }
}

fn watched(args: &ReplArgs, data: &[PathBuf]) -> Vec<PathBuf> {
    let plain = |path: &PathBuf| Root::parse(path).map_or_else(|_| path.clone(), |root| root.path);
    args.bundle.iter().chain(data).map(plain).collect()
}

fn load(args: &ReplArgs, data: &[PathBuf]) -> Result<Program, String> {
    sources::load_together(&args.bundle, data, &args.reading).map_err(|problem| problem.to_string())
}

fn listed(found: &[Diagnostic]) -> String {
    verdict_rego::diagnostic::listed(found, SHOWN)
}

fn plain(message: String) -> Failed {
    vec![Problem::plain(message)]
}

fn problems(found: Vec<Diagnostic>) -> Failed {
    found.iter().map(Problem::of_diagnostic).collect()
}

fn toggle(name: &str, setting: &mut bool) {
    *setting = !*setting;
    note(&format!("{name}: {}", on_or_off(*setting)));
}

const fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
