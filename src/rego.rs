//! Rego.
