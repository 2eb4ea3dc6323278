use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::model::clock::Timestamp;
use crate::registry::key_hash::KeyHash;
use crate::registry::records::Standing;

const WHOLE: &str = "\
organisations:
  - id: acme
agents:
  - {id: payer, organisation: acme, roles: [cashier], limits: {max_amount: 500}}
  - {id: helper}
keys:
  - {id: k1, kind: agent, agent: payer, hash: HASH(one)}
  - {id: k2, kind: service, organisation: acme, hash: HASH(two), expires_at: 2030-01-01T00:00:00Z}
  - {id: k3, kind: device, agent: helper, hash: HASH(three)}
delegations:
  - {id: d1, from: payer, to: helper, scope: [\"stripe:*\"], expires_at: 2030-01-01T00:00:00Z}
  - {id: d2, from: helper, to: payer, scope: [\"stripe:refund\"], expires_at: 2029-01-01T00:00:00Z, parent: d1}
roles:
  - {name: cashier, permissions: [\"stripe:create_payment\"]}
revocations:
  - {jti: j1}
";

/// `HASH(text)` stands for the hash of a text.
fn with_hashes(text: &str) -> String {
    let mut parts = text.split("HASH(");
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let (key, rest) = part.split_once(')').unwrap();
        whole.push_str(&format!("\"{}\"{rest}", KeyHash::of(key)));
    }
    whole
}

fn read(text: &str) -> Result<Records, String> {
    let (file, tree) = document::read_text(Path::new("directory.yaml"), with_hashes(text))
        .map_err(|problem| problem.to_string())?;
    let parts = check::parts(file, &tree)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    Ok(Records::new(parts, None).unwrap())
}

#[test]
fn a_file_says_who_there_is() {
    let records = read(WHOLE).unwrap();
    let key = records.key_by_hash(&KeyHash::of("one")).unwrap();
    assert_eq!((key.id.as_str(), key.organisation.as_deref()), ("k1", Some("acme")));
    let agent = records.agent(key.agent.as_ref().unwrap()).unwrap();
    assert_eq!(agent.limits.max_amount, Some(500.into()));
    assert_eq!(records.key("k2").unwrap().expires_at, Timestamp::parse_rfc3339("2030-01-01T00:00:00Z").ok());
    assert!(records.key_by_hash(&KeyHash::of("four")).is_none());
    assert!(records.delegation("d2").is_some());
    let mut permissions = Vec::new();
    records.grant(Some("acme"), &agent.roles, &mut permissions);
    assert_eq!(permissions, ["stripe:create_payment"]);
    let counts = records.counts();
    assert_eq!((counts.organisations, counts.agents, counts.keys, counts.delegations), (1, 2, 3, 2));
    assert_eq!((counts.roles, counts.revocations), (1, 1));
    assert_eq!(read("").unwrap().counts().agents, 0);
}

#[test]
fn what_does_not_hold_together_is_named_with_its_place() {
    for (replaced, by, expected) in [
        (
            "organisation: acme, roles",
            "organisation: umbrella, roles",
            "4:31: agents[0].organisation: `umbrella` is not among `organisations`",
        ),
        ("agent: payer, hash", "agent: nobody, hash", "7:34: keys[0].agent: `nobody` is not among `agents`"),
        ("agent: payer, hash", "hash", "7:5: keys[0]: a key of kind `agent` belongs to an agent"),
        (
            "kind: service, organisation: acme",
            "kind: bridge, agent: payer",
            "keys[1].agent: a key of kind `bridge` belongs to no agent",
        ),
        (
            "agent: helper, hash",
            "agent: helper, organisation: acme, hash",
            "keys[2].organisation: the organisation of this key is that",
        ),
        (
            "agent: helper, hash",
            "agent: helper, limits: {max_amount: 1}, hash",
            "keys[2].limits: the limits of this key are those of its agent",
        ),
        ("id: k2", "id: k1", "8:10: keys[1].id: `k1` is there twice; the first is keys[0]"),
        ("HASH(two)", "HASH(one)", "keys[1].hash: is the hash of keys[0] as well"),
        ("id: helper}", "id: payer}", "agents[1].id: `payer` is there twice"),
        ("- id: acme", "- id: \" acme\"", "2:9: organisations[0].id: the id begins or ends with white space"),
        ("id: helper}", "id: anonymous}", "agents[1].id: the id is a reserved word"),
        ("to: helper,", "to: stranger,", "delegations[0].to: `stranger` is not among `agents`"),
        ("to: helper,", "to: payer,", "delegations[0].to: is the agent that delegates"),
        (
            "[\"stripe:refund\"]",
            "[\"aws:stop\"]",
            "delegations[1].scope[0]: `aws:stop` is not in the scope of its parent `d1`",
        ),
        ("[\"stripe:refund\"]", "[\"*\"]", "delegations[1].scope[0]: `*` is not in the scope"),
        ("[\"stripe:refund\"]", "[]", "delegations[1].scope: is empty"),
        ("2029-01-01", "2031-01-01", "delegations[1].expires_at: is later than that of its parent `d1`"),
        ("parent: d1", "parent: d9", "delegations[1].parent: `d9` is not among `delegations`"),
        ("parent: d1", "parent: d2", "delegations[1].parent: rests on itself"),
        (
            "from: helper",
            "from: payer",
            "delegations[1].from: is not the agent that `d1` was granted to, `helper`",
        ),
        ("max_amount: 500", "max_amount: -1", "agents[0].limits.max_amount: is less than 0"),
        ("max_amount: 500", "max_amonut: 5", "agents[0].limits.max_amonut: unknown key `max_amonut`"),
        ("{jti: j1}", "{}", "revocations[0]: names 0 things, not one"),
        ("{jti: j1}", "{jti: j1, key: k1}", "revocations[0]: names 2 things, not one"),
        ("{jti: j1}", "{jti: j1, issuer: i}", "revocations[0].issuer: is said of a subject alone"),
        (
            "{jti: j1}",
            "{jti: j1, issued_before: yesterday}",
            "revocations[0].issued_before: `yesterday` is not RFC 3339",
        ),
        ("kind: device", "kind: gadget", "keys[2].kind: unknown value `gadget`"),
        ("roles:\n", "rolls:\n", "rolls: unknown key `rolls`"),
    ] {
        assert!(WHOLE.contains(replaced), "{replaced}");
        let error = read(&WHOLE.replacen(replaced, by, 1)).unwrap_err();
        assert!(error.contains("directory.yaml:") && error.contains(expected), "{by}: {error}");
    }
}

#[test]
fn a_key_in_the_place_of_a_hash_is_refused_and_not_repeated() {
    for key in ["relay_sk_live_rosebud", "\"sha256:rosebud\"", "7318005273180052"] {
        for text in [
            format!("keys:\n  - {{id: k, kind: service, hash: {key}}}\n"),
            format!("keys:\n  - id: k\n    kind: service\n    hash:\n      {key}\n"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains("keys[0].hash: is not `sha256:`"), "{error}");
            assert!(error.contains("`verdict keys hash`"), "{error}");
            assert!(!error.contains("rosebud") && !error.contains("73180052"), "{error}");
        }
    }
    let error = read("keys:\n  - {id: k, kind: service, key: rosebud}\n").unwrap_err();
    assert!(error.contains("unknown key `key`") && !error.contains("rosebud"), "{error}");
}

#[test]
fn problems_are_many_but_not_without_end() {
    let text = format!("agents:\n{}", "  - {id: a, organisation: o}\n".repeat(5000));
    assert_eq!(read(&text).unwrap_err().matches("directory.yaml:").count(), 20);
}

#[test]
fn a_record_counts_as_long_as_all_that_it_rests_on() {
    use Standing::{Disabled, InForce, Revoked};
    for (replaced, by, k1, d2) in [
        ("", "", InForce, InForce),
        ("- id: acme", "- {id: acme, disabled: true}", Disabled, Disabled),
        ("{id: payer, ", "{id: payer, disabled: true, ", Disabled, Disabled),
        ("{id: helper}", "{id: helper, disabled: true}", InForce, Disabled),
        ("{id: k1, ", "{id: k1, disabled: true, ", Disabled, InForce),
        ("{id: d1, ", "{id: d1, disabled: true, ", InForce, Disabled),
        ("{jti: j1}", "{key: k1}", Revoked, InForce),
        ("{jti: j1}", "{agent: payer}", Revoked, Revoked),
        ("{jti: j1}", "{organisation: acme}", Revoked, Revoked),
        ("{jti: j1}", "{subject: payer, issuer: registry}", Revoked, Revoked),
        ("{jti: j1}", "{subject: payer, issuer: other}", InForce, InForce),
        ("{jti: j1}", "{key: k1, issued_before: 2020-01-01T00:00:00Z}", Revoked, InForce),
    ] {
        let records = read(&WHOLE.replacen(replaced, by, 1)).unwrap();
        assert_eq!(records.key_standing(records.key("k1").unwrap()), k1, "{by}");
        let delegation = records.delegation("d2").unwrap();
        assert_eq!(records.delegation_standing(delegation), d2, "{by}");
    }
}

/// A file in a folder of its own.
struct Kept(PathBuf);

impl Kept {
    fn new(text: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("verdict-directory-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let kept = Self(folder);
        kept.write(text);
        kept
    }

    fn path(&self) -> PathBuf {
        self.0.join("directory.yaml")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), with_hashes(text)).unwrap();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(kept: &Kept) -> Result<StaticFile, String> {
    StaticFile::open(&kept.path(), Clock::fixed(Timestamp(5)), DirectoryMetrics::default())
}

/// Looks until nothing is new.
fn settle(file: &StaticFile) {
    let changed = file.look(None);
    assert_eq!(file.look(changed), None);
}

#[test]
fn a_changed_file_comes_into_force_and_a_bad_one_does_not() {
    let kept = Kept::new(WHOLE);
    let file = open(&kept).unwrap();
    assert_eq!(file.look(None), None, "nothing is new");
    let records = file.records().unwrap();
    records.used(records.key("k1").unwrap(), Timestamp(7));

    kept.write(&WHOLE.replace("{jti: j1}", "{key: k1}"));
    assert!(file.look(None).is_some(), "seen once, it may be half-written");
    assert_eq!(file.status().generation, 1);
    settle(&file);
    let standing = || {
        let records = file.records().unwrap();
        records.key_standing(records.key("k1").unwrap())
    };
    let last_used = file.records().unwrap().key("k1").unwrap().last_used();
    assert_eq!((standing(), last_used), (Standing::Revoked, Some(Timestamp(7))));
    assert_eq!((file.status().generation, file.status().last_error), (2, None));

    kept.write("keys: [");
    settle(&file);
    assert_eq!(standing(), Standing::Revoked);
    let status = file.status();
    assert_eq!((status.generation, status.counts.keys), (2, 3));
    assert!(status.last_error.unwrap().contains("directory.yaml:"));

    std::fs::remove_file(kept.path()).unwrap();
    settle(&file);
    assert!(file.status().last_error.unwrap().contains("cannot read the file"));
    assert!(file.records().unwrap().key("k1").is_some());

    kept.write(WHOLE);
    file.reload();
    assert_eq!((file.status().generation, file.status().last_error), (3, None));
    assert_eq!(standing(), Standing::InForce);
}

#[test]
fn a_key_that_was_replaced_was_not_used() {
    let kept = Kept::new(WHOLE);
    let file = open(&kept).unwrap();
    let records = file.records().unwrap();
    records.used(records.key("k1").unwrap(), Timestamp(7));
    kept.write(&WHOLE.replace("HASH(one)", "HASH(other)"));
    file.reload();
    assert_eq!(file.records().unwrap().key("k1").unwrap().last_used(), None);
}

#[test]
fn nothing_starts_with_a_bad_file() {
    let kept = Kept::new("agents: [{id: a, organisation: o}]");
    assert!(open(&kept).unwrap_err().contains("directory.yaml:1:32: agents[0].organisation"));
    std::fs::remove_file(kept.path()).unwrap();
    assert!(open(&kept).unwrap_err().contains("cannot read the file"));
}
