//! Schemas: built from parsed definitions, and validated.

use std::collections::BTreeMap;

use super::prelude::{meta, prelude};
use crate::value::Value;

/// What is wrong, with the place where that is known.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// What.
    pub message: String,
    /// Line and column.
    pub place: Option<(i64, i64)>,
}

impl Wrong {
    /// A fault of what `node` describes.
    pub fn at(node: &Value, message: String) -> Self {
        let number = |value: &Value| match value {
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        let place = match list(node, "Position") {
            [line, column] => number(line).zip(number(column)),
            _ => None,
        };
        Self { message, place }
    }
}

/// A result of a check.
pub type Check<T> = Result<T, Wrong>;

/// A member of a node; `Null` without it.
pub fn member<'a>(node: &'a Value, key: &str) -> &'a Value {
    match node {
        Value::Object(members) => members.get_str(key).unwrap_or(&Value::Null),
        _ => &Value::Null,
    }
}

/// A member that is a list; empty without it.
pub fn list<'a>(node: &'a Value, key: &str) -> &'a [Value] {
    match member(node, key) {
        Value::Array(items) => items,
        _ => &[],
    }
}

/// A member that is a text; empty without it.
pub fn text<'a>(node: &'a Value, key: &str) -> &'a str {
    member(node, key).as_str().unwrap_or_default()
}

/// Whether a member is `true`.
pub fn is(node: &Value, key: &str) -> bool {
    matches!(member(node, key), Value::Bool(true))
}

/// The item of a name.
pub fn named<'a>(items: &[&'a Value], name: &str) -> Option<&'a Value> {
    items.iter().find(|item| text(item, "Name") == name).copied()
}

/// The name at the bottom of a type.
pub fn type_name(of: &Value) -> &str {
    let mut of = of;
    while member(of, "Elem") != &Value::Null {
        of = member(of, "Elem");
    }
    text(of, "NamedType")
}

/// A type as it is written.
pub fn type_text(of: &Value) -> String {
    let required = if is(of, "NonNull") { "!" } else { "" };
    match member(of, "Elem") {
        Value::Null => format!("{}{required}", text(of, "NamedType")),
        element => format!("[{}]{required}", type_text(element)),
    }
}

/// A type with all its extensions.
#[derive(Debug)]
pub struct Definition<'a> {
    /// Where it begins.
    pub node: &'a Value,
    /// `OBJECT` and so on.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it implements.
    pub interfaces: Vec<&'a str>,
    /// Its fields.
    pub fields: Vec<&'a Value>,
    /// What it is one of.
    pub types: Vec<&'a str>,
    /// Its values.
    pub values: Vec<&'a Value>,
    directives: Vec<&'a Value>,
}

impl<'a> Definition<'a> {
    const fn new(node: &'a Value, kind: &'a str, name: &'a str) -> Self {
        Self {
            node,
            kind,
            name,
            interfaces: Vec::new(),
            fields: Vec::new(),
            types: Vec::new(),
            values: Vec::new(),
            directives: Vec::new(),
        }
    }

    fn extend(&mut self, node: &'a Value) {
        self.interfaces.extend(list(node, "Interfaces").iter().filter_map(Value::as_str));
        self.fields.extend(list(node, "Fields"));
        self.types.extend(list(node, "Types").iter().filter_map(Value::as_str));
        self.values.extend(list(node, "EnumValues"));
        self.directives.extend(list(node, "Directives"));
    }

    /// Whether it may be given as an argument.
    pub fn is_input(&self) -> bool {
        matches!(self.kind, "SCALAR" | "ENUM" | "INPUT_OBJECT")
    }

    /// Whether it has fields to be asked for.
    pub fn is_composite(&self) -> bool {
        matches!(self.kind, "OBJECT" | "INTERFACE" | "UNION")
    }
}

/// A schema.
#[derive(Debug, Default)]
pub struct Schema<'a> {
    /// By name.
    pub types: BTreeMap<&'a str, Definition<'a>>,
    /// By name.
    pub directives: BTreeMap<&'a str, &'a Value>,
    /// What a value of an abstract type may be.
    pub possible: BTreeMap<&'a str, Vec<&'a str>>,
    /// The types of `query`, `mutation` and `subscription`.
    pub roots: BTreeMap<&'a str, &'a str>,
}

