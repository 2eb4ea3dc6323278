//! Files, variables, and what the configuration may say.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::*;
use verdict::custody::check;

fn write(path: &Path, content: impl AsRef<[u8]>, mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_key_of_a_file_or_a_variable_is_used_and_keys_before_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write(&path, format!("{KEY}\n"), 0o400);
    let expected = Ok((id(KEY), vec![]));
    assert_eq!(names(json!({ "file": path }), &setup()).await, expected);
    assert_eq!(names(json!({ "env": "MASTER_KEY" }), &setup()).await, expected);
    let rotated = json!({ "env": "OLD_KEY", "previous": [{ "file": path }, { "env": "OLD_KEY" }] });
    assert_eq!(names(rotated, &setup()).await, Ok((id(OTHER_KEY), vec![id(KEY), id(OTHER_KEY)])));
}

#[tokio::test]
async fn a_file_that_others_can_open_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for mode in [0o640, 0o604, 0o644, 0o620, 0o602, 0o660, 0o610] {
        write(&path, KEY, mode);
        let error = names(json!({ "file": path }), &setup()).await.unwrap_err();
        let text = shown(&error, "registry.master_key.file");
        assert!(text.contains(&format!("(mode {mode:04o}); run `chmod 600 {}`", path.display())), "{text}");
        let error =
            names(json!({ "env": "OLD_KEY", "previous": [{ "file": path }] }), &setup()).await.unwrap_err();
        shown(&error, "registry.master_key.previous[0].file");
    }
    // What counts is the file that a link leads to.
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    let error = names(json!({ "file": link }), &setup()).await.unwrap_err();
    assert!(shown(&error, "registry.master_key.file").contains("(mode 0610)"), "{error}");
    write(&path, KEY, 0o600);
    assert_eq!(names(json!({ "file": link }), &setup()).await, Ok((id(KEY), vec![])));
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for (content, expected) in [
        (String::new(), "it is empty"),
        (KEY[..40].to_owned(), "it is neither 64 hexadecimal digits"),
        (KEY[..32].to_owned(), "32 characters of text"),
        ("0".repeat(64), "one byte repeated"),
        ("x".repeat(100_000), "longer than 64 KiB"),
    ] {
        write(&path, &content, 0o600);
        let error = names(json!({ "file": path }), &setup()).await.unwrap_err();
        let text = format!("{error}");
        assert!(text.contains(expected) && !text.contains(&KEY[..32]), "{text}");
        assert!(error.at.starts_with("registry.master_key"), "{text}");
    }
    for (config, at, expected) in [
        (json!({ "file": folder.path().join("none") }), "registry.master_key.file", "cannot read"),
        (json!({ "file": folder.path() }), "registry.master_key.file", "it is not a file"),
        (json!({ "env": "NONE" }), "registry.master_key.env", "`NONE` is not set"),
        (json!({ "env": "EMPTY" }), "registry.master_key.env", "`EMPTY` is not set"),
        (
            json!({ "env": "MASTER_KEY", "previous": [{ "env": "NONE" }] }),
            "registry.master_key.previous[0].env",
            "`NONE` is not set",
        ),
    ] {
        let error = names(config, &setup()).await.unwrap_err();
        assert!(shown(&error, at).contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_missing_file_is_made_once_and_only_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let dev = Setup { generate: true, ..setup() };
    for (config, setup) in [
        (json!({ "file": path }), &setup()),
        (json!({ "file": path, "generate": false }), &dev),
        (json!({ "env": "MASTER_KEY", "previous": [{ "file": path }] }), &dev),
    ] {
        let error = names(config, setup).await.unwrap_err();
        assert!(error.message.contains("cannot read"), "{error}");
        assert!(!path.exists());
    }
    let (made, _) = names(json!({ "file": path, "generate": true }), &setup()).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let content = fs::read_to_string(&path).unwrap();
    assert_eq!((content.len(), id(&content)), (65, made.clone()));
    let entries: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(entries, ["key"], "nothing is left of the draft");
    assert_eq!(names(json!({ "file": path }), &dev).await.unwrap().0, made, "and it is kept");

    let other = folder.path().join("other");
    let (other_made, _) = names(json!({ "file": other }), &dev).await.unwrap();
    assert_ne!(other_made, made);
    let error =
        names(json!({ "file": folder.path().join("a/b"), "generate": true }), &setup()).await.unwrap_err();
    assert!(shown(&error, "registry.master_key.file").contains("cannot make"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_that_make_the_file_at_once_all_use_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let makers: Vec<_> = (0..16)
        .map(|_| {
            let (config, setup) = (json!({ "file": path, "generate": true }), setup());
            tokio::spawn(async move { names(config, &setup).await.unwrap().0 })
        })
        .collect();
    let mut made = Vec::new();
    for maker in makers {
        made.push(maker.await.unwrap());
    }
    made.dedup();
    assert_eq!(made.len(), 1, "{made:?}");
}

#[tokio::test]
async fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let error = names(json!({ "file": path }), &setup()).await.unwrap_err();
    assert!(shown(&error, "registry.master_key.file").contains("it is not a file"), "{error}");
}

#[test]
fn what_the_configuration_may_not_say_is_told_by_its_key() {
    let vault =
        |more: Value| with(json!({ "address": "https://vault.example.com", "path": "verdict" }), more);
    let aws = |more: Value| with(json!({ "region": "eu-central-1", "secret_id": "x" }), more);
    let machine = json!({ "vault": "https://x.vault.azure.net", "secret": "key", "managed_identity": true });
    let app = json!({
        "vault": "https://x.vault.azure.net", "secret": "key", "tenant": "t", "client_id": "c", "client_secret_env": "S",
    });
    let gcp = |more: Value| with(json!({ "project": "demo", "secret": "key" }), more);
    for (config, expected) in [
        (json!({ "vault": vault(json!({})) }), None),
        (json!({ "vault": vault(json!({ "address": "http://127.0.0.1:8200" })) }), None),
        (json!({ "aws": aws(json!({})) }), None),
        (json!({ "azure": machine }), None),
        (json!({ "azure": app }), None),
        (json!({ "gcp": gcp(json!({})) }), None),
        (json!({}), Some(("", "names no source"))),
        (json!({ "env": "A", "file": "b" }), Some(("", "several sources: `file`, `env`"))),
        (json!({ "env": "A", "generate": true }), Some((".generate", "only files are made"))),
        (json!({ "env": "A", "timeout": "0" }), Some((".timeout", "not between"))),
        (json!({ "env": "A", "timeout": "3m" }), Some((".timeout", "not between"))),
        (json!({ "env": "A", "previous": [{ "env": "B" }, {}] }), Some((".previous[1]", "names no source"))),
        (
            json!({ "env": "A", "previous": vec![json!({ "env": "B" }); 17] }),
            Some((".previous", "more than 16")),
        ),
        (json!({ "env": "A=B" }), Some((".env", "not the name of an environment variable"))),
        (json!({ "env": "" }), Some((".env", "not the name of an environment variable"))),
        (json!({ "file": "" }), Some((".file", "it is empty"))),
        (
            json!({ "vault": vault(json!({ "address": "http://vault.example.com" })) }),
            Some((".vault.address", "plain http")),
        ),
        (
            json!({ "vault": vault(json!({ "address": "http://169.254.169.254" })) }),
            Some((".vault.address", "plain http")),
        ),
        (
            json!({ "vault": vault(json!({ "address": "https://vault.example.com/?a" })) }),
            Some((".vault.address", "has a query")),
        ),
        (
            json!({ "vault": vault(json!({ "address": "vault" })) }),
            Some((".vault.address", "not an absolute url")),
        ),
        (json!({ "vault": vault(json!({ "path": "a/../b" })) }), Some((".vault.path", "not a path"))),
        (json!({ "vault": vault(json!({ "path": "/" })) }), Some((".vault.path", "not a path"))),
        (json!({ "vault": vault(json!({ "mount": "a//b" })) }), Some((".vault.mount", "not a path"))),
        (json!({ "vault": vault(json!({ "field": "" })) }), Some((".vault.field", "is empty"))),
        (
            json!({ "vault": vault(json!({ "kv_version": 3 })) }),
            Some((".vault.kv_version", "neither 1 nor 2")),
        ),
        (json!({ "vault": vault(json!({ "namespace": "a\nb" })) }), Some((".vault.namespace", "not a name"))),
        (
            json!({ "vault": vault(json!({ "token_env": "A", "token_file": "b" })) }),
            Some((".vault", "both `token_env`")),
        ),
        (json!({ "aws": aws(json!({ "region": "eu.evil.example/" })) }), Some((".aws.region", "characters"))),
        (json!({ "aws": aws(json!({ "secret_id": "" })) }), Some((".aws.secret_id", "empty"))),
        (
            json!({ "aws": aws(json!({ "endpoint": "https://x.example/path" })) }),
            Some((".aws.endpoint", "has a path")),
        ),
        (
            json!({ "aws": aws(json!({ "endpoint": "http://x.example" })) }),
            Some((".aws.endpoint", "plain http")),
        ),
        (
            json!({ "azure": with(app.clone(), json!({ "managed_identity": true })) }),
            Some((".azure", "both set")),
        ),
        (json!({ "azure": with(app.clone(), json!({ "tenant": null })) }), Some((".azure", "how to log in"))),
        (
            json!({ "azure": with(app.clone(), json!({ "client_secret_file": "f" })) }),
            Some((".azure", "how to log in")),
        ),
        (
            json!({ "azure": with(app.clone(), json!({ "tenant": ".." })) }),
            Some((".azure.tenant", "characters")),
        ),
        (
            json!({ "azure": with(app.clone(), json!({ "secret": "a/b" })) }),
            Some((".azure.secret", "characters")),
        ),
        (
            json!({ "azure": with(machine.clone(), json!({ "identity_endpoint": "http://10.0.0.1" })) }),
            Some((".azure.identity_endpoint", "plain http")),
        ),
        (json!({ "gcp": gcp(json!({ "project": "a/b" })) }), Some((".gcp.project", "characters"))),
        (json!({ "gcp": gcp(json!({ "version": "" })) }), Some((".gcp.version", "empty"))),
        (
            json!({ "gcp": gcp(json!({ "metadata_endpoint": "http://metadata.example" })) }),
            Some((".gcp.metadata_endpoint", "plain http")),
        ),
    ] {
        let found = check("registry.master_key", &super::config(config.clone()));
        match (found.as_slice(), expected) {
            ([], None) => {}
            ([error], Some((key, text))) => {
                assert_eq!(error.at, format!("registry.master_key{key}"), "{error}");
                assert!(error.message.contains(text), "{config}: {error}");
            }
            _ => panic!("{config}: {found:?}"),
        }
    }
}

fn with(mut config: Value, more: Value) -> Value {
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

#[test]
fn unknown_keys_are_refused_and_the_rest_is_written_as_it_was_read() {
    for (config, key) in [
        (json!({ "fil": "x" }), "fil"),
        (json!({ "vault": { "address": "https://v", "path": "p", "tok": "x" } }), "tok"),
        (json!({ "env": "A", "previous": [{ "env": "B", "generate": true }] }), "generate"),
    ] {
        let error = serde_json::from_value::<MasterKeyConfig>(config).unwrap_err();
        assert!(error.to_string().contains(&format!("unknown field `{key}`")), "{error}");
    }
    let written =
        serde_json::to_value(super::config(json!({ "env": "A", "previous": [{ "env": "B" }] }))).unwrap();
    assert_eq!(written, json!({ "env": "A", "timeout": "10s", "previous": [{ "env": "B" }] }));
    let all = json!({
        "file": "a", "previous": [{ "vault": { "address": "https://v", "path": "p", "token_file": "b" } },
            { "azure": { "vault": "https://v", "secret": "s", "client_secret_file": "c" } },
            { "gcp": { "project": "p", "secret": "s", "credentials_file": "d" } }],
    });
    let mut all = super::config(all);
    let files: Vec<_> = all.files_mut().map(|path| path.display().to_string()).collect();
    assert_eq!(files, ["a", "b", "c", "d"]);
}
