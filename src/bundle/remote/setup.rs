//! From the configuration to tasks that ask services, beginning with what was kept.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::config::ServiceConfig;
use super::keep::sha256;
use super::poll::{Item, Poller};
use super::resource::Resource;
use super::service::Service;
use super::shelf::Shelf;
use super::vet::Vetting;
use crate::bundle::config::Config;
use crate::bundle::contents::Limits;
use crate::bundle::load::verification;
use crate::bundle::reload::Observer;
use crate::bundle::status::Status;
use crate::model::clock::Clock;
use crate::model::variables::Variables;
use crate::net::Client;

/// What fetching needs from the rest of the server.
pub struct Setup {
    /// Whom to call with.
    pub client: Client,
    /// The environment variables that the configuration may name.
    pub variables: Variables,
    /// The time.
    pub clock: Clock,
    /// The state directory.
    pub state: PathBuf,
    /// The state of bundles, for readers.
    pub status: Arc<Status>,
    /// Who is told.
    pub observers: Vec<Arc<dyn Observer>>,
}

/// The bundles that are fetched.
pub struct Remote {
    /// What was fetched last.
    pub shelf: Arc<Shelf>,
    /// Who asks, one for each service.
    pub pollers: Vec<Arc<Poller>>,
}

impl Remote {
    /// Makes everything ready, and puts back what was kept. Asks nobody.
    ///
    /// # Errors
    /// The key of the configuration that is wrong, and how.
    pub fn new(config: &Config, setup: &Setup) -> Result<Self, (String, String)> {
        let shelf = Arc::new(Shelf::new(&setup.state));
        let verification =
            verification(config).map_err(|error| ("bundles.verification".to_owned(), error.message))?;
        let vetting = Vetting { limits: Limits::from(config), verification };
        let mut pollers = Vec::new();
        for (name, service) in &config.services {
            let items = items(config, (name, service), &shelf, &setup.status)?;
            if items.is_empty() {
                continue;
            }
            items.iter().for_each(|item| restore(item, &shelf, &vetting, setup));
            let with = (&setup.client, &setup.variables, &setup.clock);
            let made = Service::new(name, service, with, config.max_bundle_size.as_usize());
            pollers.push(Arc::new(Poller {
                service: made.map_err(|(key, why)| (format!("bundles.services.{name}.{key}"), why))?,
                polling: service.polling.clone(),
                items,
                vetting: vetting.clone(),
                shelf: Arc::clone(&shelf),
                status: Arc::clone(&setup.status),
                clock: setup.clock.clone(),
                observers: setup.observers.clone(),
                debounce: config.debounce.0,
                first: watch::Sender::new(false),
            }));
        }
        Ok(Self { shelf, pollers })
    }
}

fn items(
    config: &Config,
    (service_name, service): (&String, &ServiceConfig),
    shelf: &Shelf,
    status: &Status,
) -> Result<Vec<Arc<Item>>, (String, String)> {
    let mut items = Vec::new();
    for (name, remote) in config.remote.iter().filter(|(_, remote)| remote.service == *service_name) {
        let wrong = |key: &str, why| (format!("bundles.remote.{name}.{key}"), why);
        let resource = Resource::new(remote, service).map_err(|why| wrong("resource", why))?;
        let minimum = remote.minimum_revision.as_ref().map(|text| text.parse()).transpose();
        let minimum = minimum.map_err(|why| wrong("minimum_revision", why))?;
        let shown = resource.shown(service);
        shelf.expect(name, &shown, minimum.is_some());
        status.remote(name, |remote| (remote.service, remote.from) = (service_name.clone(), shown));
        let origin = sha256(format!("{}\n{}", service.url.expose(), remote.resource).as_bytes());
        items.push(Arc::new(Item { name: name.clone(), resource, origin, minimum }));
    }
    Ok(items)
}

/// Puts back what was kept of a bundle, as far as it may still be served.
fn restore(item: &Item, shelf: &Shelf, vetting: &Vetting, setup: &Setup) {
    let unusable = |why: &str| {
        tracing::warn!(bundle = item.name, why, "what was kept of the bundle is not used");
    };
    let kept = match shelf.kept(&item.name, vetting.limits.max_size) {
        Ok(Some(kept)) => kept,
        Ok(None) => return,
        Err(why) => return unusable(&why),
    };
    shelf.remember(&item.name, kept.highest.clone());
    if kept.fetched.origin != item.origin {
        return unusable("it is from another place than the configuration names now");
    }
    let (lowest, now) = (item.lowest(shelf), setup.clock.now());
    if let Err(why) = vetting.revision(&item.name, &kept.fetched.bytes, lowest.as_ref(), now) {
        return unusable(&why);
    }
    let age = now.unix_seconds().saturating_sub(kept.confirmed_at.unix_seconds());
    tracing::info!(
        bundle = item.name,
        revision = kept.fetched.revision,
        age_seconds = age,
        "found what was kept of the bundle"
    );
    setup.status.remote(&item.name, |remote| {
        remote.etag.clone_from(&kept.fetched.etag);
        remote.revision = Some(kept.fetched.revision.clone());
        remote.size = kept.fetched.bytes.len();
        (remote.fetched_at, remote.confirmed_at) = (Some(kept.fetched.at), Some(kept.confirmed_at));
        (remote.restored, remote.kept) = (true, true);
    });
    shelf.restore(kept);
}
