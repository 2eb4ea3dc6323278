//! Why a handshake came to nothing.

use tokio_rustls::rustls::{CertificateError, Error, InvalidMessage, PeerIncompatible};

use super::alert::{Client, explained};
use super::exchange::End;
use super::problem::Problem;

/// What is wrong, if anything is. `first` is the beginning of what the server said, `name` what it was called.
pub(super) fn problem(end: &End, first: &[u8], client: &Client<'_>, name: &str) -> Option<Problem> {
    Some(match end {
        End::Done { .. } => return None,
        End::ClosedAfter => client.silently(),
        End::Closed | End::Broken(_) if first.is_empty() => Problem::new(
            "closed",
            "the server closed the connection without a word",
            "it may speak something other than TLS, refuse this machine, or be busy: look into its log",
        ),
        End::Closed | End::Broken(_) if client.asked => client.silently(),
        End::Closed => Problem::new(
            "closed",
            "the server closed the connection in the handshake",
            "the server's log says why",
        ),
        End::Broken(error) => {
            Problem::new("closed", format!("the connection broke: {error}"), "the server's log may say why")
        }
        End::TimedOut if first.is_empty() => Problem::new(
            "silent",
            "the server takes the connection, but says nothing",
            "it may speak something other than TLS, be overloaded, or hang: look there",
        ),
        End::TimedOut => {
            Problem::new("silent", "the server stopped in the middle of the handshake", "look there")
        }
        End::Failed(Error::AlertReceived(alert)) => explained(*alert, client, name),
        End::Failed(error) => failed(error, first),
    })
}

fn failed(error: &Error, first: &[u8]) -> Problem {
    match error {
        Error::InvalidMessage(_) if first.starts_with(b"HTTP/") => Problem::new(
            "plain_http",
            "the server speaks plain HTTP, and no TLS",
            "call it by `http://`; or give it a certificate (for Verdict, `server.tls` or `management.tls`)",
        ),
        Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => old(),
        Error::InvalidMessage(_) => Problem::new(
            "not_tls",
            "the server speaks something other than TLS",
            "check the port; a server that begins in the clear (STARTTLS) cannot be checked",
        ),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => old(),
        Error::InvalidCertificate(CertificateError::BadSignature) => Problem::new(
            "not_its_key",
            "the server does not prove that the certificate is its own: it signs with another key",
            "put the certificate and its own key there",
        ),
        other => Problem::new(
            "handshake_failed",
            format!("the handshake failed: {other}"),
            "the server's log may say more",
        ),
    }
}

fn old() -> Problem {
    Problem::new(
        "old_version",
        "the server speaks TLS 1.1 or older alone",
        "update the server: older versions than 1.2 are broken",
    )
}
