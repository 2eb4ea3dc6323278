//! One AgentPolicy file: read strictly, and made ready.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde_json::Value as Json;
use verdict_jose::PublicKey;

use super::canonical::{canonical, sha256_hex, verify};
use super::duration::GoDuration;
use super::name::normalised;
use super::paths::Protected;
use super::redact::{ENCODED, Found, Redactor, Rule};
use super::schema::{
    Action, ApiVersion, Binding, Dlp, Endpoints, File, Identity, KeySource, Mode, Server, SigningAlgorithm,
    ToolRule,
};
use crate::document::file::Sort;
use crate::document::flaw::Flaw;
use crate::document::problem::{Problem, SourceFile};
use crate::document::tree::{Node, Origin, Part, Path as At};
use crate::document::typed;
use crate::stores::Quota;

/// AgentPolicy files.
const SORT: Sort = Sort {
    called: "the AgentPolicy",
    largest: 1 << 20,
    if_missing: Some("`aip.policies` names AgentPolicy files"),
    example: "apiVersion: aip.io/v1alpha2",
};
/// The most memory that one compiled pattern may take.
const LARGEST_PATTERN: usize = 1 << 20;
/// What is scanned where a policy does not say how much.
const SCANNED: usize = 1 << 20;
/// The longest that a token may live.
const LONGEST_TTL: Duration = Duration::from_secs(3_600);
/// The methods of a policy that lists none (v1alpha1 section 3.4.3).
const METHODS: [&str; 14] = [
    "initialize",
    "initialized",
    "ping",
    "tools/call",
    "tools/list",
    "completion/complete",
    "notifications/initialized",
    "notifications/progress",
    "notifications/message",
    "notifications/resources/updated",
    "notifications/resources/list_changed",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "cancelled",
];

/// A policy, ready to decide.
#[derive(Debug)]
pub struct Policy {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// The SHA-256 of its canonical form, 64 hexadecimal digits.
    pub hash: String,
    /// Its file.
    pub path: PathBuf,
    /// What it says of sessions; none where it has no tokens.
    pub identity: Option<Terms>,
    /// The paths of its own that a server answers at.
    pub server: Option<ServerTerms>,
    /// What is allowed, and worth a line in the log.
    pub warnings: Vec<String>,
    pub(super) monitor: bool,
    pub(super) allowed_tools: HashSet<String>,
    pub(super) denied_tools: HashSet<String>,
    pub(super) allowed_methods: HashSet<String>,
    pub(super) denied_methods: HashSet<String>,
    pub(super) rules: HashMap<String, Compiled>,
    pub(super) protected: Vec<Protected>,
    pub(super) redactor: Option<Redactor>,
}

/// A rule about one tool.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) action: Action,
    pub(super) quota: Option<Quota>,
    pub(super) strict: bool,
    pub(super) schema_hash: Option<String>,
    pub(super) arguments: BTreeMap<String, Regex>,
}

/// What a policy says of session tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How long a token is valid.
    pub ttl: Duration,
    /// After how long a session's tokens get a new lifetime; zero is never.
    pub rotation: Duration,
    /// Whether a call must have one.
    pub required: bool,
    /// What sessions are bound to.
    pub binding: Binding,
    /// How long a used nonce is remembered.
    pub nonce_window: Duration,
    /// How long tokens of the policy's last version are taken.
    pub grace: Duration,
    /// Whom tokens are for.
    pub audience: String,
    /// How tokens are signed.
    pub algorithm: SigningAlgorithm,
    /// The file of the signing key; none where one is made at the start.
    pub key_file: Option<PathBuf>,
    /// How long a key that was made is signed with.
    pub key_rotation: Duration,
    /// Whether used nonces must be remembered where all sidecars see them.
    pub shared_nonces: bool,
}

/// Where a server answers, besides the usual paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerTerms {
    /// Instead of `/v1/validate`.
    pub validate: Option<String>,
    /// Instead of `/v1/revoke`.
    pub revoke: Option<String>,
    /// Instead of `/v1/jwks`.
    pub jwks: Option<String>,
    /// Instead of `/health`.
    pub health: Option<String>,
    /// Instead of `/metrics`.
    pub metrics: Option<String>,
}

impl Policy {
    /// Reads a file. Where there are signers, it must be signed by one of them.
    ///
    /// # Errors
    /// Everything that is wrong with it, with file, line and column.
    pub fn read(path: &Path, signers: &[PublicKey]) -> Result<Self, Vec<Problem>> {
        Self::of(SourceFile::read(path, &SORT).map_err(|problem| vec![problem])?, signers)
    }

