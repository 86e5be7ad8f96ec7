//! Statements without the values in them.

use super::lexer::{Dialect, Kind, Lexer, Token};
use super::{MAX_READ, prefix};

/// The statement with `?` in place of every literal, without comments and with single spaces, up to `max` bytes.
///
/// What cannot be told from a literal counts as one. SQLite takes a name in double quotes for text where no column has
/// that name, so only those that stand where a table or a path must are shown.
pub(crate) fn obfuscate(sql: &str, dialect: Dialect, max: usize) -> String {
    let read = prefix(sql, MAX_READ);
    let mut text = String::with_capacity(read.len().min(max));
    let mut tokens = Lexer::new(read, dialect)
        .filter(|token| token.kind != Kind::Comment)
        .peekable();
    let mut before: [Option<Token<'_>>; 2] = [None, None];
    while let Some(token) = tokens.next() {
        if text.len() >= max {
            break;
        }
        let shown = match token.kind {
            Kind::Space | Kind::Comment => {
                if !text.is_empty() && !text.ends_with(' ') {
                    text.push(' ');
                }
                continue;
            }
            Kind::Text | Kind::Number => "?",
            Kind::Quoted if dialect == Dialect::Sqlite && token.text.starts_with('"') => {
                let dotted = tokens.peek().is_some_and(|next| next.is_symbol('.'));
                if dotted || leads_to_name(before) {
                    token.text
                } else {
                    "?"
                }
            }
            Kind::Quoted | Kind::Word | Kind::Parameter | Kind::Symbol => token.text,
        };
        text.push_str(shown);
        before = [before[1], Some(token)];
    }
    text.truncate(prefix(&text, max).trim_end().len());
    text
}

/// Whether only a name can follow two tokens.
fn leads_to_name(before: [Option<Token<'_>>; 2]) -> bool {
    const LEADING: [&str; 8] = [
        "FROM",
        "JOIN",
        "INTO",
        "UPDATE",
        "TABLE",
        "INDEX",
        "EXISTS",
        "REFERENCES",
    ];
    let [first, Some(token)] = before else {
        return false;
    };
    // Behind `a IS DISTINCT FROM` there may be a text.
    let compares = first.is_some_and(|first| first.is("DISTINCT"));
    token.is_symbol('.') || !compares && LEADING.iter().any(|keyword| token.is(keyword))
}

/// An error message without what it quotes: databases put values and pieces of the statement between quotes, those of the
/// language they speak. They do not escape the quotes in a value, so what is quoted ends with the last quote of its kind.
pub(crate) fn obfuscate_message(message: &str, max: usize) -> String {
    let mut rest = prefix(message, MAX_READ);
    let is_cut = rest.len() < message.len();
    let mut text = String::new();
    while let Some((at, open)) = quotes(rest).next() {
        let (before, quoted) = rest.split_at(at + open.len_utf8());
        text.push_str(before);
        text.push('?');
        let kind = kind_of(open);
        let close = quotes(quoted).filter(|(_, quote)| kind_of(*quote) == kind);
        rest = match close.last().filter(|_| !is_cut) {
            Some((at, close)) => {
                text.push(close);
                &quoted[at + close.len_utf8()..]
            }
            None => "",
        };
    }
    text.push_str(rest);
    text.truncate(prefix(&text, max).len());
    text
}

/// The quotes in a text, and where they are. An apostrophe within a word quotes nothing; only Latin letters are written with
/// one, in other scripts words and quotes follow each other without a space.
fn quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut before = ' ';
    text.char_indices().filter(move |(at, character)| {
        let after = text[at + character.len_utf8()..].chars().next();
        let is_apostrophe =
            matches!(character, '\'' | '’') && is_latin(before) && after.is_some_and(is_latin);
        before = *character;
        kind_of(*character).is_some() && !is_apostrophe
    })
}

/// The quote that stands for those of its kind: what one of them opens another closes.
fn kind_of(quote: char) -> Option<char> {
    match quote {
        '\'' | '‘' | '’' | '‚' | '‹' | '›' => Some('\''),
        '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」' => Some('"'),
        '`' => Some('`'),
        _ => None,
    }
}

fn is_latin(character: char) -> bool {
    character.is_alphabetic() && character < '\u{250}'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn literals_are_hidden_and_names_are_not() {
        use Dialect::{MySql, Postgres, Sqlite};
        for (dialect, sql, expected) in [
            (
                Postgres,
                "SELECT a FROM t WHERE b = 'x' AND c=-5",
                "SELECT a FROM t WHERE b = ? AND c=-?",
            ),
            (
                Postgres,
                "SELECT \"a\" FROM \"t\" WHERE x = $1",
                "SELECT \"a\" FROM \"t\" WHERE x = $1",
            ),
            (Postgres, "DO $$ BEGIN secret END $$", "DO ?"),
            (Postgres, "SELECT E'a\\'secret'", "SELECT ?"),
            (Postgres, "  SELECT /* secret */\n\t1 -- secret", "SELECT ?"),
            (
                MySql,
                "SELECT \"secret\", 0xDEADBEEF, `col` FROM t",
                "SELECT ?, ?, `col` FROM t",
            ),
            (MySql, "SELECT _utf8'secret'", "SELECT _utf8?"),
            (
                Sqlite,
                "SELECT \"secret\" FROM \"t\" WHERE \"t\".\"a\" = 1",
                "SELECT ? FROM \"t\" WHERE \"t\".\"a\" = ?",
            ),
            (
                Sqlite,
                "SELECT a FROM \"t\" WHERE a IS NOT DISTINCT FROM \"secret\"",
                "SELECT a FROM \"t\" WHERE a IS NOT DISTINCT FROM ?",
            ),
            (Postgres, "SELECT E'x'\n'it\\'s secret'", "SELECT ?"),
            (Postgres, r"SELECT 'it\'s secret'", "SELECT ?"),
            (MySql, r"SELECT 'a\', 'secret' AS c", "SELECT ?"),
            (MySql, r#"SELECT "a\", "secret" AS c"#, "SELECT ?"),
            (MySql, r"SELECT 'a\n', 'b' AS c", "SELECT ?, ? AS c"),
            (Sqlite, r"SELECT 'a\', 'b' AS c", "SELECT ?, ? AS c"),
            (Sqlite, "SELECT x'00ff'", "SELECT ?"),
            (Sqlite, "SELECT 'never closed secret", "SELECT ?"),
            (
                Sqlite,
                "SELECT col1, t2.x FROM t2",
                "SELECT col1, t2.x FROM t2",
            ),
            (Sqlite, "", ""),
        ] {
            assert_eq!(obfuscate(sql, dialect, 1000), expected, "{dialect:?} {sql}");
        }
    }

    #[test]
    fn the_length_is_bounded_at_a_character() {
        assert_eq!(obfuscate("SELECT größe", Dialect::Sqlite, 10), "SELECT gr");
        assert_eq!(
            obfuscate(
                &format!("SELECT '{}'", "x".repeat(1 << 20)),
                Dialect::Sqlite,
                100
            ),
            "SELECT ?"
        );
    }

    #[test]
    fn messages_lose_what_they_quote() {
        for (message, expected) in [
            (
                "Duplicate entry 'bob@example.com' for key 'email'",
                "Duplicate entry '?'",
            ),
            (
                "Duplicate entry 'O'Brien' secret' for key 'name'",
                "Duplicate entry '?'",
            ),
            (
                "invalid input syntax for type json: \"a\" secret\"",
                "invalid input syntax for type json: \"?\"",
            ),
            (
                "column \"a\" of \"b\" does not exist, can't go on: `secret`",
                "column \"?\" does not exist, can't go on: `?`",
            ),
            (
                "invalid input syntax for type integer: \"secret\"",
                "invalid input syntax for type integer: \"?\"",
            ),
            ("can't reach the server", "can't reach the server"),
            (
                "Table 'shop.nowhere' doesn't exist",
                "Table '?' doesn't exist",
            ),
            (
                "ungültige Eingabesyntax für Typ integer: »secret«",
                "ungültige Eingabesyntax für Typ integer: »?«",
            ),
            (
                "l'utilisateur « secret » n'existe pas",
                "l'utilisateur «?» n'existe pas",
            ),
            (
                "类型integer的输入语法无效: “secret”",
                "类型integer的输入语法无效: “?”",
            ),
            ("重复条目'secret'键'PRIMARY'", "重复条目'?'"),
            ("neplatná hodnota „secret“", "neplatná hodnota „?“"),
            ("ogiltigt värde ‚secret‘ i", "ogiltigt värde ‚?‘ i"),
            ("near \"never closed", "near \"?"),
        ] {
            assert_eq!(obfuscate_message(message, 200), expected);
        }
        let long = format!("near '{}' secret", "x'".repeat(MAX_READ));
        assert_eq!(obfuscate_message(&long, 200), "near '?");
    }

    proptest! {
        /// Whatever surrounds it, a literal that a database would take for one is not shown.
        #[test]
        fn no_value_is_shown(before in "[a-z =(,.*]{0,20}", value in "[A-Z]{8}", after in "[a-z =),;*]{0,20}") {
            for dialect in [Dialect::MySql, Dialect::Postgres, Dialect::Sqlite] {
                let shown = obfuscate(&format!("{before} '{value}'{after}"), dialect, 4096);
                prop_assert!(!shown.contains(&value), "{}", shown);
            }
        }

        #[test]
        fn any_text_gives_an_answer(text in "(?s).{0,200}", max in 0usize..100) {
            for dialect in [Dialect::MySql, Dialect::Postgres, Dialect::Sqlite] {
                prop_assert!(obfuscate(&text, dialect, max).len() <= max);
                prop_assert!(obfuscate_message(&text, max).len() <= max);
            }
        }
    }
}
