//! A transaction after an error, in which PostgreSQL alone refuses all that follows.

use sqlx::Executor;
use tracer_core::SpanRecord;

use super::Db;
use crate::backend::Fixture;

#[test]
fn a_savepoint_that_fails_is_called_one() {
    super::run_uncounted(async |on: Fixture<Db>| {
        let mut tx = on.pool.begin().await.unwrap();
        assert!(tx.execute("SELECT 1/0").await.is_err());
        assert!(tx.begin().await.is_err());
        tx.rollback().await.unwrap();
        let spans = on.test.spans();
        let names: Vec<_> = spans.iter().map(SpanRecord::operation_name).collect();
        assert_eq!(names, ["BEGIN", "SELECT", "SAVEPOINT", "ROLLBACK"]);
        assert_eq!(spans[2].tag("error").unwrap().as_bool(), Some(true));
    });
}
