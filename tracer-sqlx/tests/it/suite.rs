//! What holds for every backend. Compiled once for each, as a module of it.

use sqlx::{AssertSqlSafe, QueryBuilder, Row};
use tracer_core::TraceFuture;
use tracer_sqlx::{StatementText, TracedPool, TracedPoolConnection};
use tracer_testing::assert_trace;

use super::{BY_ID, Db, INSERT, TAGS};
use crate::backend::Fixture;

#[path = "suite/connect.rs"]
mod connect;
#[path = "suite/failure.rs"]
mod failure;
#[path = "suite/parent.rs"]
mod parent;
#[path = "suite/pool.rs"]
mod pool;
#[path = "suite/stream.rs"]
mod stream;
#[path = "suite/transaction.rs"]
mod transaction;
#[path = "suite/usage.rs"]
mod usage;

/// Makes a test of each function.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        const ALL: usize = [$(stringify!($name)),*].len();
        $(
            #[test]
            fn $name() {
                backend::run(ALL, cases::$name);
            }
        )*
    };
}

/// All of them.
mod cases {
    pub(super) use super::connect::*;
    pub(super) use super::failure::*;
    pub(super) use super::parent::*;
    pub(super) use super::pool::*;
    pub(super) use super::stream::*;
    pub(super) use super::transaction::*;
    pub(super) use super::usage::*;
    pub(super) use super::{
        a_query_has_a_span_with_what_came_of_it, every_span_says_where_it_went,
        of_the_rows_changed_only_those_of_the_statement_count, rows_that_come_back_are_told,
        the_rows_of_statements_that_are_not_known_are_not_told, the_text_is_shown_as_chosen,
    };
}

mod tests {
    use super::super as backend;
    use super::cases;

    tests![
        a_connection_does_what_sqlxs_does,
        a_transaction_begins_by_a_statement_of_the_callers,
        connect_options_can_be_changed,
        the_state_of_the_pool_is_told,
        try_begin_waits_for_nothing,
        a_commit_that_is_never_polled_is_a_rollback_and_logged,
        a_connect_after_another_wait_is_a_log,
        a_connect_is_as_long_as_the_wait_for_it,
        a_closed_pool_does_not_connect,
        a_connect_that_fails_is_a_span_with_the_error,
        a_future_that_is_never_polled_is_no_span,
        a_pool_without_a_free_connection_fails_with_a_span,
        a_pool_connects_in_spans_under_what_waits_for_it,
        a_pool_connects_in_spans_when_it_is_made,
        a_pool_of_sqlxs_has_no_spans_of_its_connects,
        a_prepared_statement_runs_in_spans,
        a_query_has_a_span_with_what_came_of_it,
        a_query_given_up_while_it_waits_for_a_connection_says_so,
        a_row_that_does_not_decode_is_no_error_of_the_query,
        a_savepoint_is_released_or_rolled_back,
        a_slow_wait_for_a_connection_is_logged,
        a_stream_dropped_half_way_is_not_complete_and_no_error,
        a_stream_read_to_its_end_is_complete,
        a_stream_that_failed_gives_its_connection_back,
        a_syntax_error_passes_through_and_marks_the_span,
        a_statement_prepared_for_its_first_run_says_so,
        a_timed_out_query_is_cancelled,
        a_transaction_is_a_span_for_each_step,
        a_transaction_swapped_for_a_connection_is_rolled_back,
        a_transaction_dropped_open_is_rolled_back_and_logged,
        a_unique_violation_has_its_code,
        an_explicit_acquire_has_a_span,
        any_executor_and_acquire_will_do,
        begin_is_traced_with_the_trait_acquire_in_scope,
        code_generic_over_the_database_compiles_and_runs,
        concurrent_queries_are_children_of_their_caller,
        every_span_says_where_it_went,
        migrations_run_on_the_pool,
        of_the_rows_changed_only_those_of_the_statement_count,
        only_with_parent_starts_no_traces,
        queries_of_a_spawned_task_follow_its_context,
        repeats_are_told_to_the_parent,
        rows_that_come_back_are_told,
        the_callback_of_a_transaction_commits_or_rolls_back,
        the_parent_is_what_was_active_at_the_call,
        the_rows_of_statements_that_are_not_known_are_not_told,
        the_text_is_shown_as_chosen,
        unsampled_queries_leave_nothing,
        what_a_statement_raises_is_shown_only_in_full,
        what_a_hook_does_is_within_what_waits_for_it,
        what_a_hook_starts_is_refused_with_its_query,
        what_the_program_does_between_rows_is_not_the_databases_time,
    ];
}

