//! Makes a snapshot of bundles: the only way to activate policy.
//!
//! INVARIANT (all checks, then all at once): roots, data, compilation, required entry points, required data and tests, in
//! this order; only what passes them all becomes a [`Snapshot`]. The policy of each organisation with bundles of its own
//! passes all of them, too, or none is activated.

use super::error::{ErrorKind, LoadError};
use super::load::Bundle;
use super::merge::{hidden_rule, merge};
use super::scope::Scope;
use super::written::check;
use crate::model::clock::Timestamp;
use crate::model::request::EntryPath;
use crate::model::revision::BundleRevision;
use crate::pdp::Limits;
use crate::pdp::snapshot::{Policy, Snapshot};
use verdict_rego::PolicyError;
use verdict_rego::{self, Checks, Program, Strict, Value};

/// Runs the bundles' tests; the error names those that failed.
pub type TestRunner = dyn Fn(&Candidate<'_>) -> Result<(), String> + Send + Sync;

/// A policy that is about to be activated, for its tests.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The bundles whose tests and fixtures are to be run: the shared ones, or those of one organisation.
    pub bundles: &'a [&'a Bundle],
    /// The policy as it would be served to their callers, without tests.
    pub program: &'a Program,
    /// Which errors of built-ins end an evaluation, as for their callers.
    pub strict: Strict,
}

/// The conditions of an activation, besides those in manifests.
#[derive(Default)]
pub struct Conditions<'a> {
    /// `bundles.required_entrypoints`.
    pub required: &'a [EntryPath],
    /// `bundles.required_data`.
    pub required_data: &'a [EntryPath],
    /// `bundles.run_tests`.
    pub run_tests: bool,
    /// Runs the tests.
    pub runner: Option<&'a TestRunner>,
    /// Limits of evaluations.
    pub limits: Option<&'a Limits>,
    /// Whether policy that makes network calls is refused.
    pub no_calls: bool,
    /// Whether policy is in force: then what replaces it must have some, too. A reading without any looks like one that was
    /// made half-way.
    pub replaces_policy: bool,
    /// `decision_log.allow_unmasked`: whether a log mask is accepted that nobody applies.
    pub allow_unmasked: bool,
    /// What was written through the API, and is served to all callers beside the bundles.
    pub written: Option<&'a Bundle>,
}

/// Compiles bundles without any conditions, as the commands do: all modules that are served, with merged data.
///
/// # Errors
/// Overlapping roots, conflicting data, or compile errors.
pub fn compile(bundles: &[Bundle]) -> Result<Program, LoadError> {
    compile_checked(bundles, &Checks::default())
}

/// The same with additional checks.
///
/// # Errors
/// As [`compile`].
pub fn compile_checked(bundles: &[Bundle], checks: &Checks) -> Result<Program, LoadError> {
    compile_scope(&Scope::whole(bundles), None, checks)
}

/// `shared` is the data of the bundles that the scope shares with others.
fn compile_scope(scope: &Scope<'_>, shared: Option<&Value>, checks: &Checks) -> Result<Program, LoadError> {
    let data = merge(scope, shared)?;
    let modules: Vec<_> = scope.all.iter().flat_map(|bundle| bundle.modules.iter().cloned()).collect();
    let program = verdict_rego::compile_checked(modules, data, checks).map_err(|diagnostics| {
        let many = diagnostics.len();
        let message = if many == 1 { "1 error".to_owned() } else { format!("{many} errors") };
        let mut error = LoadError::new(ErrorKind::Compile, format!("the policy does not compile: {message}"));
        error.errors = diagnostics.iter().map(verdict_rego::Diagnostic::to_policy_error).collect();
        error.diagnostics = diagnostics;
        error
    })?;
    check_packages(&scope.all, &program)?;
    check_hidden(&program)?;
    Ok(program)
}

