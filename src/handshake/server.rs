//! What is wrong with the certificates that a server has shown.

use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, Error};

use super::certificate::{Certificate, described};
use super::problem::Problem;
use super::trust::{Distrust, Trust};
use crate::model::clock::Timestamp;

/// What is wrong with a server's certificates, its own first; nothing, where it is trusted.
pub(super) fn judged(
    chain: &[CertificateDer<'_>],
    trust: &Trust,
    name: &ServerName<'_>,
    now: Timestamp,
) -> Vec<Problem> {
    let read: Result<Vec<Certificate>, _> = chain.iter().map(|der| described(der, now)).collect();
    let (read, own) = match (read, chain.first()) {
        (Ok(read), Some(own)) => (read, own),
        (Err(why), _) => return vec![malformed(&format!("a certificate {why}"))],
        (_, None) => return vec![malformed("it shows no certificate")],
    };
    let Some(leaf) = read.first() else { return Vec::new() };
    let mut found: Vec<Problem> = out_of_time("the server's certificate", leaf, now).into_iter().collect();
    if trust.by_name()
        && let Ok(parsed) = ParsedCertificate::try_from(own)
        && verify_server_name(&parsed, name).is_err()
    {
        found.push(other_name(leaf, name));
    }
    // At a time at which the certificate is valid: that it is not now has been said.
    let at = now.unix_seconds().clamp(leaf.from, leaf.until.max(leaf.from));
    if let Err(distrust) = trust.vouches(chain, name, at) {
        found.extend(untrusted(&distrust, trust, &read, now));
    }
    found
}

fn malformed(what: &str) -> Problem {
    Problem::new(
        "bad_certificate",
        format!("the server's certificates cannot be read: {what}"),
        "have new ones issued",
    )
}

/// That a certificate is not valid now.
pub(super) fn out_of_time(whose: &str, one: &Certificate, now: Timestamp) -> Option<Problem> {
    let seconds = now.unix_seconds();
    let Certificate { subject, not_before, not_after, .. } = one;
    if seconds > one.until {
        let days = match seconds.saturating_sub(one.until) / 86_400 {
            0 => "less than a day".to_owned(),
            1 => "a day".to_owned(),
            days => format!("{days} days"),
        };
        return Some(Problem::new(
            "expired",
            format!("{whose} (`{subject}`) has expired at {not_after}, {days} ago"),
            "have a new one issued; if the date is wrong, set the clock of this machine",
        ));
    }
    (seconds < one.from).then(|| {
        Problem::new(
            "not_yet_valid",
            format!("{whose} (`{subject}`) is valid from {not_before} only"),
            "compare the clocks of this machine and of the authority; else wait, or have a new one issued",
        )
    })
}

fn other_name(leaf: &Certificate, name: &ServerName<'_>) -> Problem {
    let asked = name.to_str();
    let has = if leaf.names.is_empty() {
        "it has no alternative names at all, and its common name does not count".to_owned()
    } else {
        format!("it is for {}", listed(&leaf.names))
    };
    Problem::new(
        "other_name",
        format!("the server's certificate is not for `{asked}`: {has}"),
        format!(
            "call the server by a name that it has, or have a certificate issued with `{asked}` as an alternative name"
        ),
    )
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn untrusted(distrust: &Distrust, trust: &Trust, chain: &[Certificate], now: Timestamp) -> Vec<Problem> {
    match distrust {
        Distrust::Authorities(Error::InvalidCertificate(error)) => by_authorities(error, trust, chain, now),
        Distrust::Authorities(error) => vec![otherwise(&error.to_string())],
        Distrust::TrustDomain("is of no authority of its trust domain") => vec![unknown(trust, chain)],
        Distrust::TrustDomain(why) => {
            let what = format!(
                "the server's certificate {why}, and so is no X.509-SVID that {} vouches for",
                trust.shown
            );
            vec![Problem::new("no_svid", what, "have the server show an X.509-SVID of the trust domain")]
        }
        Distrust::OtherWorkload(id) => {
            let expected = trust.expected().map(ToString::to_string).unwrap_or_default();
            let what = format!("the server is `{id}`, and not `{expected}`");
            vec![Problem::new(
                "other_workload",
                what,
                "check the address, the expected ID, and the server's registration",
            )]
        }
    }
}

fn by_authorities(
    error: &CertificateError,
    trust: &Trust,
    chain: &[Certificate],
    now: Timestamp,
) -> Vec<Problem> {
    match error {
        // The names have been compared.
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Vec::new(),
        CertificateError::UnknownIssuer => vec![unknown(trust, chain)],
        CertificateError::BadSignature => vec![same_name(trust, chain)],
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            vec![Problem::new(
                "wrong_usage",
                "the server's certificate is not for servers (extended key usage)",
                "have one issued with `serverAuth`",
            )]
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            let others = chain.iter().skip(1);
            let found: Vec<_> = others
                .filter_map(|one| out_of_time("a certificate between it and its authority", one, now))
                .collect();
            if found.is_empty() {
                vec![otherwise("an authority's certificate is not valid now")]
            } else {
                found
            }
        }
        CertificateError::Revoked => {
            vec![Problem::new("revoked", "the server's certificate was revoked", "have a new one issued")]
        }
        // Last, because the words are those of a library.
        _ if chain.first().is_some_and(|leaf| leaf.self_issued) => vec![unknown(trust, chain)],
        other => vec![otherwise(&other.to_string())],
    }
}

fn otherwise(why: &str) -> Problem {
    Problem::new(
        "untrusted",
        format!("the server's certificate is not trusted: {why}"),
        "have a certificate issued for a server, by an authority that clients trust",
    )
}

/// An issuer is known by its name, but has not signed.
fn same_name(trust: &Trust, chain: &[Certificate]) -> Problem {
    let issuer = last(chain).map_or("", |last| &last.issuer);
    Problem::new(
        "other_key",
        format!(
            "`{issuer}` is among {}, but has another key than the authority that issued the certificate",
            trust.shown
        ),
        "the authority may have a new key: trust its new certificate, or have the server's issued anew",
    )
}

/// The last certificate on the way from the first one to its authority.
fn last(chain: &[Certificate]) -> Option<&Certificate> {
    let mut last = chain.first()?;
    // As long as the chain: names that go round in a circle lead no further.
    for _ in chain {
        match chain.iter().find(|next| next.subject == last.issuer) {
            Some(next) if !last.self_issued => last = next,
            _ => break,
        }
    }
    Some(last)
}

/// Nobody vouches for it: which certificate is missing where depends on how far the chain goes.
fn unknown(trust: &Trust, chain: &[Certificate]) -> Problem {
    let by = &trust.shown;
    let Some(leaf) = chain.first() else { return otherwise("it shows none") };
    if leaf.self_issued {
        return Problem::new(
            "self_signed",
            format!("the server's certificate is self-signed: no authority vouches for `{}`", leaf.subject),
            "have one issued by an authority; if it is yours, trust it by `--ca FILE` with this certificate",
        );
    }
    let last = last(chain).unwrap_or(leaf);
    let issuer = &last.issuer;
    if last.self_issued {
        return Problem::new(
            "unknown_authority",
            format!("its authority `{issuer}` is not among {by}"),
            "if it is the right one, trust it: give its certificate, from its owner and not from this server, by `--ca FILE`",
        );
    }
    Problem::new(
        "unknown_authority",
        format!(
            "nobody vouches for `{}`: its issuer `{issuer}` is not among {by}, and the server does not send its certificate",
            last.subject
        ),
        format!(
            "if `{issuer}` is an intermediate authority, append its certificate to the file of the server's; if it is the root, \
             trust it by `--ca FILE`"
        ),
    )
}
