//! What holds for every backend. Compiled once for each, as a module of it.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use sqlx::{Acquire, AssertSqlSafe, Executor, QueryBuilder, Row, Statement};
use tracer_core::TraceFuture;
use tracer_sqlx::{StatementText, TracedDb, TracedPool, TracedPoolConnection};
use tracer_testing::assert_trace;

use super::{BY_ID, DUPLICATE, Db, INSERT, NO_TABLE, SLOW, SLOW_NAME, TAGS};
use crate::backend::Fixture;

/// Makes a test of each function.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        const ALL: usize = [$(stringify!($name)),*].len();
        $(
            #[test]
            fn $name() {
                backend::run(ALL, super::$name);
            }
        )*
    };
}

mod tests {
    use super::super as backend;

    tests![
        a_future_that_is_never_polled_is_no_span,
        a_pool_without_a_free_connection_fails_with_a_span,
        a_prepared_statement_runs_in_spans,
        a_query_has_a_span_with_what_came_of_it,
        a_row_that_does_not_decode_is_no_error_of_the_query,
        a_savepoint_is_released_or_rolled_back,
        a_slow_wait_for_a_connection_is_logged,
        a_stream_dropped_half_way_is_not_complete_and_no_error,
        a_stream_read_to_its_end_is_complete,
        a_syntax_error_passes_through_and_marks_the_span,
        a_timed_out_query_is_cancelled,
        a_transaction_is_a_span_for_each_step,
        a_transaction_dropped_open_is_rolled_back_and_logged,
        a_unique_violation_has_its_code,
        an_explicit_acquire_has_a_span,
        any_executor_and_acquire_will_do,
        code_generic_over_the_database_compiles_and_runs,
        concurrent_queries_are_children_of_their_caller,
        every_span_says_where_it_went,
        migrations_run_on_the_pool,
        of_the_rows_changed_only_those_of_the_statement_count,
        only_with_parent_starts_no_traces,
        queries_of_a_spawned_task_follow_its_context,
        repeats_are_told_to_the_parent,
        the_callback_of_a_transaction_commits_or_rolls_back,
        the_parent_is_what_was_active_at_the_call,
        the_text_is_shown_as_chosen,
        unsampled_queries_leave_nothing,
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

/// A connection, without a span: one comes back to the pool a moment after it is dropped.
async fn idle(pool: &TracedPool<Db>) -> TracedPoolConnection<Db> {
    loop {
        match pool.try_acquire() {
            Some(connection) => return connection,
            None => tokio::task::yield_now().await,
        }
    }
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

async fn a_transaction_is_a_span_for_each_step(on: Fixture<Db>) {
    async {
        let mut tx = on.pool.begin().await.unwrap();
        sqlx::query(INSERT)
            .bind(1i64)
            .bind("a")
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(INSERT)
            .bind(2i64)
            .bind("b")
            .execute(&mut tx)
            .await
            .unwrap();
        tx.execute("DELETE FROM items WHERE id = 2").await.unwrap();
        assert!(tx.is_in_transaction());
        tx.commit().await.unwrap();
        let tx = on.pool.begin_with("BEGIN").await.unwrap();
        tx.rollback().await.unwrap();
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    assert_eq!(count(&on).await, 1);
    assert_trace!(
        on.test,
        "
        handler
          BEGIN {db.pool_wait_us=_}
          INSERT items {db.rows_affected=1}
          INSERT items {db.rows_affected=1}
          DELETE items {db.rows_affected=1}
          COMMIT
          BEGIN {db.pool_wait_us=_}
          ROLLBACK
        "
    );
}

async fn a_savepoint_is_released_or_rolled_back(on: Fixture<Db>) {
    let mut tx = on.pool.begin().await.unwrap();
    let mut kept = tx.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(1i64)
        .bind("kept")
        .execute(&mut *kept)
        .await
        .unwrap();
    kept.commit().await.unwrap();
    let mut undone = tx.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(2i64)
        .bind("undone")
        .execute(&mut *undone)
        .await
        .unwrap();
    undone.rollback().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&on).await, 1);
    assert_trace!(
        on.test,
        "
        BEGIN {db.pool_wait_us=_}
        SAVEPOINT
        INSERT items {db.rows_affected=1}
        RELEASE SAVEPOINT
        SAVEPOINT
        INSERT items {db.rows_affected=1}
        ROLLBACK TO SAVEPOINT
        COMMIT
        "
    );
}

async fn a_transaction_dropped_open_is_rolled_back_and_logged(on: Fixture<Db>) {
    async {
        let mut tx = on.pool.begin().await.unwrap();
        sqlx::query(INSERT)
            .bind(1i64)
            .bind("a")
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    assert_eq!(count(&on).await, 0);
    assert_trace!(
        on.test,
        "
        handler [event=db.rollback, message=\"the transaction was dropped without commit: it is rolled back\"]
          BEGIN {db.pool_wait_us=_}
          INSERT items {db.rows_affected=1}
        "
    );
}

async fn the_callback_of_a_transaction_commits_or_rolls_back(on: Fixture<Db>) {
    let mut conn = on.pool.acquire().await.unwrap();
    let done: Result<i64, sqlx::Error> = conn
        .transaction(|tx| {
            Box::pin(async move {
                sqlx::query(INSERT)
                    .bind(1i64)
                    .bind("a")
                    .execute(&mut **tx)
                    .await?;
                Ok(7)
            })
        })
        .await;
    assert_eq!(done.unwrap(), 7);
    let failed: Result<(), sqlx::Error> = conn
        .transaction(|tx| {
            Box::pin(async move {
                tx.execute("DELETE FROM items")
                    .await
                    .map(drop)
                    .and(Err(sqlx::Error::RowNotFound))
            })
        })
        .await;
    assert!(failed.is_err());
    drop(conn);
    assert_eq!(count(&on).await, 1);
    assert_trace!(
        on.test,
        "
        ACQUIRE {db.pool_wait_us=_}
        BEGIN
        INSERT items {db.rows_affected=1}
        COMMIT
        BEGIN
        DELETE items {db.rows_affected=1}
        ROLLBACK
        "
    );
}

async fn an_explicit_acquire_has_a_span(on: Fixture<Db>) {
    let mut conn = on.pool.acquire().await.unwrap();
    sqlx::query(BY_ID)
        .bind(1i64)
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    conn.ping().await.unwrap();
    drop(conn);
    let spawned = tokio::spawn(on.pool.acquire()).await.unwrap().unwrap();
    spawned.close().await.unwrap();
    assert_trace!(
        on.test,
        "
        ACQUIRE {db.pool_wait_us=_}
        SELECT items {db.rows_returned=0}
        PING
        ACQUIRE {db.pool_wait_us=_}
        "
    );
}

async fn a_slow_wait_for_a_connection_is_logged(on: Fixture<Db>) {
    let options = on
        .raw
        .options()
        .clone()
        .max_connections(1)
        .acquire_slow_threshold(Duration::from_millis(1));
    let raw = options
        .connect_with((*on.raw.connect_options()).clone())
        .await
        .unwrap();
    let pool = TracedPool::from(raw).with_tracer(on.test.tracer());
    let held = idle(&pool).await;
    let waiting = sqlx::query(BY_ID).bind(1i64).fetch_optional(&pool);
    let holding = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(held);
    };
    let (found, ()) = futures::join!(waiting, holding);
    found.unwrap();
    let spans = on.test.spans();
    let waited = spans[0].tag("db.pool_wait_us").unwrap().as_i64().unwrap();
    assert!((20_000..5_000_000).contains(&waited), "{waited}");
    let log = spans[0].logs().next().unwrap();
    assert_eq!(log.fields[0], ("event", "slow pool".into()));
    pool.close().await;
}

async fn a_pool_without_a_free_connection_fails_with_a_span(on: Fixture<Db>) {
    let options = on
        .raw
        .options()
        .clone()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(30));
    let raw = options
        .connect_with((*on.raw.connect_options()).clone())
        .await
        .unwrap();
    let pool = on.pool.inner().options().get_max_connections();
    assert_eq!(pool, 4);
    let pool = Fixture {
        pool: TracedPool::from(raw).with_tracer(on.test.tracer()),
        ..on
    };
    let held = idle(&pool.pool).await;
    let failed = sqlx::query(BY_ID)
        .bind(1i64)
        .fetch_optional(&pool.pool)
        .await;
    assert!(matches!(failed, Err(sqlx::Error::PoolTimedOut)));
    let failed = sqlx::query(BY_ID).bind(1i64).fetch(&pool.pool).next().await;
    assert!(matches!(failed, Some(Err(sqlx::Error::PoolTimedOut))));
    assert!(matches!(
        pool.pool.begin().await,
        Err(sqlx::Error::PoolTimedOut)
    ));
    assert!(pool.pool.try_begin().await.unwrap().is_none());
    drop(held);
    let log = "[event=error, error.kind=pool_timed_out, message=\"pool timed out while waiting for an open connection\"]";
    assert_trace!(
        pool.test,
        &format!(
            "
            SELECT items {{db.pool_wait_us=_, error=true}} {log}
            SELECT items {{complete=false, db.active_us=_, db.pool_wait_us=_, error=true}} {log}
            BEGIN {{db.pool_wait_us=_, error=true}} {log}
            "
        )
    );
    pool.pool.close().await;
}

async fn a_stream_read_to_its_end_is_complete(on: Fixture<Db>) {
    fill(&on, 3).await;
    let rows: Vec<_> = sqlx::query("SELECT id FROM items")
        .fetch(&on.pool)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    let mut conn = idle(&on.pool).await;
    let ids: Vec<_> = sqlx::query_as::<_, (i64,)>("SELECT id FROM items")
        .fetch(&mut *conn)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(ids.len(), 3);
    drop(conn);
    assert_trace!(
        on.test,
        "
        SELECT items {complete=true, db.active_us=_, db.pool_wait_us=_, db.rows_returned=3}
        SELECT items {complete=true, db.active_us=_, db.rows_returned=3}
        "
    );
}

async fn a_stream_dropped_half_way_is_not_complete_and_no_error(on: Fixture<Db>) {
    fill(&on, 3).await;
    let mut rows = sqlx::query("SELECT id FROM items").fetch(&on.pool);
    rows.next().await.unwrap().unwrap();
    drop(rows);
    let unpolled = sqlx::query("SELECT id FROM items").fetch(&on.pool);
    drop(unpolled);
    assert_trace!(
        on.test,
        "SELECT items {complete=false, db.active_us=_, db.pool_wait_us=_, db.rows_returned=1}"
    );
}

async fn what_the_program_does_between_rows_is_not_the_databases_time(on: Fixture<Db>) {
    fill(&on, 3).await;
    let mut rows = sqlx::query("SELECT id FROM items").fetch(&on.pool);
    let mut worked = Duration::ZERO;
    while let Some(row) = rows.next().await {
        row.unwrap();
        let began = std::time::Instant::now();
        std::thread::sleep(Duration::from_millis(100));
        worked += began.elapsed();
    }
    let span = &on.test.spans()[0];
    let active = u64::try_from(span.tag("db.active_us").unwrap().as_i64().unwrap()).unwrap();
    assert!(span.duration() >= worked);
    assert!(
        Duration::from_micros(active) <= span.duration() - worked,
        "{active} of {:?}",
        span.duration()
    );
}

async fn a_unique_violation_has_its_code(on: Fixture<Db>) {
    fill(&on, 1).await;
    let error = sqlx::query(INSERT)
        .bind(1i64)
        .bind("secret")
        .execute(&on.pool)
        .await
        .unwrap_err();
    assert!(error.as_database_error().unwrap().is_unique_violation());
    let tree = on.test.tree();
    assert!(DUPLICATE.iter().all(|tag| tree.contains(tag)), "{tree}");
    assert!(
        tree.starts_with("INSERT items {") && tree.contains("error=true"),
        "{tree}"
    );
    assert!(
        tree.contains("error.kind=unique_violation") && !tree.contains("secret"),
        "{tree}"
    );
}

async fn a_syntax_error_passes_through_and_marks_the_span(on: Fixture<Db>) {
    let error = sqlx::query("SELECT * FROM nowhere")
        .fetch_all(&on.pool)
        .await
        .unwrap_err();
    let plain = sqlx::query("SELECT * FROM nowhere")
        .fetch_all(&on.raw)
        .await
        .unwrap_err();
    // The name of the database differs by nothing, and so do the errors.
    assert_eq!(error.to_string(), plain.to_string());
    let rows: Result<Vec<_>, _> = sqlx::query("SELEKT 1").fetch(&on.pool).try_collect().await;
    assert!(rows.is_err());
    let spans = on.test.spans();
    assert_eq!(
        spans
            .iter()
            .map(|span| span.operation_name())
            .collect::<Vec<_>>(),
        ["SELECT nowhere", "SQL"]
    );
    let code = spans[0].tag("db.sqlstate").unwrap().to_string();
    assert_eq!(format!("db.sqlstate=\"{code}\""), NO_TABLE);
    for span in &spans {
        assert_eq!(span.tag("error").unwrap().as_bool(), Some(true));
        assert_eq!(
            span.logs().next().unwrap().fields[0].1.as_str(),
            Some("error")
        );
    }
    assert_eq!(spans[1].tag("complete").unwrap().as_bool(), Some(false));
}

async fn a_row_that_does_not_decode_is_no_error_of_the_query(on: Fixture<Db>) {
    fill(&on, 1).await;
    let failed: Result<(bool, Vec<u8>), _> = sqlx::query_as("SELECT name, id FROM items")
        .fetch_one(&on.pool)
        .await;
    assert!(matches!(failed, Err(sqlx::Error::ColumnDecode { .. })));
    assert_trace!(
        on.test,
        "SELECT items {db.pool_wait_us=_, db.rows_returned=1}"
    );
}

async fn a_timed_out_query_is_cancelled(on: Fixture<Db>) {
    let query = sqlx::query(SLOW).fetch_all(&on.pool);
    assert!(
        tokio::time::timeout(Duration::from_millis(30), query)
            .await
            .is_err()
    );
    let mut rows = sqlx::query(SLOW).fetch(&on.pool);
    assert!(
        tokio::time::timeout(Duration::from_millis(30), rows.next())
            .await
            .is_err()
    );
    drop(rows);
    let expected = format!(
        "
        {SLOW_NAME} {{cancelled=true, db.pool_wait_us=_}}
        {SLOW_NAME} {{complete=false, db.active_us=_, db.pool_wait_us=_}}
        "
    );
    assert_trace!(on.test, &expected);
}

async fn concurrent_queries_are_children_of_their_caller(on: Fixture<Db>) {
    let tracer = on.test.tracer();
    let one = async {
        sqlx::query(BY_ID)
            .bind(1i64)
            .fetch_optional(&on.pool)
            .await
            .unwrap()
    };
    let two = async {
        sqlx::query("SELECT id FROM items")
            .fetch(&on.pool)
            .next()
            .await
    };
    let many = futures::stream::iter(0..3i64)
        .map(|id| sqlx::query(BY_ID).bind(id).fetch_optional(&on.pool))
        .buffer_unordered(3)
        .collect::<Vec<_>>();
    let (_, _, many) = futures::join!(
        one.in_span(tracer.start_span("one")),
        two.in_span(tracer.start_span("two")),
        many.in_span(tracer.start_span("many"))
    );
    assert_eq!(many.len(), 3);
    assert_trace!(
        on.test,
        "
        one
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
        two
          SELECT items {complete=true, db.active_us=_, db.pool_wait_us=_, db.rows_returned=0}
        many
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
        "
    );
}

async fn queries_of_a_spawned_task_follow_its_context(on: Fixture<Db>) {
    let pool = on.pool.clone();
    let work = async move {
        let mut tx = pool.begin().await.unwrap();
        let mut rows = sqlx::query("SELECT id FROM items").fetch(&mut *tx);
        while rows.next().await.is_some() {}
        drop(rows);
        tx.rollback().await.unwrap();
    };
    async { tokio::spawn(work.in_current_context()).await.unwrap() }
        .in_span(on.test.tracer().start_span("handler"))
        .await;
    assert_trace!(
        on.test,
        "
        handler
          BEGIN {db.pool_wait_us=_}
          SELECT items {complete=true, db.active_us=_, db.rows_returned=0}
          ROLLBACK
        "
    );
}

async fn the_parent_is_what_was_active_at_the_call(on: Fixture<Db>) {
    let outer = on.test.tracer().start_active_span("outer");
    let stream = (&on.pool).fetch("SELECT id FROM items");
    let future = (&on.pool).execute("DELETE FROM items");
    let outer = outer.into_span();
    async {
        assert_eq!(stream.count().await, 0);
        future.await.unwrap();
    }
    .in_span(on.test.tracer().start_span("other"))
    .await;
    drop(outer);
    assert_trace!(
        on.test,
        "
        outer
          SELECT items {complete=true, db.active_us=_, db.pool_wait_us=_, db.rows_returned=0}
          DELETE items {db.pool_wait_us=_, db.rows_affected=0}
        other
        "
    );
}

async fn a_future_that_is_never_polled_is_no_span(on: Fixture<Db>) {
    drop((&on.pool).execute("DELETE FROM items"));
    drop(on.pool.begin());
    drop(on.pool.acquire());
    assert_trace!(on.test, "");
}

async fn only_with_parent_starts_no_traces(on: Fixture<Db>) {
    let pool = on.pool.clone().only_with_parent(true);
    let query = async || {
        sqlx::query(BY_ID)
            .bind(1i64)
            .fetch_optional(&pool)
            .await
            .unwrap()
    };
    query().await;
    drop(pool.begin().await.unwrap());
    assert_trace!(on.test, "");
    query()
        .in_span(on.test.tracer().start_span("handler"))
        .await;
    assert_trace!(
        on.test,
        "handler\n  SELECT items {db.pool_wait_us=_, db.rows_returned=0}"
    );
}

async fn unsampled_queries_leave_nothing(on: Fixture<Db>) {
    let off = tracer_testing::TestTracer::with("shop", |builder| {
        builder.sampler(tracer_core::Sampler::constant(false))
    });
    let pool = on
        .pool
        .clone()
        .with_tracer(off.tracer())
        .sqlcommenter(true)
        .tell_repeats(1);
    let mut tx = pool.begin().await.unwrap();
    for id in 0..3i64 {
        sqlx::query(INSERT)
            .bind(id)
            .bind("x")
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut rows = sqlx::query("SELECT id FROM items").fetch(&pool);
    rows.next().await.unwrap().unwrap();
    drop(rows);
    assert_eq!(
        sqlx::query("SELECT id FROM items")
            .fetch_all(&pool)
            .await
            .unwrap()
            .len(),
        3
    );
    assert_trace!(off, "");
    assert_trace!(on.test, "");
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

async fn repeats_are_told_to_the_parent(on: Fixture<Db>) {
    let pool = on.pool.clone().tell_repeats(2);
    async {
        for id in 0..5i64 {
            sqlx::query(BY_ID)
                .bind(id)
                .fetch_optional(&pool)
                .await
                .unwrap();
        }
        sqlx::query("SELECT id FROM items")
            .fetch_all(&pool)
            .await
            .unwrap();
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    let spans = on.test.spans();
    assert_eq!(spans[0].tag("db.repeated").unwrap().as_i64(), Some(5));
    assert_eq!(
        spans[0].tag("db.repeated_operation").unwrap().as_str(),
        Some("SELECT items")
    );
}

async fn a_prepared_statement_runs_in_spans(on: Fixture<Db>) {
    fill(&on, 1).await;
    let mut conn = idle(&on.pool).await;
    let statement = conn
        .prepare(sqlx::SqlStr::from_static(BY_ID))
        .await
        .unwrap();
    assert_eq!(
        statement
            .query()
            .bind(1i64)
            .fetch_all(&mut *conn)
            .await
            .unwrap()
            .len(),
        1
    );
    let of_pool = (&on.pool)
        .prepare(sqlx::SqlStr::from_static("SELECT id FROM items"))
        .await
        .unwrap();
    assert_eq!(
        of_pool
            .query_scalar::<i64>()
            .fetch_one(&on.pool)
            .await
            .unwrap(),
        1
    );
    drop(conn);
    assert_trace!(
        on.test,
        "
        PREPARE SELECT items
        SELECT items {db.rows_returned=1}
        PREPARE SELECT items {db.pool_wait_us=_}
        SELECT items {db.pool_wait_us=_, db.rows_returned=1}
        "
    );
}

async fn migrations_run_on_the_pool(on: Fixture<Db>) {
    sqlx::migrate!("tests/migrations")
        .run(&on.pool)
        .await
        .unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM migrated")
        .fetch_one(&on.pool)
        .await
        .unwrap();
    assert_eq!(rows, 1);
    assert_trace!(
        on.test,
        "
        ACQUIRE {db.pool_wait_us=_}
        SELECT migrated {db.pool_wait_us=_, db.rows_returned=1}
        "
    );
}

async fn any_executor_and_acquire_will_do(on: Fixture<Db>) {
    async fn by_executor<'e, E: Executor<'e, Database = Db>>(executor: E) -> u64 {
        sqlx::query("DELETE FROM items")
            .execute(executor)
            .await
            .unwrap()
            .rows_affected()
    }

    async fn by_acquire<'a, A: Acquire<'a, Database = Db>>(from: A) -> usize {
        let mut tx = from.begin().await.unwrap();
        sqlx::query("SELECT id FROM items")
            .fetch_all(&mut *tx)
            .await
            .unwrap()
            .len()
    }

    by_executor(&on.pool).await;
    let mut conn = on.pool.acquire().await.unwrap();
    by_executor(&mut conn).await;
    by_executor(&mut *conn).await;
    by_acquire(&mut conn).await;
    by_acquire(&mut *conn).await;
    drop(conn);
    by_acquire(&on.pool).await;
    let mut tx = on.pool.begin().await.unwrap();
    by_executor(&mut tx).await;
    by_executor(&mut *tx).await;
    by_acquire(&mut tx).await;
    tx.rollback().await.unwrap();
    let mut raw = on.raw.acquire().await.unwrap();
    by_executor(&mut on.pool.traced(&mut raw)).await;
    assert_trace!(
        on.test,
        "
        DELETE items {db.pool_wait_us=_, db.rows_affected=0}
        ACQUIRE {db.pool_wait_us=_}
        DELETE items {db.rows_affected=0}
        DELETE items {db.rows_affected=0}
        BEGIN
        BEGIN
        BEGIN {db.pool_wait_us=_}
        BEGIN {db.pool_wait_us=_}
        DELETE items {db.rows_affected=0}
        DELETE items {db.rows_affected=0}
        SAVEPOINT
        ROLLBACK
        DELETE items {db.rows_affected=0}
        "
    );
}

async fn code_generic_over_the_database_compiles_and_runs(on: Fixture<Db>) {
    // The bounds that such code has with sqlx alone, and `TracedDb` in place of `Database`.
    async fn names<DB>(pool: &TracedPool<DB>) -> Result<Vec<String>, sqlx::Error>
    where
        DB: TracedDb,
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        for<'q> DB::Arguments: sqlx::IntoArguments<DB>,
        for<'r> String: sqlx::Decode<'r, DB> + sqlx::Type<DB>,
        for<'r> &'r str: sqlx::ColumnIndex<DB::Row>,
    {
        let mut tx = pool.begin().await?;
        let rows = sqlx::query("SELECT name FROM items")
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        sqlx::query("SELECT name FROM items").execute(pool).await?;
        rows.iter().map(|row| row.try_get("name")).collect()
    }

    fill(&on, 2).await;
    assert_eq!(names(&on.pool).await.unwrap(), ["x", "x"]);
    assert_trace!(
        on.test,
        "
        BEGIN {db.pool_wait_us=_}
        SELECT items {db.rows_returned=2}
        COMMIT
        SELECT items {db.pool_wait_us=_, db.rows_returned=2}
        "
    );
}
