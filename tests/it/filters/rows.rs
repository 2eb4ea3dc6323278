//! The same rows, by filters in real databases and one by one by the policy.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{POSTGRESQL, SQLITE, policy, query, unknown};
use crate::harness::Server;
use crate::harness::postgres::Postgres;

const POLICY: &str = r#"package rows

equal if input.t.name == input.user

differs if input.t.name != input.user

less if input.t.n < 3

owned if {
	input.t.owner == input.user
	not input.t.hidden
}

owned if input.t.n in data.rows.numbers_of[input.user]

texts if startswith(input.t.name, "a%")

texts if endswith(input.t.name, "_B")

texts if contains(input.t.name, "'; --")

ordered if input.t.name > "Z"

same if input.t.name == input.t.owner

negated if not helper

default helper := false

helper if {
	input.t.n > 1
	input.t.name != "a"
}

helper if input.t.owner in {"ann", "bob"}

kind := "small" if input.t.n < 2 else := "owned" if input.t.owner == input.user else := "large"

of_kind if kind == input.kind

levels contains n if {
	some n in [0, 1, 2]
	input.t.n > n
}

level if count([1 | some n in [0, 1, 2]; n in data.rows.numbers_of[input.user]]) > 1

level if 2 in levels

all if every name in ["a", "A"] { input.t.name != name }

everything if input.user == "ann"
"#;

const DATA: &str = r#"{"rows": {"numbers_of": {"ann": [1, 2], "bob": [4]}}}"#;

const NAMES: [&str; 24] = [
    "a",
    "A",
    "b",
    "ab",
    "a%",
    "a%x",
    "axx",
    "x_B",
    "x_b",
    "xxB",
    "ann",
    "bob",
    "Ann",
    "'",
    "''",
    "a'; --b",
    "\\",
    "\\'",
    "a\\",
    "é",
    "Z",
    "z",
    "_",
    "\" OR 1=1",
];

/// Rows without nulls; texts of each column are what makes trouble somewhere.
fn rows() -> Vec<Value> {
    let owners = ["ann", "bob", "eve", "a", "'"];
    let mut rows = Vec::new();
    for (at, name) in NAMES.iter().enumerate() {
        for n in 0..5 {
            let owner = owners[(at + n) % owners.len()];
            rows.push(
                json!({"id": rows.len(), "name": name, "owner": owner, "n": n, "hidden": (at + n) % 2 == 0}),
            );
        }
    }
    rows
}

/// The ids of the rows that policy allows, each asked for itself.
fn allowed(server: &Server, path: &str, rows: &[Value], input: &Value) -> BTreeSet<i64> {
    let mut ids = BTreeSet::new();
    for chunk in rows.chunks(100) {
        let inputs = chunk.iter().map(|row| {
            let mut one = input.clone();
            one["t"] = row.clone();
            (row["id"].to_string(), one)
        });
        let inputs: serde_json::Map<String, Value> = inputs.collect();
        let reply = server.post(&format!("/v1/batch/data/{path}"), &json!({"inputs": inputs}).to_string());
        for (id, response) in reply.json()["responses"].as_object().unwrap() {
            if response["result"] == true {
                ids.insert(id.parse().unwrap());
            }
        }
    }
    ids
}

const TABLE: &str = "CREATE TABLE t (id INTEGER, name TEXT, owner TEXT, n INTEGER, hidden BOOLEAN)";

fn sqlite(rows: &[Value]) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(TABLE).unwrap();
    for row in rows {
        let text = |key: &str| row[key].as_str().map(str::to_owned);
        let sql = "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5)";
        let values =
            (row["id"].as_i64(), text("name"), text("owner"), row["n"].as_i64(), row["hidden"].as_bool());
        connection.execute(sql, values).unwrap();
    }
    connection
}

