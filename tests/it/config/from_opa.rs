//! OPA's configuration in our keys, and a file of OPA's that is given as ours.

use verdict::config::from_opa::{self, Translation};

use super::{File, refusal};

/// The translation without its comments, and what has no equivalent, a line each.
#[track_caller]
fn translated(opa: &str) -> (String, Vec<String>) {
    let file = File::new(opa);
    let Translation { text, left } =
        from_opa::translate(&file.path()).unwrap_or_else(|error| panic!("{opa}\n{error}"));
    File::new(&text).load().unwrap_or_else(|error| panic!("{text}\n{error}"));
    let folder = format!("{}/", file.folder.path().display());
    let left = left.iter().map(|problem| problem.to_string().replace(&folder, "")).collect();
    (text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect(), left)
}

/// What every translation begins with: what OPA does without being told.
const OPAS_WAYS: &str = "identity:\n  mode: off\ndecision:\n  builtin_errors: undefined\n";

#[test]
fn what_has_an_equivalent_is_translated() {
    for (opa, expected) in [
        ("{}", ""),
        ("default_decision: /http/example/allow", "  default_path: http/example/allow\n"),
        ("persistence_directory: /var/opa", "state: /var/opa\n"),
        ("labels: {app: a, region: west}", "decision_log:\n  labels:\n    app: a\n    region: west\n"),
        ("nd_builtin_cache: true", "decision_log:\n  nd_builtin_cache: true\n"),
        ("decision_logs: {console: true}", "decision_log:\n  console: json\n"),
        ("decision_logs: {console: false}", "decision_log:\n  console: off\n"),
        ("server: {decoding: {max_length: 5000}}", "server:\n  max_body: 5000\n"),
        ("server: {decoding: {gzip: {max_length: 5000}}}", ""),
        ("server: {encoding: {gzip: {min_length: 9}}}", "server:\n  gzip_min_size: 9\n"),
        (
            "caching: {inter_query_builtin_cache: {max_size_bytes: 10, stale_entry_eviction_period_seconds: 1}}",
            "http_send:\n  cache:\n    max_size: 10\n",
        ),
        ("status: {prometheus: true, console: true}\ndecision_logs:\n", ""),
        (
            "bundles: {authz: {resource: 'file:///srv/bundles/app.tar.gz', persist: true, polling: {min_delay_seconds: 1}}}",
            "bundles:\n  paths:\n    - /srv/bundles/app.tar.gz\n",
        ),
        (
            "services: {acme: {url: 'https://acme.example/v1', credentials: {bearer: {token: '${TOKEN}'}}, headers: {x-a: '${A}'}}}\n\
             bundles: {authz: {service: acme, resource: authz.tar.gz, persist: true, polling: {min_delay_seconds: 10, \
             max_delay_seconds: 20, long_polling_timeout_seconds: 30}}, users: {service: acme, polling: {min_delay_seconds: 10, \
             max_delay_seconds: 20, long_polling_timeout_seconds: 30}}}",
            "bundles:\n  remote:\n    authz:\n      service: acme\n      resource: authz.tar.gz\n    users:\n      service: acme\n      \
             resource: bundles/users\n  services:\n    acme:\n      url: https://acme.example/v1\n      headers_env:\n        x-a: A\n      \
             bearer:\n        token_env: TOKEN\n      polling:\n        min: 10s\n        max: 20s\n        wait: 30s\n",
        ),
        // Services as a list, and a bundle that does not say which.
        (
            "services: [{name: ghcr, url: 'https://ghcr.io', type: oci, response_header_timeout_seconds: 5, \
             credentials: {bearer: {token_path: /t}}}]\nbundles: {authz: {resource: 'ghcr.io/policies/authz:1.0'}}",
            "bundles:\n  remote:\n    authz:\n      service: ghcr\n      resource: ghcr.io/policies/authz:1.0\n  services:\n    ghcr:\n      \
             url: https://ghcr.io\n      type: oci\n      bearer:\n        token_file: /t\n",
        ),
        (
            "services: {s: {url: 'https://b.s3.amazonaws.com', credentials: {s3_signing: {environment_credentials: {}}}}, \
             t: {url: 'https://t.example', tls: {ca_cert: /ca.pem, system_ca_required: true}, \
             credentials: {client_tls: {cert: /c.pem, private_key: /k.pem}}}, \
             o: {url: 'https://o.example', credentials: {oauth2: {token_url: 'https://a.example/t', client_id: c, client_secret: '${S}', scopes: [a]}}}}\n\
             bundles: {a: {service: s}, b: {service: t}, c: {service: o}}",
            "bundles:\n  remote:\n    a:\n      service: s\n      resource: bundles/a\n    b:\n      service: t\n      resource: bundles/b\n    \
             c:\n      service: o\n      resource: bundles/c\n  services:\n    s:\n      url: https://b.s3.amazonaws.com\n      s3: {}\n    t:\n      \
             url: https://t.example\n      tls:\n        ca: /ca.pem\n        cert: /c.pem\n        key: /k.pem\n    o:\n      \
             url: https://o.example\n      oauth2:\n        token_url: https://a.example/t\n        client_id: c\n        scopes:\n          \
             - a\n        client_secret_env: S\n",
        ),
        // Keys that no bundle names verify nothing, in OPA either.
        ("keys: {k: {key: secret, algorithm: HS256}}", ""),
        (
            "{\"bundles\": {\"a\": {\"resource\": \"file:///b/a.tar.gz\", \"signing\": {\"keyid\": \"k\", \"exclude_files\": [\"x\"]}}},\
             \"keys\": {\"k\": {\"key\": \"secret\", \"algorithm\": \"HS256\", \"scope\": \"write\"}}}",
            "bundles:\n  paths:\n    - /b/a.tar.gz\n  verification:\n    keys:\n      k:\n        algorithm: HS256\n        \
             key: secret\n    key_id: k\n    scope: write\n    exclude_files:\n      - x\n",
        ),
        // No bundle names its key: the signature names one of all.
        (
            "bundles: {a: {resource: 'file:///b/a.tar.gz', signing: {scope: s}}}\n\
             keys: {k: {key: one, algorithm: HS256}, l: {key: two, algorithm: HS256, scope: t}}",
            "bundles:\n  paths:\n    - /b/a.tar.gz\n  verification:\n    keys:\n      k:\n        algorithm: HS256\n        \
             key: one\n      l:\n        algorithm: HS256\n        key: two\n    scope: s\n",
        ),
    ] {
        let (text, left) = translated(opa);
        let (ways, rest) = text.split_at(OPAS_WAYS.len().min(text.len()));
        assert_eq!((ways, rest), (OPAS_WAYS, expected), "{opa}");
        assert!(left.is_empty(), "{opa}: {left:?}");
    }
}

