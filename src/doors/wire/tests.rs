use http::{HeaderMap, HeaderName, HeaderValue};
use verdict_rego::Value;

use super::*;
use crate::doors::routing::{HttpConfig, Routes};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().map(pair) {
        headers.append(name, value);
    }
    headers
}

fn described(target: &str) -> Described<'_> {
    Described { method: "GET", target, ..Described::default() }
}

/// The canonical path, or why there is none.
fn path(target: &str) -> Result<String, String> {
    Canonical::read(described(target)).map(|canonical| canonical.path).map_err(|failure| failure.message)
}

#[test]
fn a_path_has_one_spelling() {
    for (target, canonical) in [
        ("/", "/"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/A/b", "/A/b"),
        ("/%61/b", "/a/b"),
        ("/a%20b", "/a%20b"),
        ("/%c3%ab", "/%C3%AB"),
        ("/a:b@c,d=e+f", "/a:b@c,d=e+f"),
        ("/a%3Ab", "/a:b"),
        ("/%7Euser", "/~user"),
        ("/a|b", "/a%7Cb"),
        ("/a%25b", "/a%25b"),
        ("/...", "/..."),
        ("/.well-known/x", "/.well-known/x"),
        ("http://host/a", "/a"),
        ("http://host", "/"),
        ("/a?x=/../", "/a"),
    ] {
        assert_eq!(path(target).as_deref(), Ok(canonical), "{target}");
    }
}

#[test]
fn what_servers_read_differently_is_refused() {
    for (target, why) in [
        ("", "not a path"),
        ("a", "not a path"),
        ("*", "not a path"),
        ("//", "empty segment"),
        ("//a", "empty segment"),
        ("/a//b", "empty segment"),
        ("/a//", "empty segment"),
        ("/./a", "dot segment"),
        ("/a/..", "dot segment"),
        ("/a/../b", "dot segment"),
        ("/a/%2e%2E/b", "dot segment"),
        ("/a/.%2e/b", "dot segment"),
        ("/a/%2e", "dot segment"),
        ("/a%2fb", "encoded slash"),
        ("/a%2Fb", "encoded slash"),
        ("/a%5cb", "backslash"),
        ("/a\\b", "backslash"),
        ("/a%00", "control character"),
        ("/a%0d%0ab", "control character"),
        ("/a%7f", "control character"),
        ("/a%c2%85", "control character"),
        ("/a;b", "`;`"),
        ("/a%3bb", "`;`"),
        ("/a/..;/b", "`;`"),
        ("/a%", "bad percent-encoding"),
        ("/a%2", "bad percent-encoding"),
        ("/a%zz", "bad percent-encoding"),
        ("/a%ff", "not UTF-8"),
        ("/a%c0%af", "not UTF-8"),
        ("/a%252e%252e", "within percent-encoding"),
        ("/a%2525", "within percent-encoding"),
        ("/a#b", "fragment"),
        ("/a b", "not percent-encoded"),
        ("/ä", "not percent-encoded"),
        ("/a?x=%", "bad percent-encoding"),
        ("/a?x=%ff", "not UTF-8"),
        ("/a?x=%00", "NUL"),
        ("/a?x=1;y=2", "`;`"),
        ("ftp://host/a", "scheme"),
        ("http://user@host/a", "user name"),
        ("http:///a", "letters, digits"),
    ] {
        let error = path(target).unwrap_err();
        assert!(error.contains(why), "{target}: {error}");
    }
    assert!(path(&format!("/{}", "a".repeat(MAX_TARGET))).unwrap_err().contains("longer than"));
}

#[test]
fn a_host_has_one_spelling_and_one_place() {
    let host = |scheme, authority, target, given: &[(&str, &str)]| {
        let described = Described { scheme, authority, headers: headers(given), ..described(target) };
        Canonical::read(described).map(|canonical| canonical.authority()).map_err(|failure| failure.message)
    };
    let some = |text: &str| Ok(Some(text.to_owned()));
    for (scheme, authority, target, given, expected) in [
        (None, Some("Example.COM"), "/", &[][..], some("example.com")),
        (None, Some("example.com."), "/", &[], some("example.com")),
        (Some("https"), Some("example.com:443"), "/", &[], some("example.com")),
        (Some("http"), Some("example.com:443"), "/", &[], some("example.com:443")),
        (None, Some("example.com:80"), "/", &[], some("example.com:80")),
        (None, Some("[::1]:8080"), "/", &[], some("[::1]:8080")),
        (None, Some("[0:0:0:0:0:0:0:1]"), "/", &[], some("[::1]")),
        (None, Some("a"), "/", &[("host", "A")], some("a")),
        (Some("wss"), Some("a"), "http://a/x", &[], Err("different schemes".to_owned())),
        (None, Some("a"), "http://b/x", &[], Err("two different hosts".to_owned())),
        (None, Some("a"), "/", &[("host", "b")], Err("two different hosts".to_owned())),
        (None, Some("a:0"), "/", &[], Err("port".to_owned())),
        (None, Some("a:080"), "/", &[], Err("port".to_owned())),
        (None, Some("a:"), "/", &[], Err("port".to_owned())),
        (None, Some("a:65536"), "/", &[], Err("port".to_owned())),
        (None, Some("a b"), "/", &[], Err("letters".to_owned())),
        (None, Some("a..b"), "/", &[], Err("letters".to_owned())),
        (None, Some("a,b"), "/", &[], Err("letters".to_owned())),
        (None, Some("u@a"), "/", &[], Err("user name".to_owned())),
        (None, Some("[::1"), "/", &[], Err("bracket".to_owned())),
        (None, Some("[x]"), "/", &[], Err("IPv6".to_owned())),
        (None, None, "/", &[], Ok(None)),
    ] {
        let got = host(scheme, authority, target, given);
        match (&got, &expected) {
            (Err(got), Err(why)) => assert!(got.contains(why.as_str()), "{authority:?}: {got}"),
            _ => assert_eq!(got, expected, "{authority:?} {target}"),
        }
    }
}

#[test]
fn methods_and_headers_are_unambiguous() {
    for method in ["", "GET ", "get", "Get", "GE\tT", &"A".repeat(33)] {
        assert!(Canonical::read(Described { method, ..described("/") }).is_err(), "{method:?}");
    }
    for method in ["GET", "HEAD", "PROPFIND", "M-SEARCH"] {
        assert!(Canonical::read(Described { method, ..described("/") }).is_ok(), "{method:?}");
    }
    for (given, why) in [
        (&[("authorization", "a"), ("authorization", "a")][..], "more than one `authorization`"),
        (&[("content-type", "a"), ("content-type", "b")], "more than one `content-type`"),
        (&[("content-length", "1"), ("transfer-encoding", "chunked")], "both"),
        (&[("x-http-method-override", "DELETE")], "take it for another"),
        (&[("x-original-url", "/admin")], "take it for another"),
        (&[("x-rewrite-url", "/admin")], "take it for another"),
        (&[("x-a", "\u{e9}")], ""),
        (&[("x_auth_user", "a"), ("x-auth-user", "b")], "both `x_auth_user` and `x-auth-user`"),
    ] {
        let read = Canonical::read(Described { headers: headers(given), ..described("/") });
        match read {
            Err(failure) => assert!(!why.is_empty() && failure.message.contains(why), "{given:?}: {failure}"),
            Ok(_) => assert!(why.is_empty(), "{given:?}"),
        }
    }
    let mut latin = HeaderMap::new();
    latin.insert("x-a", HeaderValue::from_bytes(b"\xe9").unwrap());
    assert!(Canonical::read(Described { headers: latin, ..described("/") }).is_err());
    for protocol in ["HTTP/1.1", "HTTP/2", "http/2.0"] {
        assert!(Canonical::read(Described { protocol: Some(protocol), ..described("/") }).is_ok());
    }
    assert!(Canonical::read(Described { protocol: Some("SPDY/3"), ..described("/") }).is_err());
}

fn input(described: Described<'_>) -> Value {
    let routes = Routes::new(&HttpConfig::default()).unwrap();
    let canonical = Canonical::read(described).unwrap();
    canonical
        .assembled(&routes, false, &|name| name == http::header::AUTHORIZATION, canonical.content.as_ref())
        .unwrap()
}

#[test]
fn the_input_has_the_request_and_no_secrets_or_claims() {
    let described = Described {
        method: "POST",
        target: "/Files/a%20b?q=1&q=%32&access_token=s3cr3t",
        scheme: Some("https"),
        authority: Some("Api.Example:443"),
        protocol: Some("HTTP/2"),
        headers: headers(&[
            ("authorization", "Bearer s3cr3t"),
            ("x-auth-user", "root"),
            ("x_auth_user_", "x"),
            ("remote-user", "root"),
            ("x-forwarded-for", "9.9.9.9"),
            ("connection", "close"),
            ("content-type", "application/json; charset=utf-8"),
            ("accept", "a"),
            ("accept", "b"),
        ]),
        body: Some(Content { bytes: Bytes::from_static(b"{\"n\": 1}"), truncated: false }),
        source: Some("192.0.2.1:0".parse().unwrap()),
        ..Described::default()
    };
    let expected = r#"{
        "action": "post",
        "resource": {"type": "http", "id": "/Files/a%20b"},
        "context": {"http": {
            "method": "POST", "scheme": "https", "host": "api.example", "path": "/Files/a%20b", "protocol": "HTTP/2",
            "query": {"q": ["1", "2"]}, "client_ip": "192.0.2.1",
            "headers": {"accept": "a,b", "content-type": "application/json; charset=utf-8", "x_auth_user_": "x"}
        }},
        "attributes": {
            "source": {"address": {"socketAddress": {"address": "192.0.2.1"}}},
            "request": {"http": {
                "method": "POST", "scheme": "https", "host": "api.example", "path": "/Files/a%20b?q=1&q=2", "protocol": "HTTP/2",
                "body": "{\"n\": 1}", "size": 8,
                "headers": {"accept": "a,b", "content-type": "application/json; charset=utf-8", "x_auth_user_": "x",
                    ":method": "POST", ":path": "/Files/a%20b?q=1&q=2", ":authority": "api.example", ":scheme": "https"}
            }}
        },
        "parsed_path": ["Files", "a b"], "parsed_query": {"q": ["1", "2"]}, "parsed_body": {"n": 1}, "truncated_body": false,
        "version": {"encoding": "protojson", "ext_authz": "v3"}
    }"#;
    assert_eq!(input(described), Value::from_json(expected.as_bytes()).unwrap());
}

