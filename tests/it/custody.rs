//! Where the master key comes from: files, variables, and each secrets manager as a stub that checks what it is asked.

mod faults;
mod local;
mod managers;
pub mod stub;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use stub::Answer;
use verdict::custody::{CustodyError, MasterKeyConfig, Setup, SourceConfig, keyring, source};
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::units::Period;
use verdict::net;
use verdict::sealing::{Keyring, MasterKey};

/// The time of every test.
const NOW: i64 = 1_800_000_000;
/// A master key, and what may be seen nowhere.
const KEY: &str = "7d0c3a1f9be4526880f1e2d3c4b5a69788796a5b4c3d2e1f0011223344556677";
const OTHER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const VAULT_TOKEN: &str = "hvs.CANARYvaulttoken";
const CLIENT_SECRET: &str = "CANARY~client+secret&/=";
const ACCESS_TOKEN: &str = "ya29.CANARYaccesstoken";
const AWS_KEY: &str = "CANARY/awssecretkey/EXAMPLE";
const AWS_SESSION: &str = "CANARYsession//token==";
const SECRETS: [&str; 7] = [KEY, OTHER_KEY, VAULT_TOKEN, CLIENT_SECRET, ACCESS_TOKEN, AWS_KEY, AWS_SESSION];

/// The key pair of a service account.
static PAIR: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn setup() -> Setup {
    let variables = [
        ("VAULT_TOKEN", VAULT_TOKEN),
        ("MY_VAULT_TOKEN", VAULT_TOKEN),
        ("CLIENT_SECRET", CLIENT_SECRET),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", AWS_KEY),
        ("AWS_SESSION_TOKEN", AWS_SESSION),
        ("MASTER_KEY", KEY),
        ("OLD_KEY", OTHER_KEY),
        ("EMPTY", ""),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Setup {
        variables: BTreeMap::from(variables).into(),
        clock: Clock::fixed(Timestamp::from_unix_seconds(NOW)),
        client: net::Client::new(&net::Config::default()).unwrap(),
        generate: false,
    }
}

fn without(mut setup: Setup, name: &str) -> Setup {
    let left = setup.variables.iter().filter(|(known, _)| *known != name);
    let left: BTreeMap<String, String> =
        left.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    setup.variables = left.into();
    setup
}

fn config(value: Value) -> MasterKeyConfig {
    serde_json::from_value(value).unwrap()
}

fn source_config(value: Value) -> SourceConfig {
    serde_json::from_value(value).unwrap()
}

fn id(key: &str) -> String {
    MasterKey::read(key.as_bytes()).unwrap().id().to_string()
}

/// The keyring of a configuration, by names of keys.
async fn names(value: Value, setup: &Setup) -> Result<(String, Vec<String>), CustodyError> {
    let ring: Keyring = keyring("registry.master_key", &config(value), setup).await?;
    let previous = ring.previous().iter().map(|key| key.id().to_string()).collect();
    Ok((ring.current().id().to_string(), previous))
}

/// The bytes that a source has.
async fn fetched(value: Value, setup: &Setup) -> Result<Vec<u8>, CustodyError> {
    let source = source("at", &source_config(value), Period::millis(500), setup)?;
    let debug = format!("{source:?}");
    assert!(SECRETS.iter().all(|secret| !debug.contains(secret)), "{debug}");
    Ok(source.fetch().await?.expose().to_vec())
}

/// An error that says where, and shows no secret.
fn shown(error: &CustodyError, at: &str) -> String {
    let text = format!("{error} {error:?}");
    assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
    assert_eq!(error.at, at, "{error}");
    assert!(!error.hint.is_empty());
    error.to_string()
}

fn ok(body: &Value) -> Answer {
    Answer::Status(200, body.to_string())
}

fn pem(pair: &RsaKeyPair) -> String {
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let text = BASE64_STANDARD.encode(der.as_ref());
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// A key file of a service account whose tokens are at `token_uri`.
fn key_file(folder: &tempfile::TempDir, token_uri: &str) -> PathBuf {
    let path = folder.path().join("account.json");
    let content = json!({
        "type": "service_account",
        "project_id": "demo",
        "private_key_id": "key-1",
        "private_key": pem(&PAIR),
        "client_email": "verdict@demo.iam.gserviceaccount.com",
        "token_uri": token_uri,
    });
    std::fs::write(&path, content.to_string()).unwrap();
    path
}

fn modulus() -> Vec<u8> {
    PAIR.public_key().as_ref().to_vec()
}
