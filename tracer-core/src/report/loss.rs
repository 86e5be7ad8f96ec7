//! The account of one call of a reporter.

use std::fmt;

use crate::report::{LossCause, ReportError};

/// The spans lost during one call, which may be to several causes.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    error: Option<ReportError>,
}

impl Loss {
    pub(crate) fn add(&mut self, spans: usize, cause: LossCause, message: impl fmt::Display) {
        if spans == 0 {
            return;
        }
        self.error = Some(match self.error.take() {
            None => ReportError::new(spans, cause, message),
            Some(error) => error.and(spans, cause),
        });
    }

    pub(crate) fn into_result(self) -> Result<(), ReportError> {
        self.error.map_or(Ok(()), Err)
    }
}
