//! The operation of a statement: its verb and its main table.

use std::borrow::Cow;
use std::iter::Peekable;

use super::lexer::{Dialect, Kind, Lexer, Token};
use super::table::{is_name, push_bare, unquoted};
use super::{MAX_READ, prefix};

/// What a text does, as far as its first words tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Operation {
    /// Verb and table of the first statement: `SELECT orders`. The table's schema is left out: with a schema per tenant
    /// there would be as many operations as tenants.
    pub(crate) name: Cow<'static, str>,
    /// How many statements the text has.
    pub(crate) statements: u32,
    /// Whether the first statement is one that gives rows.
    pub(crate) reads: bool,
    /// A bit for each of the first 64 statements: whether it changes rows and so has a count of them that means something.
    pub(crate) changes: u64,
}

/// What can follow a verb before the name.
struct Verb {
    word: &'static str,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// Reads: the table is behind `FROM` at the same depth.
    From,
    /// Changes rows: the table is the first name that is none of the words between.
    Into,
    /// As `Into`, but changes no rows.
    Name,
    /// A kind of object and its name.
    Object,
    /// The verb is all.
    Bare,
    /// The verb is all, and rows come back.
    Rows,
}

#[rustfmt::skip]
const VERBS: &[Verb] = &[
    Verb { word: "SELECT", form: Form::From }, Verb { word: "INSERT", form: Form::Into },
    Verb { word: "UPDATE", form: Form::Into }, Verb { word: "DELETE", form: Form::Into },
    Verb { word: "REPLACE", form: Form::Into }, Verb { word: "MERGE", form: Form::Into },
    Verb { word: "COPY", form: Form::Into }, Verb { word: "TRUNCATE", form: Form::Name },
    Verb { word: "LOCK", form: Form::Name }, Verb { word: "CALL", form: Form::Name },
    Verb { word: "PRAGMA", form: Form::Name }, Verb { word: "REFRESH", form: Form::Name },
    Verb { word: "CREATE", form: Form::Object }, Verb { word: "ALTER", form: Form::Object },
    Verb { word: "DROP", form: Form::Object }, Verb { word: "VALUES", form: Form::Rows },
    Verb { word: "SHOW", form: Form::Rows }, Verb { word: "EXPLAIN", form: Form::Rows },
    Verb { word: "DESCRIBE", form: Form::Rows }, Verb { word: "FETCH", form: Form::Rows },
    Verb { word: "BEGIN", form: Form::Bare }, Verb { word: "START", form: Form::Bare },
    Verb { word: "COMMIT", form: Form::Bare }, Verb { word: "END", form: Form::Bare },
    Verb { word: "ROLLBACK", form: Form::Bare }, Verb { word: "SAVEPOINT", form: Form::Bare },
    Verb { word: "RELEASE", form: Form::Bare }, Verb { word: "SET", form: Form::Bare },
    Verb { word: "RESET", form: Form::Bare }, Verb { word: "USE", form: Form::Bare },
    Verb { word: "DO", form: Form::Bare }, Verb { word: "DECLARE", form: Form::Bare },
    Verb { word: "CLOSE", form: Form::Bare }, Verb { word: "LISTEN", form: Form::Bare },
    Verb { word: "UNLISTEN", form: Form::Bare }, Verb { word: "NOTIFY", form: Form::Bare },
    Verb { word: "PREPARE", form: Form::Bare }, Verb { word: "EXECUTE", form: Form::Bare },
    Verb { word: "DEALLOCATE", form: Form::Bare }, Verb { word: "DISCARD", form: Form::Bare },
    Verb { word: "ANALYZE", form: Form::Bare }, Verb { word: "VACUUM", form: Form::Bare },
    Verb { word: "REINDEX", form: Form::Bare }, Verb { word: "OPTIMIZE", form: Form::Bare },
    Verb { word: "ATTACH", form: Form::Bare }, Verb { word: "DETACH", form: Form::Bare },
    Verb { word: "GRANT", form: Form::Bare }, Verb { word: "REVOKE", form: Form::Bare },
    Verb { word: "COMMENT", form: Form::Bare }, Verb { word: "CHECKPOINT", form: Form::Bare },
    Verb { word: "KILL", form: Form::Bare }, Verb { word: "FLUSH", form: Form::Bare },
    Verb { word: "LOAD", form: Form::Bare }, Verb { word: "UNLOCK", form: Form::Bare },
];

/// Words between a verb and the name it is about.
#[rustfmt::skip]
const BETWEEN: &[&str] = &[
    "INTO", "FROM", "ONLY", "OR", "REPLACE", "IGNORE", "ROLLBACK", "ABORT", "FAIL", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED",
    "QUICK", "TABLE", "TABLES", "IF", "NOT", "EXISTS", "CONCURRENTLY", "MATERIALIZED", "VIEW", "LATERAL",
];

