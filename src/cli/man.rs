//! `verdict man`: the manual page of the command, or of one of its verbs, from the same definitions as its help.
//!
//! Exit code: 0; 2 for a verb that there is not.

use std::process::ExitCode;

use clap_mangen::Man;

use super::print::{complain, print};

/// Arguments of `verdict man`.
#[derive(Debug, Clone, clap::Args)]
pub struct ManArgs {
    /// Command whose page to print, e.g. `eval` or `capability mint` [default: all of `verdict`]; read it with
    /// `verdict man eval | man -l -`
    #[arg(value_name = "VERB", num_args = 0..=2)]
    pub verb: Vec<String>,
}

/// Runs the command; `command` is the whole command line.
pub fn run(args: &ManArgs, mut command: clap::Command) -> ExitCode {
    // What verbs inherit is filled in.
    command.build();
    let (mut page, mut title) = (&command, command.get_name().to_owned());
    for verb in &args.verb {
        let Some(below) = page.find_subcommand(verb) else {
            let names: Vec<&str> =
                page.get_subcommands().map(clap::Command::get_name).filter(|name| *name != "help").collect();
            complain(&format!("there is no verb `{verb}`; there are {}", names.join(", ")));
            return ExitCode::from(2);
        };
        (page, title) = (below, format!("{title}-{verb}"));
    }
    let mut text = Vec::new();
    let version = format!("{} {}", command.get_name(), command.get_version().unwrap_or_default());
    match Man::new(page.clone()).title(title.to_uppercase()).source(version).render(&mut text) {
        Ok(()) => {
            print(&String::from_utf8_lossy(&text));
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("cannot write the page: {error}"));
            ExitCode::from(2)
        }
    }
}
