//! Templates: of paths, whose variables take segments, and of texts, which take what the variables have.

use crate::doors::wire::path::segments as read;

/// The most segments of a template.
const MAX_SEGMENTS: usize = 64;

/// A path with variables.
#[derive(Debug)]
pub(super) struct PathTemplate {
    /// As it was written.
    pub(super) text: String,
    /// The names of its variables, in their order.
    pub(super) variables: Vec<String>,
    /// The same path with variables that are named by their places, so that templates are the same where they match the same.
    pub(super) shape: String,
}

impl PathTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err("does not begin with `/`".to_owned());
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let raw: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split('/').collect() };
        if raw.len() > MAX_SEGMENTS {
            return Err(format!("has more than {MAX_SEGMENTS} segments"));
        }
        let (mut variables, mut shape) = (Vec::new(), String::new());
        for (index, segment) in raw.iter().enumerate() {
            shape.push('/');
            let inside = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let Some(inside) = inside else {
                if segment.contains(['{', '}']) {
                    return Err(format!("has a variable in `{segment}` that is not a whole segment"));
                }
                shape.push_str(&literal(segment)?);
                continue;
            };
            let (name, rest) = inside.strip_prefix('*').map_or((inside, ""), |name| (name, "*"));
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
                return Err(format!(
                    "has a variable `{segment}` without a name of letters, digits, `_` and `-`"
                ));
            }
            if !rest.is_empty() && index + 1 != raw.len() {
                return Err(format!("has something behind `{segment}`, which takes all that is left"));
            }
            if variables.iter().any(|other| other == name) {
                return Err(format!("has the variable `{name}` twice"));
            }
            variables.push(name.to_owned());
            shape.push_str(&format!("{{{rest}v{index}}}"));
        }
        if shape.is_empty() {
            shape.push('/');
        }
        Ok(Self { text: text.to_owned(), variables, shape })
    }
}

/// A segment that stands for itself, decoded as those of requests are.
fn literal(segment: &str) -> Result<String, String> {
    match read(segment) {
        Ok(decoded) => match decoded.as_slice() {
            [one] if !one.contains(['{', '}']) => Ok(one.clone()),
            _ => Err("has an empty segment, or a brace that is encoded".to_owned()),
        },
        Err(why) => Err(format!("matches no request: {why}")),
    }
}

#[derive(Debug)]
enum Part {
    Text(String),
    /// By its place among the variables of the path.
    Variable(usize),
}

/// A text with variables of a path.
#[derive(Debug)]
pub(super) struct TextTemplate(Vec<Part>);

impl TextTemplate {
    /// Reads a text.
    ///
    /// INVARIANT (one reading): different values make different texts, because between two variables there is a `/`, which no value has.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &str, path: &PathTemplate) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else {
                return Err("has a `{` that does not end".to_owned());
            };
            let Some(place) = path.variables.iter().position(|variable| variable == name) else {
                return Err(format!("names `{{{name}}}`, which is no variable of `{}`", path.text));
            };
            let follows = parts.iter().any(|part| matches!(part, Part::Variable(_)));
            if follows && !before.contains('/') {
                return Err("has two variables without a `/` between them".to_owned());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Variable(place));
            rest = behind;
        }
        if rest.contains('}') {
            return Err("has a `}` without a `{`".to_owned());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.is_empty() {
            return Err("must not be empty".to_owned());
        }
        Ok(Self(parts))
    }

    /// What stands for one variable alone.
    pub(super) fn variable(place: usize) -> Self {
        Self(vec![Part::Variable(place)])
    }

    /// A text without variables.
    pub(super) fn text(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    /// Whether it has a variable.
    pub(super) fn has(&self, place: usize) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Variable(other) if *other == place))
    }

    /// The text, with these values.
    pub(super) fn filled(&self, values: &[&str]) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable(place) => values.get(*place).copied().unwrap_or_default().to_owned(),
        };
        self.0.iter().map(part).collect()
    }
}
