//! PostgreSQL's notifications, whose listener wants a pool of sqlx's.

use sqlx::postgres::PgListener;
use tracer_core::TraceFuture;
use tracer_testing::assert_trace;

use super::Db;
use crate::backend::Fixture;

#[test]
fn a_listener_hears_what_is_notified_through_the_traced_pool() {
    super::run_uncounted(async |on: Fixture<Db>| {
        let mut listener = PgListener::connect_with(on.pool.inner()).await.unwrap();
        listener.listen("orders").await.unwrap();
        async {
            sqlx::query("SELECT pg_notify('orders', $1)")
                .bind("7 is paid")
                .execute(&on.pool)
                .await
                .unwrap();
            sqlx::query("NOTIFY orders, '8 is paid'")
                .execute(&on.pool)
                .await
                .unwrap();
            let (first, second) = (listener.recv().await, listener.recv().await);
            assert_eq!(first.unwrap().payload(), "7 is paid");
            assert_eq!(second.unwrap().payload(), "8 is paid");
        }
        .in_span(on.test.tracer().start_span("handler"))
        .await;
        // The listener has a connection of sqlx's own, and no spans.
        assert_trace!(
            on.test,
            "
            handler
              SELECT {db.pool_wait_us=_, db.rows_returned=1}
              NOTIFY {db.pool_wait_us=_}
            "
        );
    });
}
