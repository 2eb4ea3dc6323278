//! `.manifest`, in OPA's format, parsed strictly.
//!
//! Verdict's own settings are in `metadata`, where OPA allows anything:
//! `{"metadata": {"verdict": {"required_entrypoints": ["app/allow"], "required_data": ["app/users"], "run_tests": true}}}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::{ErrorKind, LoadError};
use super::glob;
use crate::model::request::EntryPath;
use verdict_rego::RegoVersion;
use verdict_rego::{Location, PolicyError};

/// A bundle's manifest; [`Manifest::default`] is that of a bundle without one.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The revision; empty if the manifest has none.
    pub revision: String,
    /// The documents that the bundle owns, as segments; one empty root owns everything.
    pub roots: Vec<Vec<String>>,
    /// Documents that rules must declare, or nothing is activated.
    pub required_entrypoints: Vec<EntryPath>,
    /// Base data that must be defined, or nothing is activated.
    pub required_data: Vec<EntryPath>,
    /// Activate only if the bundle's tests pass.
    pub run_tests: bool,
    version: RegoVersion,
    file_versions: Vec<(String, RegoVersion)>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            revision: String::new(),
            roots: vec![Vec::new()],
            required_entrypoints: Vec::new(),
            required_data: Vec::new(),
            run_tests: false,
            version: RegoVersion::V1,
            file_versions: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    revision: Option<String>,
    #[serde(default)]
    roots: Option<Vec<String>>,
    #[serde(default)]
    rego_version: Option<i64>,
    #[serde(default)]
    file_rego_versions: Option<BTreeMap<String, i64>>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    wasm: Option<Vec<IgnoredAny>>,
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

const KEYS: [&str; 6] = ["revision", "roots", "rego_version", "file_rego_versions", "metadata", "wasm"];

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    verdict: Option<Extension>,
}

#[derive(Deserialize)]
struct Extension {
    #[serde(default)]
    required_entrypoints: Vec<String>,
    #[serde(default)]
    required_data: Vec<String>,
    #[serde(default)]
    run_tests: bool,
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

const EXTENSION_KEYS: [&str; 3] = ["required_entrypoints", "required_data", "run_tests"];

/// The settings of [`Extension`], checked.
#[derive(Default)]
struct Required {
    entrypoints: Vec<EntryPath>,
    data: Vec<EntryPath>,
    run_tests: bool,
}

impl Manifest {
    /// Reads a `.manifest`.
    ///
    /// # Errors
    /// Malformed JSON, an unknown key, a value of the wrong type, roots that overlap each other, a Rego version
    /// other than 0, 1 and 2, or `wasm`.
    pub fn parse(bytes: &[u8]) -> Result<Self, LoadError> {
        let wire: Wire = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        let Wire { revision, roots, rego_version, file_rego_versions, metadata, wasm, unknown } = wire;
        if let Some(key) = unknown.keys().next() {
            return Err(unknown_key("", key, &KEYS));
        }
        if wasm.is_some_and(|modules| !modules.is_empty()) {
            return Err(error("`wasm` is not supported; build the bundle with `opa build --target rego`"));
        }
        let extension = metadata.and_then(|metadata| metadata.verdict);
        let Required { entrypoints, data, run_tests } =
            extension.map_or_else(|| Ok(Required::default()), Extension::check)?;
        Ok(Self {
            revision: revision.unwrap_or_default(),
            roots: roots.map_or_else(|| Ok(vec![Vec::new()]), |roots| parse_roots(&roots))?,
            required_entrypoints: entrypoints,
            required_data: data,
            run_tests,
            version: rego_version.map_or(Ok(RegoVersion::V1), |v| version("rego_version", v))?,
            file_versions: file_versions(file_rego_versions.unwrap_or_default())?,
        })
    }

    /// The Rego version of the file that the bundle calls `name`: the exact entry of `file_rego_versions`, else the
    /// pattern that matches, else `rego_version`, else 1.
    ///
    /// # Errors
    /// When two patterns give it two versions.
    pub fn version_of(&self, name: &str) -> Result<RegoVersion, LoadError> {
        if let Some((_, version)) = self.file_versions.iter().find(|(pattern, _)| pattern == name) {
            return Ok(*version);
        }
        let mut found: Option<(&str, RegoVersion)> = None;
        for (pattern, version) in
            self.file_versions.iter().filter(|(pattern, _)| glob::matches(pattern, name))
        {
            match found {
                Some((first, other)) if other != *version => {
                    return Err(error(&format!(
                        "`file_rego_versions` gives `{name}` two versions, by `{first}` and by `{pattern}`; \
                         name the file itself"
                    )));
                }
                _ => found = Some((pattern, *version)),
            }
        }
        Ok(found.map_or(self.version, |(_, version)| version))
    }

