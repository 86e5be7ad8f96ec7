//! A query taken apart, so that its text can be read and changed before the driver gets it.

use std::fmt::{self, Write};

use sqlx_core::database::Database;
use sqlx_core::error::BoxDynError;
use sqlx_core::executor::Execute;
use sqlx_core::sql_str::SqlStr;

/// The parts of an [`Execute`], which is one again.
pub(crate) struct Request<DB: Database> {
    pub(crate) sql: SqlStr,
    statement: Option<DB::Statement>,
    arguments: Result<Option<DB::Arguments>, BoxDynError>,
    pub(crate) persistent: bool,
}

impl<DB: Database> Request<DB> {
    pub(crate) fn new<'q>(mut query: impl Execute<'q, DB>) -> Self {
        // In the order of the drivers: for `Map` (`query_as!`) the answer of `persistent` changes once the arguments are
        // taken, and drivers ask afterwards. Asking before would cache statements that sqlx does not cache.
        let statement = query.statement().cloned();
        let arguments = query.take_arguments();
        let persistent = query.persistent();
        Self {
            statement,
            arguments,
            persistent,
            sql: query.sql(),
        }
    }

    /// Whether the statement was prepared by the user, so that its text is no longer what runs.
    pub(crate) fn is_prepared(&self) -> bool {
        self.statement.is_some()
    }
}

impl<DB: Database> Execute<'_, DB> for Request<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.statement.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

impl<DB: Database> fmt::Debug for Request<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

/// Whether a statement's text was known when the program was compiled (`&'static str`), so that no value got into it.
///
/// sqlx knows and does not tell, except by `Debug`: this reads the first words of that and stops it there, without
/// formatting the text. Should the words change, every statement counts as built at run time, which shows less of it.
pub(crate) fn is_static(sql: &SqlStr) -> bool {
    struct Probe {
        is_static: bool,
    }

    impl Write for Probe {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            match part {
                "SqlStr" | "(" => Ok(()),
                _ => {
                    self.is_static = part == "Static";
                    Err(fmt::Error)
                }
            }
        }
    }

    let mut probe = Probe { is_static: false };
    let _ = write!(probe, "{sql:?}");
    probe.is_static
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use sqlx_core::sql_str::{AssertSqlSafe, SqlSafeStr};

    use super::*;

    #[test]
    fn only_static_text_is_static() {
        assert!(is_static(&"SELECT 1".into_sql_str()));
        let text = "SELECT 1".into_sql_str();
        let copy = text.clone();
        assert!(is_static(&copy) && copy == text);
        assert!(is_static(
            &AssertSqlSafe(Cow::Borrowed("SELECT 1")).into_sql_str()
        ));
        for built in [
            AssertSqlSafe("Static(").into_sql_str(),
            AssertSqlSafe("Static".to_owned()).into_sql_str(),
            AssertSqlSafe(Arc::new("Static".to_owned())).into_sql_str(),
            AssertSqlSafe(Box::<str>::from("Static")).into_sql_str(),
        ] {
            assert!(!is_static(&built), "{built:?}");
            assert!(!is_static(&built.clone()), "{built:?}");
        }
    }
}