    /// Reads the text of a file, and calls it `path` in errors.
    ///
    /// # Errors
    /// As [`Policy::read`].
    pub fn parse(path: &Path, text: &str, signers: &[PublicKey]) -> Result<Self, Vec<Problem>> {
        Self::of(SourceFile { path: path.to_owned(), text: text.to_owned() }, signers)
    }

    fn of(source: SourceFile, signers: &[PublicKey]) -> Result<Self, Vec<Problem>> {
        let root = source.tree(&SORT).map_err(|problem| vec![problem])?;
        let said = |flaw: Box<Flaw>| vec![flaw.into_problem(&root, Some(&source))];
        let file: File = typed::read(&root).map_err(said)?;
        let document: Json = typed::read(&root).map_err(said)?;
        let mut reading = Reading {
            root: &root,
            source: &source,
            problems: Vec::new(),
            warnings: Vec::new(),
            home: source.path.clone(),
        };
        let policy = reading.policy(file, document, signers);
        let Reading { problems, .. } = reading;
        policy.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// How often a tool may be called, where that is limited.
    pub fn quota(&self, tool: &str) -> Option<Quota> {
        self.rules.get(&normalised(tool))?.quota
    }

    /// A response without what must not leave, and what was found in it.
    pub fn redact(&self, text: &str) -> (String, Vec<Found>) {
        self.redactor.as_ref().map_or_else(|| (text.to_owned(), Vec::new()), |redactor| redactor.redact(text))
    }
}

struct Reading<'a> {
    root: &'a Node,
    source: &'a SourceFile,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    home: PathBuf,
}

