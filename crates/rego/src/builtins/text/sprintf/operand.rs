//! What Go is given to format.

use num_bigint::BigInt;

/// What Go is given to format.
pub enum Operand<'a> {
    /// `int`
    Int(i64),
    /// `*big.Int`
    Big(BigInt),
    /// `float64`
    Float(f64),
    /// `string`
    Text(&'a str),
    /// `string`, made of a composite value.
    Made(String),
}

impl Operand<'_> {
    /// The name of the type in Go.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Big(_) => "*big.Int",
            Self::Float(_) => "float64",
            Self::Text(_) | Self::Made(_) => "string",
        }
    }
}
