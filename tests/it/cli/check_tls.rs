//! `verdict check-tls`, against servers that are wrong in one way each.

mod servers;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};
use serde_json::{Value, json};
use tokio_rustls::rustls::version::{TLS12, TLS13};

use self::servers::{Ca, Said, Serving, private, says};
use super::{Ran, verdict};
use crate::harness::{Server, TestApp};
use crate::identity::x509_svids::{Signer, bundle};

const ALICE: &str = "spiffe://example.org/service/alice";

/// What the command says of a server: as JSON, and as text, which must agree.
#[track_caller]
fn check(folder: &Path, address: SocketAddr, more: &[&str]) -> (Value, String) {
    let target = format!("localhost:{}", address.port());
    let run = |last: &[&str]| -> Ran { verdict(folder, &[&["check-tls", &target], more, last].concat()) };
    // Together, as some servers take their time.
    let (shown, text) = std::thread::scope(|scope| {
        let shown = scope.spawn(|| run(&["--json"]));
        let text = run(&[]);
        (shown.join().unwrap(), text)
    });
    assert_eq!((shown.err.as_str(), text.err.as_str()), ("", ""));
    let report: Value = serde_json::from_str(&shown.out).unwrap();
    let problems = report["problems"].as_array().unwrap();
    let code = i32::from(!problems.is_empty());
    assert_eq!((shown.code, text.code), (code, code), "{}", text.out);
    for one in problems {
        for (word, member) in [("wrong", "problem"), ("hint", "hint")] {
            let line = format!("{word}: {}\n", one[member].as_str().unwrap());
            assert!(line.len() > 12 && text.out.contains(&line), "{line}\n{}", text.out);
        }
    }
    assert_eq!(text.out.contains("nothing is wrong"), problems.is_empty(), "{}", text.out);
    assert!(!text.out.contains("PRIVATE KEY") && !shown.out.contains("PRIVATE KEY"));
    (report, text.out)
}

fn codes(report: &Value) -> Vec<&str> {
    report["problems"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

/// A certificate for `localhost`, changed.
fn params(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2099, 1, 1);
    change(&mut params);
    params
}

#[test]
fn each_thing_that_is_wrong_with_a_certificate_is_named_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (root, stranger) = (Ca::new("root"), Ca::new("stranger"));
    let between = root.below("between");
    let other_root = Ca::new("root");
    fs::write(folder.join("ca.pem"), &root.pem).unwrap();
    let expired = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2021, 3, 4);
    let early = |params: &mut CertificateParams| params.not_before = rcgen::date_time_ymd(2098, 1, 1);
    let other = |params: &mut CertificateParams| {
        *params = CertificateParams::new(["a.example".to_owned(), "b.example".to_owned()]).unwrap();
    };
    let clients = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let good = root.issue(params(|_| {}));
    let below = between.issue(params(|_| {}));
    let whole = (format!("{}{}", below.0, between.pem), below.1.clone());
    let unknown = stranger.issue(params(|_| {}));
    let rooted = (format!("{}{}", unknown.0, stranger.pem), unknown.1.clone());
    let both = stranger.issue(params(expired));
    for (what, pair, expected, words) in [
        (
            "good",
            good.clone(),
            &[][..],
            &["trusted       yes, by the authorities in `ca.pem`", "names       localhost"][..],
        ),
        ("good below", whole, &[], &["then          CN=between", "  issuer      CN=root"]),
        (
            "expired",
            root.issue(params(expired)),
            &["expired"],
            &["has expired at 2021-03-04T00:00:00Z", "(has ended)"],
        ),
        (
            "early",
            root.issue(params(early)),
            &["not_yet_valid"],
            &["is valid from 2098-01-01T00:00:00Z only"],
        ),
        (
            "other name",
            root.issue(params(other)),
            &["other_name"],
            &["is not for `localhost`: it is for `a.example`, `b.example`"],
        ),
        (
            "missing intermediate",
            below,
            &["unknown_authority"],
            &["its issuer `CN=between`", "append its certificate"],
        ),
        (
            "unknown",
            unknown,
            &["unknown_authority"],
            &["its issuer `CN=stranger` is not among the authorities in `ca.pem`"],
        ),
        ("unknown root", rooted, &["unknown_authority"], &["its authority `CN=stranger` is not among"]),
        (
            "same name",
            other_root.issue(params(|_| {})),
            &["other_key"],
            &["`CN=root` is among the authorities in `ca.pem`, but has another key"],
        ),
        (
            "self-signed",
            servers::self_signed(params(|_| {})),
            &["self_signed"],
            &["no authority vouches for"],
        ),
        ("wrong usage", root.issue(params(clients)), &["wrong_usage"], &["`serverAuth`"]),
        (
            "other key",
            (root.issue(params(|_| {})).0, good.1.clone()),
            &["not_its_key"],
            &["signs with another key"],
        ),
        ("two things", both, &["expired", "unknown_authority"], &["has expired", "`CN=stranger`"]),
    ] {
        let server = Serving::new(&pair, &[&TLS13, &TLS12]);
        let (report, text) = check(folder, server.address, &["--ca", "ca.pem"]);
        assert_eq!(codes(&report), expected, "{what}: {text}");
        for word in words {
            assert!(text.contains(word), "{what}: no `{word}` in\n{text}");
        }
        // Whoever shows another's certificate is found out later.
        assert_eq!(report["trusted"], expected.is_empty() || what == "other key", "{what}");
        assert_eq!((&report["version"], &report["alpn"]), (&json!("1.3"), &json!("h2")), "{what}");
        assert_ne!(report["client_certificate"]["asked"], true, "{what}");
        assert!(!report["chain"].as_array().unwrap().is_empty(), "{what}: the chain is shown in any case");
        assert_eq!(server.heard(2), "", "{what}: application data was sent");
    }
}

