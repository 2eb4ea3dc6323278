//! The cache of `http.send`: which responses are stored, and for how long (RFC 9111, as far as OPA follows it).

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::outbound::Response;
use crate::value::Value;

/// The status codes of responses that may be stored.
const KEPT: [u16; 11] = [200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501];
/// The upper bound of `max-age`, in seconds.
const MAX_AGE: i64 = i32::MAX as i64;
const SECOND: i64 = 1_000_000_000;

/// How long a response is stored.
#[derive(Debug, Clone, Copy)]
pub enum Keeping {
    /// As long as its headers say.
    AsHeadersSay,
    /// This number of seconds, regardless of its headers.
    Forced(i64),
}

/// When a response expires, in nanoseconds since 1970; 0 requires revalidation.
pub struct Freshness {
    pub expires: i64,
    may_be_stored: bool,
}

impl Freshness {
    /// Of a response with these headers that came at `now`.
    pub fn of(headers: &[(String, String)], now: i64, keeping: Keeping) -> Self {
        if let Keeping::Forced(seconds) = keeping {
            let expires = now.saturating_add(seconds.saturating_mul(SECOND));
            return Self { expires, may_be_stored: true };
        }
        let header = |wanted: &str| {
            headers
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
                .unwrap_or_default()
        };
        let directives: Vec<(&str, Option<&str>)> = header("cache-control")
            .split(',')
            .map(|part| match part.trim().split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim_matches(['"', ' ']))),
                None => (part.trim(), None),
            })
            .collect();
        let says = |wanted: &str| directives.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let may_be_stored = says("no-store").is_none();
        let expires = match says("max-age") {
            _ if says("no-cache").is_some() => None,
            Some((_, age)) => age
                .and_then(max_age)
                .and_then(|age| Some(date(header("date"))?.saturating_add(age.saturating_mul(SECOND)))),
            None => date(header("expires")),
        };
        Self { expires: expires.unwrap_or(0), may_be_stored }
    }

    pub fn may_be_kept(&self, status: u16) -> bool {
        self.may_be_stored && KEPT.contains(&status)
    }
}

fn max_age(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(MAX_AGE).min(MAX_AGE))
}

/// A date in any of the forms of RFC 9110 section 5.6.7, in nanoseconds since 1970.
fn date(text: &str) -> Option<i64> {
    let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let read = |form| DateTime::strptime(form, text).ok();
    let time = forms.into_iter().find_map(read)?.to_zoned(TimeZone::UTC).ok()?;
    i64::try_from(time.timestamp().as_nanosecond()).ok()
}

/// A stored response.
#[derive(Debug)]
pub struct Kept {
    pub response: Response,
    /// As in [`Freshness`].
    pub expires: i64,
}

impl Kept {
    /// Whether it can be used without revalidation.
    pub const fn is_fresh(&self, now: i64) -> bool {
        now < self.expires
    }

    /// A header, unless it is empty.
    pub fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.response.headers.iter();
        headers.find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Updated with the headers of a `304 Not Modified` response.
    pub fn updated(&self, not_modified: &Response) -> Response {
        let mut response = self.response.clone();
        response.headers.retain(|(name, _)| !not_modified.headers.iter().any(|(other, _)| other == name));
        response.headers.extend(not_modified.headers.iter().cloned());
        response
    }
}

/// The cache, by request.
pub struct Responses(Option<Cache<Value, std::sync::Arc<Kept>, BySize>>);

#[derive(Clone)]
struct BySize;

impl Weighter<Value, std::sync::Arc<Kept>> for BySize {
    fn weight(&self, key: &Value, kept: &std::sync::Arc<Kept>) -> u64 {
        let headers: usize =
            kept.response.headers.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        // What the request's own parts take beyond their text.
        const EACH: usize = 1024;
        (key.to_string().len() * 2 + headers + kept.response.body.len() + EACH) as u64
    }
}

impl Responses {
    /// A cache of at most `max_bytes` bytes; 0 disables it.
    pub fn new(max_bytes: u64) -> Self {
        let items = usize::try_from(max_bytes / 4096).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        Self((max_bytes > 0).then(|| Cache::with_weighter(items, max_bytes, BySize)))
    }

    pub(crate) fn get(&self, key: &Value) -> Option<std::sync::Arc<Kept>> {
        self.0.as_ref()?.get(key)
    }

    pub(crate) fn keep(&self, key: &Value, kept: Kept) {
        if let Some(cache) = &self.0 {
            cache.insert(key.clone(), std::sync::Arc::new(kept));
        }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Cache::len)
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, Cache::weight)
    }
}

impl Default for Responses {
    fn default() -> Self {
        Self::new(0)
    }
}

impl fmt::Debug for Responses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responses").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_445_412_480 * SECOND;
    const DATE: &str = "Wed, 21 Oct 2015 07:28:00 GMT";

    #[test]
    fn freshness_as_the_headers_say() {
        for (headers, seconds, stored) in [
            (vec![("cache-control", "max-age=60"), ("date", DATE)], Some(60), true),
            (vec![("cache-control", "public, max-age=60"), ("date", DATE)], Some(60), true),
            (vec![("cache-control", "max-age=99999999999999999999"), ("date", DATE)], Some(MAX_AGE), true),
            (vec![("cache-control", "max-age=60")], None, true),
            (vec![("cache-control", "max-age=x"), ("date", DATE)], None, true),
            (vec![("cache-control", "no-cache, max-age=60"), ("date", DATE)], None, true),
            (vec![("cache-control", "no-store, max-age=60"), ("date", DATE)], Some(60), false),
            (vec![("expires", "Wed, 21 Oct 2015 07:29:00 GMT")], Some(60), true),
            (vec![("expires", "Wednesday, 21-Oct-15 07:29:00 GMT")], Some(60), true),
            (vec![("expires", "Wed Oct 21 07:29:00 2015")], Some(60), true),
            (vec![("expires", "0")], None, true),
            (vec![("expires", "Thu, 21 Oct 2015 07:29:00 GMT")], None, true),
            (vec![("expires", "Wed, 21 Oct 2015 07:29:00 UTC")], None, true),
            (vec![("expires", "Wed, 21 Oct 2015 25:29:00 GMT")], None, true),
            (vec![], None, true),
        ] {
            let owned: Vec<_> = headers.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
            let got = Freshness::of(&owned, NOW, Keeping::AsHeadersSay);
            let want = seconds.map_or(0, |seconds| NOW + seconds * SECOND);
            assert_eq!((got.expires, got.may_be_stored), (want, stored), "{headers:?}");
        }
        let forced = Freshness::of(&[("cache-control".into(), "no-store".into())], NOW, Keeping::Forced(5));
        assert!(forced.expires == NOW + 5 * SECOND && forced.may_be_kept(200) && !forced.may_be_kept(500));
    }

    #[test]
    fn it_does_not_grow_beyond_its_size() {
        let responses = Responses::new(256 << 10);
        for n in 0..1000 {
            let response =
                Response { status: 200, reason: String::new(), headers: Vec::new(), body: vec![0; 4096] };
            responses.keep(&Value::from(n), Kept { response, expires: 0 });
        }
        assert!(responses.len() > 10 && responses.bytes() <= 256 << 10, "{}", responses.bytes());
        let huge =
            Response { status: 200, reason: String::new(), headers: Vec::new(), body: vec![0; 1 << 20] };
        responses.keep(&Value::from("huge"), Kept { response: huge, expires: 0 });
        assert!(responses.get(&Value::from("huge")).is_none() && responses.bytes() <= 256 << 10);
    }
}
