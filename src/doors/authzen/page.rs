//! Pages of a search: what a request may say of them, and the tokens that lead from one to the next.
//!
//! A token has a place in the list of candidates, the limit of the pages, and the digest of the query that it belongs to. It is no
//! secret and needs no key: every candidate is decided about again, so whoever makes one up finds nothing that it would not have found
//! without.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use verdict_rego::Value;

/// What a request says of the page that it wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// The most results; as many as there are without it.
    pub(super) limit: Option<usize>,
    /// How many candidates have been decided about on the pages before.
    pub(super) offset: usize,
    query: Vec<u8>,
}

impl Page {
    /// Reads `page` of a body; none where that has none. `query` is everything else that makes the query.
    ///
    /// # Errors
    /// What is wrong with it, and a token of another query or of pages with another limit.
    pub(super) fn read(page: Option<&Value>, query: &str) -> Result<Option<Self>, String> {
        let page = match page {
            None | Some(Value::Null) => return Ok(None),
            Some(page) if page.is_object() => page,
            Some(_) => return Err("`page` is not an object".to_owned()),
        };
        let limit = match page.get("limit") {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => {
                let limit = number.as_i64().and_then(|limit| usize::try_from(limit).ok());
                Some(limit.ok_or("`page.limit` is not a whole number from 0 up")?)
            }
            Some(_) => return Err("`page.limit` is not a number".to_owned()),
        };
        let query = digest(&SHA256, query.as_bytes()).as_ref().to_vec();
        let token = match page.get("token") {
            None | Some(Value::Null) => "",
            Some(Value::String(token)) => &**token,
            Some(_) => return Err("`page.token` is not a string".to_owned()),
        };
        if token.is_empty() {
            return Ok(Some(Self { limit, offset: 0, query }));
        }
        let (offset, before) = read_token(token, &query)?;
        if limit.is_some() && limit != before {
            return Err("`page.limit` is not the one that the first page was asked for with".to_owned());
        }
        Ok(Some(Self { limit: before, offset, query }))
    }

    /// The token of the page that begins after so many candidates; empty where that is the last of them.
    pub(super) fn next(&self, decided: usize, candidates: usize) -> String {
        let offset = self.offset.saturating_add(decided);
        if offset >= candidates {
            return String::new();
        }
        let limit = self.limit.map_or(NO_LIMIT, |limit| limit as u64);
        let mut bytes = (offset as u64).to_be_bytes().to_vec();
        bytes.extend(limit.to_be_bytes());
        bytes.extend(&self.query);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// In a token, that there is no limit.
const NO_LIMIT: u64 = u64::MAX;

/// The offset and the limit that a token says.
fn read_token(token: &str, query: &[u8]) -> Result<(usize, Option<usize>), String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let parts = bytes.split_first_chunk::<8>().and_then(|(offset, rest)| {
        let (limit, of_query) = rest.split_first_chunk::<8>()?;
        Some((u64::from_be_bytes(*offset), u64::from_be_bytes(*limit), of_query))
    });
    match parts {
        Some((offset, limit, of_query)) if of_query == query => {
            let limit = (limit != NO_LIMIT).then(|| usize::try_from(limit).unwrap_or(usize::MAX));
            Ok((usize::try_from(offset).unwrap_or(usize::MAX), limit))
        }
        Some((.., of_query)) if of_query.len() == query.len() => {
            Err("`page.token` belongs to another query: entities and context stay the same from page to page"
                .to_owned())
        }
        _ => Err("`page.token` is not a token of this server".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str, query: &str) -> Result<Option<Page>, String> {
        Page::read(Some(&Value::from_json(text.as_bytes()).unwrap()), query)
    }

    #[test]
    fn a_token_leads_on_in_the_same_query_only() {
        let first = page(r#"{"limit": 2}"#, "q").unwrap().unwrap();
        assert_eq!((first.limit, first.offset), (Some(2), 0));
        let token = first.next(3, 5);
        let next = |limit: &str, query: &str| page(&format!(r#"{{"token": "{token}"{limit}}}"#), query);
        for limit in ["", r#", "limit": 2"#, r#", "limit": null"#] {
            let next = next(limit, "q").unwrap().unwrap();
            assert_eq!((next.limit, next.offset), (Some(2), 3), "{limit}");
        }
        for (limit, query, why) in
            [(r#", "limit": 3"#, "q", "`page.limit` is not the one"), ("", "r", "another query")]
        {
            assert!(next(limit, query).unwrap_err().contains(why), "{limit} {query}");
        }
        assert_eq!(first.next(5, 5), "");
        assert_eq!(first.next(0, 0), "");
        let endless = page("{}", "q").unwrap().unwrap().next(1, 2);
        let next = page(&format!(r#"{{"token": "{endless}"}}"#), "q").unwrap().unwrap();
        assert_eq!((next.limit, next.offset), (None, 1));
    }

    #[test]
    fn what_is_no_page_is_said() {
        assert_eq!(Page::read(None, "q"), Ok(None));
        assert_eq!(page("null", "q"), Ok(None));
        for (text, why) in [
            ("1", "`page` is not an object"),
            (r#"{"limit": -1}"#, "not a whole number"),
            (r#"{"limit": 1.5}"#, "not a whole number"),
            (r#"{"limit": "1"}"#, "`page.limit` is not a number"),
            (r#"{"token": 1}"#, "`page.token` is not a string"),
            (r#"{"token": "x"}"#, "not a token of this server"),
        ] {
            assert!(page(text, "q").unwrap_err().contains(why), "{text}");
        }
        assert_eq!(page(r#"{"token": "", "other": 1}"#, "q").unwrap().unwrap().offset, 0);
    }
}
