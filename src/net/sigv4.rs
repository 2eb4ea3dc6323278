//! Signatures of requests to AWS, and to what speaks its protocols: Signature Version 4, as far as calls without a query need it.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use zeroize::Zeroizing;

use crate::model::clock::Timestamp;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is signed.
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// As it is sent, escapes included.
    pub path: &'a str,
    /// In order of their names, which are in small letters.
    pub headers: &'a [(&'a str, &'a str)],
    /// The whole body.
    pub body: &'a [u8],
}

/// Who signs.
pub struct Credentials<'a> {
    /// The name of the key.
    pub access_key_id: &'a str,
    /// The key.
    pub secret_access_key: &'a str,
}

/// What the signature is good for, besides its day.
pub struct Scope<'a> {
    /// E.g. `eu-central-1`.
    pub region: &'a str,
    /// E.g. `s3`.
    pub service: &'a str,
}

/// A time as AWS writes it, e.g. `20150830T123600Z`.
pub fn amz_date(at: Timestamp) -> String {
    let text = at.rfc3339();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

/// The header `authorization` of a request that is sent at `date`.
pub fn authorization(
    request: &Request<'_>,
    credentials: &Credentials<'_>,
    scope: &Scope<'_>,
    date: &str,
) -> String {
    let Request { method, path, headers, body } = request;
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let mut canonical = Zeroizing::new(format!("{method}\n{path}\n\n"));
    for (name, value) in *headers {
        canonical.push_str(name);
        canonical.push(':');
        canonical.push_str(value.trim());
        canonical.push('\n');
    }
    canonical.push('\n');
    canonical.push_str(&names);
    canonical.push('\n');
    canonical.push_str(&hash(body));

    let day = date.get(..8).unwrap_or_default();
    let within = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("{ALGORITHM}\n{date}\n{within}\n{}", hash(canonical.as_bytes()));
    let secret = Zeroizing::new(format!("AWS4{}", credentials.secret_access_key));
    let mut key = mac(secret.as_bytes(), day);
    for part in [scope.region, scope.service, "aws4_request"] {
        key = mac(key.as_ref(), part);
    }
    let signature = hex(mac(key.as_ref(), &to_sign).as_ref());
    let id = credentials.access_key_id;
    format!("{ALGORITHM} Credential={id}/{within}, SignedHeaders={names}, Signature={signature}")
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// SHA-256, in hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "20150830T123600Z";
    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfK\
                         D8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8T\
                         x6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIl\
                         TJabIQwj2ICCR/oLxBA==";

    /// Cases of the test suite that AWS publishes for Signature Version 4.
    #[test]
    fn signatures_are_those_that_aws_publishes() {
        let host = ("host", "example.amazonaws.com");
        let date = ("x-amz-date", DATE);
        let form = ("content-type", "application/x-www-form-urlencoded");
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let cases: [(&str, &str, Headers<'_>, &str, &str); 6] = [
            (
                "get-vanilla",
                "GET",
                &[host, date],
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "post-vanilla",
                "POST",
                &[host, date],
                "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "post-header-key-sort",
                "POST",
                &[host, ("my-header1", "value1"), date],
                "",
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            ),
            (
                "post-header-value-case",
                "POST",
                &[host, ("my-header1", "VALUE1"), date],
                "",
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
            ),
            (
                "post-x-www-form-urlencoded",
                "POST",
                &[form, host, date],
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                "post-sts-header-before",
                "POST",
                &[host, date, ("x-amz-security-token", TOKEN)],
                "",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            ),
        ];
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        };
        let scope = Scope { region: "us-east-1", service: "service" };
        for (name, method, headers, body, expected) in cases {
            let request = Request { method, path: "/", headers, body: body.as_bytes() };
            let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
            assert_eq!(
                authorization(&request, &credentials, &scope, DATE),
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders={}, Signature={expected}",
                    names.join(";")
                ),
                "{name}"
            );
        }
    }

    #[test]
    fn times_are_written_as_aws_does() {
        assert_eq!(amz_date(Timestamp::parse_rfc3339("2015-08-30T12:36:00Z").unwrap()), DATE);
        assert_eq!(amz_date(Timestamp(1)), "19700101T000000Z");
    }
}