#[test]
fn bodies_are_parsed_as_their_type_says_or_refused() {
    let parsed = |kind: &str, bytes: &'static [u8], truncated| {
        let described = Described {
            headers: headers(&[("content-type", kind)]),
            body: Some(Content { bytes: Bytes::from_static(bytes), truncated }),
            ..described("/")
        };
        let canonical = Canonical::read(described).unwrap();
        let routes = Routes::default();
        let input = canonical.assembled(&routes, false, &|_| false, canonical.content.as_ref());
        input
            .map(|input| input.get("parsed_body").map(ToString::to_string))
            .map_err(|failure| failure.message)
    };
    for (kind, bytes, truncated, expected) in [
        ("application/json", &b"[1]"[..], false, Ok(Some("[1]"))),
        ("application/problem+json", b"[1]", false, Ok(Some("[1]"))),
        ("Application/JSON", b"[1]", false, Ok(Some("[1]"))),
        ("application/json", b"[1", true, Ok(None)),
        ("application/json", b"", false, Ok(None)),
        (
            "application/x-www-form-urlencoded",
            b"a=1&a=2&b=x+y",
            false,
            Ok(Some(r#"{"a":["1","2"],"b":["x y"]}"#)),
        ),
        ("text/plain", b"[1]", false, Ok(None)),
        ("application/json", b"[1", false, Err("application/json")),
        ("application/json", b"{\"a\":1,\"a\":2}", false, Err("duplicate")),
        ("application/x-www-form-urlencoded", b"a=%", false, Err("percent-encoding")),
    ] {
        let got = parsed(kind, bytes, truncated);
        match (&got, expected) {
            (Err(got), Err(why)) => assert!(got.contains(why), "{kind}: {got}"),
            _ => assert_eq!(got.as_ref().map(Option::as_deref).map_err(String::as_str), expected, "{kind}"),
        }
    }
}

#[test]
fn debug_shows_no_credential() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Bearer s3cr3t"));
    let canonical = Canonical::read(Described { headers, ..described("/?access_token=s3cr3t") }).unwrap();
    assert!(!format!("{canonical:?}").contains("s3cr3t"));
}
