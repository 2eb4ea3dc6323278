//! A reload: each key takes effect, or needs a restart and stays as it was.

use serde_json::{Value, json};

use super::{File, Insecure, Profile, load};
use crate::harness::{Server, TestApp};
use verdict::config::{Loaded, Reloaded, Sources, reference};

/// That of RFC 8410 section 10.1.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

/// A configuration in which every key of the reference can be changed.
fn base() -> Value {
    json!({
        "state": "/s",
        "server": {"tls": {"cert": "/c", "key": "/k", "client_ca": "/a"}, "unix": {"path": "/u.sock"}},
        "management": {"tls": {"cert": "/c", "key": "/k", "client_ca": "/a"}},
        "bundles": {"verification": {"keys": {"0": {"algorithm": "HS256", "key": "first"}}}},
        "identity": {"resource": {"url": "https://r.example"},
                     "issuers": [{"issuer": "https://a.example", "audience": "v", "algorithms": ["RS256"], "jwks_file": "/k", "max_lifetime": "1h"}],
                     "partners": [{"organisation": "nike", "issuer": "https://n.example", "audience": "v", "jwks_file": "/k"}],
                     "client_certificates": {"subject": "uri"},
                     "introspection": {"url": "https://i.example", "client_id_env": "A", "client_secret_env": "B", "issuer": "i", "audience": "v", "prefix": "p"},
                     "spiffe": {"trust_domains": [
                         {"name": "a.example", "federation": {"endpoint_url": "https://a.example", "profile": "https_spiffe", "endpoint_spiffe_id": "spiffe://c.example/s"}},
                         {"name": "c.example", "bundle_file": "/k"},
                     ], "audience": "v"},
                     "capabilities": {"issuer": "i", "audience": "v", "keys": [{"kid": "k", "public_key_file": "/k"}]},
                     "api_keys": {"env": [{"variable": "A"}], "env_prefix": [{"prefix": "B_"}]}},
        "outbound": {"tls": {"cert": "/c", "key": "/k"}},
        "doors": {"http": {"routes": [{"name": "n", "host": "h", "methods": ["GET"], "path": "/a/{id}", "action": "read", "resource": {"type": "t", "id": "{id}"}}]},
                  "mcp": {"servers": [{"name": "calc", "tools": "/t.json"}]}},
        "registry": {"public_url": "https://u.example", "trust_domain": "u.example"},
        "permissions": {"roles": [{"name": "r"}], "required": [{"permissions": ["p"]}]},
        "shared_store": {"redis": {"url": "redis://cache.example"}},
        "http_send": {"allow": ["idp.example"]},
        "decision": {"entrypoints": {"0": {"deadline": "9ms"}}},
        "decision_log": {"file": {"path": "/l"}},
    })
}