#[test]
fn names_and_authorities_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let root = Ca::new("root");
    fs::write(folder.path().join("ca.pem"), &root.pem).unwrap();
    let pair = root.issue(CertificateParams::new(["a.example".to_owned()]).unwrap());
    let server = Serving::new(&pair, &[&TLS13]);
    let (report, _) = check(folder.path(), server.address, &["--ca", "ca.pem", "--server-name", "a.example"]);
    assert_eq!(codes(&report), [""; 0]);
    // Nobody else's: SSL_CERT_FILE names those of the system.
    let target = format!("localhost:{}", server.address.port());
    let args = ["check-tls", &target, "--server-name", "a.example"];
    super::verdict_in(folder.path(), &[("SSL_CERT_FILE", "ca.pem")], &args).exits(0);
}

#[test]
fn versions_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = Ca::new("root");
    fs::write(folder.path().join("ca.pem"), &root.pem).unwrap();
    let server = Serving::new(&root.issue(params(|_| {})), &[&TLS12]);
    let (report, text) = check(folder.path(), server.address, &["--ca", "ca.pem"]);
    assert_eq!((&report["version"], codes(&report).len()), (&json!("1.2"), 0), "{text}");
    assert!(text.contains("note: the server speaks TLS 1.2 at most"), "{text}");
    // An alert `protocol_version`, as from a server that knows TLS 1.1 at most.
    let old = says(Said::Bytes(b"\x15\x03\x01\x00\x02\x02\x46"));
    assert_eq!(codes(&check(folder.path(), old, &["--ca", "ca.pem"]).0), ["old_version"]);
}

#[test]
fn what_speaks_no_tls_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = Ca::new("root");
    fs::write(folder.path().join("ca.pem"), &root.pem).unwrap();
    let plain = TestApp::new().start();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (address, expected) in [
        (plain.app.address, "plain_http"),
        (says(Said::Bytes(b"220 mail.example ESMTP\r\n")), "not_tls"),
        (says(Said::Nothing), "closed"),
        (free, "refused"),
        // It takes its ten seconds.
        (says(Said::Never), "silent"),
    ] {
        let (report, text) = check(folder.path(), address, &["--ca", "ca.pem"]);
        assert_eq!(codes(&report), [expected], "{text}");
        assert_eq!((&report["trusted"], &report["chain"]), (&Value::Null, &json!([])), "{text}");
    }
    let target = "no-such-host.invalid";
    let ran = verdict(folder.path(), &["check-tls", target, "--ca", "ca.pem", "--json"]).exits(1);
    assert_eq!(codes(&serde_json::from_str(&ran.out).unwrap()), ["no_such_name"]);
}

/// Verdict, which asks for certificates of these clients; number 7 is revoked.
fn asking(root: &Ca, clients: &Ca, more: &str) -> Server {
    let app = TestApp::new();
    let dir = app.dir.path().to_owned();
    let (cert, key) = root.issue(params(|_| {}));
    fs::write(dir.join("cert.pem"), cert).unwrap();
    private(&dir.join("key.pem"), &key);
    fs::write(dir.join("clients.pem"), &clients.pem).unwrap();
    fs::write(dir.join("crl.pem"), clients.revoked(7)).unwrap();
    let tls = format!("{{cert: cert.pem, key: key.pem, client_ca: clients.pem, client_crl: crl.pem{more}}}");
    app.config(&format!("server: {{listen: '127.0.0.1:0', tls: {tls}}}\nidentity: {{mode: off}}\n")).start()
}

