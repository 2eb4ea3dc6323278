//! The metadata: whole where the server knows its address, absent where it does not.

use serde_json::json;

use super::records;
use crate::harness::TestApp;

#[test]
fn the_metadata_say_what_is_configured() {
    let server = records(
        "    public_url: https://pdp.example/tenant1\n    access_request_endpoint: https://iga.example/requests\n    \
         supported_obligations: [step-up, notification]\n",
    )
    .start();
    let reply = server.get("/.well-known/authzen-configuration/tenant1");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(
        reply.json(),
        json!({
            "policy_decision_point": "https://pdp.example/tenant1",
            "access_evaluation_endpoint": "https://pdp.example/tenant1/access/v1/evaluation",
            "access_evaluations_endpoint": "https://pdp.example/tenant1/access/v1/evaluations",
            "search_subject_endpoint": "https://pdp.example/tenant1/access/v1/search/subject",
            "search_resource_endpoint": "https://pdp.example/tenant1/access/v1/search/resource",
            "search_action_endpoint": "https://pdp.example/tenant1/access/v1/search/action",
            "access_request_endpoint": "https://iga.example/requests",
            "capabilities": ["urn:openid:authzen:capability:access-request"],
            "supported_obligations": ["step-up", "notification"],
        })
    );
    assert_eq!(server.get("/.well-known/authzen-configuration").status, 404);
    assert_eq!(server.get("/.well-known/authzen-configuration/tenant2").status, 404);
}

#[test]
fn what_is_not_configured_is_not_in_the_metadata() {
    let server = TestApp::new()
        .config("identity: {mode: required}\ndoors: {authzen: {public_url: \"https://pdp.example\"}}\n")
        .start();
    // For anybody, and whatever policy there is.
    assert_eq!(
        server.get("/.well-known/authzen-configuration").json(),
        json!({
            "policy_decision_point": "https://pdp.example",
            "access_evaluation_endpoint": "https://pdp.example/access/v1/evaluation",
            "access_evaluations_endpoint": "https://pdp.example/access/v1/evaluations",
        })
    );
    let server = records("").start();
    let reply = server.get("/.well-known/authzen-configuration");
    assert_eq!(reply.status, 404);
    assert!(reply.json().as_str().unwrap().contains("doors.authzen.public_url"));
}
