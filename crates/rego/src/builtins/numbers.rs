//! Numbers: arithmetic, comparison, bits, ranges, and numbers with units.

pub(crate) mod arithmetic;
pub(crate) mod bits;
pub(crate) mod integers;
pub(crate) mod units;

use super::declaration::{Declaration, builtin};
use crate::value::Number;

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("plus", "number, number", "number", |_, args| arithmetic::binary(args, Number::add)).infix("+"),
    builtin("minus", "<number | set[any]>, <number | set[any]>", "<number | set[any]>", arithmetic::minus)
        .infix("-"),
    builtin("mul", "number, number", "number", |_, args| arithmetic::binary(args, Number::mul)).infix("*"),
    builtin("div", "number, number", "number", |_, args| arithmetic::binary(args, Number::div)).infix("/"),
    builtin("rem", "number, number", "number", |_, args| arithmetic::remainder(args)).infix("%"),
    builtin("abs", "number", "number", |_, args| arithmetic::unary(args, Number::abs)),
    builtin("round", "number", "number", |_, args| arithmetic::unary(args, Number::round)),
    builtin("ceil", "number", "number", |_, args| arithmetic::unary(args, Number::ceil)),
    builtin("floor", "number", "number", |_, args| arithmetic::unary(args, Number::floor)),
    builtin("eq", "any, any", "boolean", |_, args| arithmetic::compare(args, |a, b| a == b))
        .infix("=")
        .compiled(),
    builtin("equal", "any, any", "boolean", |_, args| arithmetic::compare(args, |a, b| a == b)).infix("=="),
    builtin("neq", "any, any", "boolean", |_, args| arithmetic::compare(args, |a, b| a != b)).infix("!="),
    builtin("lt", "any, any", "boolean", |_, args| arithmetic::compare(args, |a, b| a < b)).infix("<"),
    builtin("lte", "any, any", "boolean", |_, args| arithmetic::compare(args, |a, b| a <= b)).infix("<="),
    builtin("gt", "any, any", "boolean", |_, args| arithmetic::compare(args, |a, b| a > b)).infix(">"),
    builtin("gte", "any, any", "boolean", |_, args| arithmetic::compare(args, |a, b| a >= b)).infix(">="),
    builtin("bits.and", "number, number", "number", |_, args| bits::binary(args, |a, b| a & b)),
    builtin("bits.or", "number, number", "number", |_, args| bits::binary(args, |a, b| a | b)),
    builtin("bits.xor", "number, number", "number", |_, args| bits::binary(args, |a, b| a ^ b)),
    builtin("bits.negate", "number", "number", bits::negate),
    builtin("bits.lsh", "number, number", "number", bits::left),
    builtin("bits.rsh", "number, number", "number", bits::right),
    builtin("numbers.range", "number, number", "[...number]", integers::range),
    builtin("numbers.range_step", "number, number, number", "[...number]", integers::range_step),
    builtin("format_int", "number, number", "string", integers::format_int),
    builtin("rand.intn", "string, number", "number", integers::random).nondeterministic(),
    builtin("units.parse", "string", "number", units::parse),
    builtin("units.parse_bytes", "string", "number", units::parse_bytes),
];
