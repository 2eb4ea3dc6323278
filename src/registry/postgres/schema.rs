//! The tables, and the steps that lead to them.
//!
//! A step that was released is never changed; what is to be different comes as a new one.

use postgres::Client;

use super::error::{damaged, failed};
use crate::model::clock::Clock;
use crate::registry::store::{StoreError, StoreErrorKind};

/// The steps with their names; the version of a schema is the number of its last one. `{s}` stands for the schema's name.
const STEPS: &[(&str, &str)] = &[("first", FIRST)];

/// Texts are compared by bytes, whatever the language of the database.
const FIRST: &str = r#"
CREATE TABLE {s}.meta (key text COLLATE "C" PRIMARY KEY, value text NOT NULL);

CREATE TABLE {s}.migrations (version bigint PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL);

CREATE TABLE {s}.records (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    organisation text COLLATE "C",
    owner text COLLATE "C",
    seq bigint NOT NULL,
    body text,
    sealed bytea,
    PRIMARY KEY (kind, id)
);
CREATE INDEX records_seq ON {s}.records (seq);
CREATE INDEX records_organisation ON {s}.records (kind, organisation, id) WHERE body IS NOT NULL;
CREATE INDEX records_owner ON {s}.records (owner, kind, id) WHERE body IS NOT NULL;

CREATE TABLE {s}.audit (
    seq bigint PRIMARY KEY,
    at bigint NOT NULL,
    organisation text COLLATE "C",
    action text COLLATE "C" NOT NULL,
    body text NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_organisation ON {s}.audit (organisation, seq);
CREATE FUNCTION {s}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log can only be appended to'; END $$;
CREATE FUNCTION {s}.check_next() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.seq IS DISTINCT FROM (SELECT coalesce(max(seq), 0) + 1 FROM {s}.audit) THEN
            RAISE EXCEPTION 'the audit log can only be appended to';
        END IF;
        RETURN NEW;
    END $$;
CREATE TRIGGER audit_change BEFORE UPDATE OR DELETE ON {s}.audit FOR EACH ROW EXECUTE FUNCTION {s}.refuse();
CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON {s}.audit FOR EACH STATEMENT EXECUTE FUNCTION {s}.refuse();
CREATE TRIGGER audit_insert BEFORE INSERT ON {s}.audit FOR EACH ROW EXECUTE FUNCTION {s}.check_next();

CREATE TABLE {s}.auth_events (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    organisation text COLLATE "C",
    agent text COLLATE "C",
    key_prefix text,
    action text COLLATE "C" NOT NULL,
    reason text,
    peer text,
    count bigint NOT NULL
);
CREATE INDEX auth_events_organisation ON {s}.auth_events (organisation, number);
CREATE INDEX auth_events_named ON {s}.auth_events (number) WHERE organisation IS NOT NULL;

CREATE TABLE {s}.key_uses (key text COLLATE "C" PRIMARY KEY, at bigint NOT NULL);
"#;

/// What a schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Missing,
    Empty,
    /// A registry of this version.
    Registry(i64),
}

fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Whether this program knows a schema of this version.
///
/// # Errors
/// It does not.
pub(super) fn check(version: i64) -> Result<(), StoreError> {
    if version <= newest() {
        return Ok(());
    }
    let detail = format!("its schema has version {version}, and this program knows those up to {}", newest());
    Err(StoreError::new(StoreErrorKind::NewerSchema, detail))
}

fn recognise(client: &mut Client, schema: &str) -> Result<Found, StoreError> {
    let sql = "SELECT n.oid IS NOT NULL, count(c.oid), count(c.oid) FILTER (WHERE c.relname = 'meta')
               FROM (SELECT 1) AS one
               LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = $1
               LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid GROUP BY n.oid";
    let row = client.query_one(sql, &[&schema]).map_err(failed)?;
    let (exists, tables, meta): (bool, i64, i64) = (row.get(0), row.get(1), row.get(2));
    if !exists {
        return Ok(Found::Missing);
    }
    if tables == 0 {
        return Ok(Found::Empty);
    }
    let foreign =
        || damaged(format!("the schema `{schema}` has tables that are none of a registry; name another one"));
    if meta == 0 {
        return Err(foreign());
    }
    let marked = format!(
        "SELECT max(value) FILTER (WHERE key = 'schema')::bigint, count(*) FILTER (WHERE key = 'database')
         FROM {schema}.meta"
    );
    let row = client.query_one(&marked, &[]).map_err(failed)?;
    let version = match (row.get::<_, Option<i64>>(0), row.get::<_, i64>(1)) {
        (Some(version), 1) => version,
        _ => return Err(foreign()),
    };
    check(version)?;
    Ok(Found::Registry(version))
}

/// Brings the schema up to date, in one transaction and under the lock of writers.
///
/// # Errors
/// It is something else, is newer than this program, or cannot be written.
pub(super) fn migrate(client: &mut Client, schema: &str, lock: i64, clock: &Clock) -> Result<(), StoreError> {
    if recognise(client, schema)? == Found::Registry(newest()) {
        return Ok(());
    }
    client
        .batch_execute(&format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({lock})"
        ))
        .map_err(failed)?;
    // Another process may have done it meanwhile.
    let found = recognise(client, schema)?;
    let done = match found {
        Found::Missing | Found::Empty => 0,
        Found::Registry(version) => version,
    };
    if found == Found::Missing {
        client.batch_execute(&format!("CREATE SCHEMA {schema}")).map_err(failed)?;
    }
    for (version, (name, sql)) in (1_i64..).zip(STEPS).filter(|(version, _)| *version > done) {
        client.batch_execute(&sql.replace("{s}", schema)).map_err(failed)?;
        let note = format!("INSERT INTO {schema}.migrations VALUES ($1, $2, $3)");
        client.execute(&note, &[&version, name, &clock.now().0]).map_err(failed)?;
    }
    let mut facts = vec![("schema", newest().to_string())];
    if done == 0 {
        facts.push(("database", uuid::Uuid::new_v4().to_string()));
        facts.push(("seq", "0".to_owned()));
        facts.push(("audit_hash", "00".repeat(32)));
        facts.push(("audit_mac", "00".repeat(32)));
    }
    let set = format!(
        "INSERT INTO {schema}.meta VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    );
    for (key, value) in facts {
        client.execute(&set, &[&key, &value]).map_err(failed)?;
    }
    client.batch_execute("COMMIT").map_err(failed)
}
