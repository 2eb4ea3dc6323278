//! Bundles in S3: what speaks its protocol and checks signatures (moto), and a stub that looks at them.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::harness::skipped;
use crate::harness::wire::{Wire, request};

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
];

/// A server of moto's, for one test.
struct Moto {
    address: SocketAddr,
    child: Child,
}

impl Moto {
    fn start() -> Option<Self> {
        if Command::new("moto_server").arg("--help").stdout(Stdio::null()).status().is_err() {
            skipped("bundles in S3: there is no moto_server");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = Command::new("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).env("INITIAL_NO_AUTH_ACTION_COUNT", "5");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("moto", || {
            assert!(child.try_wait().unwrap().is_none(), "moto has ended");
            TcpStream::connect(address).is_ok()
        });
        Some(Self { address, child })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
        let mut wire = Wire::open(self.address);
        wire.send(&request(method, path, headers, body));
        let reply = wire.reply().unwrap();
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// A call of IAM that nobody signs: the first ones are free.
    fn iam(&self, form: &str) -> String {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=x/20200101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x",
            ),
        ];
        let (status, body) =
            self.send("POST", "/", &headers, format!("{form}&Version=2010-05-08").as_bytes());
        assert_eq!(status, 200, "{body}");
        body
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

#[test]
fn a_bucket_takes_what_is_signed_and_nothing_else() {
    let Some(moto) = Moto::start() else { return };
    // Five calls are not checked: two for the bucket, three for a user who may read.
    let name = "data/authz.tar.gz";
    assert_eq!(moto.send("PUT", "/policies", &[], b"").0, 200);
    assert_eq!(moto.send("PUT", &format!("/policies/{name}"), &[], &bundle("app", "1", "first")).0, 200);
    moto.iam("Action=CreateUser&UserName=verdict");
    moto.iam("Action=PutUserPolicy&UserName=verdict&PolicyName=p&PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D");
    let made = moto.iam("Action=CreateAccessKey&UserName=verdict");
    let id = between(&made, "<AccessKeyId>", "<").to_owned();
    let key = between(&made, "<SecretAccessKey>", "<").to_owned();
    // From now on, who does not sign is refused.
    assert_eq!(moto.send("GET", &format!("/policies/{name}"), &[], b"").0, 403);

    let more =
        format!("{QUICK}, s3: {{region: us-east-1, access_key_id_env: ID, secret_access_key_env: KEY}}");
    let text = config(&format!("{}/policies", moto.url()), &more, &[("authz", "data/authz.tar.gz")], "");
    let right = TestApp::new().env(&[("ID", &id), ("KEY", &key)]).config(&text).start();
    assert_eq!(answer(&right, "app"), "first", "{}", remote(&right, "authz"));
    let unchanged = || fetches(&right, "unchanged");
    wait_until("answers of 304", || unchanged() > 2.0);
    let wrong = TestApp::new().env(&[("ID", &id), ("KEY", "another key")]).config(&text).start();
    let said = wait_trouble(&wrong, "authz", "answered 403 instead of 200; check the service's credentials");
    assert!(!said.contains("another key") && !said.contains(&id), "{said}");
}

/// What is signed is what is sent; temporary credentials have a token.
#[test]
fn a_signature_covers_host_path_date_and_token() {
    let archive = bundle("app", "1", "first");
    let stub = Stub::start(move |_| Answer::tagged(&archive));
    let more = format!("{QUICK}, s3: {{region: eu-central-1}}");
    let text = config(&format!("{}/bucket", stub.url()), &more, &[("authz", "'/a/b c~d+e(f).tar.gz'")], "");
    let env = [KEYS[0], KEYS[1], ("AWS_SESSION_TOKEN", "session")];
    let clock = verdict::model::clock::Clock::fixed(verdict::model::clock::Timestamp::from_unix_seconds(
        1_440_938_160,
    ));
    let server = TestApp::new().env(&env).clock(clock).config(&text).start();
    assert_eq!(answer(&server, "app"), "first");
    let asked = stub.asked()[0].clone();
    assert_eq!(asked.path, "/bucket/a/b%20c~d%2Be%28f%29.tar.gz");
    assert_eq!(asked.header("x-amz-date"), Some("20150830T123600Z"));
    assert_eq!(asked.header("x-amz-security-token"), Some("session"));
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(asked.header("x-amz-content-sha256"), Some(empty));
    // By the rules of AWS, written down here once more.
    let names = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    let host = asked.header("host").unwrap();
    let canonical = format!(
        "GET\n/bucket/a/b%20c~d%2Be%28f%29.tar.gz\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:20150830T123600Z\n\
         x-amz-security-token:session\n\n{names}\n{empty}"
    );
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hash = hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes()).as_ref());
    let scope = "20150830/eu-central-1/s3/aws4_request";
    let mac = |key: &[u8], text: &str| {
        aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key), text.as_bytes())
            .as_ref()
            .to_vec()
    };
    let mut key = format!("AWS4{}", KEYS[1].1).into_bytes();
    for part in ["20150830", "eu-central-1", "s3", "aws4_request"] {
        key = mac(&key, part);
    }
    let signature = hex(&mac(&key, &format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{hash}")));
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    assert_eq!(asked.header("authorization"), Some(expected.as_str()));
}
