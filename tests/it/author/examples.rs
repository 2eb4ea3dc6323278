//! The examples under `policies/` and the sample under `bundles/`: their tests pass, they fail when the policy is
//! changed, and the commands in their READMEs print what the READMEs say.

use super::{files, folder, root, verdict};

/// Every example, as a bundle.
const EXAMPLES: [&str; 7] = [
    "policies/rbac",
    "policies/ownership",
    "policies/agent-tools",
    "policies/tenants",
    "policies/time-bound",
    "policies/agentvault",
    "bundles/app",
];

#[test]
fn every_example_is_listed_and_passes() {
    for parent in ["policies", "bundles"] {
        for entry in std::fs::read_dir(root().join(parent)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{parent}/{}", entry.file_name().to_str().unwrap());
            assert!(!entry.path().is_dir() || EXAMPLES.contains(&name.as_str()), "{name} is in no test");
        }
    }
    for example in EXAMPLES {
        let ran = verdict(root(), &["test", example, "-v", "--fail-on-empty"]).exits(0);
        let rules = ran.out.lines().filter(|line| line.contains("PASS  data.")).count();
        let cases = ran.out.lines().filter(|line| line.contains(".fixtures.yaml: ")).count();
        assert!(rules >= 10 && cases >= 5, "{example} has {rules} rules and {cases} cases:\n{}", ran.out);
        verdict(root(), &["check", example]).exits(0);
    }
}

#[test]
fn without_paths_policies_and_bundles_are_tested() {
    verdict(root(), &["test"]).exits(0).says("\npolicies: ").says("\nbundles: ");
}