async fn fill(on: &Fixture<Db>, rows: i64) {
    for id in 1..=rows {
        sqlx::query(INSERT)
            .bind(id)
            .bind("x")
            .execute(&on.raw)
            .await
            .unwrap();
    }
}

async fn count(on: &Fixture<Db>) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM items")
        .fetch_one(&on.raw)
        .await
        .unwrap()
}

/// A connection, without a span: one comes back to the pool a moment after it is dropped. Another moment later it is counted,
/// and until then the pool has fewer idle ones than none.
async fn idle(pool: &TracedPool<Db>) -> TracedPoolConnection<Db> {
    let connection = loop {
        match pool.try_acquire() {
            Some(connection) => break connection,
            None => tokio::task::yield_now().await,
        }
    };
    while pool.num_idle() > pool.size() as usize {
        tokio::task::yield_now().await;
    }
    connection
}

async fn a_query_has_a_span_with_what_came_of_it(on: Fixture<Db>) {
    let pool = &on.pool;
    async {
        let done = sqlx::query(INSERT)
            .bind(1i64)
            .bind("tea")
            .execute(pool)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1);
        let row = sqlx::query(BY_ID).bind(1i64).fetch_one(pool).await.unwrap();
        assert_eq!(row.get::<String, _>("name"), "tea");
        let (id, name): (i64, String) = sqlx::query_as(BY_ID)
            .bind(1i64)
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!((id, name.as_str()), (1, "tea"));
        let all: Vec<i64> = sqlx::query_scalar("SELECT id FROM items")
            .fetch_all(pool)
            .await
            .unwrap();
        assert_eq!(all, [1]);
        assert!(
            sqlx::query(BY_ID)
                .bind(2i64)
                .fetch_optional(pool)
                .await
                .unwrap()
                .is_none()
        );
        assert!(matches!(
            sqlx::query(BY_ID).bind(2i64).fetch_one(pool).await,
            Err(sqlx::Error::RowNotFound)
        ));
        assert_eq!(
            sqlx::query(BY_ID)
                .bind(1i64)
                .fetch_all(pool)
                .await
                .unwrap()
                .len(),
            1
        );
        sqlx::query("UPDATE items SET name = 'x'")
            .execute(pool)
            .await
            .unwrap();
        sqlx::query("DELETE FROM items WHERE id = 7")
            .execute(pool)
            .await
            .unwrap();
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    assert_trace!(
        on.test,
        "
        handler
          INSERT items {db.pool_wait_us=_, db.rows_affected=1}
          SELECT items {db.pool_wait_us=_, db.rows_returned=1}
          SELECT items {db.pool_wait_us=_, db.rows_returned=1}
          SELECT items {complete=true, db.active_us=_, db.pool_wait_us=_, db.rows_returned=1}
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
          SELECT items {db.pool_wait_us=_, db.rows_returned=1}
          UPDATE items {db.pool_wait_us=_, db.rows_affected=1}
          DELETE items {db.pool_wait_us=_, db.rows_affected=0}
        "
    );
}

