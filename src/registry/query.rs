//! The questions that both databases are asked in the same words, which differ in how they mark parameters.

use super::row::{Kind, Select, SelectAudit, SelectEvents};
use crate::model::clock::Timestamp;

/// The columns of a row without what is sealed.
pub(super) const ROW: &str = "kind, id, organisation, owner, seq, body";
/// The columns of an entry of the audit log.
pub(super) const AUDIT: &str = "seq, at, organisation, action, body, hash";
/// The columns of an event.
pub(super) const EVENT: &str = "number, at, organisation, agent, key_prefix, action, reason, peer, count";

/// How a database writes SQL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect<'a> {
    /// What stands before the number of a parameter.
    pub(super) marker: char,
    /// What stands before the name of a table.
    pub(super) schema: &'a str,
}

/// A value of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
}

/// A question with its parameters.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    marker: char,
    conditions: usize,
}

impl Query {
    fn new(dialect: Dialect<'_>, columns: &str, table: &str) -> Self {
        let sql = format!("SELECT {columns} FROM {}{table}", dialect.schema);
        Self { sql, values: Vec::new(), marker: dialect.marker, conditions: 0 }
    }

    /// Adds a condition, which ends with the value.
    fn and(&mut self, condition: &str, value: Option<Value>) {
        let Some(value) = value else { return };
        self.word(condition);
        self.parameter(value);
    }

    fn word(&mut self, condition: &str) {
        self.sql.push_str(if self.conditions == 0 { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
        self.conditions += 1;
    }

    fn parameter(&mut self, value: Value) {
        self.values.push(value);
        self.sql.push_str(&format!(" {}{}", self.marker, self.values.len()));
    }

    fn ordered(mut self, order: &str, limit: u32) -> Self {
        self.sql.push_str(&format!(" ORDER BY {order} LIMIT"));
        self.parameter(Value::Number(limit.into()));
        self
    }
}

fn text(value: Option<&str>) -> Option<Value> {
    value.map(|text| Value::Text(text.to_owned()))
}

fn time(value: Option<Timestamp>) -> Option<Value> {
    value.map(|time| Value::Number(time.0))
}

fn number(value: Option<u64>) -> Option<Value> {
    value.map(|number| Value::Number(signed(number)))
}

/// A number as databases have it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that a database has, which is not negative.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Rows of a kind that exist.
pub(super) fn rows(dialect: Dialect<'_>, kind: Kind, which: &Select) -> Query {
    let mut query = Query::new(dialect, ROW, "records");
    query.word("body IS NOT NULL");
    query.and("kind =", text(Some(kind.name())));
    query.and("organisation =", text(which.organisation.as_deref()));
    query.and("owner =", text(which.owner.as_deref()));
    query.and("id >", text(which.after.as_deref()));
    query.ordered("id", which.limit)
}

/// Rows of a kind that exist, with what is sealed.
pub(super) fn sealed_rows(dialect: Dialect<'_>, kind: Kind, after: Option<&str>, limit: u32) -> Query {
    let mut query = Query::new(dialect, &format!("{ROW}, sealed"), "records");
    query.word("body IS NOT NULL");
    query.and("kind =", text(Some(kind.name())));
    query.and("id >", text(after));
    query.ordered("id", limit)
}

/// Rows that exist with an owner, with what is sealed.
pub(super) fn owned(dialect: Dialect<'_>, owner: &str, kind: Option<Kind>) -> Query {
    let mut query = Query::new(dialect, &format!("{ROW}, sealed"), "records");
    query.word("body IS NOT NULL");
    query.and("owner =", text(Some(owner)));
    query.and("kind =", text(kind.map(Kind::name)));
    query.sql.push_str(" ORDER BY kind, id");
    query
}

/// Entries of the audit log.
pub(super) fn audit(dialect: Dialect<'_>, which: &SelectAudit) -> Query {
    let mut query = Query::new(dialect, AUDIT, "audit");
    query.and("organisation =", text(which.organisation.as_deref()));
    match which.action.as_deref() {
        // What begins with `key.` comes before `key/`, as texts are compared by bytes.
        Some(action) if action.ends_with('.') => {
            query.and("action >=", text(Some(action)));
            query.and("action <", text(Some(&format!("{}/", action.trim_end_matches('.')))));
        }
        action => query.and("action =", text(action)),
    }
    query.and("at >=", time(which.from));
    query.and("at <", time(which.until));
    query.and("seq <", number(which.before));
    query.ordered("seq DESC", which.limit)
}

/// Events with their numbers.
pub(super) fn events(dialect: Dialect<'_>, which: &SelectEvents) -> Query {
    let mut query = Query::new(dialect, EVENT, "auth_events");
    query.and("organisation =", text(which.organisation.as_deref()));
    query.and("agent =", text(which.agent.as_deref()));
    query.and("action =", text(which.action.as_deref()));
    query.and("at >=", time(which.from));
    query.and("at <", time(which.until));
    query.and("number <", number(which.before));
    query.ordered("number DESC", which.limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_numbered_and_only_there_where_they_are_wanted() {
        let dialect = Dialect { marker: '$', schema: "s." };
        let all = audit(dialect, &SelectAudit { limit: 3, ..SelectAudit::default() });
        assert_eq!(all.sql, format!("SELECT {AUDIT} FROM s.audit ORDER BY seq DESC LIMIT $1"));
        let some = audit(
            Dialect { marker: '?', schema: "" },
            &SelectAudit {
                action: Some("key.".into()),
                before: Some(u64::MAX),
                limit: 1,
                ..Default::default()
            },
        );
        let conditions = "action >= ?1 AND action < ?2 AND seq < ?3";
        assert_eq!(
            some.sql,
            format!("SELECT {AUDIT} FROM audit WHERE {conditions} ORDER BY seq DESC LIMIT ?4")
        );
        let values = [
            Value::Text("key.".into()),
            Value::Text("key/".into()),
            Value::Number(i64::MAX),
            Value::Number(1),
        ];
        assert_eq!(some.values, values);
    }
}
