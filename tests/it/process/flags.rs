//! The flags of `opa run`, and keys of the configuration as flags.

use serde_json::json;

use super::{command, directory, start};
use crate::harness::wait_until;

#[test]
fn opas_command_line_starts_a_server() {
    let dir = directory();
    std::fs::write(dir.path().join("verdict.yaml"), "identity: {mode: off}\n").unwrap();
    let key = "app/allow";
    std::fs::write(dir.path().join("path.txt"), format!("{key}\n")).unwrap();
    let args = "run -s -w -b bundles/app -a localhost:0 -c verdict.yaml -l info --log-format json --v1-compatible \
                --disable-telemetry --shutdown-grace-period 3 --diagnostic-addr localhost:0 \
                --set decision_log.labels.region=eu --set-file decision.default_path=path.txt";
    let mut process = start(dir, &args.split_whitespace().collect::<Vec<_>>());
    assert!(process.address().ip().is_loopback());
    let reply = process.ask("/v1/data/app/allow", &[], r#"{"input": {}}"#);
    assert_eq!(reply.json()["result"], json!(false));
    wait_until("the record", || process.decisions().len() == 1);
    assert_eq!(process.decisions()[0]["labels"]["region"], "eu");
    let config = process.ask_with("GET", "/v1/config").json();
    assert_eq!(config["verdict"]["server"]["shutdown_grace"], "3s", "{config}");
    assert_eq!(config["verdict"]["decision"]["default_path"], key, "{config}");
    process.signal("TERM");
    assert_eq!(process.wait(), Some(0));
}

/// What is said of a command line that cannot be taken.
#[test]
fn wrong_flags_say_what_to_write() {
    for (args, expected) in [
        (
            "run --set server.lisen=1",
            "flag `--set`: server.lisen: unknown key `lisen`\nhint: did you mean `listen`?",
        ),
        ("run --set decision.deadline=soon", "flag `--set`: decision.deadline: `soon` is not a duration"),
        ("run --set state", "`--set state` is not KEY=VALUE; write e.g. `--set server.listen="),
        ("run --set state.x=1 --set state.x.y=2", "`state.x` cannot be set in parts"),
        ("run --set-file state=nowhere", "`--set-file state=nowhere`: cannot read `nowhere`"),
        ("run --listen pdp.example:80", "flag `--listen`: server.listen: `pdp.example:80` is not an address"),
        ("run -a unix:///run/opa.sock", "set `server.unix.path` to `/run/opa.sock`"),
        ("run --set management.listen=localhost", "flag `--set`: management.listen: `localhost` has no port"),
        (
            "run --diagnostic-addr 8282",
            "flag `--diagnostic-addr`: management.listen: `8282` is a port without an address",
        ),
        (
            "run --set identity.mode=off --listen :0",
            "`:0` (every interface, 0.0.0.0:0) can be reached from other machines",
        ),
        (
            "run --authentication=token",
            "`--authentication` is a flag of `opa run`: callers are verified as `identity`",
        ),
        ("run --authorization basic", "`data.system.authz` is not asked"),
        ("run --v0-compatible", "`verdict fmt --v0-v1 -w PATH`"),
        ("run --shutdown-grace-period 3s", "`--shutdown-grace-period 3s` is not a number of seconds"),
        ("run --log-level loud", "`--log-level`: `loud` is not a log filter"),
        ("dev --log-format yaml", "[possible values: auto, text, json]"),
        ("run --config nowhere.yaml", "nowhere.yaml: cannot read the configuration"),
        ("config --set server.lisen=1", "did you mean `listen`?"),
    ] {
        let ran = command(&directory(), &args.split(' ').collect::<Vec<_>>()).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{args}: {said}");
        assert!(said.contains(expected), "{args}: {said}");
    }
}

#[test]
fn the_effective_configuration_has_what_flags_set() {
    let args = ["config", "--set", "decision.deadline=7ms", "--listen", ":9000"];
    let ran = command(&directory(), &args).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("deadline: 7ms") && said.contains("listen: 0.0.0.0:9000"), "{said}");
}
