//! The flags of `opa run` that are not Verdict's own: each works, or says what to write.
//!
//! They are hidden in the help, because there is a way of Verdict's for each.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::config::Setting;

/// What a flag comes to.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// It asks for what is always so.
    Always,
    /// It sets this key.
    Key(&'static str),
    /// It sets this key to a number of seconds.
    Seconds(&'static str),
    /// It is refused, and this is to be written.
    Instead(&'static str),
}

/// A flag of `opa run`.
struct Flag {
    long: &'static str,
    short: Option<char>,
    /// Whether a value follows.
    value: bool,
    way: Way,
}

const fn flag(long: &'static str, short: Option<char>, value: bool, way: Way) -> Flag {
    Flag { long, short, value, way }
}

const REPL: &str = "this is a server; `verdict repl` has a prompt";

const FLAGS: &[Flag] = &[
    flag("--server", Some('s'), false, Way::Always),
    flag("--watch", Some('w'), false, Way::Always),
    flag("--v1-compatible", None, false, Way::Always),
    flag("--disable-telemetry", None, false, Way::Always),
    flag("--skip-version-check", None, false, Way::Always),
    flag("--skip-known-schema-check", None, false, Way::Always),
    flag("--optimize-store-for-read-speed", None, false, Way::Always),
    flag("--read-ast-values-from-store", None, false, Way::Always),
    flag("--h2c", None, false, Way::Always),
    flag("--tls-cert-file", None, true, Way::Key("server.tls.cert")),
    flag("--tls-private-key-file", None, true, Way::Key("server.tls.key")),
    flag("--tls-ca-cert-file", None, true, Way::Key("server.tls.client_ca")),
    flag("--min-tls-version", None, true, Way::Key("server.tls.min_version")),
    flag("--tls-cert-refresh-period", None, true, Way::Always),
    flag("--unix-socket-perm", None, true, Way::Key("server.unix.mode")),
    flag("--diagnostic-addr", None, true, Way::Key("management.listen")),
    flag("--shutdown-grace-period", None, true, Way::Seconds("server.shutdown_grace")),
    flag(
        "--authentication",
        None,
        true,
        Way::Instead(
            "callers are verified as `identity` of the configuration says: `--set identity.mode=required` with \
             `identity.issuers` for tokens, `identity.client_certificates` for certificates, `--set identity.mode=off` for nobody",
        ),
    ),
    flag(
        "--authorization",
        None,
        true,
        Way::Instead(
            "who may call which document is said by `identity.entrypoints` and `permissions`, who may manage by \
             `management.role`; `data.system.authz` is not asked",
        ),
    ),
    flag(
        "--v0-compatible",
        None,
        false,
        Way::Instead(
            "write `\"rego_version\": 0` into the `.manifest` of a bundle in Rego v0, or rewrite it: `verdict fmt --v0-v1 -w PATH`",
        ),
    ),
    flag(
        "--ready-timeout",
        None,
        true,
        Way::Instead("`--fail-fast` ends a server whose bundles do not activate"),
    ),
    flag(
        "--shutdown-wait-period",
        None,
        true,
        Way::Instead(
            "a drain begins with SIGTERM; wait before that, e.g. with `preStop: {sleep: {seconds: 5}}` in Kubernetes",
        ),
    ),
    flag(
        "--tls-cipher-suites",
        None,
        true,
        Way::Instead(
            "the suites of TLS 1.3 are not chosen; `--set server.tls.min_version=1.3` leaves older ones out",
        ),
    ),
    flag(
        "--log-level-request",
        None,
        true,
        Way::Instead("calls are not logged apart: every one has a record in the decision log; leave it out"),
    ),
    flag(
        "--log-timestamp-format",
        None,
        true,
        Way::Instead("times are written as in RFC 3339; leave it out"),
    ),
    flag(
        "--pprof",
        None,
        false,
        Way::Instead("there are no profiles to fetch; `GET /metrics` has counters and durations"),
    ),
    flag(
        "--ignore",
        None,
        true,
        Way::Instead("hidden files are passed over; put what is to be served into a folder of its own"),
    ),
    flag(
        "--max-errors",
        Some('m'),
        true,
        Way::Instead("errors are listed up to a fixed number; leave it out"),
    ),
    flag("--format", Some('f'), true, Way::Instead(REPL)),
    flag("--history", Some('H'), true, Way::Instead(REPL)),
];

fn bare(long: &'static str) -> &'static str {
    long.trim_start_matches('-')
}

/// The flags of `opa run` that were given.
#[derive(Debug, Clone, Default)]
pub struct OpaFlags(Vec<(&'static str, Way, String)>);

impl OpaFlags {
    /// The keys that they set.
    ///
    /// # Errors
    /// What to write instead of one that cannot be taken.
    pub fn settings(&self) -> Result<Vec<Setting>, String> {
        let mut settings = Vec::new();
        for (long, way, value) in &self.0 {
            let (key, value) = match way {
                Way::Always => continue,
                Way::Instead(what) => return Err(format!("`{long}` is a flag of `opa run`: {what}")),
                Way::Key(key) => (key, value.clone()),
                Way::Seconds(key) => match value.parse::<u64>() {
                    Ok(seconds) => (key, format!("{seconds}s")),
                    Err(_) => {
                        let message =
                            format!("`{long} {value}` is not a number of seconds; write e.g. `{long} 10`");
                        return Err(message);
                    }
                },
            };
            // Said as a key in errors, because that is what is judged.
            settings.push(Setting { flag: long, key: (*key).to_owned(), value, is_text: true });
        }
        Ok(settings)
    }
}

impl FromArgMatches for OpaFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Self::default();
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for Flag { long, value, way, .. } in FLAGS {
            let said = match value {
                true => matches.get_one::<String>(bare(long)).cloned(),
                false => matches.get_flag(bare(long)).then(String::new),
            };
            self.0.extend(said.map(|said| (*long, *way, said)));
        }
        Ok(())
    }
}

impl Args for OpaFlags {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, Flag { long, short, value, .. }| {
            let action = if *value { ArgAction::Set } else { ArgAction::SetTrue };
            let arg = Arg::new(bare(long)).long(bare(long)).hide(true).action(action);
            command.arg(short.map_or(arg.clone(), |short| arg.short(short)))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, Profile, Sources, load};

    fn given(args: &[&str]) -> OpaFlags {
        let command = OpaFlags::augment_args(Command::new("run").no_binary_name(true));
        OpaFlags::from_arg_matches(&command.try_get_matches_from(args).unwrap()).unwrap()
    }

    /// Whatever a flag comes to, nobody is left without a word.
    #[test]
    fn every_flag_is_taken_or_says_what_to_write() {
        for Flag { long, value, way, .. } in FLAGS {
            let args: Vec<&str> = if *value { vec![long, "7"] } else { vec![long] };
            match (way, given(&args).settings()) {
                (Way::Always, Ok(settings)) => assert!(settings.is_empty(), "{long}"),
                (Way::Key(_) | Way::Seconds(_), Ok(settings)) => {
                    let overrides = Overrides { settings, ..Overrides::default() };
                    let said = load(Sources { overrides, profile: Profile::Inspect, ..Sources::default() });
                    let said = said.err().map(|error| error.to_string()).unwrap_or_default();
                    assert!(!said.contains("unknown key"), "{long}: {said}");
                }
                (Way::Instead(what), Err(error)) => assert!(error.contains(what), "{error}"),
                (_, other) => panic!("{long}: {other:?}"),
            }
        }
    }

    #[test]
    fn short_flags_and_seconds_are_opas() {
        let settings = given(&["-sw", "--shutdown-grace-period", "3"]).settings().unwrap();
        let [setting] = settings.as_slice() else { panic!("{settings:?}") };
        assert_eq!((setting.key.as_str(), setting.value.as_str()), ("server.shutdown_grace", "3s"));
        let error = given(&["--shutdown-grace-period", "3s"]).settings().unwrap_err();
        assert!(error.contains("not a number of seconds"), "{error}");
    }
}
