//! `verdict version`.

use super::verdict;

#[test]
fn it_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = verdict(folder.path(), &["version"]).exits(0).out;
    let lines: Vec<(&str, &str)> = out.lines().map(|line| line.split_once(": ").unwrap()).collect();
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["Version", "Build Commit", "Build Profile", "Platform", "Rego Version"]);
    assert_eq!(lines[0].1, env!("CARGO_PKG_VERSION"));
    assert!(lines[4].1.starts_with("v1, as of OPA 1."), "{out}");
    // The newest version whose built-ins are listed is that.
    let newest = format!("v{}.0", lines[4].1.rsplit(' ').next().unwrap());
    verdict(folder.path(), &["capabilities", "--version", &newest]).exits(0);
}
