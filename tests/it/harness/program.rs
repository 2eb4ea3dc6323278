//! A real program that serves, started for one test.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{skipped, wait_until};

/// A program that ends with the test.
pub struct Program {
    pub address: SocketAddr,
    child: Child,
    _dir: TempDir,
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Program {
    /// Starts a program in a folder with these files, which listens on `port`. `None`, and a message, where there is none on this machine.
    pub fn start(what: &str, command: &[&str], port: u16, files: &[(&str, &str)]) -> Option<Self> {
        let (program, args) = command.split_first().unwrap();
        if Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            skipped(&format!("{what}: there is no {program}"));
            return None;
        }
        let dir = TempDir::new().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let mut child = Command::new(program)
            .args(args)
            .current_dir(dir.path())
            // Where some keep state.
            .env("HOME", dir.path())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        wait_until(program, || {
            let ended = child.try_wait().unwrap();
            let log = || std::fs::read_to_string(dir.path().join("log")).unwrap();
            assert!(ended.is_none(), "{program} has ended: {}", log());
            TcpStream::connect(address).is_ok()
        });
        Some(Self { address, child, _dir: dir })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
