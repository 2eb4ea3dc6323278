//! Hints for what is written wrong in JSON and YAML.

/// By what an error of a parser begins or contains, what to write instead.
const HINTS: &[(&str, &str)] = &[
    ("trailing comma", "remove the comma after the last element"),
    ("key must be a string", "in JSON, keys and strings are written in double quotes"),
    ("expected value", "strings are written in double quotes; the constants are `true`, `false` and `null`"),
    ("expected `,` or", "a comma is missing between two elements, or a bracket at their end"),
    ("expected `:`", "a member is written `\"key\": value`"),
    ("EOF while parsing a string", "a string is not closed: write `\"` at its end"),
    ("EOF while parsing a value", "there is nothing where a document should be"),
    ("EOF while parsing", "a brace or bracket is not closed"),
    ("trailing bytes after the document", "a file has one document: remove what follows it"),
    ("tabs disallowed", "indent with spaces"),
    ("did not find expected key", "members of one mapping, and entries of one list, are indented alike"),
    ("did not find expected '-' indicator", "entries of one list begin with `- ` and are indented alike"),
    ("mapping values are not allowed", "put a value that has a `:` in quotes, or check the indentation"),
    ("unexpected character: `", "quote a value that begins with this character"),
    ("unknown anchor", "quote a value that begins with `*`"),
    ("unexpected end of stream", "a quotation mark is not closed"),
    ("expected ',' or", "a comma is missing between two elements, or a bracket at their end"),
];

/// What to write instead, if that can be told.
pub(crate) fn hint(message: &str) -> Option<&'static str> {
    HINTS.iter().find(|(part, _)| message.contains(part)).map(|(_, hint)| *hint)
}