/// Another value for each key.
fn changed() -> Vec<(&'static str, Value)> {
    vec![
        ("state", json!("/t")),
        ("server.listen", json!("127.0.0.1:9")),
        ("server.allowed_hosts", json!(["a.example"])),
        ("server.allowed_origins", json!(["https://a.example"])),
        ("server.tls", Value::Null),
        ("server.tls.cert", json!("/d")),
        ("server.tls.key", json!("/l")),
        ("server.tls.client_ca", json!("/b")),
        ("server.tls.client_crl", json!("/b")),
        ("server.tls.client_auth", json!("optional")),
        ("server.tls.min_version", json!("1.2")),
        ("server.unix", Value::Null),
        ("server.unix.path", json!("/s.sock")),
        ("server.unix.mode", json!("0600")),
        ("management.tls", Value::Null),
        ("management.tls.cert", json!("/d")),
        ("management.tls.key", json!("/l")),
        ("outbound.tls.ca", json!("/b")),
        ("outbound.tls.cert", json!("/b")),
        ("outbound.tls.key", json!("/b")),
        ("outbound.tls.min_version", json!("1.2")),
        ("management.tls.client_ca", json!("/b")),
        ("management.tls.client_crl", json!("/b")),
        ("management.tls.client_auth", json!("optional")),
        ("management.tls.min_version", json!("1.2")),
        ("doors.ext_authz.document", json!("a/b")),
        ("doors.ext_authz.http_prefix", json!("/check")),
        ("doors.forward_auth.document", json!("a/b")),
        ("doors.forward_auth.trusted_proxies", json!(["10.0.0.1"])),
        ("doors.http.routes", json!([])),
        ("doors.http.routes[].name", json!("m")),
        ("doors.http.routes[].host", json!("i")),
        ("doors.http.routes[].methods", json!(["PUT"])),
        ("doors.http.routes[].path", json!("/b/{id}")),
        ("doors.http.routes[].action", json!("write")),
        ("doors.http.routes[].resource.type", json!("u")),
        ("doors.http.routes[].resource.id", json!("x")),
        ("doors.http.openapi", json!("/o.yaml")),
        ("doors.http.unmatched", json!("deny")),
        ("doors.http.identity_headers", json!(["x-me"])),
        ("doors.http.upstream_headers", json!({"x-me": "subject.id"})),
        ("doors.ext_authz.document", json!("a/b")),
        ("doors.ext_authz.http_prefix", json!("/check")),
        ("doors.mcp.document", json!("a/b")),
        ("doors.mcp.denial_code", json!(-32003)),
        ("doors.mcp.toolhive_document", json!("a/b")),
        ("doors.opa.extra_keys", json!("record")),
        ("doors.opa.writes.role", json!("writer")),
        ("doors.pep_role", json!("pep")),
        ("doors.authzen.document", json!("a")),
        ("doors.authzen.search.subjects", json!("a")),
        ("doors.authzen.search.resources", json!("a")),
        ("doors.authzen.search.actions", json!("a")),
        ("doors.authzen.public_url", json!("https://a.example")),
        ("doors.authzen.access_request_endpoint", json!("https://a.example/r")),
        ("doors.authzen.supported_obligations", json!(["step-up"])),
        ("doors.kubernetes.authorize", json!("a")),
        ("doors.kubernetes.admit", json!("a")),
        ("doors.docker.document", json!("a")),
        ("doors.mcp.servers", json!([])),
        ("doors.mcp.servers[].name", json!("other")),
        ("doors.mcp.servers[].tools", json!("/u.json")),
        ("aip.policies", json!(["/p.yaml"])),
        ("aip.signers", json!(["/s.pem"])),
        ("bundles.dir", json!("/b")),
        ("bundles.paths", json!(["/b"])),
        ("bundles.poll_interval", json!("9s")),
        ("bundles.debounce", json!("9ms")),
        ("bundles.max_stale", json!("9s")),
        ("bundles.required_entrypoints", json!(["a"])),
        ("bundles.required_data", json!(["a"])),
        ("bundles.expected", json!(["a"])),
        ("bundles.organisations", json!({"a": "acme"})),
        ("bundles.on_removal", json!("deactivate")),
        ("bundles.verification", Value::Null),
        (
            "bundles.verification.keys",
            json!({"0": {"algorithm": "HS256", "key": "first"}, "1": {"algorithm": "HS256", "key": "b"}}),
        ),
        ("bundles.verification.keys{}.algorithm", json!("HS512")),
        ("bundles.verification.keys{}.key", json!("second")),
        ("bundles.verification.keys{}.file", json!("/f")),
        ("bundles.verification.key_id", json!("0")),
        ("bundles.verification.scope", json!("write")),
        ("bundles.verification.exclude_files", json!(["a"])),
        ("identity.mode", json!("optional")),
        ("identity.entrypoints", json!({"a": "optional"})),
        ("identity.resource", Value::Null),
        ("identity.resource.url", json!("https://s.example")),
        ("identity.resource.scopes", json!(["a"])),
        ("identity.issuers", json!([])),
        ("identity.issuers[].audience", json!("w")),
        ("identity.issuers[].algorithms", json!(["ES256"])),
        ("identity.issuers[].jwks_file", json!("/j")),
        ("identity.issuers[].jwks_url", json!("https://idp.example/")),
        ("identity.issuers[].token_type", json!("transaction")),
        ("identity.issuers[].types", json!(["JWT"])),
        ("identity.issuers[].issuer", json!("https://b.example")),
        ("identity.issuers[].public_key", json!(PUBLIC_KEY)),
        ("identity.issuers[].public_key_file", json!("/p")),
        ("identity.issuers[].public_key_env", json!("A")),
        ("identity.issuers[].secret_env", json!("A")),
        ("identity.issuers[].secret_file", json!("/p")),
        ("identity.issuers[].claims.attributes", json!({"email": "email"})),
        ("identity.issuers[].required_claims", json!(["jti"])),
        ("identity.partners", json!([])),
        ("identity.partners[].organisation", json!("reebok")),
        ("identity.partners[].issuer", json!("https://r.example")),
        ("identity.partners[].audience", json!("w")),
        ("identity.partners[].jwks_url", json!("https://n.example/")),
        ("identity.partners[].jwks_file", json!("/j")),
        ("identity.spiffe", Value::Null),
        ("identity.spiffe.trust_domains", json!([{"name": "a.example", "workload_api": "unix:///s"}])),
        ("identity.spiffe.trust_domains[].name", json!("b.example")),
        ("identity.spiffe.trust_domains[].bundle_file", json!("/l")),
        ("identity.spiffe.trust_domains[].workload_api", json!("unix:///s")),
        (
            "identity.spiffe.trust_domains[].federation",
            json!({"endpoint_url": "https://a.example", "profile": "https_web"}),
        ),
        ("identity.spiffe.trust_domains[].federation.endpoint_url", json!("https://b.example")),
        ("identity.spiffe.trust_domains[].federation.profile", json!("https_web")),
        ("identity.spiffe.trust_domains[].federation.endpoint_spiffe_id", json!("spiffe://c.example/t")),
        ("identity.spiffe.audience", json!("w")),
        ("identity.spiffe.bundle_max_age", json!("9h")),
        ("identity.spiffe.leeway", json!("9s")),
        ("identity.introspection", Value::Null),
        ("identity.introspection.url", json!("https://j.example")),
        ("identity.introspection.client_id_env", json!("C")),
        ("identity.introspection.client_secret_env", json!("C")),
        ("identity.introspection.issuer", json!("j")),
        ("identity.introspection.audience", json!("w")),
        ("identity.introspection.required_scopes", json!(["a"])),
        ("identity.introspection.prefix", json!("q")),
        ("identity.introspection.cache_ttl", json!("9s")),
        ("identity.introspection.timeout", json!("9s")),
        ("identity.introspection.leeway", json!("9s")),
        ("identity.introspection.claims.attributes", json!({"name": "username"})),
        ("identity.client_certificates", Value::Null),
        ("identity.client_certificates.subject", json!("dns")),
        ("identity.client_certificates.type", json!("agent")),
        ("identity.client_certificates.agent", json!(true)),
        ("identity.proxies", json!(["gateway"])),
        ("identity.capabilities", Value::Null),
        ("identity.dockfile", json!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/config/Dockfile.yaml"))),
        ("identity.delegations.headers", json!(["x-delegation"])),
        ("identity.capabilities.keys", json!([{"kid": "l", "public_key_file": "/k"}])),
        ("identity.capabilities.keys[].public_key", json!(PUBLIC_KEY)),
        ("identity.capabilities.keys[].public_key_file", json!("/l")),
        ("permissions.roles", json!([])),
        ("permissions.roles[].permissions", json!(["p"])),
        ("permissions.required", json!([])),
        ("permissions.required[].permissions", json!(["q"])),
        ("identity.static", json!("/d")),
        ("registry.file", json!("/r")),
        ("registry.master_key", json!({"file": "/k"})),
        ("registry.poll", json!("9s")),
        ("registry.postgres", json!("postgres://db.example/verdict")),
        ("registry.settings", json!(["a"])),
        ("registry.public_url", json!("https://v.example")),
        ("registry.trust_domain", json!("v.example")),
        ("registry.token_audiences", json!(["a"])),
        ("identity.api_keys.headers", json!(["x-key"])),
        ("identity.api_keys.env", json!([])),
        ("identity.api_keys.env[].roles", json!(["r"])),
        ("identity.api_keys.env[].scopes", json!(["s"])),
        ("identity.api_keys.env[].permissions", json!(["p"])),
        ("identity.api_keys.env[].metadata", json!({"team": "a"})),
        ("identity.api_keys.env_prefix", json!([])),
        ("identity.api_keys.env_prefix[].roles", json!(["r"])),
        ("identity.api_keys.env_prefix[].scopes", json!(["s"])),
        ("identity.api_keys.env_prefix[].permissions", json!(["p"])),
        ("identity.api_keys.env_prefix[].metadata", json!({"team": "a"})),
        ("identity.api_keys.guesses_per_peer", json!("7/s")),
        ("identity.api_keys.guesses_per_prefix", json!("7/s")),
        ("rate_limits.roles", json!({"admin": "9/s"})),
        ("rate_limits.keys", json!("9/s")),
        ("rate_limits.users", json!("9/s")),
        ("rate_limits.tenants", json!("9/s")),
        ("shared_store.backend", json!("redis")),
        ("shared_store.redis.url", json!("redis://other.example")),
        ("shared_store.on_failure", json!("local")),
        ("decision.default_path", json!("a/b")),
        ("decision.manifest_path", json!("a/b")),
        ("decision.explain.record", json!("all")),
        ("decision.entrypoints", json!({})),
        ("decision.builtin_errors", json!("undefined")),
        ("decision.expose_env", json!(["HOME"])),
        ("http_send.allow", json!(["b.example"])),
        ("http_send.private_addresses", json!(["10.0.0.0/8"])),
        ("management.listen", json!("off")),
        ("decision.explain.roles", json!(["auditor"])),
        ("decision.explain.entrypoints", json!(["app/public"])),
        ("decision_log.console", json!("off")),
        ("decision_log.file", Value::Null),
        ("decision_log.file.path", json!("/m")),
        ("decision_log.refusals.path", json!("/r")),
        ("management.listen", json!("off")),
        ("decision.explain.roles", json!(["auditor"])),
        ("decision.explain.entrypoints", json!(["app/allow"])),
        ("decision_log.claims", json!(["team"])),
        ("decision_log.labels", json!({"region": "eu"})),
    ]
}

/// Another value for a key whose type alone says what can stand there.
fn of_type(kind: &str, before: &Value) -> Option<Value> {
    match kind {
        "duration" => Some(json!("77s")),
        "size" => Some(json!("7MiB")),
        "number" => Some(json!(7)),
        "string" => Some(json!("x")),
        "`true` or `false`" => Some(json!(before != &json!(true))),
        _ => None,
    }
}

/// Every key of the page with its type, and whether a change takes effect on a reload.
fn keys() -> Vec<(String, String, bool)> {
    let page = reference::markdown();
    let sections = page.split("\n### `").skip(1);
    sections
        .map(|section| {
            let (key, rest) = section.split_once('`').unwrap();
            let (_, kind) = rest.split_once("- Type: ").unwrap();
            let live = rest.contains("- A change takes effect on a reload");
            assert!(live != rest.contains("- A change **needs a restart**"), "{key}");
            (key.to_owned(), kind.lines().next().unwrap().to_owned(), live)
        })
        .collect()
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace("[]", "/0").replace("{}", "/0").replace('.', "/"))
}

