//! `verdict new`: a folder to begin with, which is a bundle: policy, data, tests and fixtures that pass.
//!
//! INVARIANT (nothing is overwritten): a folder that has anything in it is left alone.
//!
//! Exit code: 0; 1 where something is in the way or cannot be written; 2 for a name that no package can have.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::print::{complain, print};
use super::shell::quoted;
use verdict_rego::syntax::Source;
use verdict_rego::syntax::ast::Version;
use verdict_rego::syntax::parser::{Options, parse_module};

/// What stands for the name in the files.
const NAME: &str = "PACKAGE";
/// The files, by the names that they get.
const FILES: [(&str, &str); 6] = [
    (".manifest", include_str!("new/manifest.json")),
    ("policy.rego", include_str!("new/policy.rego")),
    ("data.json", include_str!("new/data.json")),
    ("policy_test.rego", include_str!("new/policy_test.rego")),
    ("PACKAGE.fixtures.yaml", include_str!("new/fixtures.yaml")),
    ("README.md", include_str!("new/README.md")),
];

/// Arguments of `verdict new`.
#[derive(Debug, Clone, clap::Args)]
pub struct NewArgs {
    /// Folder to make; its name is that of the package, e.g. `orders` or `policies/orders`
    #[arg(value_name = "NAME")]
    pub path: PathBuf,
}

/// Runs the command.
pub fn run(args: &NewArgs) -> ExitCode {
    let name = match package(&args.path) {
        Ok(name) => name,
        Err(message) => {
            complain(&message);
            return ExitCode::from(2);
        }
    };
    let commands = commands(&args.path, &name);
    match write(&args.path, &name, &commands) {
        Ok(files) => {
            let folder = quoted(&args.path.display().to_string());
            print(&format!("{folder} has {}\n\nNext:\n\n{commands}", files.join(", ")));
            ExitCode::SUCCESS
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(1)
        }
    }
}

/// The name of the package, which is that of the folder.
fn package(path: &Path) -> Result<String, String> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if is_package(&name) {
        return Ok(name);
    }
    let mut better: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if !better.starts_with(|c: char| c.is_ascii_alphabetic()) {
        better = format!("app_{}", better.trim_start_matches('_'));
    }
    if !is_package(&better) {
        better.push_str("_policy");
    }
    let better = path.with_file_name(better.trim_end_matches('_'));
    Err(format!(
        "`{name}` cannot be the name of a package, which has letters, digits and `_`, begins with a letter, and is no keyword\n\
         hint: write `verdict new {}`",
        quoted(&better.display().to_string())
    ))
}

/// Whether `data.NAME` can be written, in a module of that package, too.
fn is_package(name: &str) -> bool {
    let text = format!("package {name}\nimport data.{name}\nx := {name}.x\n");
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(name, "data" | "input" | "system" | NAME)
        && parse_module(&Source::new("", text), Version::V1, Options::default()).is_ok()
}

fn write(folder: &Path, name: &str, commands: &str) -> Result<Vec<String>, String> {
    let failed = |path: &Path, error: &io::Error| format!("cannot write `{}`: {error}", path.display());
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => {
            return Err(format!(
                "`{}` already exists and is not empty; choose another name, or remove the folder",
                folder.display()
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        }
        Err(error) => return Err(failed(folder, &error)),
    }
    let mut written = Vec::new();
    for (file, text) in FILES {
        let (file, mut text) = (file.replace(NAME, name), text.replace(NAME, name));
        if file == "README.md" {
            text.push_str(&format!("```sh\n{commands}```\n"));
        }
        let path = folder.join(&file);
        fs::write(&path, text).map_err(|error| failed(&path, &error))?;
        written.push(file);
    }
    Ok(written)
}

/// What to do next, from the folder that `new` was run in.
fn commands(folder: &Path, name: &str) -> String {
    let folder = quoted(&folder.display().to_string());
    format!(
        "verdict test {folder}\n\
         verdict eval -b {folder} --principal erin --role editor --action update --resource type=doc,owner=bob \\\n    \
         -f pretty --explain data.{name}.allow\n\
         verdict repl -b {folder}\n\
         verdict dev {folder}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_package_can_have_are_refused_with_one_that_it_can() {
        for (path, expected) in [
            ("orders", Ok("orders")),
            ("policies/orders_2", Ok("orders_2")),
            ("my-app", Err("verdict new my_app")),
            ("policies/my app", Err("verdict new policies/my_app")),
            ("2nd", Err("verdict new app_2nd")),
            ("default", Err("verdict new default_policy")),
            ("data", Err("verdict new data_policy")),
            ("Grün", Err("verdict new gr_n")),
            ("..", Err("verdict new")),
        ] {
            match (package(Path::new(path)), expected) {
                (Ok(name), Ok(expected)) => assert_eq!(name, expected),
                (Err(message), Err(hint)) => assert!(message.contains(hint), "{message}"),
                (got, _) => panic!("{path}: {got:?}"),
            }
        }
    }
}
