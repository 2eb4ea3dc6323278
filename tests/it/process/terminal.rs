//! A development server on a terminal, which `script` (util-linux) gives it: what fits, and how it ends.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Output, directory};
use crate::harness::wire::Wire;
use crate::harness::{skipped, wait_until};

/// A shell that runs a command; it is killed when dropped, and what it began ends by itself.
struct Shell {
    dir: TempDir,
    child: Child,
    out: Output,
    err: Output,
}

impl Shell {
    fn run(dir: TempDir, program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).current_dir(dir.path()).env("NO_COLOR", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (out, err) = (Output::of(child.stdout.take().unwrap()), Output::of(child.stderr.take().unwrap()));
        Self { dir, child, out, err }
    }

    /// On a terminal of 80 columns.
    fn on_terminal(dir: TempDir, line: &str) -> Option<Self> {
        if Command::new("script").arg("--version").output().is_err() {
            skipped("a development server on a terminal: there is no script");
            return None;
        }
        let line = format!("stty cols 80 rows 24 -onlcr; {line}");
        Some(Self::run(dir, "script", &["--quiet", "--return", "--command", &line, "/dev/null"]))
    }

    fn text(&self) -> String {
        self.out.text() + &self.err.text()
    }

    /// Where the server listens, once it does.
    fn address(&self) -> SocketAddr {
        let found = || -> Option<SocketAddr> {
            let said = self.text();
            let url = said.lines().find_map(|line| line.strip_prefix("verdict serves http://"))?;
            url.trim().parse().ok()
        };
        wait_until("the server", || found().is_some());
        found().unwrap()
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.kill();
    }
}

fn dev(flags: &str) -> String {
    format!("{} dev --listen 127.0.0.1:0 {flags}", env!("CARGO_BIN_EXE_verdict"))
}

fn wait_closed(address: SocketAddr) {
    wait_until("the end of the server", || Wire::try_open(address).is_err());
}

#[test]
fn it_ends_with_its_terminal() {
    let Some(mut shell) = Shell::on_terminal(directory(), &dev("")) else { return };
    let address = shell.address();
    assert!(Wire::try_open(address).is_ok());
    shell.kill();
    wait_closed(address);
}

/// A job in the background is not told by a signal.
#[test]
fn it_ends_with_its_terminal_in_the_background_too() {
    let line = format!("{} & wait", dev(""));
    let Some(mut shell) = Shell::on_terminal(directory(), &line) else { return };
    let address = shell.address();
    shell.kill();
    wait_closed(address);
}

/// A script that starts it and ends, or `nohup`, means that it is to stay.
#[test]
fn without_a_terminal_and_under_nohup_it_stays() {
    let stays = |shell: &mut Shell| {
        let address = shell.address();
        end(&shell.dir.path().join("pid"), "KILL");
        shell.kill();
        // Longer than it takes to see that a terminal is gone.
        std::thread::sleep(std::time::Duration::from_millis(1500));
        assert!(Wire::try_open(address).is_ok());
        end(&shell.dir.path().join("server"), "TERM");
        wait_closed(address);
    };
    let line = |before: &str| {
        let started = format!("touch said; {before} {} >> said 2>&1 & echo $! > server", dev(""));
        format!("{started}; echo $$ > pid; tail --pid=$! -f said")
    };
    if let Some(mut shell) = Shell::on_terminal(directory(), &line("nohup")) {
        stays(&mut shell);
    }
    if Command::new("setsid").arg("--version").output().is_err() {
        skipped("a development server without a terminal: there is no setsid");
        return;
    }
    stays(&mut Shell::run(directory(), "setsid", &["--wait", "sh", "-c", &line("")]));
}

/// Signals the process whose id stands in a file.
fn end(file: &Path, signal: &str) {
    let id = || std::fs::read_to_string(file).ok().filter(|text| text.ends_with('\n'));
    wait_until("the id of a process", || id().is_some());
    let sent = Command::new("kill").args([&format!("-{signal}"), id().unwrap().trim()]).status();
    assert!(sent.unwrap().success());
}

