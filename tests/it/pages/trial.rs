//! Tries a page: everything in it, in its order, in one shell.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::compare::{difference, shown};
use super::markdown::{Block, Item, Marker, items, transcripts};
use super::shell::{Ran, Shell};

/// How long a command in the background may take to print something.
const PATIENCE: Duration = Duration::from_secs(30);

/// A page that is tried.
struct Trial {
    shell: Shell,
    /// The text of files of which several blocks are a part.
    files: BTreeMap<String, String>,
    /// What has failed: its line, and how.
    failures: Vec<(usize, String)>,
    /// Whether what was printed replaces what the page says.
    recording: bool,
    /// What was printed otherwise than the page says, where.
    replaced: Vec<Replaced>,
}

/// Lines of the page, from 1, and their new text.
struct Replaced {
    line: usize,
    lines: usize,
    text: String,
}

/// What came of a page.
pub struct Outcome {
    /// How many blocks were tried.
    pub tried: usize,
    /// What failed: its line, and how.
    pub failures: Vec<(usize, String)>,
}

/// Tries a page, if this machine can. When recording, what was printed is written into the page.
pub fn try_page(path: &Path, recording: bool) -> Option<Outcome> {
    let text = std::fs::read_to_string(path).unwrap();
    let items = match items(&text) {
        Ok(items) => items,
        Err(failure) => return Some(Outcome { tried: 0, failures: vec![failure] }),
    };
    let (files, failures, replaced) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut trial = Trial { shell: Shell::start()?, files, failures, recording, replaced };
    let mut tried = 0;
    for item in &items {
        match item {
            Item::Hidden { line, text } => {
                let ran = trial.shell.run(text);
                trial.succeeded(*line, &ran);
            }
            Item::Block(block) if block.markers.iter().any(|marker| matches!(marker, Marker::NotRun(_))) => {}
            Item::Block(block) => {
                tried += 1;
                trial.block(block);
            }
        }
    }
    let Trial { failures, replaced, .. } = trial;
    if !replaced.is_empty() {
        std::fs::write(path, replace(&text, replaced)).unwrap();
    }
    Some(Outcome { tried, failures })
}

/// The page with the new text.
fn replace(page: &str, replaced: Vec<Replaced>) -> String {
    let mut lines: Vec<&str> = page.lines().collect();
    for one in replaced.iter().rev() {
        lines.splice(one.line - 1..one.line - 1 + one.lines, one.text.lines());
    }
    format!("{}\n", lines.join("\n"))
}

impl Trial {
    fn fails(&mut self, line: usize, how: impl Into<String>) {
        self.failures.push((line, how.into()));
    }

    /// A script must run without a failure.
    fn succeeded(&mut self, line: usize, ran: &Ran) {
        if let Some((at, what)) = &ran.failed {
            self.fails(line + at.saturating_sub(1), format!("{what}\n{}", ran.output));
        }
    }

    fn block(&mut self, block: &Block) {
        let whole = match block.file() {
            Some(name) => self.write(name, &block.text),
            None => block.text.clone(),
        };
        match block.language.as_str() {
            "console" => self.console(block),
            "sh" if block.file().is_some() => {}
            "sh" if block.is(&Marker::Background) => {
                let ran = self.shell.background(&block.text);
                self.succeeded(block.line, &ran);
            }
            "sh" => {
                // On its first line, so that the numbers of the others stay.
                let ran = self.shell.run(&format!("curl() {{ command curl -f \"$@\"; }}; {}", block.text));
                self.succeeded(block.line, &ran);
            }
            "yaml" => self.yaml(block, &whole),
            "rego" => {
                let package = if block.is(&Marker::Fragment) { "package example\n\n" } else { "" };
                let file = self.shell.scratch("policy.rego", &format!("{package}{whole}"));
                self.check(block.line, &format!("verdict check '{}'\n", file.display()));
            }
            "json" => {
                let text = if block.is(&Marker::Fragment) { format!("{{{whole}}}") } else { whole };
                if let Err(error) = serde_json::from_str::<serde_json::Value>(&text) {
                    self.fails(block.line, format!("this is no JSON: {error}"));
                }
            }
            "text" if block.is(&Marker::Output) => self.output(block.line, &block.text),
            "text" if block.file().is_some() => {}
            other => self.fails(
                block.line,
                format!(
                    "nothing tries a block of `{other}`; say what it is, or why it is not run \
                     (CONTRIBUTING.md, Documentation)"
                ),
            ),
        }
    }

