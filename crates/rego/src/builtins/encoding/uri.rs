//! `uri.*`

use crate::builtins::context::{Context, argument, text};
use crate::builtins::encoding::go_url;
use crate::builtins::error::Error;
use crate::value::Value;

pub fn parse(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let url = go_url::parse(text(args, 1)?).map_err(Error::failed)?;
    Ok(Some(url.parts()))
}

pub fn is_valid(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let text = argument(args, 1)?.as_str().unwrap_or_default();
    Ok(Some(Value::from(!text.is_empty() && go_url::parse(text).is_ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_that_there_are_are_shown() {
        for (text, want) in [
            ("", "{}"),
            ("mailto:x@y", r#"{"scheme":"mailto"}"#),
            ("HTTP://u:p@[::1%25eth0]", r#"{"hostname":"::1%eth0","scheme":"http"}"#),
            ("//h:", r#"{"hostname":"h"}"#),
            ("/a%20b?#%20", r#"{"fragment":" ","path":"/a b","raw_path":"/a b"}"#),
            ("a%2Fb?c=%64", r#"{"path":"a/b","raw_path":"a%2Fb","raw_query":"c=%64"}"#),
        ] {
            let parts = go_url::parse(text).unwrap().parts();
            assert_eq!(crate::json::read(want.as_bytes()).unwrap(), parts, "{text}");
        }
    }
}
