//! What only servers do: they kill connections, time statements out and see deadlocks.

use futures::StreamExt;
use sqlx::{Any, AssertSqlSafe, ConnectOptions, Executor};
use tracer_core::{SpanRecord, TraceFuture};
use tracer_sqlx::TracedPool;

use super::{
    CONNECTION_ID, DEADLOCK, Db, INSERT, KILLED, OWN_TEXT, SET_TIMEOUT, SLOW, SLOW_NAME, TAGS,
    TIMED_OUT, kill, running,
};
use crate::backend::Fixture;
use crate::driver_log;

#[test]
fn a_connection_killed_in_mid_query_ends_its_span_with_an_error() {
    super::run_uncounted(async |on: Fixture<Db>| {
        let mut conn = on.pool.acquire().await.unwrap();
        let id: i64 = sqlx::query_scalar(CONNECTION_ID)
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        on.test.forget();
        let killing = async {
            // Its span is open before it is sent, and until it has failed.
            let is_running = async || {
                let running = sqlx::query(AssertSqlSafe(running(id)));
                running.fetch_optional(&on.raw).await.unwrap().is_some()
            };
            while on.test.open() > 0 && !is_running().await {}
            (&on.raw).execute(AssertSqlSafe(kill(id))).await.unwrap();
        };
        let (failed, ()) = futures::join!(sqlx::query(SLOW).fetch_all(&mut *conn), killing);
        let error = failed.unwrap_err();
        let spans = on.test.spans();
        assert_eq!(spans.len(), 1);
        assert_eq!(spans[0].operation_name(), SLOW_NAME);
        assert_eq!(spans[0].tag("error").unwrap().as_bool(), Some(true));
        assert_eq!(
            code(&spans[0]),
            error
                .as_database_error()
                .and_then(|error| error.code())
                .map(|code| code.into_owned())
        );
        // MariaDB may close the connection before it says why.
        assert!(code(&spans[0]).is_none_or(|code| code == KILLED), "{error}");
        drop(conn);
        // The pool finds out, and what comes next works.
        on.pool.execute("SELECT 1").await.unwrap();
        on.test.forget();
    });
}

#[test]
fn a_statement_timed_out_by_the_server_has_its_code() {
    super::run_uncounted(async |on: Fixture<Db>| {
        let mut conn = on.pool.acquire().await.unwrap();
        conn.execute(SET_TIMEOUT).await.unwrap();
        let failed = conn.execute(SLOW).await.unwrap_err();
        assert!(failed.as_database_error().is_some(), "{failed}");
        let expected = failed.as_database_error().unwrap().code().unwrap();
        assert_eq!(expected, TIMED_OUT);
        let spans = on.test.spans();
        let names: Vec<_> = spans.iter().map(SpanRecord::operation_name).collect();
        assert_eq!(names, ["ACQUIRE", "SET", SLOW_NAME]);
        assert_eq!(code(&spans[2]).as_deref(), Some(TIMED_OUT));
        assert_eq!(spans[2].tag("error").unwrap().as_bool(), Some(true));
        conn.close().await.unwrap();
    });
}

#[test]
fn of_two_transactions_in_a_deadlock_one_fails_with_its_code() {
    super::run_uncounted(async |on: Fixture<Db>| {
        for id in 1..=2i64 {
            sqlx::query(INSERT)
                .bind(id)
                .bind("x")
                .execute(&on.raw)
                .await
                .unwrap();
        }
        let both = tokio::sync::Barrier::new(2);
        let (pool, both) = (&on.pool, &both);
        let transfer = |from: &'static str, to: &'static str| async move {
            let mut tx = pool.begin().await.unwrap();
            sqlx::query(from).execute(&mut *tx).await.unwrap();
            both.wait().await;
            let done = sqlx::query(to).execute(&mut *tx).await;
            tx.rollback().await.unwrap();
            let error = done.err()?;
            Some(error.as_database_error()?.code()?.into_owned())
        };
        const ONE: &str = "UPDATE items SET name = 'y' WHERE id = 1";
        const TWO: &str = "UPDATE items SET name = 'y' WHERE id = 2";
        let (first, second) = futures::join!(
            transfer(ONE, TWO).in_span(on.test.tracer().start_span("first")),
            transfer(TWO, ONE).in_span(on.test.tracer().start_span("second"))
        );
        assert!(
            first.is_some() != second.is_some(),
            "one of them is the victim"
        );
        assert_eq!(first.or(second).as_deref(), Some(DEADLOCK));
        let spans = on.test.spans();
        let failed: Vec<_> = spans
            .iter()
            .filter(|span| span.tag("error").is_some())
            .collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(code(failed[0]).as_deref(), Some(DEADLOCK));
        assert_eq!(failed[0].operation_name(), "UPDATE items");
    });
}

#[test]
fn the_database_sees_the_trace_in_a_comment_when_asked_to() {
    super::run_uncounted(async |on: Fixture<Db>| {
        let plain: String = sqlx::query_scalar(OWN_TEXT)
            .fetch_one(&on.pool)
            .await
            .unwrap();
        assert_eq!(plain, OWN_TEXT);
        on.test.forget();
        let pool = on.pool.clone().sqlcommenter(true);
        let commented: String = sqlx::query_scalar(OWN_TEXT).fetch_one(&pool).await.unwrap();
        let span = &on.test.spans()[0];
        let (trace, id) = (span.trace_id(), span.span_id());
        assert_eq!(
            commented,
            format!("{OWN_TEXT} /*traceparent='00-{trace}-{id}-01'*/")
        );
        assert_eq!(span.tag("db.statement").unwrap().as_str(), Some(OWN_TEXT));
    });
}

#[test]
fn what_the_driver_logs_is_within_the_query() {
    super::run_uncounted(async |on: Fixture<Db>| {
        driver_log::listen();
        (&on.pool).execute("SELECT id FROM items").await.unwrap();
        let rows = sqlx::query("SELECT name FROM items").fetch(&on.pool);
        assert_eq!(rows.count().await, 0);
        let spans = on.test.spans();
        assert_eq!(spans.len(), 2);
        for span in spans {
            assert!(driver_log::has_heard_in(span.span_id()));
        }
    });
}

#[test]
fn a_pool_of_any_is_named_as_that_of_the_driver() {
    super::run_uncounted(async |on: Fixture<Db>| {
        sqlx::any::install_default_drivers();
        let url = on.raw.connect_options().to_url_lossy();
        let pool = TracedPool::<Any>::connect_lazy(url.as_str()).unwrap();
        let pool = pool.with_tracer(on.test.tracer());
        let tx = pool.begin_with("BEGIN").await.unwrap();
        tx.commit().await.unwrap();
        assert!(pool.try_begin_with("BEGIN").await.is_ok());
        sqlx::query("SELECT id FROM items")
            .execute(&pool)
            .await
            .unwrap();
        let spans = on.test.spans();
        for span in &spans {
            for (key, value) in TAGS {
                assert_eq!(span.tag(key).unwrap().to_string(), *value);
            }
            let database = url.path().trim_start_matches('/');
            assert_eq!(span.tag("db.instance").unwrap().as_str(), Some(database));
            assert!(span.tag("peer.port").is_some());
        }
        pool.close().await;
    });
}

fn code(span: &SpanRecord) -> Option<String> {
    span.tag("db.sqlstate").map(|code| code.to_string())
}
