//! What is wrong is said with its place, and with what to do.

use super::{File, refusal, told, with_environment};

/// Each text, and what its refusal says: every line of it, in this order.
#[test]
fn what_is_wrong_with_a_file_is_said_with_line_excerpt_and_suggestion() {
    let cases: &[(&str, &[&str])] = &[
        (
            "server:\n  lisen: 127.0.0.1:1\n",
            &[
                "verdict.yaml:2:3: server.lisen: unknown key `lisen`",
                " 2 |   lisen: 127.0.0.1:1",
                "   |   ^",
                "hint: did you mean `listen`? known keys in `server` are `listen`, `tls`, `unix`, `max_body`",
            ],
        ),
        ("sever: {}\n", &["verdict.yaml:1:1: sever: unknown key `sever`", "hint: did you mean `server`?"]),
        // A key that belongs elsewhere.
        (
            "required_claims: x\n",
            &["unknown key `required_claims`", "hint: did you mean `identity.issuers[].required_claims`?"],
        ),
        (
            "identity:\n  issuers:\n    - issuer: a\n      algorithms: [RS256]\n      jwks_uri: x\n",
            &["verdict.yaml:5:7: identity.issuers[0].jwks_uri: unknown key", "did you mean `jwks_url`?"],
        ),
        (
            "identity: {mode: of}\n",
            &["verdict.yaml:1:18: identity.mode: unknown value `of`", "did you mean `off`?"],
        ),
        (
            "server: {tls: {cert: c, key: k, client_auth: required}}\n",
            &["server.tls.client_auth: nobody vouches for clients", "`client_ca`"],
        ),
        (
            "management: {tls: {cert: c, key: k, client_ca: a, client_auth: none}}\n",
            &["management.tls.client_auth: clients are not asked"],
        ),
        ("server: {tls: {cert: c}}\n", &["server.tls.key: `key` is missing"]),
        ("server: {tls: {cert: '', key: k}}\n", &["server.tls.cert: the path is empty"]),
        // YAML 1.2 has no word `off` for false.
        ("identity: {mode: false}\n", &["identity.mode: expected a string, found `false`"]),
        (
            "server: {max_connections: many}\n",
            &[":1:27: server.max_connections: expected a number, found the string `many`"],
        ),
        (
            "server: {max_connections: -1}\n",
            &["server.max_connections: expected a number, found the number `-1`"],
        ),
        ("server: {max_body: 1MB}\n", &["server.max_body: `1MB` is not a size; write bytes"]),
        (
            "server: {header_timeout: 10}\n",
            &["server.header_timeout: `10` is not a duration; write a number and ns"],
        ),
        (
            "rate_limits: {users: 3/fortnight}\n",
            &[":1:22: rate_limits.users: `3/fortnight` is not a rate limit; write a number of calls"],
        ),
        (
            "rate_limits:\n  roles: {admin: 0/s}\n",
            &[":2:18: rate_limits.roles.admin: `0/s` allows nothing; the number must be more than 0"],
        ),
        (
            "shared_store: {backend: redis}\n",
            &[
                "shared_store.redis.url: `shared_store.backend: redis` needs the url of a redis",
                "hint: write e.g.",
            ],
        ),
        (
            "shared_store: {redis: {url: 'http://cache.example'}}\n",
            &["shared_store.redis.url: `http://cache.example` is not the url of a redis", "^"],
        ),
        ("server: {listen: localhost}\n", &["server.listen: ", "^"]),
        (
            "server: {listen: 8181}\n",
            &["server.listen: expected an address and port, e.g. `127.0.0.1:8181`, found"],
        ),
        (
            "bundles: {run_tests: \"yes\"}\n",
            &["bundles.run_tests: expected `true` or `false`, found the string `yes`"],
        ),
        ("bundles: {dir: [a]}\n", &["bundles.dir: expected a path, found a list"]),
        ("state: 12\n", &["state: expected a path, found the number `12`"]),
        ("server: [a]\n", &["verdict.yaml:1:9: server: expected a map of keys, found a list"]),
        ("server: text\n", &["server: expected a map of keys, found the string `text`"]),
        ("identity: {issuers: {issuer: a}}\n", &["identity.issuers: expected a list, found a map"]),
        (
            "identity: {issuers: [5]}\n",
            &["identity.issuers[0]: expected a map of keys, found the number `5`"],
        ),
        ("identity:\n  issuers:\n", &["identity.issuers: expected a list, found nothing"]),
        ("decision_log: {labels: [a]}\n", &["decision_log.labels: expected a map, found a list"]),
        (
            "decision_log: {labels: {a: 1}}\n",
            &["decision_log.labels.a: expected a string, found the number `1`"],
        ),
        ("decision_log: {file: {keep: 1}}\n", &["decision_log.file.path: `path` is missing"]),
        (
            "identity: {issuers: [{issuer: a}]}\n",
            &["identity.issuers[0].algorithms: `algorithms` is missing"],
        ),
        (
            "identity: {issuers: [{issuer: a, audience: 5, algorithms: [RS256], jwks_file: k}]}\n",
            &["identity.issuers[0].audience: a text, or a list of texts"],
        ),
        ("server:\n  max_body: 1\n  max_body: 2\n", &["verdict.yaml:3:3: duplicate key `max_body`"]),
        ("server: {}\nserver: {}\n", &["verdict.yaml:2:1: duplicate key `server`"]),
        ("<<: {state: a}\n", &["verdict.yaml:1:1: ", "unknown key `<<`"]),
        ("a: &a {x: 1}\nserver: *a\n", &["verdict.yaml:1:1: a: unknown key `a`"]),
        ("server: &a {x: 1}\nbundles: *a\n", &["verdict.yaml:1:13: server.x: unknown key `x`"]),
        ("server: &a {listen: *a}\n", &["verdict.yaml:1:21: this alias stands inside its own anchor"]),
        ("server: *nowhere\n", &["verdict.yaml:1:9: ", "anchor"]),
        ("state: !x y\n", &["verdict.yaml:1:", "tag"]),
        ("1: 2\n", &["unknown key `1`"]),
        ("[a]: 2\n", &["verdict.yaml:1:1: expected a string as the key, found a list"]),
        ("{a: 1}: 2\n", &["verdict.yaml:1:1: expected a string as the key, found a map"]),
        ("state: a\n---\nstate: b\n", &["verdict.yaml:2:1: a second document begins here"]),
        ("state: \"a\"\n# \0\n", &["verdict.yaml:2:3: the control character U+0000"]),
        ("- a\n", &["verdict.yaml:1:1: the file must be a map of keys"]),
        ("text\n", &["verdict.yaml:1:1: the file must be a map of keys"]),
        ("server: {listen\n", &["verdict.yaml:"]),
        ("server:\n\tlisten: 1\n", &["verdict.yaml:2:", "tab"]),
        ("state: \"a\\\n", &["verdict.yaml:"]),
    ];
    for (text, lines) in cases {
        let said = refusal(text);
        let mut rest = said.as_str();
        for line in *lines {
            let Some((_, after)) = rest.split_once(line) else {
                panic!("for\n{text}\nit is not said, or not in this order: {line}\nbut:\n{said}");
            };
            rest = after;
        }
        for word in ["panick", "unit value", "usize", "u64", "struct", "enum", "variant", "sequence", "Some("]
        {
            assert!(!said.contains(word), "`{word}` is no word for a person:\n{said}");
        }
    }
}