/// Each changes one thing in a policy, and the example's tests must notice.
const MUTANTS: [(&str, &str, &str, &str); 53] = [
    ("policies/rbac", "policy.rego", "default allow := false", "default allow := true"),
    ("policies/rbac", "policy.rego", "\tnot is_suspended\n\tgranted", "\tgranted"),
    ("policies/rbac", "policy.rego", "\tnot is_suspended\n\tgranted", "\tnot is_suspended"),
    ("policies/rbac", "policy.rego", "\tcovers(grant.actions, input.action)\n", ""),
    ("policies/rbac", "policy.rego", "\tcovers(grant.types, input.resource.type)\n", ""),
    ("policies/rbac", "policy.rego", "if \"*\" in listed", "if true"),
    ("policies/rbac", "policy.rego", "if \"*\" in listed", "if false"),
    ("policies/rbac", "policy.rego", "graph.reachable(data.rbac.inherits, direct_roles)", "direct_roles"),
    ("policies/rbac", "policy.rego", "some role in data.rbac.members[input.subject.id]", "some role in []"),
    ("policies/rbac", "policy.rego", "some role in input.subject.roles", "some role in []"),
    ("policies/rbac", "policy.rego", "\tnot granted\n\tcount(direct_roles) > 0", "\tcount(direct_roles) > 0"),
    ("policies/ownership", "policy.rego", "default allow := false", "default allow := true"),
    ("policies/ownership", "policy.rego", "\tis_owner\n\tnot frozen\n", "\tis_owner\n"),
    ("policies/ownership", "policy.rego", "\tis_owner\n\tnot frozen\n", "\tnot frozen\n"),
    ("policies/ownership", "policy.rego", "\tis_owner\n\tinput.action == \"read\"", "\tis_owner\n\tfalse"),
    (
        "policies/ownership",
        "policy.rego",
        "\tis_owner\n\tinput.action == \"read\"",
        "\tinput.action == \"read\"",
    ),
    (
        "policies/ownership",
        "policy.rego",
        "\tnot frozen\n\tinput.action in document",
        "\tinput.action in document",
    ),
    ("policies/ownership", "policy.rego", "\tdocument.visibility == \"internal\"\n", ""),
    (
        "policies/ownership",
        "policy.rego",
        "\tinput.action == \"read\"\n\tinput.subject.type",
        "\tinput.subject.type",
    ),
    ("policies/ownership", "policy.rego", "\tinput.subject.type == \"user\"\n", ""),
    ("policies/ownership", "policy.rego", "owner := document.owner", "owner := input.resource.owner"),
    ("policies/ownership", "policy.rego", "owner := input.resource.owner if not document\n", ""),
    ("policies/agent-tools", "policy.rego", "default allow := false", "default allow := true"),
    ("policies/agent-tools", "policy.rego", "\tcount(deny) == 0\n", ""),
    ("policies/agent-tools", "policy.rego", "\tinput.action == \"call\"\n", ""),
    ("policies/agent-tools", "policy.rego", "args.amount > 0", "args.amount > -100"),
    (
        "policies/agent-tools",
        "policy.rego",
        "args.amount <= tool.max_amount",
        "args.amount < tool.max_amount",
    ),
    ("policies/agent-tools", "policy.rego", "\targs.amount <= tool.max_amount\n", ""),
    ("policies/agent-tools", "policy.rego", "not currency_listed", "false"),
    ("policies/agent-tools", "policy.rego", "\tfigure >= 0\n", ""),
    ("policies/agent-tools", "policy.rego", "figure < limit", "figure <= limit"),
    ("policies/agent-tools", "policy.rego", "glob.match(pattern, [\".\"], args.host)", "true"),
    ("policies/agent-tools", "policy.rego", "glob.match(pattern, [\".\"], ", "glob.match(pattern, [\"/\"], "),
    ("policies/agent-tools", "policy.rego", "not session_calls_left", "false"),
    ("policies/tenants", "policy.rego", "default allow := false", "default allow := true"),
    ("policies/tenants", "policy.rego", "allow if {\n\tsubject_active\n", "allow if {\n"),
    ("policies/tenants", "policy.rego", "\tcount(items) > 0\n", ""),
    ("policies/tenants", "policy.rego", "every item in items {", "some item in items; every _ in [1] {"),
    ("policies/tenants", "policy.rego", "\"member\" in input.subject.roles", "true"),
    ("policies/tenants", "policy.rego", "\titem.type in share.types\n", ""),
    ("policies/tenants", "policy.rego", "\tinput.action in share.actions\n", ""),
    ("policies/tenants", "policy.rego", "\tdata.tenants.status[share.from] == \"active\"\n", ""),
    ("policies/tenants", "policy.rego", "T-[0-9]{4,}$", "T-[0-9]{4,}"),
    ("policies/tenants", "policy.rego", "\titem.tenant == input.subject.tenant\n", ""),
    ("policies/time-bound", "policy.rego", "default allow := false", "default allow := true"),
    ("policies/time-bound", "policy.rego", "\tcount(active_freezes) == 0\n", ""),
    ("policies/time-bound", "policy.rego", "entry.from) <= time.now_ns()", "entry.from) < time.now_ns()"),
    ("policies/time-bound", "policy.rego", "time.now_ns() < time.parse_rfc3339_ns(entry.until)", "true"),
    ("policies/time-bound", "policy.rego", "\thour < grant.hours.closes\n", ""),
    (
        "policies/agentvault",
        "policy.rego",
        "\tvalid_attestation[input.subject.id]\n\towns_resource",
        "\towns_resource",
    ),
    ("policies/agentvault", "policy.rego", "\"admin\" in input.subject.roles", "true"),
    ("bundles/app", "app/policy.rego", "input.subject.id == input.resource.owner", "true"),
    ("bundles/app", "app/policy.rego", "default allow := false", "default allow := true"),
];

#[test]
fn an_example_fails_when_its_policy_is_changed() {
    let mut survivors = Vec::new();
    for (example, file, from, to) in MUTANTS {
        let mut files = files(&root().join(example));
        let policy = files.get_mut(file).unwrap();
        assert!(policy.contains(from), "{example}/{file} has no `{from}`");
        *policy = policy.replacen(from, to, 1);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let changed = folder(&files);
        let ran = verdict(changed.path(), &["test", "-b", "."]);
        match ran.code {
            2 => {}
            0 => survivors.push(format!("{example}: `{from}` -> `{to}`")),
            _ => panic!("{example}: `{from}` -> `{to}` does not run:\n{}", ran.err),
        }
    }
    assert!(survivors.is_empty(), "changes that no test noticed:\n{}", survivors.join("\n"));
}
