//! The files in `deploy/`: what they configure is what they say.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::envoy::Envoy;
use crate::harness::upstream::Upstream;
use crate::harness::{Server, TestApp};
use verdict::config::{Environment, Insecure, Overrides, Profile, Sources, load};
use verdict::identity::dev::TokenRequest;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

fn documents(path: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    let text = std::fs::read_to_string(file(path)).unwrap();
    yaml_serde::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap()).collect()
}

/// Envoy with the configuration as it stands, but for addresses: the socket, the port, the service.
#[test]
fn envoy_asks_verdict_before_anything_reaches_the_service() {
    let app = TestApp::new()
        .bundle("shop", &file("compose/bundles/shop"))
        .config("server: {listen: '127.0.0.1:0', unix: {path: verdict.sock, mode: '0666'}}\nidentity: {mode: optional}\ndoors: {ext_authz: {document: app/allow}}\n");
    let server = app.start();
    let socket = server.dir.path().join("verdict.sock");
    let upstream = Upstream::start();
    let config = |port: u16| {
        let mut changed = std::fs::read_to_string(file("compose/envoy.yaml")).unwrap();
        for (from, to) in [
            ("/run/verdict/verdict.sock", socket.to_str().unwrap()),
            ("address: 0.0.0.0, port_value: 8080", &format!("address: 127.0.0.1, port_value: {port}")),
            (
                "address: upstream, port_value: 8000",
                &format!("address: 127.0.0.1, port_value: {}", upstream.address.port()),
            ),
        ] {
            assert!(changed.contains(from), "{from}");
            changed = changed.replace(from, to);
        }
        changed
    };
    let Some(envoy) = Envoy::start("the quick start with compose", config) else { return };
    let token = server.token(&TokenRequest {
        sub: "alice".to_owned(),
        roles: vec!["staff".to_owned()],
        ttl: Duration::from_secs(600),
        ..TokenRequest::default()
    });
    let bearer = format!("Bearer {token}");
    for (path, credential, status) in [
        ("/status", None, 200),
        ("/invoices/42", None, 403),
        ("/invoices/42", Some(bearer.as_str()), 200),
        ("/invoices/42", Some("Bearer nobody-signed-this"), 401),
        ("/other", Some(bearer.as_str()), 403),
    ] {
        assert_eq!(get(&server, &envoy, path, credential), status, "{path} {credential:?}");
    }
    assert_eq!(upstream.taken().len(), 2, "the service has seen what was denied");
    let client = server.client.clone();
    let url = format!("http://{}/status", envoy.address);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    server.shutdown();
    let status = runtime.block_on(async { client.get(url).send().await.unwrap().status().as_u16() });
    assert_eq!(status, 503);
}

fn get(server: &Server, envoy: &Envoy, path: &str, credential: Option<&str>) -> u16 {
    let mut request = server.client.get(format!("http://{}{path}", envoy.address));
    if let Some(credential) = credential {
        request = request.header("Authorization", credential);
    }
    server.block_on(async { request.send().await.unwrap().status().as_u16() })
}

#[test]
fn the_sidecars_configuration_and_policy_load_as_production_does() {
    let all = documents("kubernetes/sidecar.yaml");
    let map = |name: &str| {
        let found = all.iter().find(|one| one["kind"] == "ConfigMap" && one["metadata"]["name"] == name);
        found.unwrap()["data"].clone()
    };
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("verdict.yaml");
    std::fs::write(&config, map("verdict")["verdict.yaml"].as_str().unwrap()).unwrap();
    let sources = Sources {
        file: Some(config),
        env: Environment::default(),
        overrides: Overrides::default(),
        profile: Profile::Run(Insecure::default()),
    };
    let loaded = load(sources).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let policy = map("policy");
    let server = TestApp::new()
        .file("app/.manifest", policy[".manifest"].as_str().unwrap())
        .file("app/policy.rego", policy["policy.rego"].as_str().unwrap())
        .start();
    for (role, expected) in [("staff", true), ("guest", false)] {
        let body = json!({"input": {"action": "read", "subject": {"roles": [role]}}});
        let answer = server.post("/v1/data/app/allow", &body.to_string()).json();
        assert_eq!(answer["result"], json!(expected), "{role}");
    }
}

/// What containers run and probe with are commands that there are, on paths that are mounted.
#[test]
fn the_sidecars_commands_and_mounts_fit_each_other() {
    let all = documents("kubernetes/sidecar.yaml");
    let pod = &all.iter().find(|one| one["kind"] == "Deployment").unwrap()["spec"]["template"]["spec"];
    let verdict = &pod["initContainers"][0];
    assert_eq!(verdict["securityContext"]["readOnlyRootFilesystem"], json!(true));
    assert_eq!(verdict["securityContext"]["runAsUser"], json!(65532));
    let volumes: Vec<&str> =
        pod["volumes"].as_array().unwrap().iter().map(|volume| volume["name"].as_str().unwrap()).collect();
    for mount in verdict["volumeMounts"].as_array().unwrap() {
        assert!(volumes.contains(&mount["name"].as_str().unwrap()), "{mount}");
    }
    let words = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut commands = vec![words(&verdict["args"])];
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let command = words(&verdict[probe]["exec"]["command"]);
        assert_eq!(command[0], "/verdict");
        commands.push(command[1..].to_vec());
    }
    // With a configuration that is not there: exit code 2, and not that of a wrong command line.
    for command in commands {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_verdict")).args(&command).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(said.contains("/etc/verdict/verdict.yaml") && !said.contains("Usage"), "{command:?}: {said}");
    }
}
