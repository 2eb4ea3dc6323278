//! What is printed: the configuration in effect, and the reference page.

use super::{File, Insecure, Profile, json, load};
use verdict::config::{Sources, reference};

#[test]
fn what_is_printed_loads_as_the_same_configuration() {
    for text in [
        "",
        "state: s\nbundles: {dir: b, required_entrypoints: [a, b], max_stale: 0}\n",
        "decision_log: {file: {path: 'a: b # c'}, labels: {a: '1', b: 'true', c: '~', d: \"x\\ny\\t\\u0001\", e: ''}}\n",
        "identity: {mode: off, entrypoints: {'': off, 'a b': optional}}\nserver: {listen: '[::1]:1'}\n",
        reference::EXAMPLE,
    ] {
        let first = File::new(text).load().unwrap();
        let printed = first.config.to_yaml().unwrap();
        let second = File::new(&printed).load().unwrap_or_else(|error| panic!("{printed}\n{error}"));
        assert_eq!(json(&first), json(&second), "{printed}");
        assert_eq!(printed, second.config.to_yaml().unwrap());
    }
}

/// Nowhere: not in what is printed, not in an error about that very value, not in the excerpt of its line, not in a
/// warning.
#[test]
fn no_secret_is_ever_printed() {
    for (url, loads) in [
        ("https://u:hunter2@idp.example/keys", true),
        ("https://hunter2@idp.example/keys", true),
        ("https://idp.example/keys?api_key=hunter2", true),
        ("http://u:hunter2@idp.example/keys", true),
        ("ftp://u:hunter2@idp.example/keys", false),
        ("https://u:hunter2 x@idp.example/keys", false),
        ("https://u:x/hunter2@idp.example/keys", false),
        ("https://u:x\\'hunter2@idp.example/keys", false),
        ("https://u:hunter2@", false),
    ] {
        let text = format!(
            "identity: {{issuers: [{{issuer: a, algorithms: [RS256], jwks_url: \"{}\"}}]}}",
            url.replace('\\', "")
        );
        for profile in [Profile::Inspect, Profile::Dev, Profile::Run(Insecure::default())] {
            let file = File::new(&text);
            let said = match load(Sources { profile, ..file.sources() }) {
                Ok(loaded) => loaded.config.to_yaml().unwrap() + &loaded.warnings.join("\n"),
                Err(error) => error.to_string() + &format!("{error:?}"),
            };
            assert!(!said.contains("hunter2"), "{said}");
            assert!(!loads || profile != Profile::Inspect || said.contains("idp.example/keys"), "{said}");
        }
        let redis = url.replacen("https", "redis", 1).replace("\\'", "''");
        let text = format!("shared_store: {{redis: {{url: '{redis}'}}}}\n");
        let said = match File::new(&text).load() {
            Ok(loaded) => loaded.config.to_yaml().unwrap(),
            Err(error) => error.to_string() + &format!("{error:?}"),
        };
        assert!(!said.contains("hunter2"), "{said}");
        let env = [("VERDICT_BUNDLES__RUN_TESTS", url), ("VERDICT_SERVER__MAX_BODY", url)];
        let said = super::with_environment(&env).unwrap_err().to_string();
        assert!(!said.contains("hunter2"), "{said}");
        let said = super::refusal(format!("server: {{max_body: \"{}\"}}", url.replace('\\', "")));
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn an_error_never_sends_control_characters_to_a_terminal() {
    let said = super::refusal("\"a\\e[31m\": 1\nserver: {max_body: \"\\e]0;x\\a\"}\n");
    assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
}

#[test]
fn the_reference_page_is_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == reference::markdown(),
        "docs/configuration.md is not what the code says; run: cargo run -- config --reference > docs/configuration.md"
    );
}

#[test]
fn the_example_of_the_reference_page_loads_as_production_does() {
    let page = reference::markdown();
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let file = File::new(example);
    let profile = Profile::Run(Insecure::default());
    let loaded = load(Sources { profile, ..file.sources() }).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

/// Every key of the page can be written in a file at its default, and the page has every key that is printed.
#[test]
fn the_page_has_every_key_that_is_printed() {
    let page = reference::markdown();
    let full = File::new(format!("{}\n", reference::EXAMPLE)).load().unwrap();
    let mut keys = Vec::new();
    leaves("", &json(&full), &mut keys);
    assert!(keys.len() > 25, "{keys:?}");
    for key in keys {
        let known = page.contains(&format!("\n### `{key}`\n"));
        let in_free_map = key.starts_with("identity.entrypoints.") || key.starts_with("decision_log.labels.");
        assert!(known || in_free_map, "`{key}` is not on the page");
    }
}

fn leaves(at: &str, value: &serde_json::Value, keys: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                leaves(&if at.is_empty() { key.clone() } else { format!("{at}.{key}") }, value, keys);
            }
        }
        serde_json::Value::Array(items) if items.iter().any(serde_json::Value::is_object) => {
            items.iter().for_each(|item| leaves(&format!("{at}[]"), item, keys));
        }
        // `claims` without a path in it.
        serde_json::Value::Object(_) if at.ends_with("claims") => {}
        _ => keys.push(at.to_owned()),
    }
}
