//! A shell for the commands of a page, as a reader would have: in a folder of its own, with `verdict` on the PATH. It is in a
//! network namespace of its own, so that every page can have the ports that it names; where there are none, one page is tried
//! after the other.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::{copy, skipped};

/// How long a page may take, on a very slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Reads the names of scripts, runs each in the same shell, and says which of its commands failed first.
const DRIVER: &str = r#"
set -o pipefail
# Waits until the server in the background answers, at $READY or where it does by default.
ready() {
    local try
    for try in {1..600}; do
        curl -sfk -o /dev/null --max-time 5 "${READY:-http://127.0.0.1:8181/health/ready}" && return
        kill -0 $! 2>/dev/null || break
        sleep 0.05
    done
    cat "$LOG"
    return 1
}
# Starts a server that readers have already, and waits for it.
serve() {
    "$@" >>"$LOG" 2>&1 &
    ready
}
# Ends the command in the background.
stop() {
    kill "$(<"$LOG.pid")"
    wait $!
}
trap 'FAILED=${FAILED:-$LINENO:$BASH_COMMAND: exit code $?}' ERR
while IFS= read -r STEP; do
    FAILED=
    source "$STEP" </dev/null >"$STEP.out" 2>&1
    printf '%s\n' "${FAILED//$'\n'/ }" >&3
done
"#;

/// Where there are no namespaces, one page has the machine's ports.
static PORTS: Mutex<()> = Mutex::new(());