impl Reading<'_> {
    fn wrong(&mut self, at: &str, message: impl Into<String>, hint: &str) {
        let flaw = Flaw {
            path: At::dotted(at),
            part: Part::Value,
            origin: Origin::File,
            message: message.into(),
            hint: Some(hint.to_owned()),
            known: None,
        };
        self.problems.push(flaw.into_problem(self.root, Some(self.source)));
    }

    fn policy(&mut self, file: File, document: Json, signers: &[PublicKey]) -> Option<Policy> {
        let File { api_version, _kind: _, metadata, spec } = file;
        if normalised(&metadata.name).is_empty() || metadata.name.chars().any(char::is_control) {
            self.wrong(
                "metadata.name",
                "the policy has no name that can be shown",
                "name the agent, e.g. `team-a-agent`",
            );
        }
        let canonical = match canonical(document) {
            Ok(canonical) => canonical,
            Err(error) => {
                self.wrong(
                    "",
                    format!("it has no canonical form: {error}"),
                    "keep numbers within what JSON can say",
                );
                return None;
            }
        };
        self.signature(metadata.signature.as_deref(), &canonical, signers);
        if api_version == ApiVersion::V1Alpha1 {
            let newer = [("spec.identity", spec.identity.is_some()), ("spec.server", spec.server.is_some())];
            for (at, _) in newer.into_iter().filter(|(_, there)| *there) {
                self.wrong(at, "`aip.io/v1alpha1` does not have this", "write `apiVersion: aip.io/v1alpha2`");
            }
        }
        let methods: Vec<String> = match spec.allowed_methods.is_empty() {
            true => METHODS.map(str::to_owned).to_vec(),
            false => spec.allowed_methods,
        };
        let monitor = spec.mode == Mode::Monitor;
        if monitor {
            self.warnings.push("`mode: monitor` allows what breaks its rules".to_owned());
        }
        let set = |names: &[String]| names.iter().map(|name| normalised(name)).collect();
        let rules = self.rules(spec.tool_rules, spec.strict_args_default);
        let redactor = spec.dlp.and_then(|dlp| self.redactor(dlp));
        let identity = spec.identity.filter(|identity| identity.enabled);
        let identity = identity.map(|identity| self.identity(identity, &metadata.name));
        let server = spec.server.filter(|server| server.enabled).map(|server| self.server(server));
        let protected = self.protected(&spec.protected_paths);
        Some(Policy {
            name: metadata.name.into(),
            hash: sha256_hex(&canonical),
            path: self.source.path.clone(),
            identity,
            server,
            warnings: std::mem::take(&mut self.warnings),
            monitor,
            allowed_tools: set(&spec.allowed_tools),
            denied_tools: set(&spec.denied_tools),
            allowed_methods: set(&methods),
            denied_methods: set(&spec.denied_methods),
            rules,
            protected,
            redactor,
        })
    }

    /// INVARIANT (signed or refused): where it is known who signs policies, one without a signature is none of theirs.
    fn signature(&mut self, signature: Option<&str>, canonical: &[u8], signers: &[PublicKey]) {
        const HINT: &str = "sign the canonical form (RFC 8785, without `metadata.signature`) with Ed25519";
        match signature {
            None if signers.is_empty() => {}
            None => self.wrong("metadata", "the policy is not signed, and `aip.signers` is set", HINT),
            Some(text) => {
                if let Err(why) = verify(text, canonical, signers) {
                    self.wrong("metadata.signature", why, HINT);
                }
            }
        }
    }

    fn rules(&mut self, rules: Vec<ToolRule>, strict_default: bool) -> HashMap<String, Compiled> {
        let mut compiled = HashMap::new();
        for (n, rule) in rules.into_iter().enumerate() {
            let at = format!("spec.tool_rules[{n}]");
            let name = normalised(&rule.tool);
            if name.is_empty() {
                self.wrong(
                    &format!("{at}.tool"),
                    "the tool has no name",
                    "name the tool, as its server does",
                );
            }
            let mut arguments = BTreeMap::new();
            for (argument, pattern) in rule.allow_args {
                let place = At::dotted(&format!("{at}.allow_args")).key(&argument);
                if let Some(regex) = self.pattern(&place.to_string(), &pattern) {
                    arguments.insert(argument, regex);
                }
            }
            if let Some(hash) = &rule.schema_hash
                && !is_hash(hash)
            {
                let message = "it is not `sha256:`, `sha384:` or `sha512:` and as many lower-case hexadecimal digits as that hash has";
                self.wrong(&format!("{at}.schema_hash"), message, "write the hash of the tool's definition");
            }
            let strict = rule.strict_args.unwrap_or(strict_default);
            let rule = Compiled {
                action: rule.action,
                quota: rule.rate_limit,
                strict,
                schema_hash: rule.schema_hash,
                arguments,
            };
            if compiled.insert(name.clone(), rule).is_some() {
                self.wrong(
                    &format!("{at}.tool"),
                    format!("there are two rules for `{name}`"),
                    "put them together",
                );
            }
        }
        compiled
    }

    fn pattern(&mut self, at: &str, pattern: &str) -> Option<Regex> {
        match RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build() {
            Ok(regex) => Some(regex),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.wrong(at, format!("it is not a regular expression: {why}"), "write it in RE2's syntax");
                None
            }
        }
    }

    fn redactor(&mut self, dlp: Dlp) -> Option<Redactor> {
        let mut rules = Vec::new();
        for (n, pattern) in dlp.patterns.into_iter().enumerate() {
            if let Some(regex) = self.pattern(&format!("spec.dlp.patterns[{n}].regex"), &pattern.regex) {
                rules.push(Rule { name: pattern.name, regex, scope: pattern.scope });
            }
        }
        dlp.enabled.then(|| Redactor {
            rules,
            requests: dlp.scan_requests.then_some(dlp.on_request_match),
            responses: dlp.scan_responses,
            encoded: dlp.detect_encoding.then(|| Regex::new(ENCODED).ok()).flatten(),
            most: dlp.max_scan_size.map_or(SCANNED, |size| size.0),
        })
    }

    /// The paths that the policy protects, and its own file.
    fn protected(&mut self, paths: &[String]) -> Vec<Protected> {
        let mut protected = Vec::new();
        for (n, path) in paths.iter().enumerate() {
            match Protected::new(path) {
                Some(path) => protected.push(path),
                None => {
                    let at = format!("spec.protected_paths[{n}]");
                    self.wrong(&at, format!("`{path}` is everything, or nothing"), "name a file or a folder");
                }
            }
        }
        let own = std::path::absolute(&self.home).unwrap_or_else(|_| self.home.clone());
        protected.extend(Protected::new(&own.to_string_lossy()));
        protected
    }

    fn identity(&mut self, identity: Identity, name: &str) -> Terms {
        let at = |key: &str| format!("spec.identity.{key}");
        let or = |given: Option<GoDuration>, default: Duration| given.map_or(default, |given| given.0);
        let ttl = or(identity.token_ttl, Duration::from_secs(300));
        // The default is for the default lifetime; with a shorter one it is as much of it.
        let rotation = or(identity.rotation_interval, Duration::from_secs(240).min(ttl * 4 / 5));
        let nonce_window = or(identity.nonce_window, ttl);
        if ttl.is_zero() || ttl > LONGEST_TTL {
            self.wrong(
                &at("token_ttl"),
                "a token lives longer than nothing and at most an hour",
                "5m to 15m are usual",
            );
        }
        if rotation >= ttl {
            let message = format!("rotation_interval ({rotation:?}) must be less than token_ttl ({ttl:?})");
            self.wrong(
                &at("rotation_interval"),
                message,
                "80 % of `token_ttl` leave time for calls under way",
            );
        } else if rotation > ttl * 9 / 10 {
            self.warnings.push("`rotation_interval` is more than 90 % of `token_ttl`".to_owned());
        }
        if nonce_window < ttl {
            let message = "nonce_window must not be less than token_ttl: a token could be used again";
            self.wrong(&at("nonce_window"), message, "omit it, or make it at least `token_ttl`");
        }
        let audience = identity.audience.unwrap_or_else(|| name.to_owned());
        if audience != name && !is_uri(&audience) {
            let message = "the audience is a URI without wildcards, or the policy's name";
            self.wrong(&at("audience"), message, "write e.g. `https://aip.example/team-a`");
        }
        let keys = identity.keys.unwrap_or_default();
        let key_file = self.key_file(keys.key_source, keys.key_path);
        Terms {
            ttl,
            rotation,
            required: identity.require_token,
            binding: identity.session_binding,
            nonce_window,
            grace: or(identity.policy_transition_grace, Duration::ZERO),
            audience,
            algorithm: keys.signing_algorithm,
            key_file,
            key_rotation: or(keys.rotation_period, Duration::from_secs(7 * 86_400)),
            shared_nonces: identity.nonce_storage.is_some_and(|storage| storage.is_shared()),
        }
    }

    /// The file that holds the signing key; none where one is made.
    fn key_file(&mut self, source: KeySource, path: Option<PathBuf>) -> Option<PathBuf> {
        match (source, path) {
            (KeySource::File, Some(path)) => return Some(self.beside(path)),
            (KeySource::File, None) => {
                let hint = "name the file of the private key";
                self.wrong("spec.identity.keys", "`key_source: file` needs `key_path`", hint);
            }
            (KeySource::Generate, None) => {}
            (KeySource::Generate, Some(_)) => {
                let message = "a key that is made has no file";
                self.wrong("spec.identity.keys.key_path", message, "write `key_source: file`");
            }
        }
        None
    }

    /// A path that is relative to the policy's folder.
    fn beside(&self, path: PathBuf) -> PathBuf {
        self.source.path.parent().map_or_else(|| path.clone(), |folder| folder.join(&path))
    }

    fn server(&mut self, server: Server) -> ServerTerms {
        let local = |listen: &str| {
            let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
            matches!(host, "127.0.0.1" | "::1" | "[::1]" | "localhost")
        };
        if server.listen.as_deref().is_some_and(|listen| !local(listen)) && server.tls.is_none() {
            let hint = "add `tls`, or listen at 127.0.0.1; where Verdict listens is said by `server.listen` of its own configuration";
            self.wrong("spec.server.listen", "whoever listens beyond loopback must speak TLS", hint);
        }
        let Endpoints { validate, revoke, jwks, health, metrics } = server.endpoints;
        let given = [
            ("validate", &validate),
            ("revoke", &revoke),
            ("jwks", &jwks),
            ("health", &health),
            ("metrics", &metrics),
        ];
        let mut seen = HashSet::new();
        for (key, path) in given.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?))) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
            let good = path.starts_with('/')
                && path.len() > 1
                && path.chars().all(plain)
                && seen.insert(path.to_owned());
            if !good {
                let message = "it is not a path of its own, e.g. `/api/v2/check`";
                self.wrong(&format!("spec.server.endpoints.{key}"), message, "begin it with a slash");
            }
        }
        ServerTerms { validate, revoke, jwks, health, metrics }
    }
}

fn is_hash(text: &str) -> bool {
    let digits = [("sha256:", 64), ("sha384:", 96), ("sha512:", 128)];
    let found = digits.into_iter().find_map(|(prefix, length)| Some((text.strip_prefix(prefix)?, length)));
    found.is_some_and(|(hex, length)| {
        hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// RFC 3986 section 3: a scheme, and something after it; no `*`.
fn is_uri(text: &str) -> bool {
    let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let parted = text.split_once(':').filter(|(before, after)| {
        before.starts_with(|c: char| c.is_ascii_alphabetic())
            && before.chars().all(scheme)
            && !after.is_empty()
    });
    parted.is_some() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*')
}