fn in_sqlite(connection: &Connection, filter: &str) -> BTreeSet<i64> {
    let sql = format!("SELECT id FROM t {filter}");
    let mut statement = connection.prepare(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let ids = statement.query_map((), |row| row.get::<_, i64>(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

fn postgresql(rows: &[Value]) -> Option<postgres::Client> {
    let server = Postgres::shared()?;
    let mut client = server.connect(&server.database()).unwrap();
    client.batch_execute(TABLE).unwrap();
    for row in rows {
        let text = |key: &str| row[key].as_str().map(str::to_owned);
        let number = |key: &str| row[key].as_i64().map(|number| number as i32);
        let sql = "INSERT INTO t VALUES ($1, $2, $3, $4, $5)";
        client
            .execute(
                sql,
                &[&number("id"), &text("name"), &text("owner"), &number("n"), &row["hidden"].as_bool()],
            )
            .unwrap();
    }
    Some(client)
}

fn in_postgresql(client: &mut postgres::Client, filter: &str) -> BTreeSet<i64> {
    let sql = format!("SELECT id FROM t {filter}");
    let rows = client.query(&sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| i64::from(row.get::<_, i32>(0))).collect()
}

#[test]
fn databases_take_the_rows_that_policy_allows() {
    let server = policy(POLICY).file("rows/data.json", DATA).start();
    let rows = rows();
    let (sqlite, mut postgresql) = (sqlite(&rows), postgresql(&rows));
    let mut some = 0;
    for rule in [
        "equal",
        "differs",
        "less",
        "owned",
        "texts",
        "ordered",
        "same",
        "negated",
        "of_kind",
        "level",
        "all",
        "everything",
    ] {
        let path = format!("rows/{rule}");
        for input in [
            json!({"user": "ann", "kind": "small"}),
            json!({"user": "bob", "kind": "owned"}),
            json!({"user": "a'; --b", "kind": "large"}),
            json!({"user": "\\'", "kind": "other"}),
        ] {
            let expected = allowed(&server, &path, &rows, &input);
            some += usize::from(!expected.is_empty() && expected.len() < rows.len());
            let asked = unknown(&input);
            let got = query(&server, &path, SQLITE, &asked).map(|filter| in_sqlite(&sqlite, &filter));
            assert_eq!(got.unwrap_or_default(), expected, "{rule} in SQLite for {input}");
            if let Some(client) = &mut postgresql {
                let got =
                    query(&server, &path, POSTGRESQL, &asked).map(|filter| in_postgresql(client, &filter));
                assert_eq!(got.unwrap_or_default(), expected, "{rule} in PostgreSQL for {input}");
            }
        }
    }
    assert!(some > 20, "the rules hardly tell rows apart: {some}");
}

/// A text in a filter is that text, whatever is in it.
#[test]
fn texts_stay_texts() {
    let server = policy(POLICY).start();
    let mut random = 7u64;
    let mut texts: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    let pieces = [
        "'",
        "\\",
        "\"",
        "%",
        "_",
        ";",
        "--",
        "/*",
        "*/",
        "\n",
        "\r",
        "\t",
        "`",
        "[",
        "]",
        "!",
        "$$",
        "E'",
        "é",
        "\u{1f600}",
        "a",
        "B",
        " ",
        "$1",
        "?",
        ":x",
        "\u{7f}",
        "\u{2019}",
    ];
    while texts.len() < 300 {
        let mut text = String::new();
        for _ in 0..4 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(random >> 33) as usize % pieces.len()]);
        }
        texts.insert(text);
    }
    let rows: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(id, text)| json!({"id": id, "name": text, "owner": "x", "n": 0, "hidden": false}))
        .collect();
    let (sqlite, mut postgresql) = (sqlite(&rows), postgresql(&rows));
    if let Some(client) = &mut postgresql {
        client
            .batch_execute("SET standard_conforming_strings = off; SET escape_string_warning = off")
            .unwrap();
    }
    for (id, text) in (0i64..).zip(&texts) {
        let asked = unknown(&json!({"user": text}));
        let one = BTreeSet::from([id]);
        let filter = query(&server, "rows/equal", SQLITE, &asked).unwrap();
        assert_eq!(in_sqlite(&sqlite, &filter), one, "{filter}");
        if let Some(client) = &mut postgresql {
            let filter = query(&server, "rows/equal", POSTGRESQL, &asked).unwrap();
            assert_eq!(in_postgresql(client, &filter), one, "{filter}");
        }
    }
}

/// What compares with null is unknown to a database: a filter never takes a row that policy does not allow.
#[test]
fn nulls_take_no_row_that_policy_refuses() {
    let server = policy(POLICY).file("rows/data.json", DATA).start();
    let mut rows = rows();
    for (at, row) in rows.iter_mut().enumerate() {
        for (key, every) in [("name", 2), ("owner", 3), ("n", 5), ("hidden", 7)] {
            if at % every == 0 {
                row[key] = Value::Null;
            }
        }
    }
    let (sqlite, mut postgresql) = (sqlite(&rows), postgresql(&rows));
    // `texts` fails for null, which denies the row, whatever else allows it.
    for rule in ["equal", "differs", "less", "owned", "ordered", "same", "negated", "of_kind", "all"] {
        let path = format!("rows/{rule}");
        for user in ["ann", "bob", "a"] {
            let input = json!({"user": user, "kind": "large"});
            let expected = allowed(&server, &path, &rows, &input);
            let asked = unknown(&input);
            let got = query(&server, &path, SQLITE, &asked).map(|filter| in_sqlite(&sqlite, &filter));
            assert!(got.unwrap_or_default().is_subset(&expected), "{rule} in SQLite for {input}");
            if let Some(client) = &mut postgresql {
                let got =
                    query(&server, &path, POSTGRESQL, &asked).map(|filter| in_postgresql(client, &filter));
                assert!(got.unwrap_or_default().is_subset(&expected), "{rule} in PostgreSQL for {input}");
            }
        }
    }
}
