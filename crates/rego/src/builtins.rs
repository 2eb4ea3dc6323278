//! The built-in functions of Rego, as OPA has them.
//!
//! INVARIANT (bounded): arguments that would take seconds or gigabytes are errors; what runs long looks at the deadline.
//!
//! Reading order: [`call`] (what a built-in is) → [`registry`] (all of them, with `signatures` and [`types_of`]) →
//! `core`, `data`, `crypto` (the families).

mod aggregates;
mod arithmetic;
mod arrays;
mod aws;
mod base_encoding;
mod bits;
pub mod call;
pub mod capabilities;
mod core;
mod crypto;
mod crypto_hash;
mod crypto_x509;
mod data;
#[cfg(test)]
mod data_tests;
mod glob;
mod glob_intersection;
mod go_json;
mod go_url;
mod graph;
mod graphql;
pub(super) mod http_cache;
mod http_request;
mod http_response;
pub(super) mod http_send;
mod json_encoding;
mod json_patch;
mod json_paths;
mod json_read;
mod json_schema;
mod jwt;
mod jwt_constraints;
mod jwt_header;
mod jwt_keys;
mod jwt_sign;
#[cfg(test)]
mod jwt_tests;
mod jwt_verify;
mod misc;
mod net;
mod net_range;
mod numbers;
mod objects;
pub(crate) mod operand;
mod parse_module;
mod pem;
pub(crate) mod print;
mod private_keys;
mod regex;
mod regex_escapes;
mod regex_syntax;
pub mod registry;
mod replace;
mod semver;
mod sets;
mod signatures;
mod sprintf;
mod sprintf_floats;
mod sprintf_verbs;
mod strings;
mod template;
mod template_lexer;
mod template_run;
mod template_string;
mod template_values;
mod time;
mod time_calendar;
mod time_format;
mod time_layout;
mod time_parse;
mod time_zone;
mod trim;
mod types;
pub mod types_of;
mod units;
mod url_encoding;
mod uuid;
mod x509_constraints;
mod x509_json;
mod x509_names;
mod x509_parse;
#[cfg(test)]
mod x509_tests;
mod x509_verify;
mod yaml;
mod yaml_read;
mod yaml_resolve;
mod yaml_text;
mod yaml_write;

pub use yaml_read::read as read_yaml;
