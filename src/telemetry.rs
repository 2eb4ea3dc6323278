//! Metrics and diagnostics.
