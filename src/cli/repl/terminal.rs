//! Lines from a terminal, with a history and Tab, or from whatever else standard input is.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::complete::Known;
use crate::cli::print::warn;
use crate::config::Environment;

/// The most statements that the history keeps.
const KEPT: usize = 1000;

/// What was read.
pub(super) enum Read {
    /// A line, without its end.
    Line(String),
    /// Ctrl-C: what was typed is dropped.
    Dropped,
    /// There is no more.
    End,
}

/// Where lines come from.
pub(super) enum Lines {
    Piped,
    Terminal {
        editor: Box<Editor<Tab, DefaultHistory>>,
        history: Option<PathBuf>,
        /// Further lines of what was pasted.
        pasted: VecDeque<String>,
    },
}

impl Lines {
    /// Standard input: with an editor if it is a terminal, and standard output, too.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub(super) fn open(history: Option<&Path>) -> Result<Self, String> {
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Ok(Self::Piped);
        }
        let failed = |error: ReadlineError| format!("cannot use the terminal: {error}");
        // What begins with a blank stays out of the history, as in shells.
        let config = Config::builder().completion_type(CompletionType::List).history_ignore_space(true);
        let config = config.max_history_size(KEPT).map_err(failed)?.build();
        let mut editor: Editor<Tab, DefaultHistory> = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(Tab(None)));
        let history = history.map(Path::to_owned).or_else(|| usual_history(&Environment::capture()));
        if let Some(file) = history.as_deref().filter(|file| file.exists())
            && let Err(error) = editor.load_history(file)
        {
            warn(&format!("cannot read the history `{}`: {error}", file.display()));
        }
        Ok(Self::Terminal { editor: Box::new(editor), history, pasted: VecDeque::new() })
    }

    pub(super) const fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal { .. })
    }

    /// The next line; `known` is what Tab completes.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn next(&mut self, prompt: &str, known: impl FnOnce() -> Known) -> Result<Read, String> {
        let failed = |error: &dyn std::fmt::Display| format!("cannot read standard input: {error}");
        let Self::Terminal { editor, pasted, .. } = self else {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line).map_err(|error| failed(&error))?;
            let text = line.trim_end_matches(['\n', '\r']).to_owned();
            return Ok(if read == 0 { Read::End } else { Read::Line(text) });
        };
        if let Some(line) = pasted.pop_front() {
            return Ok(Read::Line(line));
        }
        if let Some(tab) = editor.helper_mut() {
            tab.0 = Some(known());
        }
        match editor.readline(prompt) {
            Ok(typed) => {
                pasted.extend(typed.split(['\n', '\r']).map(str::to_owned));
                Ok(Read::Line(pasted.pop_front().unwrap_or_default()))
            }
            Err(ReadlineError::Interrupted) => Ok(Read::Dropped),
            Err(ReadlineError::Eof) => Ok(Read::End),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Keeps a statement in the history.
    pub(super) fn keep(&mut self, statement: &str) {
        let Self::Terminal { editor, history, .. } = self else { return };
        if !matches!(editor.add_history_entry(statement), Ok(true)) {
            return;
        }
        let Some(file) = history.as_deref() else { return };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), fs::create_dir_all).map_err(ReadlineError::from);
        // The editor writes files that their owner alone can read.
        if let Err(error) = made.and_then(|()| editor.append_history(file)) {
            warn(&format!("cannot write the history `{}`: {error}", file.display()));
            *history = None;
        }
    }
}

/// Where programs keep such things, by the XDG specification.
fn usual_history(env: &Environment) -> Option<PathBuf> {
    let state = env.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(Path::new(env.get("HOME")?).join(".local/state")))?;
    Some(state.join("verdict/repl_history"))
}

/// What Tab does.
pub(super) struct Tab(Option<Known>);

impl Completer for Tab {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.0.as_ref().map_or((at, Vec::new()), |known| known.complete(line, at)))
    }
}

impl Hinter for Tab {
    type Hint = String;
}

impl Highlighter for Tab {}

impl Validator for Tab {}

impl Helper for Tab {}