/// The commands between captions, each over several lines.
fn commands(said: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in said.lines() {
        match line.strip_prefix("# ") {
            Some(caption) => {
                commands.push((caption.to_owned(), String::new()));
                open = true;
            }
            None if line.is_empty() => open = false,
            None if open => commands.last_mut().unwrap().1.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    commands
}

#[track_caller]
fn answer(command: &str) -> Value {
    // From any folder.
    let ran = Command::new("sh").args(["-c", command]).current_dir("/").output().unwrap();
    assert!(
        ran.status.success() && ran.stderr.is_empty(),
        "{command}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// No line is wider than the terminal, but for words that must be whole.
#[track_caller]
fn fits(said: &str) {
    let wide = |line: &&str| line.trim_end().chars().count() > 80 && line.trim_start().contains(' ');
    let path = |line: &&str| line.trim_start().starts_with('/');
    let wide: Vec<&str> = said.lines().filter(wide).filter(|line| !path(line)).collect();
    assert!(wide.is_empty(), "{wide:#?}\n{said}");
}

#[test]
fn what_it_says_fits_80_columns_and_can_be_pasted() {
    if Command::new("curl").arg("--version").output().is_err() {
        skipped("the banner's commands: there is no curl");
        return;
    }
    let Some(shell) = Shell::on_terminal(directory(), &dev("")) else { return };
    let last = "-H \"Authorization: Bearer not-a-token\" \\\n  -d ";
    wait_until("the commands", || shell.text().replace('\r', "").contains(last));
    let commands = commands(&shell.text().replace('\r', ""));
    assert_eq!(commands.len(), 4, "{}", shell.text());
    for ((caption, command), expected) in
        commands.iter().zip([json!(true), json!(false), json!(false), Value::Null])
    {
        assert_eq!(answer(command)["result"], expected, "{caption}\n{command}");
    }
    wait_until("the decisions", || shell.text().contains("REFUSED"));
    let said = shell.text().replace('\r', "");
    wait_until("the last one's reason", || shell.text().contains("it does not have three parts"));
    assert!(said.lines().any(|line| line.contains("  ALLOW      app/allow     alice (user)")), "{said}");
    fits(&said);
}

/// Policy of one's own is not told the sample's story, but what its own calls will answer.
#[test]
fn the_commands_for_other_policy_say_what_they_will_answer() {
    if Command::new("curl").arg("--version").output().is_err() {
        skipped("the banner's commands: there is no curl");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let policy = "package app\n\ndefault allow := false\n\nallow if {\n\tinput.method == \"GET\"\n\t\"staff\" in input.subject.roles\n}\n";
    let Some(mut shell) = Shell::on_terminal(dir, &dev("--bundles bundles")) else { return };
    let address = shell.address();
    let said = shell.text();
    assert!(
        said.contains("no bundle is active, every call is refused:") && !said.contains("last good"),
        "{said}"
    );
    // The commands come once there is something to try.
    assert!(commands(&said).is_empty(), "{said}");
    let folder = shell.dir.path().join("bundles/mine");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("policy.rego"), policy).unwrap();
    wait_until("the commands", || shell.text().contains("refused: a token that nobody signed"));
    wait_until("the last one", || {
        commands(&shell.text().replace('\r', "")).last().unwrap().1.contains("-d ")
    });
    let found = commands(&shell.text().replace('\r', ""));
    let captions: Vec<&str> = found.iter().map(|(caption, _)| caption.as_str()).collect();
    let expected = ["app/allow: allowed", "app/allow: denied", "refused: a token that nobody signed"];
    assert_eq!(captions, expected, "{}", shell.text());
    assert!(found[0].1.contains("--role staff") && !shell.text().contains("editor"), "{}", shell.text());
    assert_eq!(answer(&found[0].1)["result"], json!(true));
    assert_eq!(answer(&found[1].1)["result"], json!(false));
    assert_eq!(answer(&found[2].1)["code"], json!("unauthorized"));
    // A token of another development server is told apart.
    let foreign = found[0].1.replace("/.verdict", "/other");
    let refused = answer(&foreign)["message"].as_str().unwrap().to_owned();
    assert!(refused.starts_with("signed by another development issuer"), "{refused}");
    // Control-C. What `script` ends with is the race of two processes for the same signal, and says nothing of the server.
    let mut keyboard = shell.child.stdin.take().unwrap();
    keyboard.write_all(b"\x03").unwrap();
    wait_until("the end", || shell.text().contains("stopped drained=true"));
    wait_closed(address);
}
