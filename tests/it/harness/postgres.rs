//! A real PostgreSQL: one server for all tests of the process, with a database for each, or one for a test of its own.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};
use tempfile::TempDir;

use super::skipped;

/// What nobody may see.
pub const PASSWORD: &str = "hunter2-of-the-tests";

/// A server. It ends with the value, and with the test's process, however that ends.
pub struct Postgres {
    dir: TempDir,
    port: u16,
    child: Option<Child>,
    sync: bool,
    databases: AtomicUsize,
}

impl Postgres {
    /// The one that tests share; `None`, and a message, where there is none on this machine.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(false)).as_ref()
    }

    /// Starts one for a test that ends it; `sync` if what it has acknowledged is to be on disk.
    pub fn start(sync: bool) -> Option<Self> {
        let Some(programs) = programs() else {
            skipped("the registry in PostgreSQL: there is no postgres");
            return None;
        };
        let dir = TempDir::new().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        fs::set_permissions(dir.path().join("data"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(dir.path().join("password"), PASSWORD).unwrap();
        give_away(dir.path());
        let made = unprivileged(&programs.join("initdb"))
            .args([
                "--no-sync",
                "--auth=scram-sha-256",
                "--username=verdict",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ])
            .arg(format!("--pwfile={}", dir.path().join("password").display()))
            .arg(format!("--pgdata={}", dir.path().join("data").display()))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        certificate(dir.path());
        let mut server = Self { dir, port: 0, child: None, sync, databases: AtomicUsize::new(0) };
        for _ in 0..10 {
            server.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            if server.run() {
                return Some(server);
            }
        }
        panic!("postgres does not start");
    }

    /// Starts the process, and waits until it takes connections; `false` if it ended instead.
    fn run(&mut self) -> bool {
        let programs = programs().unwrap();
        // Ends the server as soon as standard input does, which the test's process holds open.
        let script = r#""$@" & server=$!; read -r _; kill -QUIT $server; wait $server"#;
        let log = fs::File::create(self.dir.path().join("log")).unwrap();
        let sync = if self.sync { "on" } else { "off" };
        let mut child = unprivileged(Path::new("/bin/sh"))
            .args(["-c", script, "sh"])
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(self.dir.path().join("data"))
            .arg("-k")
            .arg(self.dir.path().join("data"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-F"].into_iter().take(if self.sync {
                4
            } else {
                5
            }))
            .args(["-c", &format!("full_page_writes={sync}"), "-c", "max_connections=200", "-c", "ssl=on"])
            .args(["-c", "shared_buffers=32MB"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if self.connect("postgres").is_ok() {
                self.child = Some(child);
                return true;
            }
            if !self.dir.path().join("data/postmaster.pid").exists() && self.log().contains("could not") {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    fn log(&self) -> String {
        let mut text = String::new();
        let _ = fs::File::open(self.dir.path().join("log")).unwrap().read_to_string(&mut text);
        text
    }

    pub fn connect(&self, database: &str) -> Result<Client, postgres::Error> {
        Client::connect(&self.url(database), NoTls)
    }

    /// With the password.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://verdict:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Without the password.
    pub fn url_without_password(&self, database: &str) -> String {
        self.url(database).replace(&format!(":{PASSWORD}"), "")
    }

    /// By its socket, whose folder is only its own user's and root's.
    pub fn socket_url(&self, database: &str) -> String {
        let folder = self.dir.path().join("data").display().to_string().replace('/', "%2F");
        format!("postgresql://verdict:{PASSWORD}@{folder}:{}/{database}", self.port)
    }

    /// The certificate of the authority that vouches for `localhost`.
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A new database; its name. What it is compared by is a language, not bytes, where there is one.
    pub fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let sql = format!(
            "CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C.UTF-8'"
        );
        let mut client = self.connect("postgres").unwrap();
        if client.batch_execute(&sql).is_err() {
            client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        }
        name
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        drop(child.stdin.take());
        let _ = child.wait();
    }

    /// Starts it again on the same port, with what it had.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.run(), "{}", self.log());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where the newest server's programs are, which need not be on the PATH.
fn programs() -> Option<PathBuf> {
    let version = |path: &Path| -> u32 {
        path.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
    };
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort_by_key(|path| version(path));
    if let Some(newest) = found.pop() {
        return Some(newest);
    }
    let asked = Command::new("pg_config").arg("--bindir").output().ok()?;
    let bin = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    bin.join("initdb").exists().then_some(bin)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Who the server runs as, where that must not be the superuser.
fn user() -> &'static str {
    static USER: OnceLock<&str> = OnceLock::new();
    USER.get_or_init(|| {
        let known = Command::new("id").arg("postgres").output().is_ok_and(|id| id.status.success());
        if known { "postgres" } else { "nobody" }
    })
}

fn unprivileged(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--clear-groups", "--reuid", user(), "--regid"]);
        let group = Command::new("id").args(["-g", user()]).output().unwrap();
        command.arg(String::from_utf8(group.stdout).unwrap().trim()).arg("--").arg(program);
        command
    } else {
        Command::new(program)
    };
    command
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("LC_ALL", "C.UTF-8");
    command
}

fn give_away(path: &Path) {
    if is_root() {
        assert!(Command::new("chown").args(["-R", user()]).arg(path).status().unwrap().success());
    }
}

/// An authority, and a key for `localhost` that it vouches for.
fn certificate(dir: &Path) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    fs::write(dir.join("ca.pem"), authority.self_signed(&authority_key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    fs::write(dir.join("data/server.crt"), own.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    let place = dir.join("data/server.key");
    fs::write(&place, key.serialize_pem()).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
    give_away(&dir.join("data"));
}