fn put(tree: &mut Value, key: &str, value: Value) {
    let pointer = pointer(key);
    let mut at = tree;
    for step in pointer.split('/').skip(1) {
        at = match at {
            Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            other => &mut other[step],
        };
    }
    *at = value;
}

/// A source of the master key, as small as it can be, with this member.
fn source_with(key: &str) -> Value {
    let (source, member) = key.split_once('.').unwrap_or((key, ""));
    let mut section = match source {
        "file" => return json!({ "file": "/other" }),
        "env" => return json!({ "env": "KEY" }),
        "generate" => return json!({ "file": "/k", "generate": true }),
        "timeout" => return json!({ "file": "/k", "timeout": "9s" }),
        "previous" => return json!({ "file": "/k", "previous": [{ "file": "/p" }] }),
        "vault" => json!({ "address": "https://v.example", "path": "p" }),
        "aws" => json!({ "region": "r", "secret_id": "s" }),
        "azure" => json!({ "vault": "https://v.example", "secret": "s", "tenant": "t", "client_id": "c" }),
        "gcp" => json!({ "project": "p", "secret": "s" }),
        other => panic!("{other} is no source"),
    };
    match member {
        "managed_identity" | "identity_endpoint" => {
            section = json!({ "vault": "https://v.example", "secret": "s", "managed_identity": true });
        }
        "client_secret_file" => {}
        _ if source == "azure" => section["client_secret_env"] = json!("SECRET"),
        _ => {}
    }
    match member {
        "" | "managed_identity" => {}
        "kv_version" => section[member] = json!(1),
        "identity_endpoint" | "metadata_endpoint" => section[member] = json!("http://127.0.0.1:9"),
        "address" | "endpoint" | "vault" | "resource" | "login_endpoint" => {
            section[member] = json!("https://w.example");
        }
        name if name.ends_with("_env") => section[member] = json!("OTHER"),
        name if name.ends_with("_file") => section[member] = json!("/other"),
        _ => section[member] = json!("x"),
    }
    json!({ source: section })
}

