//! Bundles from the SPIFFE Workload API: a local socket on which the agent says what changes.

use std::error::Error as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use spiffe::{JwtBundleSet, WorkloadApiClient, WorkloadApiError, X509BundleSet};
use tokio::time::{Instant, timeout, timeout_at};

use super::bundle::{TrustBundle, from_parts};
use super::reach::Reach;
use super::store::Domain;

/// What the Workload API says, as far as it has said it.
#[derive(Default)]
struct Heard {
    x509: Option<X509BundleSet>,
    jwt: Option<JwtBundleSet>,
}

/// Takes what the Workload API at `socket` says for as long as `renew`, after which the caller asks anew: an agent that hangs is found
/// out that way. Without `renew`, the first words are all.
///
/// Says whether it ended well.
pub(super) async fn follow(
    socket: &str,
    domains: &[Arc<Domain>],
    reach: &Reach,
    renew: Option<Duration>,
) -> bool {
    match session(socket, domains, reach, renew).await {
        Ok(()) => true,
        Err(error) => {
            domains.iter().for_each(|domain| domain.failed(error.clone()));
            false
        }
    }
}

async fn session(
    socket: &str,
    domains: &[Arc<Domain>],
    reach: &Reach,
    renew: Option<Duration>,
) -> Result<(), String> {
    let patience = reach.pace.timeout;
    let slow = |_| format!("no answer from the Workload API within {} s", patience.as_secs_f32());
    let begun = async {
        let client = WorkloadApiClient::connect_to(socket).await.map_err(told)?;
        let x509 = client.stream_x509_bundles().await.map_err(told)?;
        let jwt = client.stream_jwt_bundles().await.map_err(told)?;
        Ok::<_, String>((x509, jwt))
    };
    let (x509, jwt) = timeout(patience, begun).await.map_err(slow)??;
    let (mut x509, mut jwt) = (pin!(x509), pin!(jwt));
    let mut heard = Heard::default();
    let first = Instant::now() + patience;
    let end = renew.map(|renew| Instant::now() + renew);
    loop {
        let complete = heard.x509.is_some() && heard.jwt.is_some();
        let Some(until) = (if complete { end } else { Some(first) }) else { return Ok(()) };
        let next = async {
            tokio::select! {
                bundles = next(x509.as_mut()) => heard.x509 = Some(bundles?),
                bundles = next(jwt.as_mut()) => heard.jwt = Some(bundles?),
            }
            Ok::<(), String>(())
        };
        match timeout_at(until, next).await {
            Ok(heard) => heard?,
            Err(_) if complete => return Ok(()),
            Err(elapsed) => return Err(slow(elapsed)),
        }
        heard.tell(domains, reach);
    }
}

async fn next<T>(
    mut stream: Pin<&mut impl futures_core::Stream<Item = Result<T, WorkloadApiError>>>,
) -> Result<T, String> {
    let next = std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await;
    next.ok_or("the Workload API has ended the stream")?.map_err(told)
}

/// The crate's own text names only the outermost layer.
fn told(error: WorkloadApiError) -> String {
    let mut text = format!("the Workload API: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

impl Heard {
    /// Hands every domain its bundle, once both halves of it are there.
    ///
    /// INVARIANT (not named is not trusted): a domain that the Workload API has no bundle of has none here either.
    fn tell(&self, domains: &[Arc<Domain>], reach: &Reach) {
        let (Some(x509), Some(jwt)) = (&self.x509, &self.jwt) else { return };
        for domain in domains {
            // What is wrong with one is no other's fault.
            match of(domain, x509, jwt) {
                Ok((bundle, text)) => domain.accept(bundle, &text, reach.clock.now()),
                Err(error) => domain.failed(error),
            }
        }
    }
}

/// The bundle of a domain, and what tells it from others.
fn of(domain: &Domain, x509: &X509BundleSet, jwt: &JwtBundleSet) -> Result<(TrustBundle, Vec<u8>), String> {
    let of_domain = |name: &spiffe::TrustDomain| name.as_str() == domain.name().name();
    let x509 = x509.iter().find(|(name, _)| of_domain(name)).map(|(_, bundle)| bundle);
    let jwt = jwt.iter().find(|(name, _)| of_domain(name)).map(|(_, bundle)| bundle);
    let certificates: Vec<&[u8]> =
        x509.iter().flat_map(|it| it.authorities()).map(|it| it.as_bytes()).collect();
    let mut jwks: Vec<&[u8]> =
        jwt.iter().flat_map(|it| it.jwt_authorities()).map(|it| it.jwk_json()).collect();
    // They come in no order.
    jwks.sort_unstable();
    let mut bundle = from_parts(certificates.iter().copied(), jwks.iter().copied())?;
    if x509.is_none() && jwt.is_none() {
        bundle.warnings.push("the Workload API has no bundle of it".to_owned());
    }
    let lengths = [certificates.len(), jwks.len()].map(usize::to_be_bytes).concat();
    let parts = certificates.into_iter().chain(jwks);
    let text = parts.fold(lengths, |mut text, part| {
        text.extend_from_slice(&part.len().to_be_bytes());
        text.extend_from_slice(part);
        text
    });
    Ok((bundle, text))
}