#[test]
fn what_becomes_of_a_client_s_certificate_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (root, clients) = (Ca::new("root"), Ca::new("clients"));
    fs::write(folder.join("ca.pem"), &root.pem).unwrap();
    fs::write(folder.join("other.pem"), &clients.pem).unwrap();
    let put = |name: &str, pair: &(String, String)| {
        fs::write(folder.join(format!("{name}.pem")), &pair.0).unwrap();
        private(&folder.join(format!("{name}.key")), &pair.1);
    };
    let with = |serial: u64| params(|params| params.serial_number = Some(serial.into()));
    put("good", &clients.issue(with(8)));
    put("revoked", &clients.issue(with(7)));
    put("strange", &root.issue(with(8)));
    put("expired", &clients.issue(params(|params| params.not_after = rcgen::date_time_ymd(2021, 1, 1))));
    let usage = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    put("servers", &clients.issue(params(usage)));
    let (required, old, optional) = (
        asking(&root, &clients, ""),
        asking(&root, &clients, ", min_version: '1.2'"),
        asking(&root, &clients, ", client_auth: optional"),
    );
    for (own, expected, accepted, words) in [
        (None, &["client_certificate_required"][..], false, "it names these authorities: `CN=clients`"),
        (Some("good"), &[], true, "yours is asked for, was shown, and is accepted"),
        (Some("revoked"), &["client_revoked"], false, "was revoked"),
        (
            Some("strange"),
            &["client_unknown_authority"],
            false,
            "the authority of your certificate, `CN=root`; it names",
        ),
        (Some("expired"), &["expired", "client_expired"], false, "your certificate"),
        (Some("servers"), &["own_usage", "client_usage"], false, "`clientAuth`"),
    ] {
        let files = own.map(|own| [format!("{own}.pem"), format!("{own}.key")]);
        let files = files.iter().flatten().map(String::as_str);
        let mut more: Vec<&str> = ["--ca", "ca.pem"].to_vec();
        more.extend(["--cert", "--key"].into_iter().zip(files).flat_map(|(flag, file)| [flag, file]));
        for server in [&required, &old] {
            let (report, text) = check(folder, server.app.address, &more);
            assert_eq!(codes(&report), expected, "{own:?}: {text}");
            assert!(text.contains(words), "{own:?}: no `{words}` in\n{text}");
            let part = &report["client_certificate"];
            assert_eq!((&part["asked"], &part["shown"]), (&json!(true), &json!(own.is_some())), "{text}");
            assert_eq!((&part["accepted"], &report["trusted"]), (&json!(accepted), &json!(true)), "{text}");
        }
    }
    let (report, text) = check(folder, optional.app.address, &["--ca", "ca.pem"]);
    assert_eq!(
        (codes(&report).len(), &report["client_certificate"]["accepted"]),
        (0, &json!(true)),
        "{text}"
    );
    // A server that is not trusted is shown nothing.
    let more = ["--ca", "other.pem", "--cert", "good.pem", "--key", "good.key"];
    let (report, text) = check(folder, required.app.address, &more);
    assert_eq!(codes(&report), ["unknown_authority"], "{text}");
    let part = &report["client_certificate"];
    assert_eq!((&part["asked"], &part["shown"]), (&json!(true), &json!(false)), "{text}");
    assert_eq!(part["accepted"], Value::Null, "it would have been: {text}");
}

#[test]
fn files_of_a_client_that_are_no_good_are_told_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = Ca::new("root");
    let (cert, key) = root.issue(params(|_| {}));
    fs::write(folder.join("cert.pem"), cert).unwrap();
    private(&folder.join("key.pem"), &key);
    private(&folder.join("other.key"), &root.issue(params(|_| {})).1);
    fs::write(folder.join("open.key"), &key).unwrap();
    fs::write(folder.join("ca.pem"), &root.pem).unwrap();
    for (cert, key, words) in [
        ("cert.pem", "other.key", "`cert.pem` and `other.key` do not go together"),
        ("cert.pem", "open.key", "run `chmod 600 open.key`"),
        ("cert.pem", "none.key", "cannot read `none.key`"),
        ("key.pem", "key.pem", "`key.pem` has no certificate in PEM"),
        ("cert.pem", "cert.pem", "cert.pem"),
    ] {
        let args = ["check-tls", "localhost:1", "--ca", "ca.pem", "--cert", cert, "--key", key];
        let ran = verdict(folder, &args).exits(1);
        assert!(ran.out.contains(words) && !ran.out.contains("address"), "{}", ran.out);
    }
}

