//! Bundles in registries: a real one (Docker's), and one that lies.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use aws_lc_rs::digest::{SHA256, digest};
use tempfile::TempDir;

use super::*;
use crate::harness::wire::{Wire, request};
use crate::harness::{Reply, skipped};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn digest_of(bytes: &[u8]) -> String {
    let digits: String = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

fn manifest(layer: &[u8]) -> Vec<u8> {
    let config = digest_of(b"{}");
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2 },
        "layers": [{ "mediaType": LAYER, "digest": digest_of(layer), "size": layer.len() }],
    })
    .to_string()
    .into_bytes()
}

/// Docker's registry, for one test.
struct Registry {
    address: SocketAddr,
    child: Child,
    authorization: Option<String>,
    _dir: TempDir,
}

impl Registry {
    fn start(htpasswd: Option<&str>) -> Option<Self> {
        if Command::new("docker-registry").arg("--version").output().is_err() {
            skipped("bundles in a registry: there is no docker-registry");
            return None;
        }
        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let auth = htpasswd.map_or_else(String::new, |users| {
            std::fs::write(dir.path().join("users"), users).unwrap();
            format!("auth: {{htpasswd: {{realm: bundles, path: {}}}}}\n", dir.path().join("users").display())
        });
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n{auth}",
            dir.path().join("data").display()
        );
        std::fs::write(dir.path().join("config.yml"), config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(dir.path().join("config.yml")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_until("the registry", || {
            assert!(child.try_wait().unwrap().is_none(), "the registry has ended");
            TcpStream::connect(address).is_ok()
        });
        Some(Self { address, child, authorization: None, _dir: dir })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Reply {
        let mut headers = vec![("Content-Type", kind)];
        headers.extend(self.authorization.as_deref().map(|value| ("Authorization", value)));
        let mut wire = Wire::open(self.address);
        wire.send(&request(method, path, &headers, body));
        wire.reply().unwrap()
    }

    /// Pushes an image with this layer; gives the digest of its manifest.
    fn push(&self, repository: &str, tag: &str, layer: &[u8]) -> String {
        for blob in [b"{}".as_slice(), layer] {
            let begun = self.send(
                "POST",
                &format!("/v2/{repository}/blobs/uploads/"),
                "application/octet-stream",
                b"",
            );
            assert_eq!(begun.status, 202, "{begun:?}");
            let location = begun.header("location").unwrap().replace(&self.url(), "");
            let join = if location.contains('?') { '&' } else { '?' };
            let path = format!("{location}{join}digest={}", digest_of(blob));
            let put = self.send("PUT", &path, "application/octet-stream", blob);
            assert_eq!(put.status, 201, "{put:?}");
        }
        let manifest = manifest(layer);
        let put = self.send("PUT", &format!("/v2/{repository}/manifests/{tag}"), MANIFEST, &manifest);
        assert_eq!(put.status, 201, "{put:?}");
        digest_of(&manifest)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const OCI: &str = "type: oci, polling: {min: 100ms, max: 100ms}";

#[test]
fn a_tag_is_followed_and_a_digest_is_not_left() {
    let Some(registry) = Registry::start(None) else { return };
    let first = registry.push("policies/authz", "latest", &bundle("app", "1", "first"));
    let fixed = format!("'policies/authz@{first}'");
    let text = config(&registry.url(), OCI, &[("authz", "'policies/authz:latest'")], "");
    let by_digest = start(&config(&registry.url(), OCI, &[("authz", &fixed)], ""));
    // OPA writes the registry's host, too.
    let by_tag =
        start(&text.replace("policies/authz:latest", &format!("{}/policies/authz:latest", registry.address)));
    assert_eq!((answer(&by_tag, "app"), answer(&by_digest, "app")), (json!("first"), json!("first")));
    registry.push("policies/authz", "latest", &bundle("app", "2", "second"));
    wait_answer(&by_tag, "app", "second");
    let unchanged = || fetches(&by_digest, "unchanged");
    let before = unchanged();
    wait_until("more questions", || unchanged() > before + 2.0);
    assert_eq!(answer(&by_digest, "app"), "first");
    let etag = remote(&by_tag, "authz")["etag"].clone();
    assert_eq!(etag, digest_of(&bundle("app", "2", "second")), "the layer's digest");
}

#[test]
fn a_registry_that_asks_for_a_password_gets_it() {
    // What `htpasswd -nbB -C 4 user hunter2` prints.
    let users = "user:$2a$04$.CeR4Dz2aLAb7ePCfNTH6.Ldf.eqCkIj2Nin1DUqO6BOeyOAm70xS\n";
    let Some(mut registry) = Registry::start(Some(users)) else { return };
    use base64::Engine as _;
    let basic = base64::prelude::BASE64_STANDARD.encode("user:hunter2");
    registry.authorization = Some(format!("Basic {basic}"));
    registry.push("authz", "1.0", &bundle("app", "1", "first"));
    let more = format!("{OCI}, basic: {{username: user, password_env: PASSWORD}}");
    let text = config(&registry.url(), &more, &[("authz", "'authz:1.0'")], "");
    let right = TestApp::new().env(&[("PASSWORD", "hunter2")]).config(&text).start();
    assert_eq!(answer(&right, "app"), "first");
    let wrong = TestApp::new().env(&[("PASSWORD", "hunter3")]).config(&text).start();
    let said = wait_trouble(
        &wrong,
        "authz",
        "the manifest: answered 401 instead of 200; check the service's credentials",
    );
    assert!(!said.contains("hunter3"), "{said}");
}

/// What a registry has, as far as the test says; it gives tokens, and keeps layers elsewhere.
struct Lies {
    manifest: Vec<u8>,
    layer: Vec<u8>,
}

#[test]
fn a_token_is_fetched_with_the_credentials_and_a_layer_elsewhere_without() {
    let layer = bundle("app", "1", "first");
    let elsewhere = {
        let layer = layer.clone();
        Stub::start(move |asked| match asked.header("authorization") {
            None => Answer::of(200, &layer),
            Some(_) => Answer::of(400, b"credentials for somebody else"),
        })
    };
    let (at, digest) = (elsewhere.url(), digest_of(&layer));
    let own = Arc::new(Mutex::new(String::new()));
    let url = Arc::clone(&own);
    let stub = Stub::start(move |asked| {
        let token = "/token?service=registry%2Eexample&scope=repository%3Aauthz%3Apull";
        if asked.path == token {
            return match asked.header("authorization") {
                Some("Bearer hunter2") => {
                    Answer::of(200, br#"{"token": "t", "access_token": "t", "expires_in": 60}"#)
                }
                other => Answer::of(401, format!("{other:?}").as_bytes()),
            };
        }
        if asked.header("authorization") != Some("Bearer t") {
            let realm = format!(
                "Bearer realm=\"{}/token\",service=\"registry.example\",scope=\"repository:authz:pull\"",
                url.lock().unwrap()
            );
            return Answer::of(401, b"").with("WWW-Authenticate", &realm);
        }
        match asked.path.as_str() {
            "/v2/authz/manifests/1.0" => Answer::of(200, &manifest(&layer)),
            path if path == format!("/v2/authz/blobs/{digest}") => {
                Answer::of(307, b"").with("Location", &format!("{at}/x?signature=y"))
            }
            _ => Answer::of(404, b""),
        }
    });
    *own.lock().unwrap() = stub.url();
    let more = format!("{OCI}, bearer: {{token: hunter2}}");
    let server = start(&config(&stub.url(), &more, &[("authz", "'authz:1.0'")], ""));
    assert_eq!(answer(&server, "app"), "first", "{}", remote(&server, "authz"));
    wait_until("more questions", || stub.count("/v2/authz/manifests/1.0") > 5);
    let tokens = stub.asked().iter().filter(|asked| asked.path.starts_with("/token")).count();
    assert_eq!((tokens, elsewhere.count("/x?signature=y")), (1, 1), "{:?}", stub.asked());
}

#[test]
fn what_a_registry_may_not_do_is_refused() {
    let good = bundle("app", "1", "first");
    let of_type = |kind: &str| String::from_utf8(manifest(&good)).unwrap().replace(LAYER, kind).into_bytes();
    let sized = String::from_utf8(manifest(&good))
        .unwrap()
        .replace(&format!("\"size\":{}", good.len()), "\"size\":7");
    let named = String::from_utf8(manifest(&good)).unwrap().replace(&digest_of(&good), "sha256:../../etc");
    for (name, lies, part) in [
        (
            "another layer",
            Lies { manifest: manifest(&good), layer: bundle("app", "1", "other") },
            "the layer is not the one that the manifest names",
        ),
        (
            "another size",
            Lies { manifest: sized.into_bytes(), layer: good.clone() },
            "the layer is not the one",
        ),
        (
            "no layer",
            Lies { manifest: of_type("text/plain"), layer: good.clone() },
            "the image has no layer of the type",
        ),
        ("no manifest", Lies { manifest: b"7".to_vec(), layer: good.clone() }, "is no manifest of an image"),
        (
            "no digest",
            Lies { manifest: named.into_bytes(), layer: good.clone() },
            "the digest of the layer is not `sha256:`",
        ),
    ] {
        let Lies { manifest, layer } = lies;
        let stub = Stub::start(move |asked| match asked.path.contains("/manifests/") {
            true => Answer::of(200, &manifest),
            false => Answer::of(200, &layer),
        });
        let server = start(&config(&stub.url(), OCI, &[("authz", "'authz:1.0'")], ""));
        let said = wait_trouble(&server, "authz", part);
        assert!(!server.app.bundles.report().is_active(), "{name}: {said}");
    }
    // An image that is named by its digest is that image.
    let other = manifest(&bundle("app", "1", "other"));
    let layer = bundle("app", "1", "other");
    let stub = Stub::start(move |asked| {
        Answer::of(200, if asked.path.contains("/manifests/") { &other } else { &layer })
    });
    let wanted = format!("'authz@{}'", digest_of(&manifest(&good)));
    let server = start(&config(&stub.url(), OCI, &[("authz", &wanted)], ""));
    wait_trouble(&server, "authz", "and not the one that was asked for");
    // A token or a layer over plain http, elsewhere.
    for (challenge, part) in [
        (
            Answer::of(401, b"").with("WWW-Authenticate", "Bearer realm=\"http://registry.example/token\""),
            "which is not https",
        ),
        (Answer::of(401, b"").with("WWW-Authenticate", "Bearer service=\"x\""), "names no `realm`"),
    ] {
        let stub = Stub::start(move |_| challenge.clone());
        let server = start(&config(&stub.url(), OCI, &[("authz", "'authz:1.0'")], ""));
        wait_trouble(&server, "authz", part);
    }
    let manifest = manifest(&good);
    let stub = Stub::start(move |asked| match asked.path.contains("/manifests/") {
        true => Answer::of(200, &manifest),
        false => Answer::of(307, b"").with("Location", "http://layers.example/x"),
    });
    let server = start(&config(&stub.url(), OCI, &[("authz", "'authz:1.0'")], ""));
    wait_trouble(&server, "authz", "`http://layers.example/x`, which is not https");
}
