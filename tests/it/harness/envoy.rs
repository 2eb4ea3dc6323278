//! A real Envoy, started for one test on a port of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{skipped, wait_until};

/// An Envoy that ends with the test.
pub struct Envoy {
    pub address: SocketAddr,
    child: Child,
    pub dir: TempDir,
}

/// Where Envoy is: on the PATH, or where `scripts/test` has put it.
pub fn program() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/envoy/envoy/_bin/envoy");
    let there = |program: &Path| Command::new(program).arg("--version").output().is_ok();
    [PathBuf::from("envoy"), built].into_iter().find(|program| there(program))
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Envoy {
    /// Starts one with a whole configuration, made for the port that it is to listen on. `None`, and a message, where there is none on
    /// this machine.
    pub fn start(what: &str, config: impl FnOnce(u16) -> String) -> Option<Self> {
        let Some(program) = program() else {
            skipped(&format!("{what}: there is no Envoy"));
            return None;
        };
        let (dir, port) = (TempDir::new().unwrap(), free_port());
        let file = dir.path().join("envoy.yaml");
        std::fs::write(&file, config(port)).unwrap();
        let log = std::fs::File::create(dir.path().join("envoy.log")).unwrap();
        let mut child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .args(["--concurrency", "1", "--disable-hot-restart", "-l", "warn"])
            .current_dir(dir.path())
            .stderr(Stdio::from(log.try_clone().unwrap()))
            .stdout(Stdio::from(log))
            .spawn()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        wait_until("Envoy", || {
            let ended = child.try_wait().unwrap();
            let log = || std::fs::read_to_string(dir.path().join("envoy.log")).unwrap();
            assert!(ended.is_none(), "Envoy has ended: {}", log());
            TcpStream::connect(address).is_ok()
        });
        Some(Self { address, child, dir })
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
