//! Keeps trust bundles fresh: from files, from bundle endpoints and from the Workload API.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::bundle::{MAX_BUNDLE_BYTES, TrustBundle};
use super::id::SpiffeId;
use super::reach::Reach;
use super::store::{Bundles, Domain, Source};
use super::{endpoint, local_file, workload};
use crate::identity::jwt::key_store::jittered;
use crate::net::Endpoint;

/// How often a bundle is read again that does not say (the SPIFFE Federation standard, section 4.1).
pub(super) const USUAL: Duration = Duration::from_secs(300);

/// What keeps the bundle of one trust domain fresh, or those of all that one Workload API has.
#[derive(Clone)]
pub struct Upkeep {
    feed: Feed,
    reach: Reach,
    bundles: Bundles,
}

#[derive(Clone)]
enum Feed {
    One(Arc<Domain>),
    WorkloadApi(String, Vec<Arc<Domain>>),
}

impl Upkeep {
    /// The upkeep of all of these.
    pub(in crate::identity) fn all(bundles: &Bundles, reach: &Reach) -> Vec<Self> {
        let mut feeds: Vec<Feed> = Vec::new();
        for domain in bundles.all() {
            let domain = Arc::clone(domain);
            let Source::WorkloadApi(socket) = &domain.source else {
                feeds.push(Feed::One(domain));
                continue;
            };
            let same = feeds.iter_mut().find_map(|feed| match feed {
                Feed::WorkloadApi(other, domains) if other == socket => Some(domains),
                _ => None,
            });
            match same {
                Some(domains) => domains.push(domain),
                None => feeds.push(Feed::WorkloadApi(socket.clone(), vec![domain])),
            }
        }
        feeds.into_iter().map(|feed| Self { feed, reach: reach.clone(), bundles: bundles.clone() }).collect()
    }

    /// Where it reads, without secrets.
    pub fn source(&self) -> String {
        match &self.feed {
            Feed::One(domain) => domain.source(),
            Feed::WorkloadApi(socket, _) => socket.clone(),
        }
    }

    /// Reads for ever, the first time at once; after a failure sooner, but ever later while it lasts.
    pub(in crate::identity) async fn run(self) {
        let mut failures = 0u32;
        loop {
            let ok = match &self.feed {
                Feed::One(_) => self.once().await,
                // It stays as long as the stream does.
                Feed::WorkloadApi(socket, domains) => {
                    workload::follow(socket, domains, &self.reach, Some(USUAL)).await
                }
            };
            failures = if ok { 0 } else { failures.saturating_add(1) };
            let usual = self.usual_pause();
            let pause = match failures {
                0 => usual,
                n => self
                    .reach
                    .pace
                    .cooldown
                    .saturating_mul(1 << (n - 1).min(16))
                    .min(usual.max(self.reach.pace.cooldown)),
            };
            tokio::time::sleep(jittered(pause)).await;
        }
    }

    fn usual_pause(&self) -> Duration {
        match &self.feed {
            Feed::WorkloadApi(..) => Duration::ZERO,
            Feed::One(domain) => match &domain.source {
                Source::Federation(..) => pause(domain, self.reach.pace.cooldown),
                Source::File(_) | Source::WorkloadApi(_) => self.reach.pace.file_poll,
            },
        }
    }

    /// Reads once, and says whether that went well.
    pub(in crate::identity) async fn once(&self) -> bool {
        match &self.feed {
            // What its stream says is newer than what it would say here.
            Feed::WorkloadApi(_, domains) if domains.iter().all(|domain| domain.confirmed_at().is_some()) => {
                true
            }
            Feed::WorkloadApi(socket, domains) => workload::follow(socket, domains, &self.reach, None).await,
            Feed::One(domain) => {
                let _turn = domain.turn.lock().await;
                let document = match &domain.source {
                    Source::Federation(endpoint, server) => self.fetch(endpoint, server.as_ref()).await,
                    Source::File(path) => read(path).await,
                    Source::WorkloadApi(_) => return true,
                };
                let now = self.reach.clock.now();
                match document {
                    Ok(text) if domain.repeats(&text, now) => {}
                    Ok(text) => match TrustBundle::parse(&text) {
                        Ok(bundle) => domain.accept(bundle, &text, now),
                        Err(error) => domain.failed(error),
                    },
                    Err(error) => domain.failed(error),
                }
                domain.last_error().is_none()
            }
        }
    }

    async fn fetch(&self, endpoint: &Endpoint, server: Option<&SpiffeId>) -> Result<Vec<u8>, String> {
        let Reach { pace, client, clock } = &self.reach;
        let client = match server {
            None => client.clone(),
            Some(server) => {
                let unknown = || format!("there is no trust domain `{}`", server.trust_domain());
                let voucher = self.bundles.of(server.trust_domain()).ok_or_else(unknown)?;
                let current = voucher.at(clock.now()).map_err(|refusal| {
                    format!(
                        "the bundle of `{}` could vouch for the endpoint: {refusal}",
                        server.trust_domain()
                    )
                })?;
                // Made anew each time, with the authorities of the moment.
                client.over(endpoint::tls(server, &current.bundle)?).map_err(|error| error.to_string())?
            }
        };
        let fetched = client.get_limited(endpoint, MAX_BUNDLE_BYTES, pace.timeout).await;
        fetched.map_err(|error| error.to_string())
    }
}

/// As often as the bundle says, within bounds: not so often as to trouble the endpoint, nor so seldom that the bundle becomes too old.
fn pause(domain: &Domain, shortest: Duration) -> Duration {
    let half = Duration::from_nanos(u64::try_from(domain.max_age_nanos / 2).unwrap_or_default());
    let hint = domain.current().bundle.refresh_hint.unwrap_or(USUAL);
    hint.min(half).max(shortest)
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    let path = path.to_path_buf();
    let read = tokio::task::spawn_blocking(move || local_file::read(&path)).await;
    read.map_err(|error| error.to_string())?
}