/// Whether the server says that a master key which this member says something else of needs a restart.
fn master_key_needs_a_restart(loaded: &Loaded, file: &File, key: &str) -> bool {
    let master_key = match key.strip_prefix("previous[].") {
        Some(key) => json!({ "file": "/k", "previous": [source_with(key)] }),
        None => source_with(key),
    };
    let mut tree = base();
    put(&mut tree, "registry.master_key", master_key);
    std::fs::write(file.path(), tree.to_string()).unwrap();
    let reloaded = loaded.reload().unwrap_or_else(|error| panic!("{key}: {error}"));
    assert!(!reloaded.needs_restart.is_empty(), "`registry.master_key.{key}` is changed in silence");
    assert_eq!(reloaded.loaded.config.to_json(), loaded.config.to_json(), "{key}");
    std::fs::write(file.path(), base().to_string()).unwrap();
    true
}

/// Whether the server says that a change of the streams of events needs a restart.
fn events_need_a_restart(file: &File, key: &str) {
    let polled = key.contains(".poll");
    let with = |name: &str, value: Value| {
        let mut stream = json!({ "issuer": "https://a.example", "audience": "v", "algorithms": ["ES256"], "jwks_file": "/k" });
        match polled {
            true => stream["poll"] = json!({ "url": "https://t.example", "token_env": "A" }),
            false => stream["push"] = json!({ "token_env": "A" }),
        }
        if name == "jwks_url" {
            stream["jwks_file"] = Value::Null;
        }
        let mut tree = base();
        tree["registry"]["enabled"] = json!(true);
        tree["events"] = json!({ "streams": [stream] });
        let at = if name.is_empty() { "state".to_owned() } else { format!("events.streams[].{name}") };
        put(&mut tree, &at, value);
        std::fs::write(file.path(), tree.to_string()).unwrap();
    };
    with("", json!("/s"));
    let loaded = file.load().unwrap();
    let name = key.strip_prefix("events.streams[].").unwrap_or("audience");
    with(
        name,
        match name {
            "issuer" => json!("https://n.example"),
            "algorithms" => json!(["EdDSA"]),
            "jwks_url" | "poll.url" => json!("https://u.example"),
            "token_issuers" => json!(["https://n.example"]),
            "critical_subject_members" => json!(["device"]),
            "push" => json!({ "token_env": "Z" }),
            "poll" => json!({ "url": "https://u.example", "token_env": "Z" }),
            "jwks_refresh" | "jwks_max_age" | "poll.interval" => json!("77s"),
            _ => json!("other"),
        },
    );
    let reloaded = loaded.reload().unwrap_or_else(|error| panic!("{key}: {error}"));
    assert!(!reloaded.needs_restart.is_empty(), "`{key}` is changed in silence");
    assert_eq!(reloaded.loaded.config.to_json(), loaded.config.to_json(), "{key}");
    std::fs::write(file.path(), base().to_string()).unwrap();
}

