//! What is given in a file or on standard input, because arguments are no place for it.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use crate::cli::print::note;
use crate::model::secret::Secret;

/// Larger than any key, token or secret, in bytes.
const LARGEST: u64 = 1 << 20;

/// The text of a file, or, without one or for `-`, of standard input.
///
/// # Errors
/// It cannot be read, is too large, or is no text.
pub fn text(file: Option<&Path>, called: &str) -> Result<Secret<String>, String> {
    let mut text = String::new();
    let read = match file.filter(|file| *file != Path::new("-")) {
        Some(file) => {
            let opened = std::fs::File::open(file);
            let read = opened.and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
            read.map_err(|error| format!("cannot read {called} from `{}`: {error}", file.display()))
        }
        None => {
            let mut input = std::io::stdin().lock();
            if input.is_terminal() {
                note(&format!(
                    "type {called}, which is shown, then end the input (Ctrl-D on a line of its own)"
                ));
            }
            let read = input.by_ref().take(LARGEST + 1).read_to_string(&mut text);
            read.map_err(|error| format!("cannot read {called} from standard input: {error}"))
        }
    };
    read?;
    if text.len() as u64 > LARGEST {
        return Err(format!("{called} has more than {LARGEST} bytes"));
    }
    Ok(Secret::new(text))
}

/// A key or a token: what stands alone in a text.
///
/// # Errors
/// Nothing does.
pub fn key(text: &Secret<String>, origin: &str) -> Result<Secret<String>, String> {
    let key = text.expose().trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("{origin} is not one key or token: visible ASCII characters without spaces"));
    }
    Ok(Secret::new(key.to_owned()))
}
