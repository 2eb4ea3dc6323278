//! How a query is evaluated, and how its answer is shown: flags of `eval`, and what `repl` can change as it goes.

use crate::cli::around::{BuiltinErrors, ErrorArgs};
use crate::model::units::Period;
use verdict_rego::profile::By;

/// How a query is evaluated, and how its answer is shown.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
    /// Maximum number of characters of a value in a table; 0 shows all
    #[arg(long, default_value_t = 80, value_name = "CHARACTERS")]
    pub pretty_limit: usize,
    /// Also treat type errors of operators, such as `1 + "a"`, as errors
    #[arg(long)]
    pub strict_builtin_errors: bool,
    /// Treat errors of built-ins as undefined, as OPA does, and list them
    #[arg(long, conflicts_with = "strict_builtin_errors")]
    pub show_builtin_errors: bool,
    /// What an error of a built-in does
    #[command(flatten)]
    pub errors: ErrorArgs,
    /// Evaluation timeout; 0 disables the timeout
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    pub timeout: Period,
    /// Number of evaluations; times are summarized
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Explain the result: each candidate rule with its first failing condition, or the rule that granted it
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_value_t = Explain::Off, default_missing_value = "full")]
    pub explain: Explain,
    /// Report the time of each stage
    #[arg(long)]
    pub metrics: bool,
    /// Report what the evaluation did, too: documents looked up and made, rules and statements run; implies `--metrics`
    #[arg(long)]
    pub instrument: bool,
    /// Profile by line: count and time; implies `--metrics`
    #[arg(long)]
    pub profile: bool,
    /// Number of lines in the profile; 0 shows all; implies `--profile`
    #[arg(long, value_name = "LINES")]
    pub profile_limit: Option<usize>,
    /// Sort order of the profile: `total_time_ns`, `num_eval`, `num_redo`, `num_gen_expr`, `file`, `line`; repeatable
    #[arg(long, value_name = "BY", value_delimiter = ',')]
    pub profile_sort: Vec<By>,
    /// Report which lines were evaluated
    #[arg(long)]
    pub coverage: bool,
}

/// Whether the answer is explained. OPA has kinds of explanation; here there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Explain {
    /// It is not
    Off,
    /// It is
    Full,
    /// The same
    #[value(hide = true)]
    Notes,
    /// The same
    #[value(hide = true)]
    Fails,
    /// The same
    #[value(hide = true)]
    Debug,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// In the shape of `opa eval --format json`
    Json,
    /// Human-readable: a value, or a table of bindings and values
    Pretty,
    /// The values of each result on one line, strings without quotes
    Raw,
    /// The values of each result, as a list
    Values,
    /// The bindings of each result
    Bindings,
    /// JSON that only tells whether there is a result
    Discard,
    /// With `--partial`: what is left, as Rego
    Source,
}

impl Settings {
    /// Those that a prompt begins with.
    pub(in crate::cli) const fn of_prompt() -> Self {
        Self {
            format: Format::Pretty,
            pretty_limit: 80,
            strict_builtin_errors: false,
            show_builtin_errors: false,
            errors: ErrorArgs { builtin_errors: BuiltinErrors::Error },
            timeout: Period::secs(10),
            count: 1,
            explain: Explain::Off,
            metrics: false,
            instrument: false,
            profile: false,
            profile_limit: None,
            profile_sort: Vec::new(),
            coverage: false,
        }
    }

    /// Whether all that is printed is one JSON document.
    pub(super) const fn prints_json(&self) -> bool {
        matches!(self.format, Format::Json | Format::Discard)
    }

    pub(super) const fn measures(&self) -> bool {
        self.metrics || self.instrument || self.profiles()
    }

    pub(super) const fn profiles(&self) -> bool {
        self.profile || self.profile_limit.is_some() || !self.profile_sort.is_empty()
    }
}