impl<'a> Schema<'a> {
    /// Checks what was read.
    ///
    /// # Errors
    /// What is wrong first, in the library's words.
    pub fn new(document: &'a Value) -> Check<Self> {
        let mut schema = Self::default();
        schema.define(document)?;
        schema.find_possible();
        let both = |key: &'static str| list(prelude(), key).iter().chain(list(document, key));
        for node in both("Directives") {
            let name = text(node, "Name");
            // Those of the specification may be defined once more.
            let known = matches!(name, "include" | "skip" | "deprecated" | "specifiedBy");
            if schema.directives.insert(name, node).is_some() && !known {
                return Err(Wrong::at(node, format!("Cannot redeclare directive {name}.")));
            }
        }
        let schemas = list(document, "Schema");
        if let Some(second) = schemas.get(1) {
            let message = "Cannot have multiple schema entry points, consider schema extensions instead.";
            return Err(Wrong::at(second, message.to_string()));
        }
        for root in schemas
            .iter()
            .chain(list(document, "SchemaExtension"))
            .flat_map(|node| list(node, "OperationTypes"))
        {
            let (operation, name) = (text(root, "Operation"), text(root, "Type"));
            if !schema.types.contains_key(name) {
                let message = format!("Schema root {operation} refers to a type {name} that does not exist.");
                return Err(Wrong::at(root, message));
            }
            schema.roots.insert(operation, name);
        }
        schema.types.values().try_for_each(|definition| schema.check_definition(definition))?;
        for (name, node) in &schema.directives {
            check_name(node, name)?;
            schema.check_arguments(list(node, "Arguments"), Some(name))?;
        }
        if schemas.is_empty() {
            for (operation, name) in
                [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")]
            {
                if let Some((name, _)) = schema.types.get_key_value(name) {
                    schema.roots.entry(operation).or_insert(name);
                }
            }
        }
        Ok(schema)
    }

    /// Adds the definitions of the prelude and of a document, with their extensions.
    fn define(&mut self, document: &'a Value) -> Check<()> {
        let both = |key: &'static str| list(prelude(), key).iter().chain(list(document, key));
        for node in both("Definitions") {
            let name = text(node, "Name");
            let mut definition = Definition::new(node, text(node, "Kind"), name);
            definition.extend(node);
            if self.types.insert(name, definition).is_some() {
                return Err(Wrong::at(node, format!("Cannot redeclare type {name}.")));
            }
        }
        for node in both("Extensions") {
            let (name, kind) = (text(node, "Name"), text(node, "Kind"));
            let definition = self.types.entry(name).or_insert_with(|| Definition::new(node, kind, name));
            if definition.kind != kind {
                let base = definition.kind;
                return Err(Wrong::at(
                    node,
                    format!("Cannot extend type {name} because the base type is a {base}, not {kind}."),
                ));
            }
            definition.extend(node);
        }
        Ok(())
    }

    /// Notes for each abstract type what its values may be.
    fn find_possible(&mut self) {
        for definition in self.types.values() {
            let mut add = |of: &'a str, name: &'a str| self.possible.entry(of).or_default().push(name);
            if definition.kind == "UNION" {
                definition.types.iter().for_each(|name| add(definition.name, name));
            } else {
                definition.interfaces.iter().for_each(|interface| add(interface, definition.name));
            }
            if matches!(definition.kind, "OBJECT" | "INPUT_OBJECT") {
                add(definition.name, definition.name);
            }
        }
    }

    /// A type by its name.
    pub fn get(&self, name: &str) -> Option<&Definition<'a>> {
        self.types.get(name)
    }