/// Serde stops at the first key or type that is wrong; values are judged together once all types are right.
#[test]
fn the_first_wrong_type_is_named_or_else_every_value_that_means_nothing() {
    let problems = |text: &str| -> Vec<String> {
        File::new(text).load().unwrap_err().problems.into_iter().map(|problem| problem.message).collect()
    };
    let said = problems("server: {lisen: a, max_body: x}\nidentity: {mode: perhaps}\n");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("verdict.yaml:1:10: server.lisen: unknown key"), "{said:?}");
    let said = problems("state: ''\nserver: {max_body: 0}\ndecision:\n  deadline: 0\n  default_path: a//b\n");
    let places = [
        ":1:8: state:",
        ":2:20: server.max_body:",
        ":4:13: decision.deadline:",
        ":5:17: decision.default_path:",
    ];
    assert_eq!(said.len(), places.len(), "{said:?}");
    for (said, place) in said.iter().zip(places) {
        assert!(said.contains(&format!("verdict.yaml{place}")), "{said} is not {place}");
    }
}

/// What types allow and cannot mean anything.
#[test]
fn values_that_make_no_sense_are_refused() {
    let issuer = |keys: &str| {
        format!(
            "identity: {{issuers: [{{issuer: a, audience: v, algorithms: [RS256], jwks_file: k, {keys}}}]}}"
        )
    };
    for (text, said) in [
        ("state: ''".to_owned(), "state: the path is empty"),
        ("bundles: {dir: ''}".to_owned(), "bundles.dir: the path is empty"),
        ("server: {max_body: 0}".to_owned(), "server.max_body: must be more than 0"),
        ("server: {max_connections: 0}".to_owned(), "server.max_connections: must be more than 0"),
        ("decision: {deadline: 0}".to_owned(), "decision.deadline: must be more than 0"),
        ("decision: {default_path: a//b}".to_owned(), "decision.default_path: ambiguous path"),
        ("decision: {default_path: data.app.allow}".to_owned(), "did you mean `app/allow`?"),
        ("server: {unix: {path: s, mode: '888'}}".to_owned(), "server.unix.mode: `888` is no file mode"),
        ("doors: {pep_role: ''}".to_owned(), "doors.pep_role: the role is empty"),
        ("doors: {authzen: {document: data.a}}".to_owned(), "did you mean `a`?"),
        ("doors: {authzen: {search: {subjects: a//b}}}".to_owned(), "doors.authzen.search.subjects: ambiguous path"),
        ("doors: {authzen: {public_url: 'http://pdp.example'}}".to_owned(), "doors.authzen.public_url: `http://pdp.example` is not an https URL"),
        ("doors: {kubernetes: {admit: a//b}}".to_owned(), "doors.kubernetes.admit: ambiguous path"),
        ("doors: {docker: {document: a//b}}".to_owned(), "doors.docker.document: ambiguous path"),
        ("bundles: {required_entrypoints: [a, ../b]}".to_owned(), "bundles.required_entrypoints[1]: ambiguous path"),
        ("bundles: {required_entrypoints: ['']}".to_owned(), "bundles.required_entrypoints[0]: the path is empty"),
        ("server: {max_connections: 18446744073709551615}".to_owned(), "server.max_connections: must be at most"),
        ("decision_log: {labels: {version: a}}".to_owned(), "decision_log.labels.version: `version` is set by Verdict itself"),
        (
            "bundles: {verification: {keys: {a: {algorithm: ES256, key: nonsense}}}}".to_owned(),
            "bundles.verification.keys.a.key: ",
        ),
        ("http_send: {allow: ['https://a/']}".to_owned(), "http_send.allow[0]: "),
        ("decision: {entrypoints: {app: {depth: 0}}}".to_owned(), "decision.entrypoints.app.depth: must be more than 0"),
        ("bundles: {required_data: [data.app.users]}".to_owned(), "did you mean `app/users`?"),
        ("bundles: {expected: [a, b.tar.gz]}".to_owned(), "bundles.expected[1]: `b.tar.gz` is the name of a file; the bundle is called `b`"),
        ("bundles: {expected: [a/b]}".to_owned(), "bundles.expected[0]: no bundle can be called `a/b`"),
        ("identity: {entrypoints: {a.b: off}}".to_owned(), "did you mean `a/b`?"),
        ("identity: {entrypoints: {app: off, /app/: required}}".to_owned(), "`/app/` is the same path"),
        (issuer("leeway: 6m"), "identity.issuers[0].leeway: 6m is more than 5m"),
        (issuer("jwks_refresh: 0"), "identity.issuers[0].jwks_refresh: 0 is less than 10s"),
        (issuer("jwks_url: https://x/"), "identity.issuers[0].jwks_url: `jwks_file` and `jwks_url` are mutually exclusive"),
        (issuer("types: []"), "identity.issuers[0].types: must list types of tokens"),
        (issuer("leeway: 1s").replace("audience: v", "audience: ['']"), "an audience is empty"),
        (issuer("leeway: 1s").replace("issuer: a", "issuer: ''"), "identity.issuers[0].issuer: must not be empty"),
        (issuer("leeway: 1s").replace("jwks_file: k,", ""), "identity.issuers[0]: issuer `a` has no keys"),
        (issuer("leeway: 1s").replace("RS256", ""), "identity.issuers[0].algorithms: no algorithm is allowed"),
        (issuer("leeway: 1s").replace("RS256", "HS256"), "`HS256` is symmetric: whoever can verify"),
        (issuer("leeway: 1s").replace("RS256", "none"), "`none` is not a signature"),
        (issuer("leeway: 1s").replace("RS256", "rs256"), "did you mean `RS256`?"),
        (issuer("leeway: 1s").replace("jwks_file: k", "jwks_url: /keys"), "`/keys` is not usable: it is not an absolute url"),
        (issuer("leeway: 1s").replace("jwks_file: k", "jwks_url: ftp://x/"), "`ftp://x/` is not usable: only http and https are supported"),
        (
            "identity: {issuers: [{issuer: a, algorithms: [RS256], jwks_file: k}, {issuer: a, algorithms: [RS256], jwks_file: k}]}".to_owned(),
            "identity.issuers[1].issuer: duplicate issuer `a`, the same as identity.issuers[0]",
        ),
    ] {
        let refused = refusal(&text);
        assert!(refused.contains(said) && refused.contains("verdict.yaml:1:"), "{text}\n{refused}");
    }
}

