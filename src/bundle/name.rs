//! File names: the role of a file in a bundle, and which files are ignored.

/// The role of a file inside a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `.manifest` at the top.
    Manifest,
    /// `*.rego`.
    Policy,
    /// `*_test.rego`: compiled for tests only, so that a test's helper can never answer a call.
    PolicyTest,
    /// `data.json`.
    DataJson,
    /// `data.yaml`, `data.yml`.
    DataYaml,
    /// Any other JSON or YAML: may be a test's fixture.
    Fixture,
    /// `patch.json` at the top: this is a delta bundle.
    Delta,
    /// `.signatures.json` at the top.
    Signatures,
    /// Nothing that Verdict reads: a README, `policy.wasm`, `plan.json`.
    Other,
}

/// The role of the file that a bundle calls `name` (relative, separated by `/`).
pub(super) fn role(name: &str) -> Role {
    let base = name.rsplit('/').next().unwrap_or(name);
    match base {
        ".manifest" => return Role::Manifest,
        "data.json" => return Role::DataJson,
        "data.yaml" | "data.yml" => return Role::DataYaml,
        "patch.json" if base == name => return Role::Delta,
        "plan.json" if base == name => return Role::Other,
        ".signatures.json" if base == name => return Role::Signatures,
        ".signatures.json" => return Role::Other,
        _ => {}
    }
    match base.rsplit_once('.').map(|(_, extension)| extension) {
        Some("rego") if base.ends_with("_test.rego") => Role::PolicyTest,
        Some("rego") => Role::Policy,
        Some("json" | "yaml" | "yml") => Role::Fixture,
        _ => Role::Other,
    }
}

/// Whether files and folders of this name (one segment) are ignored: hidden files other than a bundle's own two, temporary
/// files of editors, and `lost+found`.
///
/// `backup.rego` is not ignored: whoever leaves it in a bundle publishes it.
pub(super) fn ignored(segment: &str) -> bool {
    if segment.starts_with('.') {
        return !matches!(segment, ".manifest" | ".signatures.json");
    }
    let leftover = [".swp", ".swo", ".swx", ".tmp"].iter().any(|end| segment.ends_with(end));
    leftover
        || segment.ends_with('~')
        || (segment.starts_with('#') && segment.ends_with('#'))
        || matches!(segment, "4913" | "lost+found")
}

/// Whether an event about this name can change what is served. Unlike [`ignored`], the links that Kubernetes swaps
/// (`..data`) count: nothing else changes when a ConfigMap is updated.
pub(super) fn matters(segment: &str) -> bool {
    segment.starts_with("..") || !ignored(segment)
}

/// The bundle's name if the file is an archive: `authz` for `authz.tar.gz` and `authz.tgz`.
pub(super) fn archive_stem(file: &str) -> Option<&str> {
    [".tar.gz", ".tgz"].iter().find_map(|end| file.strip_suffix(end)).filter(|stem| !stem.is_empty())
}

/// Whether a file of this name is a fixture file, whose cases `verdict test` runs: `*.fixtures.yaml`, `*.fixtures.yml` or
/// `*.fixtures.json`.
pub fn is_fixture_file(name: &str) -> bool {
    [".fixtures.yaml", ".fixtures.yml", ".fixtures.json"].iter().any(|end| name.ends_with(end))
}

/// Whether the file looks like an unsupported archive, which must not be ignored silently.
pub(super) fn foreign_archive(file: &str) -> bool {
    let ends = [".tar", ".zip", ".tar.zst", ".tar.xz", ".tar.bz2", ".txz", ".tbz2"];
    ends.iter().any(|end| file.ends_with(end))
}

/// Checks a bundle's name as the configuration gives it.
///
/// # Errors
/// What no bundle in the watched directory can be called.
pub fn check_name(text: &str) -> Result<(), String> {
    if let Some(stem) = archive_stem(text) {
        return Err(format!("`{text}` is the name of a file; the bundle is called `{stem}`"));
    }
    if text.is_empty() || text.contains('/') || ignored(text) {
        return Err(format!("no bundle can be called `{text}`"));
    }
    Ok(())
}

/// Normalises an archive member's name: relative, segments separated by `/`, no `.` segments.
///
/// One leading slash is dropped: `opa build` writes every member as `/data.json`, and nothing is ever written to disk
/// under that name. Any other name that is ambiguous or leads outside the bundle is refused.
pub(super) fn normalise(raw: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(raw).map_err(|_| "its name is not UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("its name has a control character");
    }
    if text.contains('\\') {
        return Err("its name has a backslash");
    }
    let relative = text.strip_prefix('/').unwrap_or(text);
    if relative.starts_with('/') {
        return Err("its name is an absolute path");
    }
    let mut segments = Vec::new();
    let relative = relative.strip_suffix('/').unwrap_or(relative);
    for segment in relative.split('/') {
        match segment {
            "" if relative.is_empty() => {}
            "" => return Err("its name has an empty segment (`//`)"),
            "." => {}
            ".." => return Err("its name leads outside the bundle (`..`)"),
            segment => segments.push(segment),
        }
    }
    Ok(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_and_file_systems_leave_is_skipped_and_policies_are_not() {
        for skipped in [
            ".#policy.rego",
            "policy.rego~",
            "#policy.rego#",
            ".policy.rego.swp",
            "policy.rego.swp",
            "4913",
            "policy.tmp",
            ".git",
            "..data",
            "..2026_11_21",
            "._policy.rego",
            "lost+found",
            ".DS_Store",
        ] {
            assert!(ignored(skipped), "{skipped}");
        }
        for kept in
            ["backup.rego", "policy.rego", ".manifest", ".signatures.json", "data.json", "tmp", "x.bak"]
        {
            assert!(!ignored(kept), "{kept}");
        }
        assert!(matters("..data") && matters("policy.rego") && !matters(".policy.rego.swp"));
    }

    #[test]
    fn roles_follow_names() {
        for (name, expected) in [
            ("app/policy.rego", Role::Policy),
            ("app/policy_test.rego", Role::PolicyTest),
            ("backup.rego", Role::Policy),
            ("policy.rego.bak", Role::Other),
            (".manifest", Role::Manifest),
            ("users/data.json", Role::DataJson),
            ("data.yml", Role::DataYaml),
            ("patch.json", Role::Delta),
            ("app/patch.json", Role::Fixture),
            ("plan.json", Role::Other),
            (".signatures.json", Role::Signatures),
            ("app/.signatures.json", Role::Other),
            ("policy.wasm", Role::Other),
            ("README.md", Role::Other),
            ("app/cases.yaml", Role::Fixture),
        ] {
            assert_eq!(role(name), expected, "{name}");
        }
    }

    #[test]
    fn a_member_has_one_spelling_or_is_refused() {
        for (raw, expected) in [
            (&b"app/policy.rego"[..], Some("app/policy.rego")),
            (b"./app/policy.rego", Some("app/policy.rego")),
            (b"/data.json", Some("data.json")),
            (b"app/./policy.rego", Some("app/policy.rego")),
            (b"app/", Some("app")),
            (b"./", Some("")),
            (b"/", Some("")),
            (b"//etc/passwd", None),
            (b"../policy.rego", None),
            (b"app/../../policy.rego", None),
            (b"app//policy.rego", None),
            (b"app\\policy.rego", None),
            (b"app/\x01.rego", None),
            (b"app/\xff.rego", None),
        ] {
            assert_eq!(normalise(raw).ok().as_deref(), expected, "{}", String::from_utf8_lossy(raw));
        }
    }
}