/// The kinds of objects that operation names tell apart.
#[rustfmt::skip]
const OBJECTS: &[&str] = &[
    "TABLE", "INDEX", "VIEW", "TRIGGER", "FUNCTION", "PROCEDURE", "SCHEMA", "DATABASE", "SEQUENCE", "TYPE", "EXTENSION",
    "DOMAIN", "POLICY", "USER", "ROLE",
];

/// Words between `CREATE` and the kind of object.
#[rustfmt::skip]
const BEFORE_OBJECT: &[&str] = &[
    "OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE", "FULLTEXT", "SPATIAL", "VIRTUAL",
    "MATERIALIZED", "RECURSIVE", "FOREIGN", "CONSTRAINT", "EVENT",
];

/// The verbs that a `WITH` can stand before. Not all there are: `SEARCH DEPTH FIRST BY a SET b` belongs to the `WITH`.
const BEHIND_WITH: &[&str] = &[
    "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "VALUES",
];

/// What an `END` closes that no `BEGIN` or `CASE` opened.
const LOOPS: &[&str] = &["IF", "LOOP", "WHILE", "REPEAT", "FOR"];

/// What stands for a verb that is not known.
const UNKNOWN: &str = "SQL";

impl Operation {
    /// Reads a text. The cost is that of one pass over its first 16 kB.
    pub(crate) fn of(sql: &str, dialect: Dialect) -> Self {
        let read = prefix(sql, MAX_READ).trim_end_matches([';', ' ', '\n']);
        // Then the name is all there is to find, and it is at the beginning.
        let is_one = !read.as_bytes().contains(&b';');
        let significant =
            Lexer::new(read, dialect).filter(is_significant as fn(&Token<'_>) -> bool);
        let mut reader = Reader {
            tokens: significant.peekable(),
            depth: 0,
        };
        let mut operation = Self {
            name: Cow::Borrowed(UNKNOWN),
            statements: 0,
            reads: false,
            changes: 0,
        };
        while reader.skip_empty() {
            let (name, form) = reader.statement(operation.statements == 0);
            if operation.statements == 0 {
                operation.name = name;
                operation.reads = matches!(form, Some(Form::From | Form::Rows));
            }
            if form == Some(Form::Into) {
                operation.changes |= 1u64.checked_shl(operation.statements).unwrap_or(0);
            }
            operation.statements += 1;
            if is_one {
                break;
            }
            reader.skip_statement(form == Some(Form::Object));
        }
        operation
    }
}

fn is_significant(token: &Token<'_>) -> bool {
    !matches!(token.kind, Kind::Space | Kind::Comment)
}

type Significant<'s> = std::iter::Filter<Lexer<'s>, fn(&Token<'_>) -> bool>;

struct Reader<'s> {
    tokens: Peekable<Significant<'s>>,
    /// Parentheses open at the next token.
    depth: i32,
}

impl<'s> Reader<'s> {
    /// Name and form of the statement at the next token. The name is only read when `named`.
    fn statement(&mut self, named: bool) -> (Cow<'static, str>, Option<Form>) {
        let mut defined = Defined::default();
        while self.peek_is(|token| token.is_symbol('(')) {
            self.bump();
        }
        if self.peek_is(|token| token.is("WITH")) {
            self.bump();
            self.skip_definitions(&mut defined);
        }
        let Some(first) = self.bump() else {
            return (UNKNOWN.into(), None);
        };
        let Some(verb) = VERBS.iter().find(|verb| first.is(verb.word)) else {
            return (UNKNOWN.into(), None);
        };
        if !named {
            return (verb.word.into(), Some(verb.form));
        }
        let name = match verb.form {
            Form::Bare | Form::Rows => return (verb.word.into(), Some(verb.form)),
            Form::Object => return (self.object(verb.word), Some(verb.form)),
            Form::From => self.table_behind_from(),
            Form::Into | Form::Name => self.name_behind(BETWEEN),
        };
        let table = match name {
            // The name of a WITH query is no table: what that query reads is.
            Some(name) if defined.has(&name) => defined.table,
            name => name,
        };
        let name = table.map_or(verb.word.into(), |table| of_table(&[verb.word], &table));
        (name, Some(verb.form))
    }

    /// The queries of a `WITH`, up to the verb of the statement.
    fn skip_definitions(&mut self, defined: &mut Defined<'s>) {
        if self.peek_is(|token| token.is("RECURSIVE")) {
            self.bump();
        }
        let outside = self.depth;
        while let Some(name) = self.tokens.next_if(is_name) {
            defined.names.push(name);
            // Columns, AS, hints and the query itself, to the comma or the verb behind.
            while let Some(token) = self.tokens.peek() {
                if self.depth == outside
                    && (token.is_symbol(';') || BEHIND_WITH.iter().any(|verb| token.is(verb)))
                {
                    return;
                }
                let Some(token) = self.bump() else { return };
                if self.depth == outside && token.is_symbol(',') {
                    break;
                }
                let leads = ["FROM", "INTO", "UPDATE"]
                    .iter()
                    .any(|keyword| token.is(keyword));
                if leads && defined.table.is_none() {
                    defined.table = self.name_behind(BETWEEN).filter(|name| !defined.has(name));
                }
            }
        }
    }

    /// The table behind `FROM`: of this query if it has one, not of those in its columns.
    fn table_behind_from(&mut self) -> Option<Token<'s>> {
        let mut depth = self.depth;
        let mut before: Option<Token<'s>> = None;
        while let Some(token) = self.tokens.peek() {
            if (token.is_symbol(';') && self.depth <= 0) || self.depth < depth {
                return None;
            }
            let token = self.bump()?;
            // `a IS DISTINCT FROM b` has nothing to do with tables.
            let is_from = token.is("FROM")
                && self.depth == depth
                && !before.is_some_and(|before| before.is("DISTINCT"));
            before = Some(token);
            if !is_from {
                continue;
            }
            while self.peek_is(|token| token.is_symbol('(')) {
                self.bump();
            }
            // A query in place of a table: what counts is what that one reads.
            if self.peek_is(|token| token.is("SELECT")) {
                depth = self.depth;
                continue;
            }
            return self.name_behind(BETWEEN);
        }
        None
    }

    /// The next name that is none of `between`; of a path (`schema.table`) the last part.
    fn name_behind(&mut self, between: &[&str]) -> Option<Token<'s>> {
        while self.peek_is(|token| between.iter().any(|word| token.is(word))) {
            self.bump();
        }
        let mut name = self.tokens.next_if(is_name)?;
        if name.is("SELECT") || name.is("VALUES") || name.is("SET") {
            return None;
        }
        while self.peek_is(|token| token.is_symbol('.')) {
            self.bump();
            name = self.tokens.next_if(is_name)?;
        }
        Some(name)
    }