#[test]
fn variables_that_set_nothing_are_refused_with_a_suggestion() {
    for (name, value, said) in [
        ("VERDICT_SERVER__LISEN", "127.0.0.1:1", "did you mean `VERDICT_SERVER__LISTEN`?"),
        ("VERDICT_SERVER_LISTEN", "127.0.0.1:1", "did you mean `VERDICT_SERVER__LISTEN`?"),
        ("VERDICT_STAT", "x", "did you mean `VERDICT_STATE`?"),
        ("VERDICT_LOGS", "x", "did you mean `VERDICT_LOG`?"),
        ("VERDICT_CONFIG_", "x", "did you mean `VERDICT_CONFIG`?"),
        ("VERDICT_NONSENSE", "x", "`verdict config --reference` lists the names"),
        ("VERDICT_", "x", "environment variable `VERDICT_`"),
        ("VERDICT_server__listen", "127.0.0.1:1", "write it in capitals: `VERDICT_SERVER__LISTEN`"),
        ("VERDICT_PORT", "tcp://10.0.0.1:80", "enableServiceLinks: false"),
        ("VERDICT_SERVICE_HOST", "10.0.0.1", "enableServiceLinks: false"),
        ("VERDICT_PORT_8181_TCP_ADDR", "10.0.0.1", "enableServiceLinks: false"),
        ("VERDICT_OPA_SERVICE_PORT_HTTP", "80", "enableServiceLinks: false"),
        ("VERDICT_SERVER__MAX_BODY", "x", "server.max_body: `x` is not a size"),
        (
            "VERDICT_SERVER__LISTEN__PORT",
            "1",
            "environment variable `VERDICT_SERVER__LISTEN__PORT`: server.listen: ",
        ),
        ("VERDICT_IDENTITY__ISSUERS__0__ISSUER", "a", "identity.issuers: expected a list"),
        ("VERDICT_IDENTITY__ENTRYPOINTS", "{a: off, a: required}", "identity.entrypoints: expected a map"),
    ] {
        let error = with_environment(&[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(&format!("environment variable `{name}`")), "{name}: {error}");
        assert!(error.contains(said), "{name} does not say {said}: {error}");
    }
}

#[test]
fn an_element_of_a_list_cannot_be_set_from_the_environment() {
    let file = File::new("identity: {issuers: [{issuer: a, algorithms: [RS256], jwks_file: k}]}");
    let env = [("VERDICT_IDENTITY__ISSUERS__0__AUDIENCE", "x")].into_iter().collect();
    let error = verdict::config::load(verdict::config::Sources { env, ..file.sources() }).unwrap_err();
    assert_eq!(
        told(&error, file.folder.path()),
        "environment variable `VERDICT_IDENTITY__ISSUERS__0__AUDIENCE`: `identity.issuers` cannot be set in parts; set \
         `VERDICT_IDENTITY__ISSUERS` as a whole"
    );
}
