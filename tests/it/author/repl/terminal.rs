//! A person at a terminal: a real one, whose other end is held here.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::files;
use crate::harness::wait_until;

/// A prompt that says nothing for so long is stuck.
const STUCK: Duration = Duration::from_secs(60);

struct Person {
    terminal: File,
    screen: Receiver<String>,
    child: Child,
    seen: String,
}

impl Person {
    fn at(folder: &Path, args: &[&str]) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let other_end = || {
            let mut options = File::options();
            options.read(true).write(true).custom_flags(libc::O_NOCTTY);
            Stdio::from(options.open(&name).unwrap())
        };
        let child = Command::new(env!("CARGO_BIN_EXE_verdict"))
            .arg("repl")
            .args(args)
            .current_dir(folder)
            .env("TERM", "xterm")
            .stdin(other_end())
            .stdout(other_end())
            .stderr(other_end())
            .spawn()
            .unwrap();
        let terminal = File::from(terminal);
        let mut reader = terminal.try_clone().unwrap();
        let (shown, screen) = std::sync::mpsc::channel();
        // Ends with the process: its terminal is gone then.
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(read) = reader.read(&mut some) {
                let _ = shown.send(String::from_utf8_lossy(&some[..read]).into_owned());
            }
        });
        Self { terminal, screen, child, seen: String::new() }
    }

    fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a text is there, and forgets everything before its end.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            match self.screen.recv_timeout(STUCK) {
                Ok(more) => self.seen.push_str(&more),
                Err(_) => panic!("no `{text}` in {:?}", self.seen),
            }
        }
    }

    /// Waits until the next statement is asked for: what is typed before is read by nobody, or by the terminal itself.
    #[track_caller]
    fn is_asked(&mut self) {
        self.sees("> ");
    }

    #[track_caller]
    fn leaves(mut self) -> i32 {
        wait_until("the prompt ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_person_has_a_prompt_a_history_and_tab() {
    let files = files();
    let history = files.path().join("state/history");
    let args = ["app.rego", "users.json", "-i", "input.json", "-H", "state/history"];
    let mut person = Person::at(files.path(), &args);
    person.sees("`help` lists commands");
    person.is_asked();
    person.types("1 + 41\r");
    person.sees("42\r\n");
    // Tab writes the rest of what can only be one thing.
    person.is_asked();
    person.types("data.ap\t.al\t\r");
    person.sees("data.app.allow");
    person.sees("true\r\n");
    person.is_asked();
    person.types("input.\t\r");
    person.sees("\"ann\"\r\n");
    // A statement over lines has another prompt, and what is typed ahead is not lost.
    person.is_asked();
    person.types("two if {\r");
    person.sees("| ");
    person.types("1 + 1 == 2\r}\r");
    person.sees("defined rule `two`");
    person.is_asked();
    person.types("not startsw\t(\"b\", \"a\")\r");
    person.sees("startswith");
    person.sees("true\r\n");
    // An error does not end it, and neither does one Ctrl-C.
    person.is_asked();
    person.types("nope(\r");
    person.sees("| ");
    person.types("\x03");
    person.sees("Ctrl-C again, or Ctrl-D, ends");
    person.is_asked();
    person.types("nope\r");
    person.sees("rego_unsafe_var_error");
    // What is pasted is read line by line.
    person.is_asked();
    person.types("\x1b[200~a := 1\nb if {\n\ta == 1\n}\x1b[201~\r");
    person.sees("defined rule `a`");
    person.sees("defined rule `b`");
    // The arrow upwards brings back what was typed.
    person.is_asked();
    person.types("\x1b[A\r");
    person.sees("defined rule `b`");
    person.is_asked();
    person.types("a := 2\r");
    person.sees("replaced rule `a`");
    person.is_asked();
    person.types("\x04");
    assert_eq!(person.leaves(), 0);

    // The history is the owner's alone, and is there the next time.
    assert_eq!(std::fs::metadata(&history).unwrap().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&history).unwrap().contains("1 + 41\n"));
    let mut person = Person::at(files.path(), &args);
    person.is_asked();
    person.types("\x1b[A\r");
    person.sees("defined rule `a`");
    person.is_asked();
    person.types("\x03");
    person.sees("Ctrl-C again");
    person.is_asked();
    person.types("\x03");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn colour_and_prompts_are_for_terminals_alone() {
    let files = files();
    let (printed, code) = super::script(files.path(), &[], "1\n");
    assert_eq!((printed.as_str(), code), ("1\n", 0));
}
