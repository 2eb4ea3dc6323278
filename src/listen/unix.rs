//! A Unix socket: its file, who may connect, and what becomes of it.
//!
//! INVARIANT (never open wider): the file has its permissions before anybody can find it under its name.
//! INVARIANT (whose it is): the socket of a server that runs is not taken over, and only one's own is removed at the end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;

/// `server.unix:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnixConfig {
    /// The socket's file. Its folder must be there.
    pub path: PathBuf,
    /// Who may connect: permissions of a file in octal, e.g. `0660`.
    #[serde(default = "usual_mode")]
    pub mode: String,
}

fn usual_mode() -> String {
    "0660".to_owned()
}

impl UnixConfig {
    /// Who may connect, as permissions of a file.
    ///
    /// # Errors
    /// The mode is none.
    pub fn permissions(&self) -> Result<u32, String> {
        let text = &self.mode;
        let digits = (3..=4).contains(&text.len()) && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777);
        mode.ok_or_else(|| format!("`{text}` is no file mode"))
    }
}

/// A socket that is listened on. Its file is removed when this is dropped, if it is still the same one.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    inode: (u64, u64),
}

impl UnixSocket {
    pub(super) const fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Listens on a Unix socket. One that a server has left behind is replaced.
///
/// # Errors
/// What is in the way, and what to do.
pub fn bind(config: &UnixConfig) -> Result<UnixSocket, String> {
    let path = &config.path;
    let failed = |error: io::Error| format!("cannot listen on {}: {error}", path.display());
    let mode = config.permissions()?;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(format!(
                "cannot listen on {}: there is a file that is no socket; choose another path",
                path.display()
            ));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(format!(
                "cannot listen on {}: another process listens there; stop it, or choose another path",
                path.display()
            ));
        }
        Ok(_) => {}
    }
    // Under a name that nobody knows until its permissions are right.
    let mut hidden = path.clone().into_os_string();
    hidden.push(format!(".{}", std::process::id()));
    let hidden = PathBuf::from(hidden);
    let _ = fs::remove_file(&hidden);
    let listener = UnixListener::bind(&hidden).map_err(failed)?;
    let placed = fs::set_permissions(&hidden, Permissions::from_mode(mode))
        .and_then(|()| fs::rename(&hidden, path))
        .and_then(|()| inode(path));
    match placed {
        Ok(inode) => Ok(UnixSocket { listener, path: path.clone(), inode }),
        Err(error) => {
            let _ = fs::remove_file(&hidden);
            Err(failed(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal() {
        for (text, expected) in [
            ("0660", Some(0o660)),
            ("600", Some(0o600)),
            ("0777", Some(0o777)),
            ("660 ", None),
            ("0888", None),
            ("1777", None),
            ("+660", None),
            ("6", None),
            ("rw-rw----", None),
            ("", None),
        ] {
            let config = UnixConfig { path: PathBuf::new(), mode: text.to_owned() };
            assert_eq!(config.permissions().ok(), expected, "{text}");
        }
    }
}
