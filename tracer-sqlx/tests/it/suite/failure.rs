//! What fails, waits too long or is given up.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use tracer_sqlx::{StatementText, TracedPool};
use tracer_testing::assert_trace;

use super::super::{BY_ID, DUPLICATE, Db, INSERT, NO_TABLE, RAISE, SLOW, SLOW_NAME};
use super::{fill, idle};
use crate::backend::Fixture;

pub(super) async fn a_slow_wait_for_a_connection_is_logged(on: Fixture<Db>) {
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
        // So long is the wait to be.
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

pub(super) async fn a_pool_without_a_free_connection_fails_with_a_span(on: Fixture<Db>) {
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

pub(super) async fn a_unique_violation_has_its_code(on: Fixture<Db>) {
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

pub(super) async fn what_a_statement_raises_is_shown_only_in_full(on: Fixture<Db>) {
    fill(&on, 1).await;
    let raised = sqlx::raw_sql(RAISE).execute(&on.pool).await;
    assert!(raised.unwrap_err().to_string().contains("secret"));
    let tree = on.test.tree();
    assert!(
        tree.contains("message=\"raised by a procedure or trigger\"") && !tree.contains("secret"),
        "{tree}"
    );
    let full = on.pool.clone().statement_text(StatementText::Full);
    assert!(sqlx::raw_sql(RAISE).execute(&full).await.is_err());
    let tree = on.test.tree();
    assert!(tree.contains("user secret gone"), "{tree}");
}

pub(super) async fn a_syntax_error_passes_through_and_marks_the_span(on: Fixture<Db>) {
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

pub(super) async fn a_row_that_does_not_decode_is_no_error_of_the_query(on: Fixture<Db>) {
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

pub(super) async fn a_timed_out_query_is_cancelled(on: Fixture<Db>) {
    // Connections that are there: the time is to be over in the query, not in the wait for a connection.
    let mut first = on.pool.acquire().await.unwrap();
    let mut second = on.pool.acquire().await.unwrap();
    on.test.forget();
    let query = sqlx::query(SLOW).fetch_all(&mut *first);
    assert!(
        tokio::time::timeout(Duration::from_millis(30), query)
            .await
            .is_err()
    );
    let mut rows = sqlx::query(SLOW).fetch(&mut *second);
    assert!(
        tokio::time::timeout(Duration::from_millis(30), rows.next())
            .await
            .is_err()
    );
    drop(rows);
    let expected = format!(
        "
        {SLOW_NAME} {{cancelled=true}}
        {SLOW_NAME} {{complete=false, db.active_us=_}}
        "
    );
    assert_trace!(on.test, &expected);
}

pub(super) async fn a_query_given_up_while_it_waits_for_a_connection_says_so(on: Fixture<Db>) {
    let options = on.raw.options().clone().max_connections(1);
    let raw = options.connect_lazy_with((*on.raw.connect_options()).clone());
    let pool = TracedPool::from(raw).with_tracer(on.test.tracer());
    let held = pool.acquire().await.unwrap();
    on.test.forget();
    let query = sqlx::query(BY_ID).bind(1i64).fetch_optional(&pool);
    let given_up = tokio::time::timeout(Duration::from_millis(20), query).await;
    assert!(given_up.is_err());
    let mut rows = sqlx::query(BY_ID).bind(1i64).fetch(&pool);
    let given_up = tokio::time::timeout(Duration::from_millis(20), rows.next()).await;
    assert!(given_up.is_err());
    drop((rows, held));
    let spans = on.test.spans();
    assert_eq!(spans.len(), 2);
    for span in &spans {
        let waited = span.tag("db.pool_wait_us").unwrap().as_i64().unwrap();
        assert!(waited >= 20_000, "{waited}");
    }
    assert_eq!(spans[0].tag("cancelled").unwrap().as_bool(), Some(true));
    assert_eq!(spans[1].tag("complete").unwrap().as_bool(), Some(false));
    pool.close().await;
}
