//! The usual mistakes, as a newcomer makes them: each is answered with what was meant.

use super::{folder, verdict};

const CASES: &str = include_str!("mistakes.txt");

#[test]
fn a_usual_mistake_is_answered_with_the_way_on() {
    let mut wrong = Vec::new();
    let cases: Vec<&str> = CASES.split("\n=== ").skip(1).collect();
    assert!(cases.len() >= 50, "{}", cases.len());
    for case in cases {
        let (name, rest) = case.split_once('\n').unwrap();
        let (files, ran) = rest.split_once("\n$ ").unwrap();
        let files = format!("{files}\n");
        let files: Vec<(&str, &str)> = files
            .split("--- ")
            .filter(|file| !file.is_empty())
            .map(|file| file.split_once('\n').unwrap())
            .collect();
        let mut lines = ran.lines();
        let args: Vec<&str> = serde_json::from_str(lines.next().unwrap()).unwrap();
        let code: i32 = lines.next().unwrap().parse().unwrap();
        let folder = folder(&files);
        let done = verdict(folder.path(), &args);
        let said = format!("{}{}", done.out, done.err);
        let missing: Vec<&str> =
            lines.filter(|line| !line.is_empty() && !said.lines().any(|said| said.trim() == *line)).collect();
        if done.code != code || !missing.is_empty() {
            wrong.push(format!("{name}: exit code {}, without {missing:?}:\n{said}", done.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