/// Whether pages can have networks of their own.
static NAMESPACES: LazyLock<bool> = LazyLock::new(|| {
    let mut command = Command::new("unshare");
    let tried = command.args(["-rn", "ip", "link", "set", "lo", "up"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
});

/// A running shell.
pub struct Shell {
    child: Child,
    input: ChildStdin,
    done: Receiver<String>,
    dir: TempDir,
    steps: usize,
    deadline: Instant,
    /// How much of the log of the command in the background was looked at.
    seen: usize,
    _ports: Option<MutexGuard<'static, ()>>,
}

/// What a script did.
pub struct Ran {
    pub output: String,
    /// Line in the script, command, and exit code of the first command that failed.
    pub failed: Option<(usize, String)>,
}

impl Shell {
    /// Starts a shell in a folder that begins as a checkout does; `None` if this machine lacks what it takes.
    pub fn start() -> Option<Self> {
        for program in ["bash", "curl", "git", "jq", "man", "openssl", "script"] {
            if Command::new(program).arg("--version").output().is_err() {
                skipped(&format!("the commands in the documentation: no {program}"));
                return None;
            }
        }
        let ports = (!*NAMESPACES).then(|| PORTS.lock().unwrap_or_else(PoisonError::into_inner));
        if ports.is_some() && !free([8181, 8282]) {
            skipped("the commands in the documentation: port 8181 or 8282 is taken");
            return None;
        }
        let dir = TempDir::new().unwrap();
        let (home, bin) = (dir.path().join("home"), dir.path().join("bin"));
        let checkout = home.join("verdict");
        for folder in ["bundles", "policies"] {
            copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &checkout.join(folder));
        }
        std::fs::create_dir(dir.path().join("steps")).unwrap();
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_verdict"), bin.join("verdict")).unwrap();
        let mut child = bash(&checkout, &home, &bin, &dir.path().join("log")).spawn().unwrap();
        let (input, out) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let (tell, done) = channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)).unwrap_or_default();
        });
        let deadline = Instant::now() + PATIENCE;
        Some(Self { child, input, done, dir, steps: 0, deadline, seen: 0, _ports: ports })
    }

    /// Runs a script.
    pub fn run(&mut self, script: &str) -> Ran {
        self.steps += 1;
        let step = self.dir.path().join(format!("steps/{}", self.steps));
        std::fs::write(&step, script).unwrap();
        let written = writeln!(self.input, "{}", step.display());
        let failed = match written {
            Ok(()) => self.ended(),
            Err(_) => "0:the shell has ended".to_owned(),
        };
        let failed = failed.split_once(':').map(|(line, what)| (line.parse().unwrap_or(0), what.to_owned()));
        Ran { output: self.told(&read(&step.with_extension("out"))), failed }
    }

    /// Waits for the end of a script: what the driver says of it.
    fn ended(&mut self) -> String {
        loop {
            if let Ok(failed) = self.done.recv_timeout(Duration::from_millis(50)) {
                return failed;
            }
            if self.child.try_wait().unwrap().is_some() {
                return self.done.try_recv().unwrap_or_else(|_| "0:the shell has ended".to_owned());
            }
            if Instant::now() > self.deadline {
                return "0:the page took too long".to_owned();
            }
        }
    }

    /// Starts a command that goes on, on a terminal of its own.
    pub fn background(&mut self, command: &str) -> Ran {
        self.seen = 0;
        let script =
            self.scratch("command", &format!("echo $$ | tee -a \"$LOG.pids\" >\"$LOG.pid\"\nexec {command}"));
        self.run(&format!(
            ": >\"$LOG\"\nscript -qefc 'bash {}' /dev/null >>\"$LOG\" 2>&1 &\n",
            script.display()
        ))
    }

    /// Waits until the command in the background has printed what it should, beyond what it had printed before, or for some
    /// time.
    pub fn printed(&mut self, patience: Duration, satisfied: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let log = read(&self.dir.path().join("log"));
            // Shorter than before: a hidden command has emptied it.
            let new = self.told(log.get(self.seen..).unwrap_or(&log));
            if satisfied(&new) || begun.elapsed() > patience {
                self.seen = log.len();
                return new;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The folder in which the commands run.
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("home/verdict")
    }

    /// A new file that readers do not see.
    pub fn scratch(&mut self, name: &str, text: &str) -> PathBuf {
        self.steps += 1;
        let folder = self.dir.path().join(format!("steps/{}.d", self.steps));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    }

    /// What was printed, as if it were printed at the home of nobody in particular.
    fn told(&self, printed: &str) -> String {
        let printed = printed.replace("\r\n", "\n");
        let printed = printed.replace(env!("CARGO_BIN_EXE_verdict"), "/home/you/.cargo/bin/verdict");
        printed.replace(&*self.dir.path().join("home").to_string_lossy(), "/home/you")
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
        // A command in the background has a terminal, and thus a session, of its own.
        for pid in read(&self.dir.path().join("log.pids")).lines().filter_map(|pid| pid.parse().ok()) {
            let is_ours = std::fs::read_link(format!("/proc/{pid}/cwd"));
            if is_ours.is_ok_and(|cwd| cwd.starts_with(self.dir.path()))
                && let Some(pid) = rustix::process::Pid::from_raw(pid)
            {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

/// Whether ports are free, or soon are: servers of the page before may still be ending.
fn free(ports: [u16; 2]) -> bool {
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let begun = Instant::now();
    while !ports.iter().all(is_free) {
        if begun.elapsed() > Duration::from_secs(20) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// The command that starts the shell, in a process group of its own.
#[expect(clippy::disallowed_methods, reason = "the test's own environment, not the server's")]
fn bash(checkout: &Path, home: &Path, bin: &Path, log: &Path) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = match *NAMESPACES {
        true => Command::new("unshare"),
        false => Command::new("bash"),
    };
    // Standard output is kept for the driver: a command's is a file.
    let driver = match *NAMESPACES {
        true => format!("ip link set lo up\nexec 3>&1\n{DRIVER}"),
        false => format!("exec 3>&1\n{DRIVER}"),
    };
    if *NAMESPACES {
        command.args(["-rn", "bash"]);
    }
    command
        .args(["--norc", "--noprofile", "-c", &driver])
        .env_clear()
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("HOME", home)
        .env("LOG", log)
        .env("LANG", "C.UTF-8")
        .env("NO_COLOR", "1")
        .current_dir(checkout)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}
