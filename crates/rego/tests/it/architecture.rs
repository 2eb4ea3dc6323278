//! How the crate's files depend on each other.

use std::path::Path;

#[path = "../../../../tests/it/circles.rs"]
mod circles;

#[test]
fn files_form_no_circle() {
    let found = circles::circles(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[]);
    let shown: Vec<String> = found.iter().map(|circle| circle.join(" -> ")).collect();
    assert!(found.is_empty(), "files depend on each other in circles:\n{}", shown.join("\n"));
}

/// What stands below may not know what stands above.
#[test]
fn built_ins_depend_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let depends = |file: &str, on: &str| circles::reaches(&source, file, on);
    let layers = [
        "builtins/error.rs",
        "effects.rs",
        "builtins/context.rs",
        "builtins/json/patch.rs",
        "builtins/table.rs",
    ];
    for pair in layers.windows(2) {
        assert!(
            depends(pair[1], pair[0]),
            "{} no longer depends on {}: is this test still right?",
            pair[1],
            pair[0]
        );
        assert!(!depends(pair[0], pair[1]), "{} depends on {}", pair[0], pair[1]);
    }
}
