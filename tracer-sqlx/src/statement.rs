//! What spans say of a statement, and the statements of a program that it is known of already.

use std::borrow::Cow;
use std::sync::OnceLock;

use tracer_core::{SpanTemplate, tags};

use crate::settings::{Settings, StatementText};
use crate::sql::{self, Operation};

/// Integer: how many statements a text has, where it is more than one.
const DB_STATEMENTS: &str = "db.statements";

/// What is to be said of each run of a statement.
#[derive(Debug)]
pub(crate) struct Statement {
    /// The operation name, and all tags that are the same for each run.
    pub(crate) template: SpanTemplate,
    /// Whether it gives rows.
    pub(crate) reads: bool,
    /// How many statements the text has.
    pub(crate) statements: u32,
    /// A bit for each of them: whether it changes rows.
    pub(crate) changes: u64,
}

impl Statement {
    /// Reads a text. `before_name` is what is done with it where it is not run.
    pub(crate) fn read(
        settings: &Settings,
        text: &str,
        is_static: bool,
        before_name: &'static str,
    ) -> Self {
        let operation = Operation::of(text, settings.endpoint.dialect);
        let name: Cow<'_, str> = match before_name {
            "" => operation.name,
            verb => format!("{verb} {}", operation.name).into(),
        };
        let mut template = settings.common.clone().operation_name(&name);
        let is_cut = text.len() > sql::MAX_READ;
        if operation.statements > 1 && !is_cut {
            template = template.tag(DB_STATEMENTS, operation.statements);
        }
        let max = settings.max_text;
        let shown: Option<(Cow<'_, str>, bool)> = match (settings.text, is_static) {
            (StatementText::Off, _) => None,
            (StatementText::Full, _) | (StatementText::Auto, true) => {
                Some((sql::prefix(text.trim(), max).into(), false))
            }
            (StatementText::Obfuscated, _) | (StatementText::Auto, false) => {
                let shown = sql::obfuscate(text, settings.endpoint.dialect, max);
                Some((shown.into(), is_cut))
            }
        };
        if let Some((shown, is_cut)) = shown {
            if is_cut || text.len() > max && shown.len() + 4 > max {
                template = template.tag(tags::TRUNCATED, true);
            }
            template = template.tag(tags::DB_STATEMENT, &*shown);
        }
        Self {
            template,
            reads: operation.reads,
            statements: operation.statements,
            changes: operation.changes,
        }
    }
}

/// The statements of the program's own text (`&'static str`) that ran through a pool: read once, and found by where their
/// text lies, which nothing else ever does.
///
/// Found without a lock: the table only grows, up to its size. What finds no place in it is read each time.
#[derive(Debug)]
pub(crate) struct Statements {
    places: Box<[Place]>,
}

/// Address and length of a text.
type Key = (usize, usize);

type Place = OnceLock<Box<(Key, Statement)>>;

/// Statements that are kept, at most.
const PLACES: usize = 512;

/// Places looked at for a statement.
const TRIES: usize = 8;

impl Statements {
    pub(crate) fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The statement of a text, if it was [kept](Self::keep).
    #[inline]
    pub(crate) fn find(&self, text: &str) -> Option<&Statement> {
        let key = key(text);
        for place in self.places_of(key) {
            match place.get() {
                Some(found) if found.0 == key => return Some(&found.1),
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    /// Keeps the statement of a text, which must be there as long as the program, if there is room.
    pub(crate) fn keep(&self, text: &str, statement: Statement) {
        let key = key(text);
        let mut kept = Box::new((key, statement));
        for place in self.places_of(key) {
            match place.set(kept) {
                Ok(()) => return,
                Err(refused) => kept = refused,
            }
            // Another thread may have been first with the same one.
            if place.get().is_some_and(|found| found.0 == key) {
                return;
            }
        }
    }

    #[inline]
    fn places_of(&self, (address, length): Key) -> impl Iterator<Item = &Place> {
        // Texts lie one after another: the multiplication brings what differs in low bits to the high ones.
        let mixed = (address ^ length << 7).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize);
        let first = mixed >> (usize::BITS / 2);
        (0..TRIES).filter_map(move |step| self.places.get((first + step) % PLACES))
    }
}

/// Empty: what is said of a statement depends on the settings, and those are copied to be changed.
impl Clone for Statements {
    fn clone(&self) -> Self {
        Self::new()
    }
}

fn key(text: &str) -> Key {
    (text.as_ptr().addr(), text.len())
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::sql::Dialect;

    fn settings() -> Settings {
        Settings::new(Endpoint::new("sqlite", Dialect::Sqlite), Duration::MAX)
    }

    fn keep(statements: &Statements, text: &str) {
        statements.keep(text, Statement::read(&settings(), text, true, ""));
    }

    #[test]
    fn a_statement_is_found_by_its_own_text_alone() {
        let statements = Statements::new();
        let text: &'static str = "DELETE FROM items; SELECT 1";
        assert!(statements.find(text).is_none());
        keep(&statements, text);
        let found = statements.find(text).unwrap();
        assert_eq!((found.reads, found.changes), (false, 1));
        assert!(statements.find(&text[..17]).is_none());
        let copy = String::from(text);
        assert!(statements.find(&copy).is_none());
        assert!(statements.clone().find(text).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let statements = Statements::new();
        let text = "x".repeat(4 * PLACES);
        for end in 1..text.len() {
            keep(&statements, &text[..end]);
        }
        let found = (1..text.len()).filter(|end| statements.find(&text[..*end]).is_some());
        let found = found.count();
        assert!((PLACES / 2..=PLACES).contains(&found), "{found}");
    }
}