#[test]
fn what_has_no_equivalent_is_named_with_its_place() {
    for (opa, expected) in [
        (
            "services:\n  acme: {url: https://u:hunter2@acme.example}",
            "2:3: services.acme: no bundle is fetched from it",
        ),
        ("a: 1\nlabls: {}", "1:1: a: OPA has no such key"),
        ("\nlabls: {}", "2:1: labls: OPA has no such key\nhint: did you mean `labels`?"),
        (
            "decision_logs:\n  consle: true",
            "2:3: decision_logs.consle: OPA has no such key\nhint: did you mean `console`?",
        ),
        (
            "decision_logs:\n  reporting: {min_delay_seconds: 1}",
            "2:3: decision_logs.reporting: records go to",
        ),
        ("decision_logs: {mask_decision: /a}", "1:17: decision_logs.mask_decision: records are not masked"),
        (
            "plugins: {envoy_ext_authz_grpc: {addr: ':9191'}}",
            "1:11: plugins.envoy_ext_authz_grpc: Envoy's ext_authz",
        ),
        ("plugins: {mine: {}}", "1:11: plugins.mine: a plugin is code for OPA"),
        ("bundles:\n  authz: {service: acme}", "2:3: bundles.authz: `services` has no `acme`"),
        ("bundles:\n  authz: {}", "2:3: bundles.authz: it names no service"),
        (
            "services: {acme: {url: 'https://acme.example'}}\nbundles: {http/authz: {service: acme}}",
            "2:11: bundles.\"http/authz\": no bundle can be called `http/authz`; give it another name",
        ),
        (
            "services: {acme: {url: '${URL}'}}\nbundles: {authz: {}}",
            "1:19: services.acme.url: `${URL}` would be a text here; write the url itself",
        ),
        (
            "services: {acme: {url: 'https://acme.example', headers: {a: hunter2}}}\nbundles: {authz: {}}",
            "services.acme.headers.a: headers have their values from environment variables: `headers_env`",
        ),
        (
            "services: {acme: {url: 'https://acme.example', allow_insecure_tls: true}}\nbundles: {authz: {}}",
            "1:48: services.acme.allow_insecure_tls: certificates are always checked",
        ),
        (
            "services: {r: {url: 'https://ghcr.io', type: oci, credentials: {bearer: {token: 'user:pw', scheme: Basic}}}}\nbundles: {a: {resource: 'a:1'}}",
            "services.r.credentials.bearer.scheme: of a registry, write name and password: `basic`",
        ),
        (
            "services: {acme: {url: 'https://acme.example', credentials: {gcp_metadata: {}}}}\nbundles: {authz: {}}",
            "services.acme.credentials.gcp_metadata: there are no such credentials",
        ),
        (
            "services: {acme: {url: 'https://acme.example', credentials: {s3_signing: {metadata_credentials: {}}}}}\nbundles: {authz: {}}",
            "services.acme.credentials.s3_signing.metadata_credentials: has no equivalent",
        ),
        (
            "services: {acme: {url: 'https://acme.example', credentials: {oauth2: {token_url: 'https://t.example', client_id: c, \
             client_secret: hunter2, grant_type: jwt_bearer}}}}\nbundles: {authz: {}}",
            "credentials.oauth2.grant_type: only `client_credentials` is there",
        ),
        (
            "services: {acme: {url: 'https://acme.example'}}\nbundles: {a: {polling: {min_delay_seconds: 5}}, b: {trigger: manual}}",
            "2:53: bundles.b.trigger: services are always asked from time to time",
        ),
        (
            "services: {acme: {url: 'https://acme.example'}}\nbundles: {a: {polling: {min_delay_seconds: 5}}, b: {}}",
            "1:12: services.acme: its bundles differ in `polling.min_delay_seconds`",
        ),
        (
            "bundles: {a: {resource: 'file:///b/a.tar.gz', signing: {keyid: k}}, b: {resource: 'file:///b/b.tar.gz'}}\n\
             keys: {k: {key: s, algorithm: HS256}}",
            "1:1: bundles: some bundles have `signing`",
        ),
        (
            "bundles: {a: {resource: 'file:///b/a.tar.gz', signing: {keyid: l}}}\nkeys: {k: {key: s}}",
            "1:1: bundles: `keys` has no key `l`",
        ),
        (
            "bundles: {a: {resource: 'file:///b/a.tar.gz', signing: {keyid: k}}}\nkeys: {k: {key: '${KEY}'}}",
            "2:12: keys.k.key: `${KEY}` would be a text here; name the key's file: `bundles.verification.keys.k.file`",
        ),
        (
            "labels: {app: '${APP}'}",
            "1:1: labels: `${APP}` would be a text here; set the environment variable `VERDICT_DECISION_LOG__LABELS` instead",
        ),
        ("caching: {inter_query_builtin_cache: {max_size_bytes: 0}}", "no cache is without limit here"),
        ("discovery: {resource: /a}\n", "1:1: discovery: the configuration is one file"),
        ("decision_logs: 7", "1:1: decision_logs: OPA has a map here"),
    ] {
        let (text, left) = translated(opa);
        assert!(left.iter().any(|line| line.contains(expected)), "{opa}\n{left:#?}");
        assert!(!text.contains("hunter2") && !left.concat().contains("hunter2"), "{text}{left:?}");
    }
}