/// Bundles that are fetched: a service has one kind of credentials, and so each of its keys is changed in a configuration of its own.
fn remote_bundles_need_a_restart(file: &File, key: &str) {
    let service = key.strip_prefix("bundles.services{}.").unwrap_or_default();
    let section = match service.split('.').next().unwrap_or_default() {
        "bearer" if service == "bearer.token_file" => json!({"bearer": {"token_file": "/a"}}),
        "bearer" if service == "bearer.token" => json!({"bearer": {"token": "a"}}),
        "bearer" => json!({"bearer": {"token_env": "A"}}),
        "basic" if service == "basic.password_file" => {
            json!({"basic": {"username": "a", "password_file": "/a"}})
        }
        "basic" => json!({"basic": {"username": "a", "password_env": "A"}}),
        "oauth2" if service == "oauth2.client_secret_file" => {
            json!({"oauth2": {"token_url": "https://t.example", "client_id": "a", "client_secret_file": "/a"}})
        }
        "oauth2" => {
            json!({"oauth2": {"token_url": "https://t.example", "client_id": "a", "client_secret_env": "A"}})
        }
        "s3" => json!({"s3": {"region": "a"}}),
        "tls" => json!({"tls": {"cert": "/a", "key": "/a"}}),
        _ => json!({}),
    };
    let mut tree = json!({
        "bundles": {
            "services": {"0": section},
            "remote": {"0": {"service": "0", "resource": "a:1"}},
        },
    });
    put(&mut tree, "bundles.services{}.url", json!("https://b.example"));
    std::fs::write(file.path(), tree.to_string()).unwrap();
    let loaded: Loaded = file.load().unwrap_or_else(|error| panic!("{key}: {error}"));
    let value = match key.rsplit('.').next().unwrap() {
        "services" => json!({"0": {"url": "https://b.example"}, "1": {"url": "https://c.example"}}),
        "remote" => json!({}),
        "service" => {
            put(
                &mut tree,
                "bundles.services",
                json!({"0": {"url": "https://b.example"}, "1": {"url": "https://c.example"}}),
            );
            json!("1")
        }
        "url" | "token_url" => json!("https://u.example"),
        "type" => json!("oci"),
        "timeout" | "min" | "max" | "wait" => json!("77s"),
        "headers_env" => json!({"X-A": "B"}),
        "scopes" => json!(["a"]),
        "min_version" => json!("1.2"),
        "scheme" => json!("Token"),
        "bearer" | "basic" | "oauth2" | "s3" | "tls" => Value::Null,
        "minimum_revision" => json!("2"),
        "region" => json!("b"),
        _ => json!("/other"),
    };
    put(&mut tree, key, value);
    std::fs::write(file.path(), tree.to_string()).unwrap();
    let reloaded = loaded.reload().unwrap_or_else(|error| panic!("{key}: {error}"));
    assert!(!reloaded.needs_restart.is_empty(), "`{key}` is changed in silence");
    assert_eq!(reloaded.loaded.config.to_json(), loaded.config.to_json(), "{key}");
    std::fs::write(file.path(), base().to_string()).unwrap();
}

