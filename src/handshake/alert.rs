//! What a server's alert means, and what to do.

use tokio_rustls::rustls::AlertDescription;

use super::certificate::Certificate;
use super::problem::Problem;

/// What is known of the client's certificate.
pub(super) struct Client<'c> {
    /// The server asks for one.
    pub(super) asked: bool,
    /// The authorities that it names.
    pub(super) authorities: &'c [String],
    /// The one that was shown.
    pub(super) own: Option<&'c Certificate>,
}

impl Client<'_> {
    /// Which authorities the server names, as the end of a hint.
    fn wanted(&self) -> String {
        match self.authorities {
            [] => "it does not say of which authority".to_owned(),
            names => format!(
                "it names these authorities: {}",
                names.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
            ),
        }
    }

    fn required(&self) -> Problem {
        Problem::new(
            "client_certificate_required",
            format!("the server requires a client's certificate, and none was shown; {}", self.wanted()),
            "give one by `--cert FILE --key FILE`",
        )
    }

    /// That the server ends it without a word after it has asked for a certificate.
    pub(super) fn silently(&self) -> Problem {
        match self.own {
            None if self.asked => self.required(),
            _ => Problem::new(
                "closed",
                "the server closed the connection right after the handshake, without saying why",
                "it may refuse the client's certificate: look into the server's log",
            ),
        }
    }
}

/// What an alert means. `name` is what the server was called.
pub(super) fn explained(alert: AlertDescription, client: &Client<'_>, name: &str) -> Problem {
    use AlertDescription as Alert;
    match (alert, client.own) {
        (Alert::CertificateRequired | Alert::NoCertificate, _) => client.required(),
        // With TLS 1.2, many servers have no better word for it.
        (Alert::HandshakeFailure | Alert::BadCertificate, None) if client.asked => client.required(),
        (_, Some(own)) if client.asked => {
            about_own(alert, own, client).unwrap_or_else(|| general(alert, name))
        }
        _ => general(alert, name),
    }
}

fn about_own(alert: AlertDescription, own: &Certificate, client: &Client<'_>) -> Option<Problem> {
    use AlertDescription as Alert;
    let Certificate { subject, issuer, not_before, not_after, .. } = own;
    let (code, what, hint) = match alert {
        Alert::UnknownCA => (
            "client_unknown_authority",
            format!(
                "the server does not know the authority of your certificate, `{issuer}`; {}",
                client.wanted()
            ),
            "show a certificate of an authority that the server knows, with the intermediate ones; or add the authority to the \
             server's `client_ca`. With `client_crl`, a list that has ended, or that is missing for an authority, refuses, too",
        ),
        Alert::CertificateExpired => (
            "client_expired",
            format!(
                "to the server your certificate has expired, or is not valid yet; it says {not_before} to {not_after}"
            ),
            "have a new one issued; else compare the server's clock",
        ),
        Alert::CertificateRevoked => {
            ("client_revoked", format!("your certificate (`{subject}`) was revoked"), "have a new one issued")
        }
        Alert::UnsupportedCertificate => (
            "client_usage",
            format!("to the server your certificate (`{subject}`) is not for clients"),
            "have one issued with the extended key usage `clientAuth`",
        ),
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::AccessDenied | Alert::DecryptError => (
            "client_refused",
            format!(
                "the server refuses your certificate (`{subject}`), and its alert does not say why ({alert:?})"
            ),
            "the server's log does (Verdict: level `debug`). Of an X.509-SVID, its trust domain must be configured, and its authority in \
             force",
        ),
        Alert::HandshakeFailure => (
            "client_refused",
            format!("the server ended the handshake after your certificate (`{subject}`) was shown"),
            "the server's log says why",
        ),
        _ => return None,
    };
    Some(Problem::new(code, what, hint))
}

fn general(alert: AlertDescription, name: &str) -> Problem {
    use AlertDescription as Alert;
    match alert {
        Alert::ProtocolVersion => Problem::new(
            "old_version",
            "the server speaks neither TLS 1.3 nor 1.2",
            "update the server, or allow TLS 1.2 there",
        ),
        Alert::HandshakeFailure | Alert::InsufficientSecurity => Problem::new(
            "nothing_in_common",
            "the server accepts none of the usual cipher suites, key exchanges or signatures",
            "allow those of TLS 1.3 there; see whether its certificate's key is of a usual kind",
        ),
        Alert::UnrecognisedName => Problem::new(
            "unknown_name",
            format!("the server has no certificate for the name `{name}`"),
            "call it by another name, e.g. by `--server-name`",
        ),
        Alert::NoApplicationProtocol => {
            Problem::new("no_protocol", "the server speaks neither HTTP/2 nor HTTP/1.1", "check the port")
        }
        other => Problem::new(
            "alert",
            format!("the server ended the handshake with the alert {other:?}"),
            "the server's log says why",
        ),
    }
}
