//! A real nginx, started for one test on a port of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{skipped, wait_until};

/// An nginx that ends with the test.
pub struct Nginx {
    pub address: SocketAddr,
    child: Child,
    _dir: TempDir,
}

impl Nginx {
    /// Starts one with these lines of a `server`, besides `listen`. `prepare` puts files into its folder. `None`, and a message,
    /// where there is none on this machine.
    pub fn start(
        what: &str,
        lines: &str,
        listen: &str,
        prepare: impl FnOnce(&std::path::Path),
    ) -> Option<Self> {
        if Command::new("nginx").arg("-v").output().is_err() {
            skipped(&format!("{what}: there is no nginx"));
            return None;
        }
        let dir = TempDir::new().unwrap();
        prepare(dir.path());
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr;\nevents {{}}\nhttp {{\n  access_log off;\n  \
             client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;\n  \
             scgi_temp_path scgi;\n  server {{\n    listen 127.0.0.1:{port} {listen};\n{lines}\n  }}\n}}\n"
        );
        std::fs::write(dir.path().join("nginx.conf"), config).unwrap();
        let log = std::fs::File::create(dir.path().join("errors.log")).unwrap();
        let mut child = Command::new("nginx")
            .arg("-p")
            .arg(dir.path())
            .args(["-c", "nginx.conf"])
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        wait_until("nginx", || {
            let ended = child.try_wait().unwrap();
            let log = || std::fs::read_to_string(dir.path().join("errors.log")).unwrap();
            assert!(ended.is_none(), "nginx has ended: {}", log());
            TcpStream::connect(address).is_ok()
        });
        Some(Self { address, child, _dir: dir })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