/// What is not verified in OPA may be loaded; what is must not become so.
#[test]
fn a_key_that_is_not_known_yet_is_still_asked_for() {
    let (text, _) = translated(
        "bundles: {a: {resource: 'file:///b/a.tar.gz', signing: {keyid: k}}}\nkeys: {k: {key: '${KEY}', algorithm: ES256}}",
    );
    assert!(text.contains("algorithm: ES256\n        file: k.pem\n    key_id: k\n"), "{text}");
}

#[test]
fn a_value_of_the_wrong_type_is_an_error_at_its_place_in_opas_file() {
    for (opa, expected) in [
        ("\nlabels: {app: [1]}", "2:15: decision_log.labels.app: "),
        ("server: {decoding: {max_length: lots}}", "1:33: server.max_body: `lots` is not a size"),
        ("nd_builtin_cache: perhaps", "1:19: decision_log.nd_builtin_cache: "),
        ("[]", "1:1: the file must be a map of keys"),
    ] {
        let error = from_opa::translate(&File::new(opa).path()).map(|it| it.text).unwrap_err().to_string();
        assert!(error.contains(expected), "{opa}\n{error}");
    }
}

#[test]
fn a_file_of_opas_that_is_given_as_ours_says_which_keys_are_meant() {
    let said = refusal(
        "services: {a: {url: https://u:hunter2@a.example}}\ndecision_logs: {console: true}\nbundles: {authz: {persist: true}}\n",
    );
    for expected in [
        "verdict.yaml:1:16: services.a.url: a key of OPA's; here it is `bundles.services`\n",
        "verdict.yaml:2:17: decision_logs.console: a key of OPA's; here it is `decision_log.console`\n",
        "verdict.yaml:3:19: bundles.authz.persist: a key of OPA's; not needed here: what was in force last is always kept",
        "hint: `verdict config --from-opa verdict.yaml` prints this file as a configuration of Verdict",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    // Where our keys have free names, those are ours.
    File::new("bundles: {organisations: {service: acme, persist: acme}}").load().unwrap();
    assert!(!refusal("bundles: {verification: {scop: a}}").contains("OPA"));
}

#[test]
fn the_page_has_the_table() {
    let page = include_str!("../../../docs/from-opa.md");
    for line in from_opa::markdown().lines() {
        assert!(page.lines().any(|it| it == line), "docs/from-opa.md lacks the row\n{line}");
    }
}

/// What the errors of `run` say of each flag stands there, too.
#[test]
fn the_page_has_the_flags() {
    let page = include_str!("../../../docs/from-opa.md");
    let source = include_str!("../../../src/cli/serve/opa.rs");
    let flags: Vec<&str> = source
        .split("flag(")
        .filter_map(|text| text.trim_start().strip_prefix('"')?.split('"').next())
        .collect();
    assert!(flags.len() > 20, "{flags:?}");
    for flag in flags {
        assert!(page.contains(&format!("`{flag}`")), "docs/from-opa.md lacks {flag}");
    }
}
