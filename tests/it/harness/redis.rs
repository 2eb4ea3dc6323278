//! A real Redis, started for one test on a port of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::skipped;

/// A Redis that ends with the test. It keeps nothing on disk.
pub struct Redis {
    port: u16,
    child: Child,
    dir: TempDir,
}

impl Redis {
    /// Starts one; `None`, and a message, where there is none on this machine.
    pub fn start() -> Option<Self> {
        if Command::new("redis-server").arg("--version").output().is_err() {
            skipped("limits and nonces in Redis: there is no redis-server");
            return None;
        }
        let dir = TempDir::new().unwrap();
        for _ in 0..10 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            if let Some(child) = run(&dir, port) {
                return Some(Self { port, child, dir });
            }
        }
        panic!("redis-server does not start");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port, with nothing in it.
    pub fn restart(&mut self) {
        self.kill();
        self.child = run(&self.dir, self.port).unwrap();
    }

    /// Stops (`STOP`) or continues (`CONT`) the process.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// What `redis-cli` says to a command, a line each.
    pub fn cli(&self, command: &[&str]) -> Vec<String> {
        let port = self.port.to_string();
        let said = Command::new("redis-cli").args(["-p", &port, "--raw"]).args(command).output().unwrap();
        String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a process and waits until it takes connections; `None` if it ended instead.
fn run(dir: &TempDir, port: u16) -> Option<Child> {
    let port_text = port.to_string();
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port_text, "--save", "", "--appendonly", "no", "--dir"])
        .arg(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if TcpStream::connect(address).is_ok() {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}