#[test]
fn every_key_takes_effect_or_needs_a_restart_and_never_both() {
    let file = File::new(base().to_string());
    let loaded: Loaded = file.load().unwrap();
    let before = loaded.config.to_json();
    let given = changed();
    let mut seen = (0, 0);
    for (key, kind, live) in keys() {
        let at = pointer(&key);
        if let Some(key) = key.strip_prefix("registry.master_key.") {
            seen.1 += usize::from(master_key_needs_a_restart(&loaded, &file, key));
            continue;
        }
        if key.starts_with("bundles.services") || key.starts_with("bundles.remote") {
            remote_bundles_need_a_restart(&file, &key);
            seen.1 += 1;
            continue;
        }
        if key.starts_with("events.") {
            events_need_a_restart(&file, &key);
            seen.1 += 1;
            continue;
        }
        let value = given.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
        let value = value.or_else(|| of_type(&kind, before.pointer(&at).unwrap_or(&Value::Null)));
        let value = value.unwrap_or_else(|| panic!("give `{key}` ({kind}) another value"));
        let mut tree = base();
        // Of two keys that exclude each other, the other one goes.
        let other = [("{}.file", "{}.key"), ("{}.key", "{}.file")];
        if let Some((end, other)) = other.iter().find(|(end, _)| key.ends_with(end)) {
            put(&mut tree, &key.replace(end, other), Value::Null);
        }
        let sources = [
            "jwks_url",
            "discovery",
            "public_key",
            "public_key_file",
            "public_key_env",
            "secret_env",
            "secret_file",
        ];
        if let Some(source) = key.strip_prefix("identity.issuers[].").filter(|name| sources.contains(name)) {
            put(&mut tree, "identity.issuers[].jwks_file", Value::Null);
            let algorithm = match source {
                "secret_env" | "secret_file" => "HS256",
                "public_key" => "EdDSA",
                _ => "RS256",
            };
            put(&mut tree, "identity.issuers[].algorithms", json!([algorithm]));
        }
        if key == "identity.spiffe.trust_domains[].workload_api" {
            put(&mut tree, "identity.spiffe.trust_domains[].federation", Value::Null);
        }
        if key == "identity.spiffe.trust_domains[].federation.profile" {
            put(&mut tree, "identity.spiffe.trust_domains[].federation.endpoint_spiffe_id", Value::Null);
        }
        if key == "identity.partners[].jwks_url" {
            put(&mut tree, "identity.partners[].jwks_file", Value::Null);
        }
        if key == "identity.capabilities.keys[].public_key" {
            put(&mut tree, "identity.capabilities.keys[].public_key_file", Value::Null);
        }
        put(&mut tree, &key, value);
        std::fs::write(file.path(), tree.to_string()).unwrap();
        let Reloaded { loaded: next, needs_restart } =
            loaded.reload().unwrap_or_else(|error| panic!("{key}: {error}"));
        let after = next.config.to_json();
        if live {
            assert!(needs_restart.is_empty(), "{key}: {needs_restart:?}");
            assert_ne!(before, after, "`{key}` is said to take effect on a reload, and does not");
            seen.0 += 1;
        } else {
            assert!(!needs_restart.is_empty(), "`{key}` is changed in silence");
            assert_eq!(before, after, "`{key}` is half applied");
            seen.1 += 1;
        }
        // Until the restart it is said at every reload, and back is back.
        assert_eq!(next.reload().unwrap().needs_restart, needs_restart, "{key}");
        std::fs::write(file.path(), base().to_string()).unwrap();
        let back = next.reload().unwrap();
        assert!(back.needs_restart.is_empty(), "{key}: {:?}", back.needs_restart);
        assert_eq!(back.loaded.config.to_json(), before, "{key}");
    }
    assert!(seen.0 > 15 && seen.1 > 25, "{seen:?}");
}