async fn every_span_says_where_it_went(on: Fixture<Db>) {
    let mut tx = on.pool.begin().await.unwrap();
    sqlx::query(BY_ID)
        .bind(1i64)
        .fetch_optional(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    drop(on.pool.acquire().await.unwrap());
    let spans = on.test.spans();
    assert_eq!(spans.len(), 4);
    for span in spans {
        let text = |key| span.tag(key).map(|value| value.to_string());
        assert_eq!(text("component").as_deref(), Some("sqlx"));
        assert_eq!(text("span.kind").as_deref(), Some("client"));
        assert!(
            text("db.instance")
                .unwrap()
                .contains(if TAGS[0].1 == "sqlite" {
                    "shop.db"
                } else {
                    "test_"
                })
        );
        for (key, value) in TAGS {
            assert_eq!(
                text(key).as_deref(),
                Some(*value),
                "{key} of {}",
                span.operation_name()
            );
        }
        assert_eq!(
            text("peer.port").is_some(),
            TAGS.iter().any(|(key, _)| key.starts_with("peer"))
        );
    }
}

async fn the_text_is_shown_as_chosen(on: Fixture<Db>) {
    let built = "SELECT id /* note */ FROM items WHERE name = 'secret' AND id > 5";
    let texts = async |pool: &TracedPool<Db>| {
        let mut builder =
            QueryBuilder::<Db>::new("SELECT id FROM items WHERE name = 'secret' AND id = ");
        builder.push_bind(1i64);
        sqlx::query("SELECT id /* note */ FROM items WHERE name = 'known'")
            .fetch_all(pool)
            .await
            .unwrap();
        sqlx::query(AssertSqlSafe(built))
            .fetch_all(pool)
            .await
            .unwrap();
        builder.build().fetch_all(pool).await.unwrap();
        let spans = on.test.spans();
        let text = |at: usize| spans[at].tag("db.statement").map(|text| text.to_string());
        (
            text(0),
            text(1),
            text(2).map(|text| text.replace("$1", "?")),
        )
    };
    let (known, built, of_builder) = texts(&on.pool).await;
    assert_eq!(
        known.unwrap(),
        "SELECT id /* note */ FROM items WHERE name = 'known'"
    );
    assert_eq!(
        built.unwrap(),
        "SELECT id FROM items WHERE name = ? AND id > ?"
    );
    assert_eq!(
        of_builder.unwrap(),
        "SELECT id FROM items WHERE name = ? AND id = ?"
    );
    let (known, built, _) = texts(&on.pool.clone().statement_text(StatementText::Obfuscated)).await;
    assert_eq!(known.unwrap(), "SELECT id FROM items WHERE name = ?");
    assert_eq!(
        built.unwrap(),
        "SELECT id FROM items WHERE name = ? AND id > ?"
    );
    let (_, built, _) = texts(&on.pool.clone().statement_text(StatementText::Full)).await;
    assert!(built.unwrap().contains("'secret'"));
    let off = texts(&on.pool.clone().statement_text(StatementText::Off)).await;
    assert_eq!(off, (None, None, None));
    let (known, ..) = texts(&on.pool.clone().max_statement_length(9)).await;
    assert_eq!(known.unwrap(), "SELECT id");
}

async fn of_the_rows_changed_only_those_of_the_statement_count(on: Fixture<Db>) {
    // One connection: it is the connection that remembers the count of the statement before.
    let mut conn = idle(&on.pool).await;
    sqlx::query("INSERT INTO items VALUES (1, 'a'), (2, 'b')")
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::query("SELECT id FROM items")
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::query("CREATE TABLE more (id INT)")
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::raw_sql(
        "DELETE FROM items WHERE id = 1; SELECT id FROM items; UPDATE items SET name = 'c'",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    drop(conn);
    assert_trace!(
        on.test,
        "
        INSERT items {db.rows_affected=2}
        SELECT items {db.rows_returned=2}
        CREATE TABLE more
        DELETE items {db.rows_affected=2, db.rows_returned=1, db.statements=3}
        "
    );
}

async fn the_rows_of_statements_that_are_not_known_are_not_told(on: Fixture<Db>) {
    let long = "x".repeat(90);
    let insert = |id: i64| format!("INSERT INTO items VALUES ({id}, '{long}');");
    let many: String = (0..100).map(insert).collect();
    let rows: Vec<_> = (100..300).map(|id| format!("({id}, '{long}')")).collect();
    let long = format!("INSERT INTO items VALUES {}", rows.join(", "));
    let longer = format!("{long}; DELETE FROM items");
    let mut conn = idle(&on.pool).await;
    for text in [
        many,
        long,
        "DELETE FROM items WHERE id >= 100".to_owned(),
        longer,
    ] {
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    drop(conn);
    assert_trace!(
        on.test,
        "
        INSERT items {db.statements=100, truncated=true}
        INSERT items {db.rows_affected=200, truncated=true}
        DELETE items {db.rows_affected=200}
        INSERT items {truncated=true}
        "
    );
}

async fn rows_that_come_back_are_told(on: Fixture<Db>) {
    let mut conn = idle(&on.pool).await;
    let rows = sqlx::query("INSERT INTO items VALUES (1, 'a'), (2, 'b') RETURNING id")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    drop(conn);
    // MariaDB does not tell how many were changed then.
    let affected = match TAGS[0].1 {
        "mysql" => "",
        _ => "db.rows_affected=2, ",
    };
    assert_trace!(
        on.test,
        &format!("INSERT items {{{affected}db.rows_returned=2}}")
    );
}
