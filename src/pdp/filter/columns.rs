//! What columns are called in a database: `targetSQLTableMappings`, in the forms that OPA takes.
//!
//! `{"fruits": {"$self": "f", "name": "n"}}` makes `f.n` of `input.fruits.name`; `{"name": {"$table": "fruits"}}` puts the column
//! `input.name` into a table. Either may be below a dialect (`postgresql`) or a target (`sql`, `ucast`), and is then for that one alone.

use super::formula::Field;
use verdict_rego::Value;

/// A text in a mapping.
fn text<'m>(map: Option<&'m Value>, key: &str) -> Option<&'m str> {
    map?.get(key)?.as_str()
}

/// The names of columns.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'m> {
    mappings: Option<&'m Value>,
}

/// What a column is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name of the table, which may be qualified: `public.fruits`.
    pub table: String,
    /// Its own name.
    pub column: String,
}

impl<'m> Columns<'m> {
    /// Those for a target and dialect.
    ///
    /// # Errors
    /// What is wrong with the mappings.
    pub fn of(mappings: Option<&'m Value>, target: &str, dialect: &str) -> Result<Self, String> {
        let Some(all) = mappings else { return Ok(Self { mappings: None }) };
        let own = [dialect, target].into_iter().find_map(|name| all.get(name));
        let mappings = own.unwrap_or(all);
        for (name, table) in mappings.members() {
            let is_text = |(_, value): (&str, &Value)| value.as_str().is_some();
            if !table.is_object() || !table.members().all(is_text) {
                return Err(format!(
                    "the mapping of `{name}` is no object of names: `{{\"$self\": \"table\", …}}`"
                ));
            }
        }
        Ok(Self { mappings: Some(mappings) })
    }

    /// The name of a column.
    ///
    /// # Errors
    /// It has no table.
    pub fn name(&self, field: &Field) -> Result<Column, String> {
        let mapping = |name: &str| self.mappings.and_then(|all| all.get(name));
        let (table, column) = match field.path.as_slice() {
            [table, column] => (table.as_str(), column.as_str()),
            [column] => match text(mapping(column), "$table") {
                Some(table) => (table, column.as_str()),
                None => {
                    return Err(format!(
                        "`input.{column}` is not a column, `input.<table>.<column>`; `targetSQLTableMappings` can give \
                         it a table: {{\"{column}\": {{\"$table\": \"…\"}}}}"
                    ));
                }
            },
            _ => return Err("not a column".to_owned()),
        };
        let map = mapping(table);
        let own = text(map, "$self").unwrap_or(table);
        let column = text(map, column).unwrap_or(column);
        Ok(Column { table: own.to_owned(), column: column.to_owned() })
    }
}
