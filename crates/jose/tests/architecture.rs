//! How the crate's files depend on each other.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../../tests/it/circles.rs"]
mod circles;

#[test]
fn files_form_no_circle() {
    let found = circles::circles(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[]);
    let shown: Vec<String> = found.iter().map(|circle| circle.join(" -> ")).collect();
    assert!(found.is_empty(), "files depend on each other in circles:\n{}", shown.join("\n"));
}