#[test]
fn workloads_are_known_by_their_spiffe_id() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (ours, theirs) = (Signer::new("example.org", |_| {}), Signer::new("partner.example", |_| {}));
    fs::write(folder.join("ours.json"), bundle(&[&ours])).unwrap();
    let svid = |signer: &Signer, uri: &str| {
        let (der, key) = signer.workload(&[uri], |_| {});
        (servers::pem(&der), key)
    };
    let (old, key) = ours.workload(&[ALICE], |params| params.not_after = rcgen::date_time_ymd(2021, 1, 1));
    for (what, pair, expected) in [
        ("right", svid(&ours, ALICE), &[][..]),
        ("other workload", svid(&ours, "spiffe://example.org/service/bob"), &["other_workload"]),
        ("other domain", svid(&theirs, "spiffe://partner.example/a"), &["unknown_authority"]),
        ("other authority", svid(&theirs, ALICE), &["unknown_authority"]),
        ("no workload", svid(&ours, "https://example.org/a"), &["no_svid"]),
        ("expired", (servers::pem(&old), key), &["expired"]),
    ] {
        let server = Serving::new(&pair, &[&TLS13]);
        let more = ["--spiffe-bundle", "ours.json", "--spiffe-id", ALICE];
        let (report, text) = check(folder, server.address, &more);
        assert_eq!(codes(&report), expected, "{what}: {text}");
        assert!(report["chain"][0]["names"][0].as_str().unwrap().contains("://"), "{text}");
        let any = check(folder, server.address, &more[..2]).0;
        let any_expected = if what == "other workload" { &[] } else { expected };
        assert_eq!(codes(&any), any_expected, "{what}, any of the domain");
    }
}

#[test]
fn the_files_of_a_configuration_are_read_as_by_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = Ca::new("root");
    let put = |name: &str, pair: &(String, String)| {
        fs::write(folder.join(format!("{name}.pem")), &pair.0).unwrap();
        private(&folder.join(format!("{name}.key")), &pair.1);
    };
    put("good", &root.issue(params(|_| {})));
    put("expired", &root.issue(params(|params| params.not_after = rcgen::date_time_ymd(2021, 1, 1))));
    put("early", &root.issue(params(|params| params.not_before = rcgen::date_time_ymd(2098, 1, 1))));
    let good = root.issue(params(|_| {}));
    put("order", &(format!("{}{}", good.0, Ca::new("else").pem), good.1));
    for (cert, key, accepted, expected) in [
        ("good.pem", "good.key", true, &[][..]),
        ("expired.pem", "expired.key", false, &["start_refused", "expired"]),
        ("early.pem", "early.key", true, &["not_yet_valid"]),
        ("order.pem", "order.key", true, &["chain_order"]),
        ("good.pem", "early.key", false, &["start_refused"]),
        ("good.pem", "none.key", false, &["start_refused"]),
        ("none.pem", "good.key", false, &["start_refused"]),
    ] {
        let text = format!(
            "server: {{listen: '127.0.0.1:0', tls: {{cert: good.pem, key: good.key}}}}\n\
             management: {{tls: {{cert: {cert}, key: {key}}}}}\nidentity: {{mode: off}}\n"
        );
        fs::write(folder.join("verdict.yaml"), text).unwrap();
        let code = i32::from(!expected.is_empty());
        let args = ["check-tls", "--config", "verdict.yaml", "--json"];
        let report: Value = serde_json::from_str(&verdict(folder, &args).exits(code).out).unwrap();
        let [server, management] = report["listeners"].as_array().unwrap().as_slice() else {
            panic!("{report}")
        };
        assert_eq!((&server["listener"], codes(server).len()), (&json!("server.tls"), 0), "{report}");
        assert_eq!(
            (&management["accepted"], codes(management)),
            (&json!(accepted), expected.to_vec()),
            "{report}"
        );
        let text = verdict(folder, &args[..3]).exits(code).out;
        assert!(
            text.starts_with("server.tls\n  a start       accepts these files\n  certificate "),
            "{text}"
        );
    }
}

#[test]
fn what_cannot_be_tried_ends_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("plain.yaml"), "identity: {mode: off}\n").unwrap();
    fs::write(folder.join("empty"), "{\"keys\": []}").unwrap();
    for (args, said) in [
        (&[][..], "required"),
        (&["https://localhost"], "write the host and the port alone"),
        (&["localhost:x"], "`x` is not a port"),
        (&["a b"], "`a b` is no name of a server"),
        (&["localhost", "--config", "c"], "cannot be used with"),
        (&["localhost", "--cert", "c"], "--key <FILE>"),
        (&["localhost", "--spiffe-id", "spiffe://a/b"], "--spiffe-bundle <FILE>"),
        (&["localhost", "--spiffe-bundle", "empty", "--spiffe-id", "a"], "--spiffe-id does not begin with"),
        (&["localhost", "--spiffe-bundle", "empty"], "`empty` has no authority for X.509-SVIDs"),
        (&["localhost", "--ca", "none.pem"], "cannot read `none.pem`"),
        (&["localhost", "--ca", "empty"], "`empty` has no certificate in PEM"),
        (&["--config", "plain.yaml"], "neither `server.tls` nor `management.tls`"),
        (&["--config", "none.yaml"], "none.yaml"),
    ] {
        verdict(folder, &[&["check-tls"], args].concat()).exits(2).only_complains(said);
    }
}
