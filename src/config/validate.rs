//! What types cannot say: values that contradict each other or mean nothing, and what is insecure.
//!
//! INVARIANT (loudly or not at all): `verdict run` takes an insecure configuration only with the flag that names it, and
//! then says so at every start. `verdict dev` takes it and says so.

mod bundles;
mod doors;
mod events;
mod identity;
mod mcp;
mod opa;
mod tls;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::profile::{Danger, Profile};
use super::schema::Config;
use crate::document::flaw::Flaw;
use crate::document::tree::{Data, Node, Part, Path};
use crate::listen::ManagementListen;
use crate::model::principal::IdentityMode;
use crate::model::request::EntryPath;
use crate::model::units::{ByteSize, Period};
use crate::net::allow::Allow;
use crate::pdp::limits::Overrides;

/// More connections than one process can have open.
const MOST_CONNECTIONS: usize = 1 << 20;

/// What the checks found.
pub(super) struct Findings {
    pub(super) flaws: Vec<Flaw>,
    pub(super) warnings: Vec<String>,
}

/// Checks a configuration that has the right types.
pub(super) fn check(config: &Config, tree: &Node, profile: Profile) -> Findings {
    let mut checks =
        Checks { config, tree, profile, findings: Findings { flaws: Vec::new(), warnings: Vec::new() } };
    checks.values();
    checks.listener();
    checks.tls();
    checks.client_certificates();
    checks.outbound();
    checks.required_of_bundles();
    checks.organisations_of_bundles();
    checks.verification();
    checks.remote_bundles();
    checks.identity();
    checks.registry();
    checks.events();
    checks.doors();
    checks.mcp();
    checks.opa();
    checks.stores();
    checks.decision_log();
    checks.findings
}

struct Checks<'a> {
    config: &'a Config,
    tree: &'a Node,
    profile: Profile,
    findings: Findings,
}

