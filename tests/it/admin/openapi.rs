//! The OpenAPI document: that it is one, that it says all there is, and that answers are as it says.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use super::support::Admin;
use crate::harness::{Reply, skipped};

/// The document, and the validators that were made of it.
pub struct Document {
    pub document: Value,
    validators: BTreeMap<String, jsonschema::Validator>,
}

impl Document {
    pub fn of(admin: &Admin) -> Self {
        let reply = admin.call("GET", "/v1/openapi.json", None, &Value::Null);
        assert_eq!(reply.status, 200);
        Self { document: reply.json(), validators: BTreeMap::new() }
    }

    /// Method, path and name of every operation.
    pub fn operations(&self) -> Vec<(String, String, String)> {
        let paths = self.document["paths"].as_object().unwrap();
        let of_path = |(path, methods): (&String, &Value)| {
            let methods = methods.as_object().unwrap().iter();
            let named = methods.map(|(method, operation)| {
                let name = operation["operationId"].as_str().unwrap().to_owned();
                (method.to_uppercase(), path.clone(), name)
            });
            named.collect::<Vec<_>>()
        };
        paths.iter().flat_map(of_path).collect()
    }

    /// An answer is one of those that the document has for the operation.
    #[track_caller]
    pub fn check(&mut self, name: &str, reply: &Reply) {
        let (method, path, _) = self.operations().into_iter().find(|(_, _, other)| other == name).unwrap();
        let operation = &self.document["paths"][&path][method.to_lowercase()];
        let mut response = &operation["responses"][reply.status.to_string()];
        assert!(!response.is_null(), "{name} has no answer {}", reply.status);
        if let Some(reference) = response["$ref"].as_str() {
            response = self.document.pointer(reference.trim_start_matches('#')).unwrap();
        }
        let Some(schema) = response["content"]["application/json"].get("schema") else {
            assert!(
                name == "openapi" || reply.body.is_empty(),
                "{name}: {}",
                String::from_utf8_lossy(&reply.body)
            );
            return;
        };
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        let validator = self
            .validators
            .entry(schema.to_string())
            .or_insert_with(|| jsonschema::options().should_validate_formats(true).build(&whole).unwrap());
        let body = reply.json();
        let wrong: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name} {}: {wrong:?}\n{body:#}\n{schema:#}", reply.status);
    }
}

#[test]
fn every_operation_of_the_document_is_there_and_asks_for_a_credential() {
    let admin = Admin::start();
    let document = Document::of(&admin);
    let operations = document.operations();
    assert!(operations.len() > 50, "{}", operations.len());
    for (method, path, name) in operations {
        let path = path.replace("{id}", "x").replace("{name}", "x").replace("{key}", "x");
        let reply = admin.call(&method, &path, None, &Value::Null);
        let expected = match name.as_str() {
            "openapi" => 200,
            "bootstrap" => 409,
            _ => 401,
        };
        assert_eq!(reply.status, expected, "{method} {path}");
        // Only on the listener of management.
        assert_eq!(admin.server.send(&method, &path, &[], b"").status, 404, "{method} {path}");
    }
    let reply = admin.call("DELETE", "/v1/agents", Some(&admin.operator), &Value::Null);
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST, GET")));
}

/// By somebody else's reading of the specification.
#[test]
fn the_document_is_openapi() {
    let admin = Admin::start();
    let document = Document::of(&admin).document;
    assert_eq!(document["openapi"], "3.1.0");
    let probe = Command::new("python3").args(["-c", "import openapi_spec_validator"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        return skipped("the OpenAPI document: python3 has no openapi-spec-validator");
    }
    let file = admin.server.dir.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let validate = "import json, sys, openapi_spec_validator as v\n\
                    v.validate(json.load(open(sys.argv[1])))";
    let valid = Command::new("python3").args(["-c", validate]).arg(&file).output().unwrap();
    assert!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stderr));
    // The validator would not pass just anything.
    std::fs::write(&file, json!({ "openapi": "3.1.0", "info": {}, "paths": {} }).to_string()).unwrap();
    assert!(!Command::new("python3").args(["-c", validate]).arg(&file).output().unwrap().status.success());
}