    /// Whether the bundle owns the document at `path`.
    pub fn owns<S: AsRef<str>>(&self, path: &[S]) -> bool {
        self.roots.iter().any(|root| is_prefix(root, path))
    }

    /// The roots as they are written, for messages.
    pub fn shown_roots(&self) -> String {
        let shown: Vec<_> = self.roots.iter().map(|root| format!("`{}`", root.join("/"))).collect();
        if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
    }
}

impl Extension {
    fn check(self) -> Result<Required, LoadError> {
        let Self { required_entrypoints, required_data, run_tests, unknown } = self;
        if let Some(key) = unknown.keys().next() {
            return Err(unknown_key("metadata.verdict.", key, &EXTENSION_KEYS));
        }
        let within = |key: &str, why: String| error(&format!("`metadata.verdict.{key}`: {why}"));
        let entrypoints = required_entrypoints
            .iter()
            .map(|path| entry_point(path).map_err(|why| within("required_entrypoints", why)));
        let data =
            required_data.iter().map(|path| data_path(path).map_err(|why| within("required_data", why)));
        Ok(Required {
            entrypoints: entrypoints.collect::<Result<_, _>>()?,
            data: data.collect::<Result<_, _>>()?,
            run_tests,
        })
    }
}

/// Reads a required entry point, e.g. `app/allow`.
pub(super) fn entry_point(text: &str) -> Result<EntryPath, String> {
    let path = EntryPath::parse(text)?;
    if path.segments().is_empty() {
        return Err("an entry point is empty; write the path of a rule, e.g. `app/allow`".to_owned());
    }
    Ok(path)
}

/// Reads the path of required data, e.g. `app/users`.
pub(super) fn data_path(text: &str) -> Result<EntryPath, String> {
    let path = EntryPath::parse(text)?;
    if path.segments().is_empty() {
        return Err(
            "a path of required data is empty; write what stands below `data`, e.g. `app/users`".to_owned()
        );
    }
    Ok(path)
}

/// Whether `prefix` is `path` or lies above it, segment by segment.
pub(super) fn is_prefix<A: AsRef<str>, B: AsRef<str>>(prefix: &[A], path: &[B]) -> bool {
    prefix.len() <= path.len() && prefix.iter().zip(path).all(|(a, b)| a.as_ref() == b.as_ref())
}

fn parse_roots(roots: &[String]) -> Result<Vec<Vec<String>>, LoadError> {
    let mut parsed: Vec<Vec<String>> = Vec::new();
    for root in roots {
        let trimmed = root.trim_matches('/');
        let segments: Vec<String> = match trimmed {
            "" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        };
        if segments.iter().any(|s| s.is_empty() || s == "." || s == "..") {
            return Err(error(&format!("`roots` has `{root}`; write a path such as `app/users`")));
        }
        if let Some(other) = parsed.iter().find(|o| is_prefix(o, &segments) || is_prefix(&segments, o)) {
            return Err(error(&format!(
                "`roots` has both `{}` and `{trimmed}`, which overlap; keep one",
                other.join("/")
            )));
        }
        parsed.push(segments);
    }
    Ok(parsed)
}

fn file_versions(patterns: BTreeMap<String, i64>) -> Result<Vec<(String, RegoVersion)>, LoadError> {
    let parse = |(pattern, number): (String, i64)| {
        let relative = pattern.strip_prefix('/').unwrap_or(&pattern);
        glob::check(relative)
            .map_err(|why| error(&format!("`file_rego_versions` has `{pattern}`: {why}")))?;
        Ok((relative.to_owned(), version(&format!("file_rego_versions.{pattern}"), number)?))
    };
    patterns.into_iter().map(parse).collect()
}

fn version(key: &str, number: i64) -> Result<RegoVersion, LoadError> {
    match number {
        0 => Ok(RegoVersion::V0),
        1 => Ok(RegoVersion::V1),
        2 => Ok(RegoVersion::V2),
        other => Err(error(&format!("`{key}` is {other}; it must be 0, 1 or 2"))),
    }
}

fn error(message: &str) -> LoadError {
    LoadError::new(ErrorKind::Manifest, format!("`.manifest`: {message}"))
}

fn unknown_key(prefix: &str, key: &str, known: &[&str]) -> LoadError {
    let near = known.iter().map(|k| (strsim::damerau_levenshtein(k, key), k)).min();
    let hint = match near {
        Some((distance, k)) if distance <= 3 => format!("did you mean `{prefix}{k}`?"),
        _ => format!("known keys are {}", known.join(", ")),
    };
    error(&format!("unknown key `{prefix}{key}`; {hint}"))
}

fn malformed(error: &serde_json::Error) -> LoadError {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let at = |n: usize| u32::try_from(n.max(1)).unwrap_or(u32::MAX);
    let location = Location { file: ".manifest".to_owned(), row: at(error.line()), col: at(error.column()) };
    let problem = PolicyError { code: "bundle_manifest_error", message, location: Some(location) };
    let mut load = self::error("not a manifest in OPA's bundle format");
    load.errors.push(problem);
    load
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(text: &str) -> Vec<String> {
        Manifest::parse(text.as_bytes()).unwrap().roots.iter().map(|r| r.join("/")).collect()
    }

    #[test]
    fn good_manifests() {
        assert_eq!(roots("{}"), [""]);
        assert_eq!(roots(r#"{"roots": null}"#), [""]);
        assert_eq!(roots(r#"{"roots": [""]}"#), [""]);
        assert_eq!(roots(r#"{"roots": ["/app/", "users/eu"]}"#), ["app", "users/eu"]);
        assert_eq!(roots(r#"{"roots": []}"#), [] as [&str; 0]);
        let manifest = Manifest::parse(
            br#"{"revision": "r1", "roots": ["app"], "rego_version": 0, "wasm": [],
                 "file_rego_versions": {"/app/new.rego": 1, "app/v1/**": 1},
                 "metadata": {"team": "x", "verdict": {"required_entrypoints": ["app/allow"], "run_tests": true}}}"#,
        )
        .unwrap();
        assert_eq!(manifest.revision, "r1");
        assert!(manifest.run_tests);
        assert_eq!(manifest.required_entrypoints.len(), 1);
        for (file, expected) in [
            ("app/policy.rego", RegoVersion::V0),
            ("app/new.rego", RegoVersion::V1),
            ("app/v1/deep/x.rego", RegoVersion::V1),
        ] {
            assert_eq!(manifest.version_of(file).unwrap(), expected, "{file}");
        }
        assert!(manifest.owns(&["app", "allow"]) && manifest.owns(&["app"]));
        assert!(!manifest.owns(&["apple"]) && !manifest.owns(&[] as &[&str]));
    }

    #[test]
    fn bad_manifests_say_what_to_do() {
        for (text, expected) in [
            ("", "not a manifest"),
            ("{", "not a manifest"),
            ("[]", "not a manifest"),
            ("{} x", "not a manifest"),
            (r#"{"revision": 1}"#, "not a manifest"),
            (r#"{"revision": "a", "revision": "b"}"#, "not a manifest"),
            (r#"{"rootz": ["app"]}"#, "did you mean `roots`?"),
            (r#"{"signatures": []}"#, "known keys are"),
            (r#"{"roots": ["app", "app/users"]}"#, "overlap"),
            (r#"{"roots": ["", "app"]}"#, "overlap"),
            (r#"{"roots": ["app//users"]}"#, "write a path"),
            (r#"{"roots": ["app/../users"]}"#, "write a path"),
            (r#"{"rego_version": 3}"#, "must be 0, 1 or 2"),
            (r#"{"file_rego_versions": {"a.rego": 7}}"#, "must be 0, 1 or 2"),
            (r#"{"file_rego_versions": {"[a].rego": 1}}"#, "only `*`"),
            (r#"{"wasm": [{"entrypoint": "app/allow", "module": "/policy.wasm"}]}"#, "--target rego"),
            (
                r#"{"metadata": {"verdict": {"required_entrypoint": ["a"]}}}"#,
                "did you mean `metadata.verdict.req",
            ),
            (r#"{"metadata": {"verdict": {"required_entrypoints": ["a//b"]}}}"#, "ambiguous path"),
            (r#"{"metadata": {"verdict": {"required_data": [""]}}}"#, "required data is empty"),
            (r#"{"metadata": {"verdict": {"run_tests": "yes"}}}"#, "not a manifest"),
        ] {
            let error = Manifest::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Manifest, "{text}");
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
        let conflict = br#"{"file_rego_versions": {"app/*": 0, "*/policy.rego": 1}}"#;
        let error = Manifest::parse(conflict).unwrap().version_of("app/policy.rego").unwrap_err();
        assert!(error.to_string().contains("two versions"), "{error}");
    }

    #[test]
    fn a_malformed_manifest_says_where() {
        let error = Manifest::parse(b"{\n  \"roots\": 5}").unwrap_err();
        let location = error.errors[0].location.clone().unwrap();
        assert_eq!((location.file.as_str(), location.row), (".manifest", 2));
    }
}
