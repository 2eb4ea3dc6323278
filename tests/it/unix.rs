//! The listener on a Unix socket, beside that of TCP.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Server, TestApp, skipped};
use crate::tls::authority::Authority;
use verdict::listen::{UnixConfig, bind_unix};

const POLICY: &str = "package app\n\nallow if input.user == \"alice\"\n";
const URL: &str = "http://localhost/v1/data/app/allow";

fn start(more: &str) -> Server {
    let config = format!(
        "server: {{listen: '127.0.0.1:0', unix: {{path: verdict.sock{more}}}}}\nidentity: {{mode: off}}\n"
    );
    TestApp::new().file("app/p.rego", POLICY).config(&config).start()
}

#[expect(clippy::disallowed_methods, reason = "the test's own client, not the server's")]
fn client(server: &Server) -> reqwest::ClientBuilder {
    reqwest::Client::builder().unix_socket(server.dir.path().join("verdict.sock")).no_proxy()
}

fn ask(server: &Server, client: reqwest::ClientBuilder, url: &str) -> (http::Version, Value) {
    let client = client.build().unwrap();
    server.block_on(async {
        let sent = client.post(url).body(r#"{"input": {"user": "alice"}}"#).send().await.unwrap();
        (sent.version(), serde_json::from_slice(&sent.bytes().await.unwrap()).unwrap())
    })
}

#[test]
fn it_serves_both_versions_of_http_and_records_whose_process_called() {
    let server = start("");
    for (client, version) in [
        (client(&server), http::Version::HTTP_11),
        (client(&server).http2_prior_knowledge(), http::Version::HTTP_2),
    ] {
        let (spoken, answer) = ask(&server, client, URL);
        assert_eq!((spoken, &answer["result"]), (version, &json!(true)));
    }
    let uid = fs::metadata(server.dir.path().join("verdict.sock")).unwrap().uid();
    let records = server.records();
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record["requested_by"], json!(format!("unix:uid={uid}")));
    }
}

#[test]
fn it_speaks_tls_where_calls_are_served_with_it() {
    let authority = Authority::new();
    let app = TestApp::new().file("app/p.rego", POLICY);
    authority.issue(app.dir.path(), 1);
    let server = app
        .config(
            "server: {listen: '127.0.0.1:0', unix: {path: verdict.sock}, tls: {cert: cert.pem, key: key.pem}}\n\
             identity: {mode: off}\n",
        )
        .start();
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let client = client(&server).tls_certs_only([root]);
    let (_, answer) = ask(&server, client, "https://localhost/v1/data/app/allow");
    assert_eq!(answer["result"], json!(true));
    let plain = self::client(&server).build().unwrap();
    assert!(server.block_on(plain.post(URL).send()).is_err());
}

#[test]
fn its_file_has_its_permissions_and_goes_with_the_server() {
    let server = start(", mode: '0600'");
    let path = server.dir.path().join("verdict.sock");
    let file = fs::metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let folder = fs::read_dir(server.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(folder.filter(|name| name.to_string_lossy().contains(".sock")).count(), 1);
    let dir = server.stop();
    assert!(!dir.path().join("verdict.sock").exists());
}

fn bind(path: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _in_runtime = runtime.enter();
    bind_unix(&UnixConfig { path: path.to_owned(), mode: "0600".to_owned() }).map(drop)
}

#[test]
fn what_is_in_the_way_is_replaced_only_if_nobody_listens_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("verdict.sock");
    bind(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    let error = bind(&path).unwrap_err();
    assert!(error.contains("another process listens there; stop it, or choose another path"), "{error}");
    assert!(UnixStream::connect(&path).is_ok(), "it was taken from its owner");
    // What a process that was killed has left behind.
    drop(other);
    assert!(path.exists());
    bind(&path).unwrap();
    fs::write(&path, "notes").unwrap();
    let error = bind(&path).unwrap_err();
    assert!(error.contains("there is a file that is no socket"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
    let error = bind(&dir.path().join("none/verdict.sock")).unwrap_err();
    assert!(error.contains("No such file or directory"), "{error}");
}

/// The socket of the server that came after is not removed by the one that was before it.
#[test]
fn the_end_of_one_server_does_not_take_the_socket_of_another() {
    let server = start("");
    let path = server.dir.path().join("verdict.sock");
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    let _dir = server.stop();
    assert!(UnixStream::connect(&path).is_ok());
    drop(other);
}

#[test]
fn curl_asks_as_it_does_elsewhere() {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        skipped("a Unix socket with curl: there is none");
        return;
    }
    let server = start("");
    let socket = server.dir.path().join("verdict.sock");
    for flag in ["--http1.1", "--http2-prior-knowledge"] {
        let ran = std::process::Command::new("curl")
            .args(["--silent", flag, "--data", r#"{"input": {"user": "alice"}}"#, "--unix-socket"])
            .args([socket.to_str().unwrap(), URL])
            .output()
            .unwrap();
        let answer: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(answer["result"], json!(true), "{flag}");
    }
}