impl Checks<'_> {
    fn flaw(&mut self, path: Path, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.flaws.push(Flaw {
            origin: self.tree.origin_of(&path),
            path,
            part: Part::Value,
            message: message.into(),
            hint: Some(hint.into()),
            known: None,
        });
    }

    /// Something insecure: refused, or allowed with a warning, as the profile says. `remedy` is what to do instead.
    fn danger(&mut self, danger: Danger, path: Path, message: &str, remedy: &str) {
        let flag = danger.flag();
        match self.profile {
            Profile::Run(insecure) if danger.allowed_by(insecure) => {
                self.findings.warnings.push(format!("INSECURE, allowed by `{flag}`: {path}: {message}"));
            }
            Profile::Run(_) => {
                self.flaw(path, message, format!("{remedy}; or accept the risk with `{flag}`"))
            }
            Profile::Dev => self.findings.warnings.push(format!("insecure: {path}: {message}")),
            Profile::Inspect => {
                self.findings
                    .warnings
                    .push(format!("`verdict run` refuses this: {path}: {message}; {remedy}"));
            }
        }
    }

    /// Paths that name nothing.
    fn paths(&mut self) {
        let Config { state, bundles, identity, decision_log, .. } = self.config;
        for (key, empty) in [
            (
                "identity.static",
                identity.static_file.as_ref().is_some_and(|path| path.as_os_str().is_empty()),
            ),
            ("state", state.as_os_str().is_empty()),
            ("bundles.dir", bundles.dir.as_os_str().is_empty()),
            (
                "decision_log.file.path",
                decision_log.file.as_ref().is_some_and(|f| f.path.as_os_str().is_empty()),
            ),
            (
                "decision_log.refusals.path",
                decision_log.refusals.path.as_ref().is_some_and(|path| path.as_os_str().is_empty()),
            ),
        ] {
            if empty {
                self.flaw(Path::dotted(key), "the path is empty", "name a file or a directory");
            }
        }
    }

    /// Who may manage and who may ask why.
    fn permissions(&mut self) {
        let Config { management, decision, .. } = self.config;
        if management.role.is_empty() {
            let hint = "name the role that callers must have, or omit the key for `verdict-admin`";
            self.flaw(Path::dotted("management.role"), "the role is empty", hint);
        }
        for (n, path) in decision.explain.entrypoints.iter().enumerate() {
            self.document(Path::dotted("decision.explain.entrypoints").index(n), path);
        }
    }

    /// Where limits and nonces are kept.
    fn stores(&mut self) {
        if let Err(wrong) = crate::stores::check(&self.config.shared_store) {
            self.flaw(Path::dotted(wrong.at), wrong.message, wrong.hint);
        }
    }

    /// Limits of nothing.
    fn not_zero(&mut self) {
        let Config { server, bundles, shared_store, decision, http_send, decision_log, .. } = self.config;
        for (key, zero) in [
            ("server.max_body", server.max_body.0 == 0),
            ("server.max_batch_items", server.max_batch_items == 0),
            ("server.max_batch_size", server.max_batch_size.0 == 0),
            ("server.max_connections", server.max_connections == 0),
            ("server.max_connections_per_peer", server.max_connections_per_peer == 0),
            ("server.write_timeout", server.write_timeout == Period::secs(0)),
            ("server.idle_timeout", server.idle_timeout == Period::secs(0)),
            ("server.header_timeout", server.header_timeout == Period::secs(0)),
            ("server.body_timeout", server.body_timeout == Period::secs(0)),
            ("bundles.poll_interval", bundles.poll_interval == Period::secs(0)),
            ("bundles.max_bundle_size", bundles.max_bundle_size.0 == 0),
            ("bundles.max_bundle_files", bundles.max_bundle_files == 0),
            ("shared_store.max_entries", shared_store.max_entries == 0),
            ("shared_store.redis.timeout", shared_store.redis.timeout == Period::secs(0)),
            ("decision.deadline", decision.deadline == Period::secs(0)),
            ("decision.explain.one_in", decision.explain.one_in == 0),
            ("decision.depth", decision.depth == 0),
            ("decision.memory", decision.memory.0 == 0),
            ("http_send.max_response_size", http_send.max_response_size.0 == 0),
            ("http_send.timeout", http_send.timeout == Period::secs(0)),
            ("http_send.max_concurrent", http_send.max_concurrent == 0),
            ("decision_log.file.max_size", decision_log.file.as_ref().is_some_and(|f| f.max_size.0 == 0)),
            ("decision_log.refusals.max_size", decision_log.refusals.max_size.0 == 0),
            ("decision_log.refusals.rate", decision_log.refusals.rate == 0),
        ] {
            if zero {
                let hint = "this limit cannot be disabled; omit the key for its default";
                self.flaw(Path::dotted(key), "must be more than 0", hint);
            }
        }
    }

    fn values(&mut self) {
        self.paths();
        self.not_zero();
        self.permissions();
        let Config { server, decision, http_send, .. } = self.config;
        if server.max_connections > MOST_CONNECTIONS {
            let message = format!("must be at most {MOST_CONNECTIONS}");
            self.flaw(
                Path::dotted("server.max_connections"),
                message,
                "no process has more file descriptors",
            );
        }
        self.document(Path::dotted("decision.default_path"), &decision.default_path);
        self.document(Path::dotted("decision.manifest_path"), &decision.manifest_path);
        self.document(Path::dotted("aip.document"), &self.config.aip.document);
        self.limits(&Path::dotted("decision.entrypoints"));
        if let Err(wrong) = Allow::only(&http_send.allow, &http_send.private_addresses) {
            let key = if wrong.private { "http_send.private_addresses" } else { "http_send.allow" };
            let hint =
                "list hosts that policy may call, and private networks that their names may resolve to";
            self.flaw(Path::dotted(key).index(wrong.index), wrong.message, hint);
        }
        if !http_send.allow.is_empty() && decision.deadline < http_send.timeout {
            self.findings.warnings.push(format!(
                "decision.deadline: {} ends a decision before its calls of `http.send` may have taken their {} \
                 (`http_send.timeout`)",
                decision.deadline, http_send.timeout
            ));
        }
    }

    fn limits(&mut self, at: &Path) {
        let mut seen = BTreeMap::new();
        for (text, limits) in &self.config.decision.entrypoints {
            let at = at.key(text);
            self.document(at.clone(), text);
            if let Ok(path) = EntryPath::parse(text)
                && let Some(before) = seen.insert(path, text)
            {
                self.flaw(at.clone(), format!("`{before}` is the same path"), "keep one of the two");
            }
            let Overrides { deadline, depth, memory } = limits;
            for (key, zero) in [
                ("deadline", *deadline == Some(Period::secs(0))),
                ("depth", *depth == Some(0)),
                ("memory", *memory == Some(ByteSize(0))),
            ] {
                if zero {
                    let hint = "a limit cannot be disabled; omit the key to inherit it";
                    self.flaw(at.key(key), "must be more than 0", hint);
                }
            }
        }
    }

    /// What is recorded, and where.
    fn decision_log(&mut self) {
        let decision_log = &self.config.decision_log;
        if decision_log.allow_unmasked {
            self.danger(
                Danger::IgnoreLogMask,
                Path::dotted("decision_log.allow_unmasked"),
                "the log masks of bundles are not applied: what they would hide is recorded",
                "take `data.system.log.mask` and `data.system.log.drop` out of the bundles, and this key too",
            );
        }
        if decision_log.refusals.path.is_some()
            && decision_log.refusals.path.as_ref() == decision_log.file.as_ref().map(|file| &file.path)
        {
            let message = "refusals and decisions cannot share a file";
            let hint = "name another file, or omit the key for its default";
            self.flaw(Path::dotted("decision_log.refusals.path"), message, hint);
        }
        for name in decision_log
            .labels
            .keys()
            .filter(|name| crate::decision_log::RESERVED_LABELS.contains(&name.as_str()))
        {
            let message = format!("`{name}` is set by Verdict itself");
            self.flaw(Path::dotted("decision_log.labels").key(name), message, "choose another name");
        }
    }

    /// A document below `data`, written as in a URL.
    fn document(&mut self, at: Path, text: &str) {
        const HINT: &str = "write the path as after `/v1/data/`, e.g. `app/allow`";
        match EntryPath::parse(text) {
            Err(message) => self.flaw(at, message, HINT),
            Ok(path) => {
                if let [one] = path.segments()
                    && (one.starts_with("data.") || one.split('.').count() > 1)
                {
                    let message = format!("`{text}` is one name with dots in it, not a path");
                    let slashes = one.strip_prefix("data.").unwrap_or(one).replace('.', "/");
                    self.flaw(at, message, format!("did you mean `{slashes}`? {HINT}"));
                }
            }
        }
    }

    /// What other machines can do to a listener that they can reach.
    fn listener(&mut self) {
        if let Some(Err(error)) = self.config.server.unix.as_ref().map(|unix| unix.permissions()) {
            let hint = "write it in octal and in quotes, e.g. `\"0660\"`";
            self.flaw(Path::dotted("server.unix.mode"), error, hint);
        }
        if let ManagementListen::At(address) = self.config.management.listen
            && !is_loopback(address.ip())
        {
            let address = self.as_written("management.listen", address);
            if let Some(who) = self.with_mode(IdentityMode::Off) {
                let message = format!(
                    "{address} can be reached from other machines while {who}: anyone who can connect manages the server"
                );
                let remedy = "listen on a loopback address, or set the identity mode to required";
                self.danger(Danger::Listen, Path::dotted("management.listen"), &message, remedy);
            }
            if self.config.management.tls.is_none() {
                let message = format!("{address}: tokens cross the network over plain HTTP");
                let remedy = "set `management.tls`, or listen on a loopback address behind a proxy that terminates TLS";
                self.danger(Danger::PlainHttp, Path::dotted("management.listen"), &message, remedy);
            }
        }
        let listen = self.config.server.listen;
        if is_loopback(listen.ip()) {
            return;
        }
        let listen = self.as_written("server.listen", listen);
        let at = Path::dotted("server.listen");
        if let Some(who) = self.with_mode(IdentityMode::Off) {
            let message =
                format!("{listen} can be reached from other machines while {who}: any caller is believed");
            let remedy =
                "listen on a loopback address, e.g. 127.0.0.1:8181, or set the identity mode to required";
            self.danger(Danger::Listen, at.clone(), &message, remedy);
        }
        if let Some(who) =
            self.with_mode(IdentityMode::Optional).or_else(|| self.with_mode(IdentityMode::None))
        {
            let message = format!(
                "{listen} can be reached from other machines while {who}: callers without a token are served"
            );
            let remedy =
                "listen on a loopback address, e.g. 127.0.0.1:8181, or set the identity mode to required";
            self.danger(Danger::OptionalIdentity, at.clone(), &message, remedy);
        }
        let tokens =
            self.with_mode(IdentityMode::Optional).or_else(|| self.with_mode(IdentityMode::Required));
        if self.config.server.tls.is_none() && tokens.is_some() {
            let message = format!(
                "{listen}: tokens cross the network over plain HTTP: whoever is on the way can read and use them"
            );
            let remedy = "set `server.tls`, or listen on a loopback address, behind a proxy or a mesh that terminates TLS";
            self.danger(Danger::PlainHttp, at, &message, remedy);
        }
    }

    /// An address as it was written, where that does not show what it means.
    fn as_written(&self, key: &str, address: SocketAddr) -> String {
        let node = self.tree.get(&Path::dotted(key));
        let written = node.and_then(|node| match (&node.raw, &node.data) {
            (Some(raw), _) => Some(raw),
            (None, Data::Text(text)) => Some(text),
            _ => None,
        });
        match written.filter(|text| text.starts_with(':')) {
            Some(text) => format!("`{text}` (every interface, {address})"),
            None => address.to_string(),
        }
    }

    /// Where identity has this mode, in words: for every document, or for the first one that says so.
    fn with_mode(&self, mode: IdentityMode) -> Option<String> {
        let identity = &self.config.identity;
        let word = match mode {
            IdentityMode::Off => "off",
            IdentityMode::Optional => "optional",
            IdentityMode::None => "none",
            IdentityMode::Required => "required",
        };
        if identity.mode == mode {
            return Some(format!("`identity.mode` is {word}"));
        }
        let (path, _) = identity.entrypoints.iter().find(|(_, theirs)| **theirs == mode)?;
        Some(format!("identity is {word} for `{path}`"))
    }
}

/// Also for an IPv4 address in an IPv6 one (`::ffff:127.0.0.1`).
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
