//! Names of statements, well-formed and hostile.

use proptest::prelude::*;

use super::*;

const ALL: [Dialect; 3] = [Dialect::MySql, Dialect::Postgres, Dialect::Sqlite];

fn name(sql: &str) -> String {
    Operation::of(sql, Dialect::Postgres).name.into_owned()
}

#[test]
fn a_name_is_verb_and_main_table() {
    for (sql, expected) in [
        ("SELECT * FROM orders WHERE id = $1", "SELECT orders"),
        ("  select\n\t1", "SELECT"),
        (
            "SELECT a, (SELECT count(*) FROM items i WHERE i.o = o.id) FROM orders o",
            "SELECT orders",
        ),
        (
            "SELECT * FROM (SELECT * FROM orders WHERE a) AS o JOIN items USING (id)",
            "SELECT orders",
        ),
        ("SELECT EXTRACT(year FROM at) FROM orders", "SELECT orders"),
        ("SELECT a IS DISTINCT FROM b FROM orders", "SELECT orders"),
        (
            "(SELECT a FROM orders) UNION (SELECT a FROM items)",
            "SELECT orders",
        ),
        (
            "SELECT * FROM ONLY shop.\"Order Items\"",
            "SELECT Order Items",
        ),
        (
            "SELECT * FROM generate_series(1, 10)",
            "SELECT generate_series",
        ),
        ("SELECT 1; DROP TABLE x", "SELECT"),
        (
            "INSERT INTO orders (a) SELECT a FROM items",
            "INSERT orders",
        ),
        ("INSERT OR REPLACE INTO orders VALUES (1)", "INSERT orders"),
        ("INSERT IGNORE orders VALUES (1)", "INSERT orders"),
        ("REPLACE INTO orders VALUES (1)", "REPLACE orders"),
        ("UPDATE ONLY orders SET a = 1 FROM items", "UPDATE orders"),
        ("DELETE FROM shop.orders USING items", "DELETE orders"),
        ("MERGE INTO orders o USING items i ON true", "MERGE orders"),
        ("TRUNCATE TABLE orders", "TRUNCATE orders"),
        ("COPY orders FROM STDIN", "COPY orders"),
        (
            "WITH a AS (SELECT * FROM orders) SELECT * FROM a",
            "SELECT orders",
        ),
        (
            "WITH a (x) AS MATERIALIZED (SELECT 1 FROM orders), b AS (SELECT 2) SELECT * FROM items",
            "SELECT items",
        ),
        (
            "WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
            "SELECT",
        ),
        (
            "WITH gone AS (DELETE FROM orders RETURNING *) INSERT INTO archive SELECT * FROM gone",
            "INSERT archive",
        ),
        (
            "WITH RECURSIVE t AS (SELECT 1 FROM orders) SEARCH DEPTH FIRST BY id SET o SELECT * FROM t",
            "SELECT orders",
        ),
        (
            "CREATE TABLE IF NOT EXISTS orders (id INT)",
            "CREATE TABLE orders",
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY by_name ON orders (name)",
            "CREATE INDEX by_name",
        ),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ SELECT 1; $$ LANGUAGE sql",
            "CREATE FUNCTION f",
        ),
        ("DROP TABLE orders", "DROP TABLE orders"),
        ("ALTER SYSTEM SET x = 1", "ALTER"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN"),
        ("SET search_path TO x", "SET"),
        ("EXPLAIN ANALYZE SELECT * FROM orders", "EXPLAIN"),
        (
            "-- note\n/* more */ SELECT * FROM /* here */ orders",
            "SELECT orders",
        ),
        ("SELECT ';' FROM orders", "SELECT orders"),
        (
            r"SELECT E'x'
            '\' FROM secret; DELETE'",
            "SELECT",
        ),
        ("SELECT 'FROM nowhere' FROM orders", "SELECT orders"),
        (";;; SELECT 1 FROM a", "SELECT a"),
        ("", "SQL"),
        ("-- nothing", "SQL"),
        ("SELEKT * FROM orders", "SQL"),
        ("SELECT * FROM", "SELECT"),
        ("SELECT * FROM 'x'", "SELECT"),
        ("SELECT * FROM \"a\u{1b}[31m\"", "SELECT a?[31m"),
        (")))) SELECT * FROM a", "SQL"),
        ("WITH", "SQL"),
    ] {
        assert_eq!(name(sql), expected, "{sql}");
    }
}

#[test]
fn quoted_names_follow_the_dialect() {
    assert_eq!(
        Operation::of("SELECT * FROM `order items`", Dialect::MySql).name,
        "SELECT order items"
    );
    assert_eq!(
        Operation::of("SELECT * FROM [order items]", Dialect::Sqlite).name,
        "SELECT order items"
    );
}

