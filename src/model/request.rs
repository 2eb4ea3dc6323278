//! What a caller asks, and what is known of the call besides.

use std::fmt;

use verdict_rego::Segment;

/// A document below `data`, as the segments after it: `["app", "allow"]` is `data.app.allow`; empty is `data` itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EntryPath(Vec<String>);

/// What evaluation wants of it.
impl std::ops::Deref for EntryPath {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl EntryPath {
    /// From segments that are already decoded.
    pub fn from_segments(segments: Vec<String>) -> Self {
        Self(segments)
    }

    /// Reads the path of a URL behind `/v1/data` (still percent-encoded, with or without slashes at its ends).
    ///
    /// INVARIANT (one spelling): what could be read in two ways is refused, so that no proxy in front and no rule over
    /// paths can understand another document than the one that is evaluated. Trailing slash is the same path.
    ///
    /// # Errors
    /// An empty segment (`//`), a `.` or `..` segment, an encoded slash or control character, a backslash that is not encoded or
    /// that makes such segments if it is taken for a slash, a whole number in another spelling than its own (`00`, `1.0`), bad
    /// percent-encoding, or text that is not UTF-8.
    pub fn parse(path: &str) -> Result<Self, String> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            return Ok(Self::default());
        }
        path.split('/').map(decode_segment).collect::<Result<_, _>>().map(Self)
    }

    /// The decoded segments.
    pub fn segments(&self) -> &[String] {
        &self.0
    }
}

/// `app/allow`, as records and logs show it.
impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

fn decode_segment(raw: &str) -> Result<String, String> {
    let ambiguous = |what: &str| Err(format!("ambiguous path: {what} in `{raw}`"));
    if raw.is_empty() {
        return Err("ambiguous path: an empty segment (`//`)".to_owned());
    }
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' && !(0..2).all(|_| bytes.next().is_some_and(|b| b.is_ascii_hexdigit())) {
            return Err(format!("bad percent-encoding in `{raw}`"));
        }
    }
    let Ok(decoded) = percent_encoding::percent_decode_str(raw).decode_utf8() else {
        return Err(format!("`{raw}` is not UTF-8"));
    };
    if raw.contains('\\') {
        return ambiguous("a backslash, which is written `%5C`");
    }
    // A backslash is a character like others (`CORP\alice`). But who takes it for a slash must not be led elsewhere.
    if decoded.split('\\').any(|part| matches!(part, "." | "..")) {
        return ambiguous("a dot segment");
    }
    if decoded.contains('/') {
        return ambiguous("an encoded slash");
    }
    if decoded.chars().any(char::is_control) {
        return ambiguous("a control character");
    }
    if Segment::of(&decoded) == Segment::Ambiguous {
        return ambiguous("a number in another spelling than its own (`0`, `12`, `-3`)");
    }
    Ok(decoded.into_owned())
}

/// What is known of a call besides what it asks; goes into the record as it is.
#[derive(Debug, Clone, Default)]
pub struct RequestContext {
    /// The peer, as `address:port`.
    pub requested_by: Option<String>,
    /// The edge that took the call: `opa`, …
    pub protocol: &'static str,
    /// A number that counts the calls of this process, as OPA's `req_id`.
    pub req_id: u64,
    /// What a call of management wants to do, e.g. `GET /v1/status`; nothing for decisions.
    pub operation: Option<String>,
    /// The caller's `X-Request-ID`, if it sent a usable one.
    pub request_id: Option<String>,
    /// The caller's W3C `traceparent` (trace and span id, lower-case hex), if it sent a valid one.
    pub trace: Option<TraceContext>,
    /// The caller's `User-Agent`.
    pub user_agent: Option<String>,
}

/// A parsed W3C Trace Context header (version 00).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// 32 lower-case hex digits.
    pub trace_id: String,
    /// 16 lower-case hex digits.
    pub span_id: String,
}

impl TraceContext {
    /// Parses `00-<trace id>-<span id>-<flags>`; anything else is `None`, as the standard asks.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace_id, span_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |s: &str, n| s.len() == n && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let zero = |s: &str| s.bytes().all(|b| b == b'0');
        let known = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
        (known && hex(trace_id, 32) && hex(span_id, 16) && hex(flags, 2) && !zero(trace_id) && !zero(span_id))
            .then(|| Self { trace_id: trace_id.to_owned(), span_id: span_id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_a_path_or_a_refusal() {
        for (path, expected) in [
            ("", Some("")),
            ("/", Some("")),
            ("app/allow", Some("app/allow")),
            ("/app/allow/", Some("app/allow")),
            ("app/by_user/Zo%C3%AB", Some("app/by_user/Zoë")),
            ("a%20b", Some("a b")),
            ("app//allow", None),
            ("//app", None),
            ("app/../allow", None),
            ("app/%2e%2E/allow", None),
            ("app/./allow", None),
            ("app%2fallow", None),
            ("app%2Fallow", None),
            ("u/CORP%5Calice", Some("u/CORP\\alice")),
            ("u/CORP%5calice", Some("u/CORP\\alice")),
            ("u/CORP\\alice", None),
            ("app/..%5Callow", None),
            ("app/x%5C%2e%2e%5Cy", None),
            ("app/x%5C.", None),
            ("app/%00", None),
            ("app/0", Some("app/0")),
            ("app/-12", Some("app/-12")),
            ("app/1.5", Some("app/1.5")),
            ("app/1.2.0", Some("app/1.2.0")),
            ("app/1.", Some("app/1.")),
            ("app/e0", Some("app/e0")),
            ("app/00", None),
            ("app/-0", None),
            ("app/+1", None),
            ("app/1.0", None),
            ("app/0e0", None),
            ("app/%zz", None),
            ("app/%e", None),
            ("app/%ff", None),
        ] {
            let got = EntryPath::parse(path).ok().map(|p| p.to_string());
            assert_eq!(got.as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn traceparent_is_valid_or_ignored() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::parse(good).map(|t| t.span_id), Some("00f067aa0ba902b7".to_owned()));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
