//! What reviews say, and which results are answered with.

use super::{access, admission};
use verdict_rego::Value;

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

fn access(spec: &str) -> Result<String, String> {
    let review = format!(
        r#"{{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {spec}}}"#
    );
    let mut input = access::review(json(&review))?.input;
    for own in ["apiVersion", "kind", "spec"] {
        assert!(input.remove(own).is_some(), "{own}");
    }
    Ok(input.to_string())
}

#[test]
fn a_review_says_who_wants_to_do_what() {
    for (spec, expected) in [
        (
            r#"{"user": "jane", "groups": ["dev"], "uid": "1",
                "resourceAttributes": {"namespace": "n", "verb": "get", "group": "apps", "version": "v1", "resource": "deployments", "name": "web"}}"#,
            r#"{"subject": {"type": "user", "id": "jane", "properties": {"groups": ["dev"], "uid": "1"}}, "action": {"name": "get"},
                "resource": {"type": "deployments.apps", "id": "web",
                             "properties": {"namespace": "n", "group": "apps", "version": "v1", "resource": "deployments", "name": "web"}}}"#,
        ),
        (
            r#"{"user": "jane", "group": ["dev"], "resourceAttributes": {"verb": "create", "group": "", "resource": "pods", "subresource": "exec"}}"#,
            r#"{"subject": {"type": "user", "id": "jane", "properties": {"groups": ["dev"]}}, "action": {"name": "create"},
                "resource": {"type": "pods/exec", "properties": {"group": "", "resource": "pods", "subresource": "exec"}}}"#,
        ),
        (
            r#"{"groups": ["system:x"], "resourceAttributes": null, "nonResourceAttributes": {"path": "/healthz", "verb": "get"}}"#,
            r#"{"subject": {"type": "user", "properties": {"groups": ["system:x"]}}, "action": {"name": "get"},
                "resource": {"type": "url", "id": "/healthz", "properties": {}}}"#,
        ),
    ] {
        assert_eq!(access(spec).unwrap(), json(expected).to_string(), "{spec}");
    }
    for (spec, why) in [
        ("1", "`spec` is not an object"),
        ("{}", "one of `resourceAttributes`"),
        (
            r#"{"resourceAttributes": {"verb": "get", "resource": "pods"}, "nonResourceAttributes": {"path": "/", "verb": "get"}}"#,
            "one of `resourceAttributes`",
        ),
        (r#"{"user": 1, "nonResourceAttributes": {"path": "/", "verb": "get"}}"#, "`user` is not a string"),
        (r#"{"resourceAttributes": {"resource": "pods"}}"#, "no `verb`"),
        (r#"{"resourceAttributes": {"verb": "get"}}"#, "no `resource`"),
        (r#"{"nonResourceAttributes": {"verb": "get"}}"#, "no `path`"),
    ] {
        assert!(access(spec).unwrap_err().contains(why), "{spec}");
    }
}

#[test]
fn a_result_is_answered_with_as_a_whole_or_not_at_all() {
    for (result, why) in [
        ("true", None),
        (r#"{"allowed": true, "reason": "r", "denied": false}"#, None),
        (r#"{"allowed": false, "denied": true}"#, None),
        (r#"{"allowed": true, "denied": true}"#, Some("both")),
        (r#"{"allow": true, "denied": true}"#, Some("both")),
        (r#"{"allowed": true, "denied": "no"}"#, Some("`denied`")),
        (r#"{"allowed": true, "reason": 1}"#, Some("`reason`")),
    ] {
        let wrong = access::check(&json(result)).err();
        assert_eq!(wrong.is_some(), why.is_some(), "{result}");
        assert!(why.is_none_or(|why| wrong.unwrap().contains(why)), "{result}");
    }
    for (result, why) in [
        ("false", None),
        (
            r#"{"allowed": true, "warnings": ["w"], "patch": [{"op": "add", "path": "/a", "value": null}, {"op": "remove", "path": "/b"}]}"#,
            None,
        ),
        (r#"{"allowed": true, "patch": [{"op": "move", "path": "/a", "from": "/b"}]}"#, None),
        (r#"{"allowed": true, "warnings": "w"}"#, Some("`warnings`")),
        (r#"{"allowed": true, "warnings": [1]}"#, Some("`warnings`")),
        (r#"{"allowed": true, "patch": {}}"#, Some("`patch`")),
        (r#"{"allowed": true, "patch": [{"op": "set", "path": "/a"}]}"#, Some("`patch[0]`")),
        (r#"{"allowed": true, "patch": [{"op": "add", "path": "/a"}]}"#, Some("`value` is missing")),
        (r#"{"allowed": true, "patch": [{"op": "remove", "path": "a"}]}"#, Some("`path`")),
        (r#"{"allowed": true, "patch": [{"op": "copy", "path": "/a"}]}"#, Some("`from`")),
    ] {
        let wrong = admission::check(&json(result)).err();
        assert_eq!(wrong.is_some(), why.is_some(), "{result}");
        assert!(why.is_none_or(|why| wrong.unwrap().contains(why)), "{result}");
    }
}