#[test]
fn names_are_bounded() {
    let long = "x".repeat(1000);
    assert_eq!(
        name(&format!("SELECT * FROM {long}")).len(),
        "SELECT ".len() + 64
    );
}

#[test]
fn the_body_of_a_trigger_is_part_of_its_statement() {
    let operation = Operation::of(
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO b VALUES (CASE 1 WHEN 1 THEN 2 END); UPDATE b SET c = 1; END; \
         INSERT INTO a VALUES (1); BEGIN; COMMIT",
        Dialect::Sqlite,
    );
    assert_eq!((operation.statements, operation.changes), (4, 0b10));
}

#[test]
fn a_column_named_as_a_block_begins_none() {
    let operation = Operation::of(
        "CREATE TABLE s (id int, begin timestamptz); INSERT INTO s VALUES (1); DELETE FROM s",
        Dialect::Postgres,
    );
    assert_eq!((operation.statements, operation.changes), (3, 0b110));
}

#[test]
fn what_ends_within_the_body_of_a_procedure_does_not_end_it() {
    for body in [
        "IF a THEN SELECT 1; END IF; WHILE b DO SELECT 2; END WHILE;",
        "CASE a WHEN 1 THEN SELECT 1; END CASE; SELECT CASE WHEN b THEN 1 END; REPEAT SELECT 2; UNTIL c END REPEAT;",
        "FOR i IN 1..2 DO BEGIN SELECT 1; END; END FOR; l: LOOP LEAVE l; END LOOP l;",
    ] {
        let sql = format!("CREATE PROCEDURE p() BEGIN {body} END; DELETE FROM s");
        let operation = Operation::of(&sql, Dialect::MySql);
        assert_eq!(
            (operation.statements, operation.changes),
            (2, 0b10),
            "{sql}"
        );
    }
}

#[test]
fn statements_are_counted_and_those_that_change_rows_marked() {
    let operation = Operation::of(
        "INSERT INTO a VALUES (1); SELECT 1; DELETE FROM a;",
        Dialect::Sqlite,
    );
    assert_eq!(
        (operation.name.as_ref(), operation.statements),
        ("INSERT a", 3)
    );
    assert_eq!((operation.changes, operation.reads), (0b101, false));
    assert!(Operation::of("SELECT 1", Dialect::Sqlite).reads);
    assert_eq!(
        Operation::of(&"DELETE FROM a;".repeat(100), Dialect::Sqlite).changes,
        u64::MAX
    );
}

proptest! {
    #[test]
    fn any_text_gives_a_bounded_name(text in "(?s).{0,200}|((SELECT|WITH|FROM|AS|INTO|CREATE|TABLE|[a-c]|[(),;.*'\"]) ?){0,40}") {
        for dialect in ALL {
            let name = Operation::of(&text, dialect).name;
            prop_assert!(name.chars().count() <= 90, "{}", name);
            prop_assert!(!name.chars().any(char::is_control), "{:?}", name);
        }
    }

    #[test]
    fn what_is_no_statement_changes_no_name(
        note in "[^*/\n]{0,40}",
        space in "[ \t\n]{0,5}",
        literal in "(?s).{0,60}",
    ) {
        let quoted = literal.replace('\'', "''");
        for dialect in ALL {
            let literal = match dialect {
                Dialect::MySql | Dialect::Postgres => quoted.replace('\\', "\\\\"),
                Dialect::Sqlite => quoted.clone(),
            };
            let sql = format!(
                "{space}/*{note}*/ SELECT /*{note}*/ '{literal}', (SELECT 1 FROM items) -- {note}\n FROM{space} orders"
            );
            prop_assert_eq!(Operation::of(&sql, dialect).name, "SELECT orders", "{}", sql);
        }
    }

    #[test]
    fn statements_are_counted_by_their_ends_and_not_by_what_looks_like_them(
        literals in prop::collection::vec("[^'\\\\]{0,20}", 1..8),
    ) {
        let sql: String = literals
            .iter()
            .map(|literal| format!("INSERT INTO orders VALUES (';', '{literal}'); "))
            .collect();
        for dialect in ALL {
            let operation = Operation::of(&sql, dialect);
            prop_assert_eq!(operation.statements as usize, literals.len());
            prop_assert_eq!(operation.name, "INSERT orders");
        }
    }

    #[test]
    fn quoted_tables_of_any_text_give_bounded_names(table in "(?s)[^\"]{1,300}") {
        let sql = format!("WITH a AS (SELECT 1 FROM \"{table}\") SELECT * FROM a");
        let name = Operation::of(&sql, Dialect::Postgres).name;
        prop_assert!(name.starts_with("SELECT "), "{}", name);
        prop_assert!(name.chars().count() <= "SELECT ".len() + 64);
        prop_assert!(!name.chars().any(char::is_control), "{:?}", name);
    }
}
