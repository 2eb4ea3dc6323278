//! The clients behind policy's calls: one for each TLS configuration that requests ask for, all of which check the
//! addresses that they connect to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use quick_cache::sync::Cache;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Identity, Url};

use super::allow::Allow;
use super::lookup::Lookup;
use super::{Config, chain};
use verdict_rego::outbound::Tls;

/// How many clients are kept, each with its connections.
const MAX_CLIENTS: usize = 64;

/// The clients that were built so far.
pub(super) struct Clients {
    allow: Arc<Allow>,
    lookup: Arc<dyn Lookup>,
    config: Config,
    /// By TLS configuration, and by the host that is meant where the server name is another.
    made: Cache<(Tls, Option<String>), reqwest::Client>,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl Clients {
    pub(super) fn new(allow: Arc<Allow>, lookup: Arc<dyn Lookup>, config: Config) -> Self {
        Self { allow, lookup, config, made: Cache::new(MAX_CLIENTS) }
    }

    /// The client for a URL, and the URL to ask it for.
    ///
    /// Where the request names another server than the URL does, that name stands in the returned URL (so it is sent as
    /// SNI and must be in the certificate), and the client's resolver leads it to the addresses of the host that was
    /// meant. INVARIANT (checked addresses): such a name is a DNS name. An address in its place would be connected to
    /// without asking the resolver.
    pub(super) fn of(&self, tls: &Tls, url: &Url) -> Result<(reqwest::Client, Url), String> {
        if url.scheme() != "https" {
            return Ok((self.made(&Tls { system_roots: Some(false), ..Tls::default() }, None)?, url.clone()));
        }
        let host = url.host_str().unwrap_or_default();
        let named = match &tls.server_name {
            Some(name) => with_server_name(url, name)?,
            None => None,
        };
        let Some(named) = named else {
            let tls = Tls { server_name: None, ..tls.clone() };
            return Ok((self.made(&tls, None)?, url.clone()));
        };
        let tls = Tls { server_name: named.host_str().map(str::to_owned), ..tls.clone() };
        Ok((self.made(&tls, Some(host.trim_matches(['[', ']'])))?, named))
    }

    fn made(&self, tls: &Tls, host: Option<&str>) -> Result<reqwest::Client, String> {
        let key = (tls.clone(), host.map(str::to_owned));
        self.made.get_or_insert_with(&key, || self.make(tls, host))
    }

    fn make(&self, tls: &Tls, host: Option<&str>) -> Result<reqwest::Client, String> {
        let resolver = Checked {
            allow: Arc::clone(&self.allow),
            lookup: Arc::clone(&self.lookup),
            host: host.map(str::to_owned),
        };
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

/// `url` with another server name in it; `None` where it is the URL's own host.
///
/// The name may have a port, as a `Host` header has.
///
/// # Errors
/// When it is not a DNS name.
fn with_server_name(url: &Url, name: &str) -> Result<Option<Url>, String> {
    let host = match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => name,
    };
    let mut named = url.clone();
    let not_a_name = || {
        format!(
            "`{name}` is not a dns name; over https, `tls_server_name` (or a `Host` header without it) must be one, or \
             the host of the url"
        )
    };
    if host.contains(':') && !host.starts_with('[') {
        return Err(not_a_name());
    }
    named.set_host(Some(host)).map_err(|_| not_a_name())?;
    if named.host() == url.host() {
        return Ok(None);
    }
    match named.domain() {
        Some(_) => Ok(Some(named)),
        None => Err(not_a_name()),
    }
}

/// Resolves names for every connection, and only to addresses that may be connected to.
///
/// INVARIANT (looked up once): the addresses that are checked are the ones that are connected to. No second lookup
/// stands between, whose answer could be another.
struct Checked {
    allow: Arc<Allow>,
    lookup: Arc<dyn Lookup>,
    /// Where every name leads, if it is another.
    host: Option<String>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow, lookup) = (Arc::clone(&self.allow), Arc::clone(&self.lookup));
        let host = self.host.clone().unwrap_or_else(|| name.as_str().to_owned());
        Box::pin(async move {
            // An address in the URL was itself checked against the list of hosts.
            if let Ok(address) = host.parse::<IpAddr>() {
                return Ok(Box::new(std::iter::once(SocketAddr::new(address, 0))) as Addrs);
            }
            let no_such_host = || format!("dial tcp: lookup {host}: no such host");
            let found = lookup.look_up(&host).await.map_err(|_| no_such_host())?;
            let mut refused = None;
            let mut usable = Vec::new();
            for address in found {
                match allow.check_address(&host, address) {
                    Err(why) => refused = Some(why),
                    Ok(()) => usable.push(SocketAddr::new(address, 0)),
                }
            }
            if usable.is_empty() {
                return Err(refused.unwrap_or_else(no_such_host).into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}
