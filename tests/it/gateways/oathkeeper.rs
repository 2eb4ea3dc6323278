//! `/authz/oathkeeper`: `remote_json`, for which the status is all that counts.

use serde_json::json;

use super::{alice, server};

#[test]
fn the_payload_is_the_input_and_the_status_the_answer() {
    let server = server();
    let token = alice(&server);
    let payload = r#"{"action": "read", "parsed_path": ["invoices", "42"], "subject": {"id": "root"}}"#;
    let wrapped = format!("{{\"input\": {payload}}}");
    for (body, bearer, status, outcome) in [
        (payload, token.as_str(), 200, "allow"),
        (&wrapped, &token, 200, "allow"),
        (payload, "", 403, "deny"),
        (payload, "Bearer forged.forged.forged", 403, "refused"),
        (r#"{"parsed_path": ["nothing"]}"#, &token, 403, "undefined"),
        (r#"{"parsed_path": ["error"]}"#, &token, 500, "error"),
        (r#"{"parsed_path": ["teapot"]}"#, &token, 403, "deny"),
        ("{", &token, 403, "refused"),
        ("", &token, 403, "refused"),
        ("[]", &token, 403, "refused"),
    ] {
        let headers = [("authorization", bearer), ("content-type", "application/json")];
        let headers = if bearer.is_empty() { &headers[1..] } else { &headers[..] };
        let (reply, record) =
            server.recorded(|| server.send("POST", "/authz/oathkeeper", headers, body.as_bytes()));
        assert_eq!((reply.status, &record["outcome"]), (status, &json!(outcome)), "{body}: {record:#}");
        if status == 200 {
            assert_eq!(reply.header("x-auth-user"), Some("alice"));
            assert_eq!(record["input"]["asserted"]["subject"], json!({"id": "root"}), "{record:#}");
        }
    }
}