#[test]
fn what_changes_and_what_stays_is_judged_together() {
    let at =
        |listen: &str, mode: &str| format!("server: {{listen: '{listen}'}}\nidentity: {{mode: {mode}}}\n");
    let insecure = Insecure { dev_issuer: true, plain_http: true, ..Insecure::default() };
    let file = File::new(at("0.0.0.0:1", "required"));
    let loaded = load(Sources { profile: Profile::Run(insecure), ..file.sources() }).unwrap();
    // Each by itself is acceptable; the address needs a restart, and the mode does not.
    std::fs::write(file.path(), at("127.0.0.1:1", "off")).unwrap();
    let error = loaded.reload().unwrap_err().to_string();
    assert!(error.contains("as it is until a restart: server.listen: 0.0.0.0:1"), "{error}");
    assert!(error.contains("--insecure-listen"), "{error}");
}

#[test]
fn a_secret_that_changed_needs_a_restart_and_is_not_shown() {
    let file = File::new(base().to_string());
    let loaded = file.load().unwrap();
    std::fs::write(file.path(), base().to_string().replace("\"first\"", "\"hunter2\"")).unwrap();
    let reloaded = loaded.reload().unwrap();
    assert_eq!(reloaded.needs_restart, ["bundles.verification.keys.0.key"]);
    assert!(!format!("{reloaded:?}").contains("hunter2"));
}

/// What a running server shows of itself is what it does.
#[test]
fn a_server_shows_what_is_in_force() {
    let before = "identity: {mode: off, cache_entries: 5}\ndecision: {default_path: app/allow}\n\
                  decision_log: {console: off, file: {path: decisions.jsonl}, labels: {region: us}}\n";
    let after = before.replace("cache_entries: 5", "cache_entries: 6").replace("app/allow", "app/other");
    let after = after.replace("region: us", "region: eu");
    let server = TestApp::new().config(before).start();
    let shown = |server: &Server| {
        let config = server.get("/v1/config").json();
        let status = server.get("/v1/status").json();
        (config["verdict"].clone(), config["result"].clone(), status["result"]["labels"].clone())
    };
    let (config, opa, labels) = shown(&server);
    assert_eq!(labels["region"], "us");
    let file = server.dir.path().join("verdict.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(before));
    std::fs::write(&file, text.replace(before, &after)).unwrap();
    let needs_restart = server.block_on(async { server.app.live.reload() }).unwrap();
    assert_eq!(needs_restart, ["decision.default_path", "decision_log.labels.region"]);
    let (config_now, opa_now, labels_now) = shown(&server);
    assert_eq!(config_now["identity"]["cache_entries"], 6);
    assert_eq!(config_now["decision"], config["decision"]);
    assert_eq!(config_now["decision_log"], config["decision_log"]);
    assert_eq!((opa_now, labels_now), (opa, labels));
}
