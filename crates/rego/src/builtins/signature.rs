//! The types that built-ins are declared with: read from their short form.
//!
//! A type is `any`, `null`, `boolean`, `number`, `string`; `<a | b>` is either; `[a, ...b]` an array that begins with an
//! `a`, followed by any number of `b`; `set[a]`; `{"k": a, ...b: c}` an object with a member `k`, and any number of others.

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Every value.
    Any,
    /// `null`
    Null,
    /// `true` and `false`
    Boolean,
    /// A number.
    Number,
    /// A text.
    String,
    /// An array: what it begins with, and what follows.
    Array(Vec<Type>, Option<Box<Type>>),
    /// A set.
    Set(Box<Type>),
    /// An object: named members, and the types of other keys and their values.
    Object(Vec<(String, Type)>, Option<Box<(Type, Type)>>),
    /// One of several.
    OneOf(Vec<Type>),
}

impl Type {
    /// Reads a list of types.
    pub(super) fn list(text: &str) -> Option<Vec<Self>> {
        let mut reader = Reader { rest: text };
        let mut types = Vec::new();
        while !reader.rest.is_empty() {
            if !types.is_empty() {
                reader.eat(", ")?;
            }
            if reader.eat("...").is_some() {
                // Any number more of them.
                reader.one()?;
                break;
            }
            types.push(reader.one()?);
        }
        Some(types)
    }
}

/// As OPA writes types in its messages.
impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |f: &mut std::fmt::Formatter<'_>, types: &[Self]| {
            types.iter().enumerate().try_for_each(|(at, each)| {
                if at > 0 {
                    f.write_str(", ")?;
                }
                each.fmt(f)
            })
        };
        match self {
            Self::Any => f.write_str("any"),
            Self::Null => f.write_str("null"),
            Self::Boolean => f.write_str("boolean"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Array(first, None) => {
                f.write_str("array<")?;
                list(f, first)?;
                f.write_str(">")
            }
            Self::Array(_, Some(rest)) => write!(f, "array[{rest}]"),
            Self::Set(each) => write!(f, "set[{each}]"),
            Self::Object(_, None) => f.write_str("object"),
            Self::Object(_, Some(rest)) => write!(f, "object[{}: {}]", rest.0, rest.1),
            Self::OneOf(types) => {
                f.write_str("any<")?;
                list(f, types)?;
                f.write_str(">")
            }
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn eat(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn one(&mut self) -> Option<Type> {
        for (name, made) in [
            ("any", Type::Any),
            ("null", Type::Null),
            ("boolean", Type::Boolean),
            ("number", Type::Number),
            ("string", Type::String),
        ] {
            if self.eat(name).is_some() {
                return Some(made);
            }
        }
        if self.eat("set[").is_some() {
            let each = self.one()?;
            self.eat("]")?;
            return Some(Type::Set(Box::new(each)));
        }
        if self.eat("<").is_some() {
            let mut types = vec![self.one()?];
            while self.eat(" | ").is_some() {
                types.push(self.one()?);
            }
            self.eat(">")?;
            return Some(Type::OneOf(types));
        }
        if self.eat("[").is_some() {
            let (mut first, mut rest) = (Vec::new(), None);
            while self.eat("]").is_none() {
                let _comma = self.eat(", ");
                if self.eat("...").is_some() {
                    rest = Some(Box::new(self.one()?));
                } else {
                    first.push(self.one()?);
                }
            }
            return Some(Type::Array(first, rest));
        }
        self.eat("{")?;
        let (mut named, mut rest) = (Vec::new(), None);
        while self.eat("}").is_none() {
            let _comma = self.eat(", ");
            if self.eat("...").is_some() {
                let key = self.one()?;
                self.eat(": ")?;
                rest = Some(Box::new((key, self.one()?)));
            } else {
                self.eat("\"")?;
                let (name, after) = self.rest.split_once('"')?;
                let name = name.to_owned();
                self.rest = after;
                self.eat(": ")?;
                named.push((name, self.one()?));
            }
        }
        Some(Type::Object(named, rest))
    }
}
