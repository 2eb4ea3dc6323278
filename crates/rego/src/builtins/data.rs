//! The built-ins that read and write forms of data: time, versions, units, addresses, encodings, graphs, schemas.

use super::call::Function;
use super::{
    base_encoding, graph, graphql, http_send, json_encoding, json_schema, misc, net, parse_module, semver,
    time, units, url_encoding, uuid, yaml,
};

/// All functions of these families.
pub fn functions() -> impl Iterator<Item = (&'static str, Function)> {
    [
        base_encoding::FUNCTIONS,
        graph::FUNCTIONS,
        graphql::FUNCTIONS,
        http_send::FUNCTIONS,
        json_encoding::FUNCTIONS,
        json_schema::FUNCTIONS,
        misc::FUNCTIONS,
        net::FUNCTIONS,
        parse_module::FUNCTIONS,
        semver::FUNCTIONS,
        time::FUNCTIONS,
        units::FUNCTIONS,
        url_encoding::FUNCTIONS,
        uuid::FUNCTIONS,
        yaml::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
