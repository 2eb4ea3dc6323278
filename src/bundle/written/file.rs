//! Where it is kept: one file, which is replaced as a whole.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::state::Written;
use verdict_rego::json;

/// The version of the format.
const VERSION: u32 = 1;
/// More than anything that can be written.
const LEVELS: u8 = u8::MAX;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    revision: u64,
    policies: BTreeMap<String, Arc<str>>,
    data: Box<RawValue>,
}

/// Reads it; nothing was written where there is no file.
///
/// # Errors
/// A file that cannot be read, or that is none of ours.
pub(in crate::bundle) fn read(file: &Path) -> Result<Written, String> {
    let bytes = match std::fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Written::default()),
        read => read.map_err(|error| format!("cannot read `{}`: {error}", file.display()))?,
    };
    parse(&bytes).map_err(|why| {
        format!("`{}`, where what was written through the API is kept, is damaged: {why}", file.display())
    })
}

fn parse(bytes: &[u8]) -> Result<Written, String> {
    let kept: Kept = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if kept.version != VERSION {
        return Err(format!("its version is {}, and this server knows version {VERSION}", kept.version));
    }
    let data = json::read_nested(kept.data.get().as_bytes(), LEVELS).map_err(|error| error.to_string())?;
    if !data.is_object() {
        return Err("its data is no object".to_owned());
    }
    Ok(Written { revision: kept.revision, policies: kept.policies, data })
}

/// Its text in the file.
///
/// # Errors
/// Text that cannot be written as JSON; there is none.
pub(in crate::bundle) fn text(written: &Written) -> Result<String, String> {
    let Written { revision, policies, data } = written;
    let data = RawValue::from_string(data.to_string()).map_err(|error| error.to_string())?;
    let kept = Kept { version: VERSION, revision: *revision, policies: policies.clone(), data };
    serde_json::to_string(&kept).map_err(|error| error.to_string())
}

/// Replaces the file. After a crash there is the old one or the new one.
///
/// # Errors
/// The disk's.
pub(in crate::bundle) fn save(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let draft = file.with_extension("json.tmp");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut new = options.open(&draft)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    std::fs::rename(&draft, file)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::*;
    use verdict_rego::Value;

    #[test]
    fn what_is_saved_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state/written.json");
        assert!(read(&file).unwrap().is_empty());
        let deep = format!("{}1{}", "[".repeat(64), "]".repeat(64));
        let deep = Value::from_json(deep.as_bytes()).unwrap();
        let path = vec!["a".to_owned(); 64];
        let put = Change::PutData { path, value: deep, only_new: false };
        let policy = Change::PutPolicy { id: "a\"b.rego".to_owned(), source: "package a\n\u{e9}".to_owned() };
        let written = Written::default().with(&put).unwrap().unwrap().with(&policy).unwrap().unwrap();
        save(&file, &text(&written).unwrap()).unwrap();
        let again = read(&file).unwrap();
        assert_eq!((again.revision, &again.policies), (2, &written.policies));
        assert_eq!(again.data, written.data);
        for damaged in ["", "{", r#"{"version":2,"revision":0,"policies":{},"data":{}}"#] {
            std::fs::write(&file, damaged).unwrap();
            assert!(read(&file).unwrap_err().contains("is damaged"), "{damaged}");
        }
    }
}