/// Makes a snapshot of these bundles.
///
/// # Errors
/// Why they cannot be activated. The active snapshot is not changed here.
pub fn activate(
    bundles: &[Bundle],
    generation: u64,
    at: Timestamp,
    conditions: &Conditions<'_>,
) -> Result<Snapshot, LoadError> {
    // Where there are no bundles at all, what was written is what there is.
    let none_read = bundles.is_empty() && conditions.written.is_some();
    if bundles.iter().all(|bundle| bundle.modules.is_empty()) && !none_read {
        let nothing = |value: &Value| value.members().next().is_none();
        let no_data = bundles.iter().flat_map(|bundle| &bundle.documents).all(|data| nothing(&data.value));
        if no_data || conditions.replaces_policy {
            return Err(LoadError::new(ErrorKind::Empty, "no bundle contains policy (`*.rego`)"));
        }
    }
    if let Some(written) = conditions.written {
        check::check_data(bundles, written)?;
    }
    let (scope, bound) = Scope::of(bundles.iter().chain(conditions.written));
    let made = |scope: &Scope<'_>, shared: Option<&Value>| {
        policy(scope, shared, generation, conditions).map_err(|error| scope.explain(error))
    };
    let shared = made(&scope, None)?;
    let own = bound.iter().map(|scope| made(scope, Some(shared.program.data())));
    let own: Vec<Policy> = own.collect::<Result<_, _>>()?;
    Ok(Snapshot::new(at, shared, own))
}

fn policy(
    scope: &Scope<'_>,
    shared: Option<&Value>,
    generation: u64,
    conditions: &Conditions<'_>,
) -> Result<Policy, LoadError> {
    let bundles = scope.all.as_slice();
    let program = compile_scope(scope, shared, &Checks::default())?;
    if let Some(written) = conditions.written {
        check::check_packages(bundles.iter().copied(), written, &program)?;
    }
    if conditions.no_calls {
        check_calls(&program)?;
    }
    if !conditions.allow_unmasked {
        check_unmasked(&program)?;
    }
    check_required(bundles, &program, conditions.required)?;
    check_required_data(bundles, &program, conditions.required_data)?;
    check_depth(bundles, &program, conditions)?;
    run_tests(scope.own(), &program, conditions)?;
    let revision = |bundle: &&Bundle| {
        (bundle.name.clone(), BundleRevision { revision: bundle.manifest.revision.clone() })
    };
    let revisions = bundles.iter().map(revision).collect();
    Ok(Policy::new(scope.organisation, generation, revisions, program))
}

fn check_packages(bundles: &[&Bundle], program: &Program) -> Result<(), LoadError> {
    for (module, package) in program.module_packages() {
        let owner = bundles.iter().find(|bundle| bundle.modules.iter().any(|own| own.id == module.id));
        let Some(bundle) = owner.filter(|bundle| !bundle.manifest.owns(package)) else { continue };
        return Err(LoadError::new(
            ErrorKind::Roots,
            format!(
                "`{}` is `package {}`, outside the bundle's roots {}; move it, or add its root to `.manifest`",
                module.id,
                package.join("."),
                bundle.manifest.shown_roots()
            ),
        )
        .of(&bundle.name));
    }
    Ok(())
}

fn check_hidden(program: &Program) -> Result<(), LoadError> {
    for path in program.entry_paths() {
        if let Some(prefix) = hidden_rule(program.data(), &path) {
            let path = path.join("/");
            return Err(LoadError::new(
                ErrorKind::Conflict,
                format!(
                    "data has `{}`, which is not an object and hides the rule `{path}`; rename one",
                    prefix.join("/")
                ),
            ));
        }
    }
    Ok(())
}

/// INVARIANT (what nobody can run is refused at load): `http.send` and the like, if network calls are not allowed.
fn check_calls(program: &Program) -> Result<(), LoadError> {
    let refused = |(name, location): (&str, _)| PolicyError {
        code: "rego_type_error",
        message: format!(
            "{name} is not available: network calls are not allowed; list the permitted hosts in `http_send.allow`"
        ),
        location,
    };
    let errors: Vec<PolicyError> = program.blocking_calls().map(refused).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let message = "the policy makes network calls, which the configuration does not allow";
    let mut error = LoadError::new(ErrorKind::Compile, message);
    error.errors = errors;
    Err(error)
}

/// INVARIANT (no mask in silence): policy that says what the log must not show is not served by a log that shows it.
fn check_unmasked(program: &Program) -> Result<(), LoadError> {
    for name in ["mask", "drop"] {
        let path = ["system", "log", name].map(str::to_owned);
        if program.declares(&path) || program.data().at(path.iter().map(String::as_str)).is_some() {
            let message = format!(
                "`data.system.log.{name}` is declared, but decision records are not masked yet: what it hides would be \
                 recorded; take it out, or accept that with `decision_log.allow_unmasked: true`"
            );
            return Err(LoadError::new(ErrorKind::Compile, message));
        }
    }
    Ok(())
}