    /// Writes a block into its file, after what the file has of this page: the text of the whole.
    fn write(&mut self, name: &str, text: &str) -> String {
        let whole = self.files.entry(name.to_owned()).or_default();
        if !whole.is_empty() {
            whole.push('\n');
        }
        whole.push_str(text);
        let path = self.shell.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &*whole).unwrap();
        whole.clone()
    }

    /// YAML that is no other file is a configuration.
    fn yaml(&mut self, block: &Block, text: &str) {
        if let Err(error) = yaml_serde::from_str::<serde_json::Value>(text) {
            return self.fails(block.line, format!("this is no YAML: {error}"));
        }
        let file = match block.file() {
            Some(name) if name.ends_with("verdict.yaml") => self.shell.folder().join(name),
            Some(_) => return,
            None if block.is(&Marker::Fragment) => return,
            None => self.shell.scratch("verdict.yaml", text),
        };
        self.check(block.line, &format!("verdict config --config '{}'\n", file.display()));
    }

    fn check(&mut self, line: usize, command: &str) {
        let ran = self.shell.run(command);
        if ran.failed.is_some() {
            self.fails(line, ran.output);
        }
    }

    fn console(&mut self, block: &Block) {
        let found = match transcripts(&block.text) {
            Ok(found) => found,
            Err(how) => return self.fails(block.line, how),
        };
        for one in found {
            let line = block.line + one.line;
            let below = line + one.command.lines().count();
            if block.is(&Marker::Background) {
                self.shell.background(&one.command);
                self.output(below, &one.expected);
                continue;
            }
            let ran = self.shell.run(&format!("unset -f curl; {}", one.command));
            self.compare(below, &one.expected, &ran.output);
        }
    }

    /// What the command in the background has printed since.
    fn output(&mut self, line: usize, expected: &str) {
        let patience = if self.recording { Duration::from_secs(3) } else { PATIENCE };
        let got = self.shell.printed(patience, |got| !got.is_empty() && difference(expected, got).is_none());
        self.compare(line, expected, &got);
    }

    fn compare(&mut self, line: usize, expected: &str, got: &str) {
        let difference = difference(expected, got);
        // The ids of one run belong together; `…` was written by hand, and stays as long as it fits.
        let replace = difference.is_some() || !expected.contains('…');
        match difference {
            _ if self.recording && replace => {
                self.replaced.push(Replaced { line, lines: expected.lines().count(), text: shown(got) })
            }
            Some(difference) => self.fails(line.saturating_sub(1), difference),
            None => {}
        }
    }
}

impl Outcome {
    /// What failed, for people.
    pub fn report(&self, page: &str) -> String {
        self.failures.iter().map(|(line, how)| format!("{page}:{line}: {how}\n")).collect()
    }
}

#[test]
fn a_page_that_is_wrong_fails_where_it_is_wrong() {
    let page = "```console\n$ echo a\na\n$ echo b\nc\n```\n```sh\ntrue\nfalse\ntrue\n```\n```yaml\nsrever: {}\n```\n```rego\npackage a\n\n\
                b if nothing\n```\n```json\n{\n```\n```\nnothing says what this is\n```\n<!-- run: exit 3 -->\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, page).unwrap();
    let Some(outcome) = try_page(file.path(), false) else { return };
    let failed: Vec<_> = outcome.failures.iter().map(|(line, how)| (*line, how.as_str())).collect();
    let expected = [
        (4, "+b"),
        (9, "false: exit code 1"),
        (13, "did you mean `server`?"),
        (16, "unsafe"),
        (21, "no JSON"),
        (24, "nothing tries"),
        (26, "has ended"),
    ];
    assert_eq!(failed.len(), expected.len(), "{failed:#?}");
    for ((line, how), (at, what)) in failed.iter().zip(expected) {
        assert!(*line == at && how.contains(what), "{at} {what}: {failed:#?}");
    }
}
