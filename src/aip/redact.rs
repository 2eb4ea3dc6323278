//! Data loss prevention: finds what must not leave, and takes it out.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use regex::Regex;

use super::schema::{OnMatch, Scope};

/// What was found, by rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The rule's name.
    pub rule: String,
    /// How often.
    pub count: usize,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) regex: Regex,
    pub(super) scope: Scope,
}

/// The rules of a policy.
#[derive(Debug)]
pub(super) struct Redactor {
    pub(super) rules: Vec<Rule>,
    pub(super) requests: Option<OnMatch>,
    pub(super) responses: bool,
    /// What finds text that may be encoded; none where that is not looked for.
    pub(super) encoded: Option<Regex>,
    pub(super) most: usize,
}

impl Redactor {
    /// A response without what the rules find, and what they found. Of a text that is too long, the part that is not looked at
    /// is left out.
    pub(super) fn redact(&self, text: &str) -> (String, Vec<Found>) {
        if !self.responses {
            return (text.to_owned(), Vec::new());
        }
        let within = self.within(text);
        let mut redacted = within.to_owned();
        let mut found = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.scope != Scope::Request) {
            let marker = format!("[REDACTED:{}]", rule.name);
            let count = rule.regex.find_iter(&redacted).count();
            if count > 0 {
                redacted = rule.regex.replace_all(&redacted, regex::NoExpand(&marker)).into_owned();
            }
            let (cleared, hidden) = self.clear_encoded(redacted, rule, &marker);
            redacted = cleared;
            if count + hidden > 0 {
                found.push(Found { rule: rule.name.clone(), count: count + hidden });
            }
        }
        if within.len() < text.len() {
            redacted.push_str("[REDACTED:too long to be scanned]");
        }
        (redacted, found)
    }

    /// The rule that a request does not keep, and whether that blocks it.
    pub(super) fn in_request(&self, text: &str) -> Option<(&str, bool)> {
        let blocks = self.requests? == OnMatch::Block;
        if text.len() > self.most {
            return Some(("max_scan_size", blocks));
        }
        let rule =
            self.rules.iter().filter(|rule| rule.scope != Scope::Response).find(|rule| {
                rule.regex.is_match(text) || self.clear_encoded(text.to_owned(), rule, "").1 > 0
            });
        rule.map(|rule| (rule.name.as_str(), blocks))
    }

    /// Takes out what holds, once decoded, what the rule finds.
    fn clear_encoded(&self, text: String, rule: &Rule, marker: &str) -> (String, usize) {
        let Some(encoded) = &self.encoded else { return (text, 0) };
        let mut count = 0;
        let cleared = encoded.replace_all(&text, |found: &regex::Captures<'_>| {
            let word = found.get(0).map_or("", |word| word.as_str());
            if decoded(word).iter().any(|plain| rule.regex.is_match(plain)) {
                count += 1;
                return marker.to_owned();
            }
            word.to_owned()
        });
        let cleared = cleared.into_owned();
        (cleared, count)
    }

    fn within<'t>(&self, text: &'t str) -> &'t str {
        let mut end = self.most.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or_default()
    }
}

/// Words that may be base64 or hexadecimal.
pub(super) const ENCODED: &str = "[A-Za-z0-9+/_-]{12,}={0,2}";

/// Every text that a word may stand for.
fn decoded(word: &str) -> Vec<String> {
    let base64 = [
        STANDARD.decode(word),
        STANDARD_NO_PAD.decode(word),
        URL_SAFE.decode(word),
        URL_SAFE_NO_PAD.decode(word),
    ];
    let pairs = word.as_bytes().chunks(2).map(|pair| {
        let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    });
    let hex: Option<Vec<u8>> = pairs.collect();
    base64.into_iter().flatten().chain(hex).filter_map(|bytes| String::from_utf8(bytes).ok()).collect()
}
