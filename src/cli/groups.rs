//! The help of the whole command: its verbs in groups.

use clap::Command;

/// The groups, with the verbs in the order in which they are shown.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Server", &["dev", "run", "config", "check-tls", "routes", "health", "init"]),
    (
        "Policy",
        &[
            "new",
            "eval",
            "repl",
            "check",
            "test",
            "fmt",
            "bench",
            "exec",
            "build",
            "sign",
            "inspect",
            "deps",
            "parse",
            "capabilities",
        ],
    ),
    (
        "Registry, over the API of a running server",
        &[
            "org",
            "member",
            "agent",
            "key",
            "device",
            "delegation",
            "role",
            "limit",
            "secret",
            "setting",
            "revocation",
            "audit",
        ],
    ),
    ("Who you are there", &["login", "whoami"]),
    ("Credentials", &["credential", "keys", "capability", "token"]),
    ("Shell", &["completion", "man", "version", "help"]),
];

/// The command, with its verbs in groups in its help. A verb of no group stands at the end.
pub(super) fn grouped(command: Command) -> Command {
    let styles = command.get_styles();
    let (header, literal) = (*styles.get_header(), *styles.get_literal());
    let about = |name: &str| match name {
        "help" => Some("Show this, or the help of a command".to_owned()),
        _ => command.find_subcommand(name)?.get_about().map(ToString::to_string),
    };
    let known = |name: &str| GROUPS.iter().any(|(_, verbs)| verbs.contains(&name));
    let others: Vec<&str> =
        command.get_subcommands().map(Command::get_name).filter(|name| !known(name)).collect();
    let mut text = String::new();
    for (title, verbs) in GROUPS.into_iter().chain([("Others", others.as_slice())]) {
        let lines: Vec<String> = verbs
            .iter()
            .filter_map(|name| Some(format!("  {literal}{name:12}{literal:#}  {}\n", about(name)?)))
            .collect();
        if !lines.is_empty() {
            text.push_str(&format!("{header}{title}:{header:#}\n{}\n", lines.concat()));
        }
    }
    let options = format!("{header}Options:{header:#}\n{{options}}");
    command.help_template(format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{text}{options}"))
}