    /// `CREATE TABLE orders`
    fn object(&mut self, verb: &'static str) -> Cow<'static, str> {
        while self.peek_is(|token| BEFORE_OBJECT.iter().any(|word| token.is(word))) {
            self.bump();
        }
        let Some(token) = self.tokens.peek() else {
            return verb.into();
        };
        let Some(object) = OBJECTS.iter().find(|object| token.is(object)) else {
            return verb.into();
        };
        self.bump();
        match self.name_behind(BETWEEN) {
            Some(name) => of_table(&[verb, object], &name),
            None => format!("{verb} {object}").into(),
        }
    }

    /// Goes past semicolons; `false` at the end.
    fn skip_empty(&mut self) -> bool {
        while self.peek_is(|token| token.is_symbol(';')) {
            self.bump();
        }
        self.depth = 0;
        self.tokens.peek().is_some()
    }

    /// Goes to the end of the statement. Semicolons within parentheses do not end it, nor do those of the body of what is
    /// created, from `BEGIN` to `END`; a column may be called as these.
    fn skip_statement(&mut self, creates: bool) {
        // `BEGIN`s and `CASE`s that wait for their `END`.
        let mut blocks = 0_u32;
        while let Some(token) = self.tokens.peek() {
            if token.is_symbol(';') && self.depth <= 0 && blocks == 0 {
                return;
            }
            let opens = creates && (token.is("BEGIN") || blocks > 0 && token.is("CASE"));
            let closes = blocks > 0 && token.is("END");
            self.bump();
            if self.depth > 0 {
                continue;
            }
            if opens {
                blocks += 1;
            } else if closes && !self.peek_is(|token| LOOPS.iter().any(|word| token.is(word))) {
                blocks -= 1;
                // The end of a `CASE` that is a statement.
                self.tokens.next_if(|token| token.is("CASE"));
            }
        }
    }

    fn peek_is(&mut self, test: impl FnOnce(&Token<'s>) -> bool) -> bool {
        self.tokens.peek().is_some_and(test)
    }

    fn bump(&mut self) -> Option<Token<'s>> {
        let token = self.tokens.next()?;
        if token.is_symbol('(') {
            self.depth += 1;
        } else if token.is_symbol(')') {
            self.depth -= 1;
        }
        Some(token)
    }
}

/// What a `WITH` defines.
#[derive(Default)]
struct Defined<'s> {
    names: Vec<Token<'s>>,
    /// The first table read in it.
    table: Option<Token<'s>>,
}

impl Defined<'_> {
    fn has(&self, name: &Token<'_>) -> bool {
        self.names
            .iter()
            .any(|defined| unquoted(defined) == unquoted(name))
    }
}

/// `SELECT orders`
fn of_table(words: &[&str], table: &Token<'_>) -> Cow<'static, str> {
    let mut name = String::with_capacity(32);
    for word in words {
        name.push_str(word);
        name.push(' ');
    }
    push_bare(&mut name, table);
    name.into()
}

#[cfg(test)]
mod tests;
