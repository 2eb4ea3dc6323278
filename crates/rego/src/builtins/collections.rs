//! Arrays, sets and objects: aggregates, set operations, members, and walks through them.

pub(crate) mod aggregates;
pub(crate) mod arrays;
pub(crate) mod graph;
pub(crate) mod objects;
pub(crate) mod sets;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("count", "<string | [...any] | {...any: any} | set[any]>", "number", aggregates::count),
    builtin("sum", "<[...number] | set[number]>", "number", aggregates::sum),
    builtin("product", "<[...number] | set[number]>", "number", |_, args| {
        aggregates::compute(args, aggregates::product)
    }),
    builtin("max", "<[...any] | set[any]>", "any", aggregates::max),
    builtin("min", "<[...any] | set[any]>", "any", aggregates::min),
    builtin("sort", "<[...any] | set[any]>", "[...any]", aggregates::sort),
    builtin("all", "<[...any] | set[any]>", "boolean", aggregates::all),
    builtin("any", "<[...any] | set[any]>", "boolean", aggregates::any),
    builtin("internal.member_2", "any, any", "boolean", aggregates::member).infix("in"),
    builtin("internal.member_3", "any, any, any", "boolean", aggregates::member_with_key).infix("in"),
    builtin("array.concat", "[...any], [...any]", "[...any]", arrays::concat),
    builtin("array.flatten", "[...any]", "[...any]", arrays::flatten),
    builtin("array.reverse", "[...any]", "[...any]", arrays::reverse),
    builtin("array.slice", "[...any], number, number", "[...any]", arrays::slice),
    builtin(
        "graph.reachable",
        "{...any: <[...any] | set[any]>}, <[...any] | set[any]>",
        "set[any]",
        graph::reachable,
    ),
    builtin(
        "graph.reachable_paths",
        "{...any: <[...any] | set[any]>}, <[...any] | set[any]>",
        "set[[...any]]",
        graph::reachable_paths,
    ),
    builtin("walk", "any", "[[...any], any]", graph::walk).relation(),
    builtin("object.get", "{...any: any}, any, any", "any", objects::get),
    builtin("object.keys", "{...any: any}", "set[any]", objects::keys),
    builtin(
        "object.remove",
        "{...any: any}, <[...any] | {...any: any} | set[any]>",
        "{...any: any}",
        |_, args| objects::select(args, false),
    ),
    builtin(
        "object.filter",
        "{...any: any}, <[...any] | {...any: any} | set[any]>",
        "{...any: any}",
        |_, args| objects::select(args, true),
    ),
    builtin("object.union", "{...any: any}, {...any: any}", "{...any: any}", objects::union),
    builtin("object.union_n", "[...{...any: any}]", "{...any: any}", objects::union_n),
    builtin(
        "object.subset",
        "<[...any] | {...any: any} | set[any]>, <[...any] | {...any: any} | set[any]>",
        "boolean",
        objects::subset,
    ),
    builtin("and", "set[any], set[any]", "set[any]", sets::and).infix("&"),
    builtin("or", "set[any], set[any]", "set[any]", sets::or).infix("|"),
    builtin("set_diff", "set[any], set[any]", "set[any]", sets::set_diff),
    builtin("intersection", "set[set[any]]", "set[any]", sets::intersection),
    builtin("union", "set[set[any]]", "set[any]", sets::union),
];
