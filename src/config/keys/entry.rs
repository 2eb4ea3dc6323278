//! What is said of one key.

/// What serde asks for at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Shape {
    /// A text.
    Text,
    /// A text or a number, as its type understands it: durations and sizes.
    Scalar,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// One of a closed list of words.
    Word,
    /// A list.
    List,
    /// A map with free keys.
    Map,
    /// A map with known keys that may be absent as a whole.
    Section,
}

/// One key of the configuration.
pub(in crate::config) struct Entry {
    /// Dotted; `issuers[]` is each element of the list `issuers`, `keys{}` each value of the map `keys`.
    pub(in crate::config) key: &'static str,
    pub(in crate::config) kind: Kind,
    /// Whole sentences, in Markdown.
    pub(in crate::config) about: &'static str,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Kind {
    Text,
    /// A text that is never printed.
    Secret,
    /// In the file, relative paths start at the file's folder.
    Path,
    Address,
    Url,
    Duration,
    Size,
    Number,
    Flag,
    Word,
    Texts,
    /// A list of paths; in the file, relative ones start at the file's folder.
    Paths,
    /// A text, or a list of texts.
    TextOrTexts,
    TextMap,
    ModeMap,
    Sections,
    /// A map of free names to sections.
    SectionMap,
    Section,
}

impl Kind {
    /// What the types ask for where a value of this kind stands.
    #[cfg(test)]
    pub(in crate::config) const fn shape(self) -> Shape {
        match self {
            Self::Text | Self::Secret | Self::Path | Self::Address | Self::Url => Shape::Text,
            Self::Duration | Self::Size | Self::TextOrTexts => Shape::Scalar,
            Self::Number => Shape::Number,
            Self::Flag => Shape::Flag,
            Self::Word => Shape::Word,
            Self::Texts | Self::Paths | Self::Sections => Shape::List,
            Self::TextMap | Self::ModeMap | Self::SectionMap => Shape::Map,
            Self::Section => Shape::Section,
        }
    }

    /// For the reference page.
    pub(in crate::config) fn describe(self, words: &[&str]) -> String {
        let text = match self {
            Self::Text => "string",
            Self::Secret => "string, never printed",
            Self::Path => "path",
            Self::Address => "address and port",
            Self::Url => "URL",
            Self::Duration => "duration",
            Self::Size => "size",
            Self::Number => "number",
            Self::Flag => "`true` or `false`",
            Self::Word => {
                let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                return format!("one of {}", quoted.join(", "));
            }
            Self::Texts => "list of strings",
            Self::Paths => "list of paths",
            Self::TextOrTexts => "string, or list of strings",
            Self::TextMap => "map of strings",
            Self::ModeMap => "map of paths to modes",
            Self::Sections => "list of sections",
            Self::SectionMap => "map of names to sections",
            Self::Section => "section",
        };
        text.to_owned()
    }
}

pub(in crate::config) const fn entry(key: &'static str, kind: Kind, about: &'static str) -> Entry {
    Entry { key, kind, about }
}
