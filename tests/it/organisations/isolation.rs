//! What one organisation sees of another's bundles: nothing.

use serde_json::json;

use super::*;

#[test]
fn packages_and_data_of_an_organisation_are_undefined_for_all_others() {
    let server = start();
    let (acme, globex) = (Caller::Key(ACME_KEY), Caller::Key(GLOBEX_KEY));
    let nobody = Caller::Anonymous;
    for (caller, path, expected) in [
        // Asked for directly.
        (&acme, "acme/secret", json!(42)),
        (&globex, "acme/secret", json!("undefined")),
        (&nobody, "acme/secret", json!("undefined")),
        (&acme, "globex/refunds", json!("undefined")),
        (&globex, "globex/refunds", json!(7)),
        (&acme, "own/name", json!("acme")),
        (&nobody, "own/name", json!("undefined")),
        // By the other's policy, and by the shared one.
        (&globex, "own/stolen", json!("undefined")),
        (&globex, "own/everything", json!([])),
        (&acme, "own/stolen", json!("undefined")),
        (&acme, "app/secret", json!(42)),
        (&globex, "app/secret", json!("undefined")),
        (&nobody, "app/secret", json!("undefined")),
    ] {
        let got = result(&server, caller, &format!("/v1/data/{path}"), "{}");
        assert_eq!(got, expected, "{caller:?} {path}");
    }
    // The whole of data.
    for (caller, has, has_not) in
        [(&acme, "42", "refunds"), (&globex, "refunds", "42"), (&nobody, "\"app\"", "\"own\"")]
    {
        let all = result(&server, caller, "/v1/data", "{}").to_string();
        assert!(all.contains(has) && !all.contains(has_not), "{caller:?}: {all}");
    }
    // A path that only another declares is one that nothing declares.
    let strict = |caller: &Caller| ask(&server, caller, "/v1/data/own/fixed?strict-path", "{}").status;
    let shape = |caller: &Caller| ask(&server, caller, "/v1/data/nothing/there?strict-path", "{}").status;
    assert_eq!((strict(&globex), strict(&nobody)), (shape(&globex), shape(&nobody)));
}

#[test]
fn a_document_that_is_slow_for_one_organisation_is_slow_for_no_other() {
    let burn = "\nslow if {\n\tsome i in numbers.range(1, 1000000)\n\tsome j in numbers.range(1, 1000000)\n\ti + j == -1\n}\n";
    let server = app("mode: optional")
        .file("acme-policy/policy.rego", &format!("{ACME}{burn}"))
        .file("globex-policy/policy.rego", &format!("{GLOBEX}\nslow := true\n"))
        .start();
    assert_eq!(server.app.bundles.report().error, None);
    let slow = |caller: &Caller| server.recorded(|| ask(&server, caller, "/v1/data/app/slow", "{}")).1;
    for _ in 0..3 {
        assert_eq!(slow(&Caller::Key(ACME_KEY))["error"]["kind"], json!("deadline_exceeded"));
        assert_eq!(slow(&Caller::Key(GLOBEX_KEY))["outcome"], json!("allow"));
        assert_eq!(slow(&Caller::Anonymous)["outcome"], json!("undefined"));
    }
}
