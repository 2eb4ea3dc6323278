//! Defaults < file < environment < flags.

use std::path::{Path, PathBuf};

use super::{Environment, File, Overrides, json, load, with_environment};
use verdict::config::Sources;

#[test]
fn each_layer_goes_over_the_one_before() {
    let file =
        File::new("state: from-file\nserver: {listen: 127.0.0.1:2, max_body: 2KiB}\nbundles: {dir: b}\n");
    let env: Environment = [
        ("VERDICT_STATE", "/from-env"),
        ("VERDICT_SERVER__LISTEN", "127.0.0.1:3"),
        ("VERDICT_DECISION__DEADLINE", "3ms"),
        ("VERDICT_SERVER__GZIP_MIN_SIZE", ""),
        ("UNRELATED", "x"),
    ]
    .into_iter()
    .collect();
    let overrides = Overrides { listen: Some("127.0.0.1:4".parse().unwrap()), ..Overrides::default() };
    let got = json(&load(Sources { env, overrides, ..file.sources() }).unwrap());
    assert_eq!(got["server"]["header_timeout"], "10s", "a default");
    assert_eq!(got["server"]["gzip_min_size"], "1KiB", "an empty variable counts as not set");
    assert_eq!(got["server"]["max_body"], "2KiB", "the file over the defaults");
    assert_eq!(got["bundles"]["dir"], file.folder.path().join("b").to_str().unwrap());
    assert_eq!(got["decision"]["deadline"], "3ms", "the environment over the defaults");
    assert_eq!(got["state"], "/from-env", "the environment over the file");
    assert_eq!(got["server"]["listen"], "127.0.0.1:4", "the flag over the environment");
}

#[test]
fn flags_win_over_everything() {
    let file = File::new("state: a\nbundles: {dir: b}\n");
    let env = [("VERDICT_STATE", "/c"), ("VERDICT_BUNDLES__DIR", "/d")].into_iter().collect();
    let overrides = Overrides {
        state: Some(PathBuf::from("/e")),
        bundles: Some(PathBuf::from("/f")),
        ..Overrides::default()
    };
    let config = load(Sources { env, overrides, ..file.sources() }).unwrap().config;
    assert_eq!((config.state.as_path(), config.bundles.dir.as_path()), (Path::new("/e"), Path::new("/f")));
}

#[test]
fn the_environment_names_the_file_where_no_flag_does() {
    let (file, other) = (File::new("server: {max_body: 3}"), File::new("server: {max_body: 4}"));
    let env: Environment = [("VERDICT_CONFIG", file.path().to_str().unwrap())].into_iter().collect();
    let loaded = load(Sources { env: env.clone(), ..Sources::default() }).unwrap();
    assert_eq!(loaded.file(), Some(file.path().as_path()));
    assert_eq!(loaded.config.server.max_body.0, 3);
    assert_eq!(load(Sources { env, ..other.sources() }).unwrap().config.server.max_body.0, 4);
}

#[test]
fn variables_are_yaml_and_need_no_quotes_where_a_text_is_wanted() {
    let dir = |value: &str| {
        with_environment(&[("VERDICT_BUNDLES__DIR", value)]).unwrap().config.bundles.dir.display().to_string()
    };
    for (value, path) in [
        ("/123", "/123"),
        ("/a b", "/a b"),
        ("/a: b # c", "/a: b # c"),
        ("\"/q\"", "/q"),
        ("'/q # r'", "/q # r"),
    ] {
        assert_eq!(dir(value), path);
    }
    assert!(dir("123").ends_with("/123"), "a number is a path where a path is wanted");
    assert!(dir("true").ends_with("/true"));
    let loaded = with_environment(&[
        ("VERDICT_SERVER__LISTEN", "[::1]:1"),
        ("VERDICT_IDENTITY__ENTRYPOINTS", "{\"app/allow\": optional, b: off}"),
        ("VERDICT_IDENTITY__MODE", "off"),
        ("VERDICT_BUNDLES__RUN_TESTS", "true"),
        ("VERDICT_BUNDLES__REQUIRED_ENTRYPOINTS", "[a, b/c]"),
        ("VERDICT_DECISION_LOG__LABELS__REGION", "1"),
        ("VERDICT_DECISION_LOG__FILE__PATH", "/log"),
        ("VERDICT_IDENTITY__ISSUERS", "[{issuer: a, audience: [v], algorithms: [RS256], jwks_file: /k}]"),
    ]);
    let got = json(&loaded.unwrap());
    assert_eq!(got["server"]["listen"], "[::1]:1");
    assert_eq!(got["identity"]["entrypoints"], serde_json::json!({"app/allow": "optional", "b": "off"}));
    assert_eq!(got["identity"]["mode"], "off");
    assert_eq!(got["bundles"]["run_tests"], true);
    assert_eq!(got["bundles"]["required_entrypoints"], serde_json::json!(["a", "b/c"]));
    assert_eq!(got["decision_log"]["labels"]["region"], "1");
    assert_eq!(got["decision_log"]["file"]["path"], "/log");
    assert_eq!(got["identity"]["issuers"][0]["audience"][0], "v");
}

#[test]
fn maps_are_merged_and_lists_replaced() {
    let file = File::new(
        "identity: {entrypoints: {a: off}}\nbundles: {required_entrypoints: [a, b]}\n\
         decision_log: {file: {path: p, keep: 3}}\n",
    );
    let env = [
        ("VERDICT_IDENTITY__ENTRYPOINTS", "{b: optional}"),
        ("VERDICT_BUNDLES__REQUIRED_ENTRYPOINTS", "[c]"),
        ("VERDICT_DECISION_LOG__FILE__KEEP", "4"),
    ];
    let got = json(&load(Sources { env: env.into_iter().collect(), ..file.sources() }).unwrap());
    assert_eq!(got["identity"]["entrypoints"], serde_json::json!({"a": "off", "b": "optional"}));
    assert_eq!(got["bundles"]["required_entrypoints"], serde_json::json!(["c"]));
    assert_eq!(got["decision_log"]["file"]["keep"], 4);
    let off = [("VERDICT_DECISION_LOG__FILE", "null")].into_iter().collect();
    assert!(load(Sources { env: off, ..file.sources() }).unwrap().config.decision_log.file.is_none());
}

#[test]
fn relative_paths_start_at_the_file_or_else_at_the_working_directory() {
    let file = File::new(
        "state: s\nbundles: {dir: ../b}\ndecision_log: {file: {path: l}}\n\
         identity: {issuers: [{issuer: a, algorithms: [RS256], jwks_file: k}, {issuer: b, algorithms: [RS256], jwks_file: /k}]}\n",
    );
    let got = json(&file.load().unwrap());
    let folder = file.folder.path();
    let here = std::env::current_dir().unwrap();
    for (got, path) in [
        (&got["state"], folder.join("s")),
        (&got["bundles"]["dir"], folder.join("../b")),
        (&got["decision_log"]["file"]["path"], folder.join("l")),
        (&got["identity"]["issuers"][0]["jwks_file"], folder.join("k")),
        (&got["identity"]["issuers"][1]["jwks_file"], PathBuf::from("/k")),
        (&json(&load(Sources::default()).unwrap())["state"], here.join(".verdict")),
        (
            &json(&with_environment(&[("VERDICT_BUNDLES__DIR", "e")]).unwrap())["bundles"]["dir"],
            here.join("e"),
        ),
    ] {
        assert_eq!(got, path.to_str().unwrap());
    }
}