    /// A field of a type, also those that all types or the root have.
    pub fn field(&self, definition: &Definition<'a>, name: &str) -> Option<&'a Value> {
        let everywhere = name == "__typename";
        let root = self.roots.get("query").is_some_and(|root| *root == definition.name);
        if everywhere || root && matches!(name, "__schema" | "__type") {
            let fields =
                list(meta(), "Definitions").first().map(|node| list(node, "Fields")).unwrap_or_default();
            return fields.iter().find(|field| text(field, "Name") == name);
        }
        named(&definition.fields, name)
    }

    fn check_definition(&self, definition: &Definition<'a>) -> Check<()> {
        let (kind, name, node) = (definition.kind, definition.name, definition.node);
        let wrong = |message: String| Err(Wrong::at(node, message));
        let input = kind == "INPUT_OBJECT";
        for field in &definition.fields {
            check_name(field, text(field, "Name"))?;
            self.check_type(member(field, "Type"))?;
            self.check_arguments(list(field, "Arguments"), None)?;
            let location = if input { "INPUT_FIELD_DEFINITION" } else { "FIELD_DEFINITION" };
            self.check_directives(list(field, "Directives").iter(), location, None)?;
        }
        for of in &definition.types {
            match self.get(of) {
                None => return wrong(format!("Undefined type {of:?}.")),
                Some(of) if of.kind != "OBJECT" => {
                    return wrong(format!("{kind} type {:?} must be OBJECT.", of.name));
                }
                Some(_) => {}
            }
        }
        for interface in &definition.interfaces {
            self.check_implements(definition, interface)?;
        }
        self.check_members(definition)?;
        let mut seen = std::collections::HashSet::new();
        if let Some(again) = definition.fields.iter().find(|field| !seen.insert(text(field, "Name"))) {
            let message = format!("Field {name}.{} can only be defined once.", text(again, "Name"));
            return Err(Wrong::at(again, message));
        }
        if !is(node, "BuiltIn") {
            check_name(node, name)?;
        }
        self.check_directives(definition.directives.iter().copied(), kind, None)
    }

    /// What a definition of its kind must have, and must not.
    fn check_members(&self, definition: &Definition<'a>) -> Check<()> {
        let (kind, name, node) = (definition.kind, definition.name, definition.node);
        let wrong = |message: String| Err(Wrong::at(node, message));
        let field_kinds = |allowed: &[&str], head: &dyn Fn(&Definition<'a>, &Value) -> String| {
            for field in &definition.fields {
                if let Some(of) = self.get(type_name(member(field, "Type")))
                    && !allowed.contains(&of.kind)
                {
                    let message =
                        format!("{}: field must be one of {}.", head(of, field), allowed.join(", "));
                    return Err(Wrong::at(field, message));
                }
            }
            Ok(())
        };
        match kind {
            "OBJECT" | "INTERFACE" => {
                if definition.fields.is_empty() {
                    return wrong(format!("{kind} {name}: must define one or more fields."));
                }
                field_kinds(&["SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM"], &|_, _| {
                    format!("{kind} {name}")
                })?;
            }
            "ENUM" => {
                if definition.values.is_empty() {
                    return wrong(format!("{kind} {name}: must define one or more unique enum values."));
                }
                let words = ["true", "false", "null"];
                if let Some(value) =
                    definition.values.iter().find(|value| words.contains(&text(value, "Name")))
                {
                    return wrong(format!("{kind} {name}: non-enum value {}.", text(value, "Name")));
                }
            }
            "INPUT_OBJECT" => {
                if definition.fields.is_empty() {
                    return wrong(format!("{kind} {name}: must define one or more input fields."));
                }
                field_kinds(&["SCALAR", "ENUM", "INPUT_OBJECT"], &|of, field| {
                    format!("{} {}", of.kind, text(field, "Name"))
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    fn check_type(&self, of: &Value) -> Check<&Definition<'a>> {
        let name = type_name(of);
        self.get(name).ok_or_else(|| Wrong::at(of, format!("Undefined type {name}.")))
    }

    fn check_arguments(&self, arguments: &[Value], directive: Option<&str>) -> Check<()> {
        for argument in arguments {
            let name = text(argument, "Name");
            check_name(argument, name)?;
            let of = member(argument, "Type");
            let definition = self.check_type(of)?;
            if !definition.is_input() {
                let (of, kind) = (type_text(of), definition.kind);
                let message =
                    format!("cannot use {of} as argument {name} because {kind} is not a valid input type");
                return Err(Wrong::at(argument, message));
            }
            self.check_directives(list(argument, "Directives").iter(), "ARGUMENT_DEFINITION", directive)?;
        }
        Ok(())
    }

    fn check_directives<'b>(
        &self,
        directives: impl Iterator<Item = &'b Value>,
        location: &str,
        within: Option<&str>,
    ) -> Check<()> {
        for directive in directives {
            let name = text(directive, "Name");
            check_name(directive, name)?;
            let wrong = |message: String| Err(Wrong::at(directive, message));
            if within == Some(name) {
                return wrong(format!("Directive {name} cannot refer to itself."));
            }
            let Some(definition) = self.directives.get(name) else {
                return wrong(format!("Undefined directive {name}."));
            };
            if !list(definition, "Locations").iter().any(|there| there.as_str() == Some(location)) {
                return wrong(format!("Directive {name} is not applicable on {location}."));
            }
        }
        Ok(())
    }

    fn check_implements(&self, definition: &Definition<'a>, name: &str) -> Check<()> {
        let own = definition.name;
        let wrong = |node: &Value, message: String| Err(Wrong::at(node, message));
        let Some(interface) = self.get(name) else {
            return wrong(definition.node, format!("Undefined type {name:?}."));
        };
        if interface.kind != "INTERFACE" {
            return wrong(definition.node, format!("{name:?} is a non interface type {}.", interface.kind));
        }
        for required in &interface.fields {
            let field_name = text(required, "Name");
            let head = format!("For {own} to implement {name}");
            let Some(found) = named(&definition.fields, field_name) else {
                return wrong(definition.node, format!("{head} it must have a field called {field_name}."));
            };
            let of = member(required, "Type");
            if !self.is_covariant(of, member(found, "Type")) {
                let message = format!("{head} the field {field_name} must have type {}.", type_text(of));
                return wrong(found, message);
            }
            let arguments: Vec<&Value> = list(found, "Arguments").iter().collect();
            let wanted: Vec<&Value> = list(required, "Arguments").iter().collect();
            for argument in &wanted {
                let argument_name = text(argument, "Name");
                let head = format!("{head} the field {field_name} must have the same arguments but");
                let Some(there) = named(&arguments, argument_name) else {
                    return wrong(found, format!("{head} it is missing {argument_name}."));
                };
                if !is_compatible(member(argument, "Type"), member(there, "Type")) {
                    return wrong(there, format!("{head} {argument_name} has the wrong type."));
                }
            }
            for argument in &arguments {
                let argument_name = text(argument, "Name");
                if named(&wanted, argument_name).is_none() && is_required(argument) {
                    let message = format!(
                        "{head} any additional arguments on {field_name} must be optional or have a default value but \
                         {argument_name} is required."
                    );
                    return wrong(argument, message);
                }
            }
        }
        let missing = interface.interfaces.iter().find(|above| !definition.interfaces.contains(above));
        if let Some(above) = missing {
            let message = if *above == own {
                format!("Type {own} cannot implement {name} because it would create a circular reference.")
            } else {
                format!("Type {own} must implement {above} because it is implemented by {name}.")
            };
            return wrong(definition.node, message);
        }
        Ok(())
    }

    fn is_covariant(&self, required: &Value, actual: &Value) -> bool {
        if is(required, "NonNull") && !is(actual, "NonNull") {
            return false;
        }
        let (name, element) = (text(required, "NamedType"), member(actual, "Elem"));
        if !name.is_empty() {
            let actual = text(actual, "NamedType");
            return name == actual || self.possible.get(name).is_some_and(|names| names.contains(&actual));
        }
        element != &Value::Null && self.is_covariant(member(required, "Elem"), element)
    }
}

/// Whether an argument must be given.
pub fn is_required(argument: &Value) -> bool {
    is(member(argument, "Type"), "NonNull") && member(argument, "DefaultValue") == &Value::Null
}

/// Whether what is of one type may stand where another is wanted.
pub fn is_compatible(given: &Value, wanted: &Value) -> bool {
    let (given_element, wanted_element) = (member(given, "Elem"), member(wanted, "Elem"));
    let same = match (given_element, wanted_element) {
        (Value::Null, Value::Null) => text(given, "NamedType") == text(wanted, "NamedType"),
        (Value::Null, _) | (_, Value::Null) => false,
        (given, wanted) => is_compatible(given, wanted),
    };
    same && (is(given, "NonNull") || !is(wanted, "NonNull"))
}

fn check_name(node: &Value, name: &str) -> Check<()> {
    // What the schema of all schemas defines is read as built in.
    if name.starts_with("__") {
        let message =
            format!("Name {name:?} must not begin with \"__\", which is reserved by GraphQL introspection.");
        return Err(Wrong::at(node, message));
    }
    Ok(())
}
