//! One client for each way in which requests want their connections encrypted, and the check of addresses in all.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use quick_cache::sync::Cache;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Identity, Url};

use super::allow::Allow;
use super::{Config, chain};
use verdict_rego::outbound::Tls;

/// The most ways that are remembered, each with its connections.
const MAX_CLIENTS: usize = 64;

/// The clients.
pub(super) struct Clients {
    allow: Arc<Allow>,
    config: Config,
    /// By what the request says of TLS, and the host where another name is asked for.
    made: Cache<(Tls, Option<String>), reqwest::Client>,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl Clients {
    pub(super) fn new(allow: Arc<Allow>, config: Config) -> Self {
        Self { allow, config, made: Cache::new(MAX_CLIENTS) }
    }

    /// The client for a URL, and the URL to ask it for.
    ///
    /// A server name of its own stands in the URL, and the resolver leads it to the host that was meant: so the name is
    /// what is sent and what the certificate must have.
    pub(super) fn of(&self, tls: &Tls, url: &Url) -> Result<(reqwest::Client, Url), String> {
        if url.scheme() != "https" {
            return Ok((self.made(&Tls { system_roots: Some(false), ..Tls::default() }, None)?, url.clone()));
        }
        let host = url.host_str().unwrap_or_default();
        // A port behind the name is of the header that it was taken from, and an address is no name.
        let name = tls.server_name.as_deref().filter(|name| !name.starts_with('['));
        let name = name.and_then(|name| name.split(':').next()).filter(|name| *name != host);
        let Some(name) = name else {
            let tls = Tls { server_name: None, ..tls.clone() };
            return Ok((self.made(&tls, None)?, url.clone()));
        };
        let mut named = url.clone();
        named.set_host(Some(name)).map_err(|_| format!("`{name}` is no server name"))?;
        let tls = Tls { server_name: Some(name.to_owned()), ..tls.clone() };
        Ok((self.made(&tls, Some(host.trim_matches(['[', ']'])))?, named))
    }

    fn made(&self, tls: &Tls, host: Option<&str>) -> Result<reqwest::Client, String> {
        let key = (tls.clone(), host.map(str::to_owned));
        self.made.get_or_insert_with(&key, || self.make(tls, host))
    }

    fn make(&self, tls: &Tls, host: Option<&str>) -> Result<reqwest::Client, String> {
        let resolver = Checked { allow: Arc::clone(&self.allow), host: host.map(str::to_owned) };
        let mut builder = super::builder(&self.config).dns_resolver(Arc::new(resolver));
        let mut roots = Vec::new();
        for pem in &tls.roots {
            let read = Certificate::from_pem_bundle(pem).map_err(|error| chain(&error))?;
            if read.is_empty() {
                return Err("could not append certificates".to_owned());
            }
            roots.extend(read);
        }
        builder = match tls.system_roots {
            Some(true) => builder.tls_certs_merge(roots),
            None if tls.roots.is_empty() => builder,
            None | Some(false) => builder.tls_certs_only(roots),
        };
        if let Some((certificate, key)) = &tls.identity {
            let pem = [certificate.as_slice(), b"\n", key].concat();
            let identity = Identity::from_pem(&pem).map_err(|error| format!("tls: {}", chain(&error)))?;
            builder = builder.identity(identity);
        }
        if tls.unverified {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        builder.build().map_err(|error| chain(&error))
    }
}

/// Leads names only to addresses that may be called.
struct Checked {
    allow: Arc<Allow>,
    /// Where every name leads, if it is another.
    host: Option<String>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = Arc::clone(&self.allow);
        let host = self.host.clone().unwrap_or_else(|| name.as_str().to_owned());
        Box::pin(async move {
            // An address is one that is listed itself.
            let listed = host.parse::<IpAddr>().is_ok();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let found: Vec<SocketAddr> =
                found.map_err(|_| format!("dial tcp: lookup {host}: no such host"))?.collect();
            let mut refused = None;
            let mut usable = Vec::new();
            for address in found {
                match allow.check_address(&host, address.ip()) {
                    Err(why) if !listed => refused = Some(why),
                    _ => usable.push(address),
                }
            }
            if usable.is_empty() {
                let none = || format!("dial tcp: lookup {host}: no such host");
                return Err(refused.unwrap_or_else(none).into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}
