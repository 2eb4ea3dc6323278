//! What a newcomer to a development server needs: what is active, and commands that work when they are pasted, wherever.

use std::path::{Path, PathBuf};

use super::examples::{Caller, Example};
use crate::bundle::Report;
use crate::cli::print::Style;
use crate::cli::shell::quoted;
use crate::telemetry::terminal;

/// Where and how the banner is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paper {
    pub(super) style: Style,
    /// How wide the terminal is; without one, a command is one line.
    pub(super) columns: Option<usize>,
}

/// What is said at once: where it serves, and whether anything is active.
pub(super) fn opening(url: &str, state: &Path, report: &Report, paper: Paper) -> String {
    let Style { bold, warning: warn, .. } = paper.style;
    let mut text = format!("\n{bold}verdict{bold:#} serves {}\n", url);
    let key = state.join("dev-issuer");
    let state = key.display();
    text.push_str(&format!(
        "{warn}DEVELOPMENT: it trusts its own issuer, whose key is in {state}; never expose it{warn:#}\n"
    ));
    if !report.is_active() {
        let why = report.explained.as_deref().unwrap_or("there is none yet");
        text.push_str(&format!("\n{warn}no bundle is active, every call is refused:{warn:#} {why}\n"));
    }
    paper.fitted(&text)
}

/// What is said once bundles are active.
pub(super) fn active(report: &Report, paper: Paper) -> String {
    let bold = paper.style.bold;
    let mut text = String::from("\n");
    for (name, bundle) in &report.bundles {
        let Some(revision) = &bundle.active_revision else { continue };
        let revision = if revision.is_empty() { "(no revision)" } else { revision };
        let whose = bundle.organisation.as_ref().map(|id| format!("  of {id}")).unwrap_or_default();
        text.push_str(&format!("  bundle {bold}{name}{bold:#}  revision {revision}{whose}\n"));
    }
    paper.fitted(&text)
}

/// Commands for another terminal.
pub(super) fn commands(url: &str, state: &Path, examples: &[Example], paper: Paper) -> String {
    let dim = paper.style.dim;
    if examples.is_empty() {
        return "\nno rule can be asked for: the active bundles declare none outside of `system` and tests\n\n".to_owned();
    }
    let mut text = format!("\n{dim}In another terminal:{dim:#}\n");
    for example in examples {
        let caption = paper.fitted(&format!("# {}", example.caption)).replace("\n", "\n#");
        text.push_str(&format!("\n{dim}{caption}{dim:#}\n{}\n", curl(url, state, example, paper.columns)));
    }
    text.push('\n');
    text
}

impl Paper {
    fn fitted(self, text: &str) -> String {
        self.columns.map_or_else(|| text.to_owned(), |columns| terminal::fitted(text, columns, "  "))
    }
}

/// A call as a command: on a terminal over several lines, each as short as it can be.
fn curl(url: &str, state: &Path, example: &Example, columns: Option<usize>) -> String {
    let Example { path, caller, input, .. } = example;
    let body = quoted(&serde_json::json!({ "input": input }).to_string());
    let bearer = match caller {
        None => "not-a-token".to_owned(),
        Some(caller) => format!("$({})", token(caller, state).join(" ")),
    };
    let parts = [
        format!("curl -s {url}/v1/data/{path}"),
        format!("-H \"Authorization: Bearer {bearer}\""),
        format!("-d {body}"),
    ];
    let Some(columns) = columns else { return parts.join(" ") };
    let [call, header, body] = parts;
    // Line breaks within `$(…)` mean nothing, and those between members of JSON neither.
    let header = match caller {
        Some(caller) if header.len() + 4 > columns => {
            let token = packed(&token(caller, state), " ", columns, " \\");
            format!("-H \"Authorization: Bearer $( \\\n{token})\"")
        }
        _ => header,
    };
    let body = match body.split_once("{\"input\":") {
        Some((before, input)) if body.len() + 2 > columns => {
            let members: Vec<String> = input.split(",\"").enumerate().map(member).collect();
            format!("{before}{{\"input\":\n{}", packed(&members, ",", columns, ","))
        }
        _ => body,
    };
    format!("{call} \\\n  {header} \\\n  {body}")
}

/// A member of JSON that was split off before its quote.
fn member((n, text): (usize, &str)) -> String {
    if n == 0 { text.to_owned() } else { format!("\"{text}") }
}

/// Joins parts by `between` into indented lines that fit, each but the last one ended by `end`.
fn packed(parts: &[String], between: &str, columns: usize, end: &str) -> String {
    const INDENT: &str = "      ";
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if INDENT.len() + line.len() + between.len() + part.len() + end.len() <= columns => {
                line.push_str(between);
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines.iter_mut().for_each(|line| line.insert_str(0, INDENT));
    lines.join(&format!("{end}\n"))
}

/// The command that prints a token, in the parts that it may be broken between. It works from any folder.
fn token(caller: &Caller, state: &Path) -> Vec<String> {
    let Caller { sub, role } = caller;
    let mut parts = vec![program(), "token".to_owned(), format!("--sub {}", quoted(sub))];
    parts.extend(role.iter().map(|role| format!("--role {}", quoted(role))));
    parts.push(format!("--state {}", quoted(&state.display().to_string())));
    parts
}

/// This very program, by its name where a shell finds it by that.
fn program() -> String {
    let this = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("verdict"));
    let found = |folder: PathBuf| folder.join("verdict").canonicalize().ok();
    let environment = crate::config::Environment::capture();
    let path = environment.get("PATH").unwrap_or_default();
    let first = std::env::split_paths(path).filter_map(found).next();
    if first.is_some() && first == this.canonicalize().ok() {
        return "verdict".to_owned();
    }
    quoted(&this.display().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_fits_a_terminal_and_is_one_line_elsewhere() {
        let example = Example {
            caption: String::new(),
            path: "app/allow".to_owned(),
            caller: Some(Caller { sub: "alice".to_owned(), role: Some("it's".to_owned()) }),
            input: json!({"action": "delete", "resource": {"owner": "bob", "type": "doc"}, "subject": {"id": "carol"}}),
        };
        let state = Path::new("/home/somebody/work/project/.verdict");
        let one = curl("http://127.0.0.1:8181", state, &example, None);
        assert!(!one.contains('\n'), "{one}");
        assert!(one.contains(r"--role 'it'\''s' --state /home/somebody/work/project/.verdict)"), "{one}");
        let several = curl("http://127.0.0.1:8181", state, &example, Some(80));
        let joined: String = several.replace("\\\n", "").split_whitespace().collect();
        assert_eq!(joined, one.split_whitespace().collect::<String>());
        // Only the path of the program may be longer, which is not to be broken.
        let long: Vec<&str> = several.lines().filter(|line| line.len() > 80).collect();
        assert!(long.iter().all(|line| line.trim_start().starts_with('/')), "{several}");
    }
}