/// INVARIANT (required entry points): a snapshot without one, e.g. because a file was truncated, is not activated.
fn check_required(bundles: &[&Bundle], program: &Program, required: &[EntryPath]) -> Result<(), LoadError> {
    let of_config = required.iter().map(|path| (path, None));
    let of_bundles = bundles
        .iter()
        .flat_map(|bundle| bundle.manifest.required_entrypoints.iter().map(move |path| (path, Some(bundle))));
    for (path, bundle) in of_config.chain(of_bundles) {
        if program.declares(path) {
            continue;
        }
        let by = if bundle.is_some() { "its `.manifest`" } else { "`bundles.required_entrypoints`" };
        let wanted = path.to_string();
        let near = program
            .entry_paths()
            .map(|path| path.join("/"))
            .filter(|path| strsim::damerau_levenshtein(path, &wanted) <= 3)
            .min_by_key(|path| strsim::damerau_levenshtein(path, &wanted));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let message = format!("no rule declares `{wanted}`, which {by} requires{hint}");
        let error = LoadError::new(ErrorKind::EntryPoint, message);
        return Err(bundle.map_or(error.clone(), |bundle| error.of(&bundle.name)));
    }
    Ok(())
}

/// INVARIANT (required data): a snapshot without data that policy relies on, which could turn a denial into an allow, is
/// not activated. Only base data counts, whatever its value; a rule of that path does not define it.
fn check_required_data(
    bundles: &[&Bundle],
    program: &Program,
    required: &[EntryPath],
) -> Result<(), LoadError> {
    let of_config = required.iter().map(|path| (path, None));
    let of_bundles = bundles
        .iter()
        .flat_map(|bundle| bundle.manifest.required_data.iter().map(move |path| (path, Some(bundle))));
    for (path, bundle) in of_config.chain(of_bundles) {
        if program.data().at(path.segments().iter().map(String::as_str)).is_some() {
            continue;
        }
        let by = if bundle.is_some() { "its `.manifest`" } else { "`bundles.required_data`" };
        let error =
            LoadError::new(ErrorKind::MissingData, format!("no data defines `{path}`, which {by} requires"));
        return Err(match bundle {
            Some(bundle) => error.of(&bundle.name),
            None => error,
        });
    }
    Ok(())
}

/// INVARIANT (declared means usable): an entry point that is named in the configuration or in a manifest, and whose rules
/// may nest more deeply than its limit allows, would fail call by call.
fn check_depth(bundles: &[&Bundle], program: &Program, conditions: &Conditions<'_>) -> Result<(), LoadError> {
    let Some(limits) = conditions.limits else { return Ok(()) };
    let of_bundles = bundles.iter().flat_map(|bundle| &bundle.manifest.required_entrypoints);
    // A path to a package only says where limits hold.
    let of_limits = limits.paths().filter(|path| program.is_rule(path));
    for path in conditions.required.iter().chain(of_bundles).chain(of_limits) {
        let (needed, allowed) = (program.depth(path), limits.of(path).depth);
        if needed > allowed {
            let message = format!(
                "`{path}` needs {needed} rules within each other, and {allowed} are allowed; let fewer rules depend on \
                 each other in a row, or raise `depth` for it below `decision`"
            );
            return Err(LoadError::new(ErrorKind::EntryPoint, message));
        }
    }
    Ok(())
}

fn run_tests(bundles: &[&Bundle], program: &Program, conditions: &Conditions<'_>) -> Result<(), LoadError> {
    let asked = conditions.run_tests || bundles.iter().any(|bundle| bundle.manifest.run_tests);
    // Where all bundles are bound, nothing is shared that could be tested.
    if !asked || bundles.is_empty() {
        return Ok(());
    }
    let Some(runner) = conditions.runner else {
        return Err(LoadError::new(
            ErrorKind::Tests,
            "tests are required before activation, but there is no test runner",
        ));
    };
    let strict = conditions.limits.map_or(Strict::Functions, Limits::strict);
    runner(&Candidate { bundles, program, strict }).map_err(|message| {
        LoadError::new(ErrorKind::Tests, format!("the bundles' own tests failed: {message}"))
    })
}
