//! Filters in SQL: `WHERE …`, in four dialects.
//!
//! INVARIANT (nothing gets out): identifiers are quoted and texts are literals in which nothing ends them, whatever the modes of a
//! connection are (`NO_BACKSLASH_ESCAPES`, `standard_conforming_strings`).
//! INVARIANT (never more rows): texts compare by their characters, not by what a collation makes of them, and what compares with null
//! is unknown. So of rows that have no null where the filter looks, it takes those that the policy allows; of others, no others.

use std::fmt::Write;

use super::columns::Columns;
use super::formula::{Field, Formula, Within};
use verdict_rego::Value;
use verdict_rego::partial::Comparison;

/// A dialect of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
    /// Microsoft SQL Server.
    SqlServer,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PostgreSql, Self::MySql, Self::SqlServer, Self::Sqlite];

    /// Its name in OPA's media types.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgresql",
            Self::MySql => "mysql",
            Self::SqlServer => "sqlserver",
            Self::Sqlite => "sqlite",
        }
    }
}

/// The condition, with `WHERE`; empty where it holds of every row.
///
/// # Errors
/// What the dialect cannot say.
pub fn filter(formula: &Formula, columns: Columns<'_>, dialect: Dialect) -> Result<String, String> {
    let writer = Writer { columns, dialect };
    match formula {
        Formula::True => Ok(String::new()),
        other => writer.formula(other).map(|text| format!("WHERE {text}")),
    }
}

struct Writer<'m> {
    columns: Columns<'m>,
    dialect: Dialect,
}

impl Writer<'_> {
    fn formula(&self, formula: &Formula) -> Result<String, String> {
        let list = |all: &[Formula], word: &str| {
            let all = all.iter().map(|one| self.formula(one)).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("({})", all.join(word)))
        };
        Ok(match formula {
            Formula::True => "1 = 1".to_owned(),
            Formula::False => "1 = 0".to_owned(),
            Formula::And(all) => return list(all, " AND "),
            Formula::Or(all) => return list(all, " OR "),
            Formula::Not(one) => format!("NOT ({})", self.formula(one)?),
            Formula::Compare(Comparison::Equal, field, Value::Null) => {
                format!("{} IS NULL", self.column(field)?)
            }
            Formula::Compare(Comparison::NotEqual, field, Value::Null) => {
                format!("{} IS NOT NULL", self.column(field)?)
            }
            Formula::Compare(comparison, field, value) => {
                let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
                format!("{} {} {}", self.column(field)?, sign(*comparison), self.constant(value, ordered)?)
            }
            Formula::Fields(comparison, a, b) => {
                format!("{} {} {}", self.column(a)?, sign(*comparison), self.column(b)?)
            }
            Formula::In(field, values) => {
                let values =
                    values.iter().map(|value| self.constant(value, false)).collect::<Result<Vec<_>, _>>()?;
                format!("{} IN ({})", self.column(field)?, values.join(", "))
            }
            Formula::Within(within, field, text) => self.within(*within, field, text)?,
        })
    }

    fn column(&self, field: &Field) -> Result<String, String> {
        let name = self.columns.name(field)?;
        let column = self.identifier(&name.column)?;
        // Never without a table: SQLite takes the quoted name of a column that it does not find for a text.
        let table = name.table.split('.').map(|part| self.identifier(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("{}.{column}", table.join(".")))
    }

    fn identifier(&self, name: &str) -> Result<String, String> {
        if name.is_empty() || name.chars().any(|c| c.is_control()) {
            return Err(format!("{name:?} is no name of a table or column"));
        }
        Ok(match self.dialect {
            Dialect::PostgreSql | Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
            Dialect::MySql => format!("`{}`", name.replace('`', "``")),
            Dialect::SqlServer => format!("[{}]", name.replace(']', "]]")),
        })
    }

    fn constant(&self, value: &Value, ordered: bool) -> Result<String, String> {
        match value {
            Value::String(text) => {
                let literal = self.text(text)?;
                Ok(match self.dialect {
                    Dialect::PostgreSql if ordered => format!("{literal} COLLATE \"C\""),
                    Dialect::PostgreSql | Dialect::Sqlite => literal,
                    Dialect::MySql => format!("{literal} COLLATE utf8mb4_bin"),
                    Dialect::SqlServer => format!("{literal} COLLATE Latin1_General_100_BIN2"),
                })
            }
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(value) => Ok(match (self.dialect, value) {
                (Dialect::PostgreSql | Dialect::MySql, true) => "TRUE",
                (Dialect::PostgreSql | Dialect::MySql, false) => "FALSE",
                (Dialect::SqlServer | Dialect::Sqlite, true) => "1",
                (Dialect::SqlServer | Dialect::Sqlite, false) => "0",
            }
            .to_owned()),
            other => Err(format!("{other} is no constant of SQL")),
        }
    }

    /// A text as a literal.
    fn text(&self, text: &str) -> Result<String, String> {
        if text.contains('\0') {
            return Err("a text with the character U+0000 is no constant of SQL".to_owned());
        }
        let doubled = text.replace('\'', "''");
        match self.dialect {
            // What is doubled here is one backslash in any mode.
            Dialect::PostgreSql if text.contains('\\') => Ok(format!("E'{}'", doubled.replace('\\', "\\\\"))),
            Dialect::PostgreSql | Dialect::Sqlite => Ok(format!("'{doubled}'")),
            // What a backslash means depends on the mode.
            Dialect::MySql if text.contains('\\') => {
                let mut hex = String::from("_utf8mb4 0x");
                for byte in text.bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(hex, "{byte:02X}");
                }
                Ok(hex)
            }
            Dialect::MySql => Ok(format!("_utf8mb4'{doubled}'")),
            // A backslash before the end of a line joins two lines.
            Dialect::SqlServer if text.contains("\\\n") || text.contains("\\\r") => {
                Err("a text with a backslash before the end of a line is no constant here".to_owned())
            }
            Dialect::SqlServer => Ok(format!("N'{doubled}'")),
        }
    }

    fn within(&self, within: Within, field: &Field, text: &str) -> Result<String, String> {
        let column = self.column(field)?;
        if text.is_empty() {
            return Ok(format!("{column} IS NOT NULL"));
        }
        if self.dialect == Dialect::Sqlite {
            // `LIKE` does not tell capitals from small letters there.
            let (literal, length) = (self.text(text)?, text.chars().count());
            return Ok(match within {
                Within::Start => format!("substr({column}, 1, {length}) = {literal}"),
                Within::End => format!("substr({column}, -{length}) = {literal}"),
                Within::Anywhere => format!("instr({column}, {literal}) > 0"),
            });
        }
        let special = |c: char| matches!(c, '%' | '_' | '!' | '\\' | '[' | ']');
        let mut pattern = String::new();
        for c in text.chars() {
            if special(c) && c != '\\' && !(c == ']' || c == '[' && self.dialect != Dialect::SqlServer) {
                pattern.push('!');
            }
            pattern.push(c);
        }
        let pattern = match within {
            Within::Start => format!("{pattern}%"),
            Within::End => format!("%{pattern}"),
            Within::Anywhere => format!("%{pattern}%"),
        };
        let escape = if text.chars().any(special) { " ESCAPE '!'" } else { "" };
        Ok(format!("{column} LIKE {}{escape}", self.constant(&Value::from(pattern), false)?))
    }
}

const fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterEqual => ">=",
    }
}
