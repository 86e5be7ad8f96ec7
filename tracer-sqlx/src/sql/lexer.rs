//! Splits a statement into tokens.

/// Whose rules for quotes and comments hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    #[cfg_attr(
        not(any(feature = "any", feature = "mysql", test)),
        expect(dead_code, reason = "of a database that was not asked for")
    )]
    MySql,
    Postgres,
    Sqlite,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Space,
    Comment,
    /// A keyword or a bare name.
    Word,
    /// A quoted name.
    Quoted,
    /// A literal in quotes of some kind, with its prefix (`x'00'`, `$$text$$`).
    Text,
    Number,
    /// A placeholder of a bound value.
    Parameter,
    /// One character of anything else.
    Symbol,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token<'s> {
    pub(crate) kind: Kind,
    pub(crate) text: &'s str,
}

impl Token<'_> {
    /// Whether this is that keyword, given in capitals.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    pub(crate) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol && self.text.starts_with(symbol)
    }
}

/// The tokens of a text. Their texts, joined, are the text again: nothing is lost, and every step goes forward.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'s> {
    rest: &'s str,
    dialect: Dialect,
}

impl<'s> Lexer<'s> {
    pub(crate) fn new(text: &'s str, dialect: Dialect) -> Self {
        Self {
            rest: text,
            dialect,
        }
    }
}

impl<'s> Iterator for Lexer<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        let first = self.rest.chars().next()?;
        let (kind, length) = scan(self.rest.as_bytes(), first, self.dialect);
        // All that `scan` stops at is ASCII, so this is a boundary; a mistake there would cost a token, not a panic.
        let length = self.rest.ceil_char_boundary(length.max(first.len_utf8()));
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(Token { kind, text })
    }
}

/// The kind and length of the token at the beginning of `text`.
fn scan(text: &[u8], first: char, dialect: Dialect) -> (Kind, usize) {
    use Dialect::{MySql, Postgres, Sqlite};
    let second = text.get(1).copied().unwrap_or(0);
    match (first, dialect) {
        (c, _) if c.is_whitespace() => {
            let ascii = text
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            (Kind::Space, ascii)
        }
        // MySQL wants a space behind the dashes: `5--1` is a sum.
        ('-', MySql) if second == b'-' && text.get(2).is_none_or(|byte| *byte <= b' ') => {
            (Kind::Comment, line(text))
        }
        ('-', Postgres | Sqlite) if second == b'-' => (Kind::Comment, line(text)),
        ('#', MySql) => (Kind::Comment, line(text)),
        ('/', _) if second == b'*' => (Kind::Comment, block_comment(text, dialect == Postgres)),
        ('\'', MySql | Postgres) | ('"', MySql) => (Kind::Text, literal(text)),
        ('\'', Sqlite) => (Kind::Text, quoted(text, b'\'', false)),
        ('"', _) => (Kind::Quoted, quoted(text, b'"', false)),
        ('`', MySql | Sqlite) => (Kind::Quoted, quoted(text, b'`', false)),
        ('[', Sqlite) => (Kind::Quoted, through(text, b"]")),
        ('$', Postgres) => dollar(text),
        ('?', _) => (Kind::Parameter, 1 + digits(&text[1..])),
        ('$' | ':' | '@', Sqlite) if is_word(second) => (Kind::Parameter, 1 + word(&text[1..])),
        ('0'..='9', _) => (Kind::Number, number(text)),
        ('.', _) if second.is_ascii_digit() => (Kind::Number, number(text)),
        (c, _) if c == '_' || c.is_alphabetic() => {
            let length = word(text);
            // Strings with a prefix letter: national, binary, hexadecimal, and PostgreSQL's with escapes.
            if length == 1 && second == b'\'' && b"bBeEnNxX".contains(&text[0]) {
                let behind = &text[1..];
                let length = match (dialect, text[0]) {
                    (Sqlite, _) => quoted(behind, b'\'', false),
                    (Postgres, b'e' | b'E') => escaped(behind),
                    (MySql | Postgres, _) => literal(behind),
                };
                return (Kind::Text, 1 + length);
            }
            (Kind::Word, length)
        }
        _ => (Kind::Symbol, 1),
    }
}

/// To the end of the line.
fn line(text: &[u8]) -> usize {
    text.iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(text.len())
}

/// To the end of the comment, or of the text.
fn block_comment(text: &[u8], nests: bool) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < text.len() {
        match &text[at..] {
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            [b'/', b'*', ..] if nests => (at, depth) = (at + 2, depth + 1),
            _ => at += 1,
        }
    }
    at
}

/// To the closing quote, which is escaped by doubling it, or to the end of the text.
fn quoted(text: &[u8], quote: u8, backslash: bool) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' if backslash => at += 2,
            byte if byte == quote && text.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// A text in which a backslash may escape the quote: the settings of the server say so, which are not known. Where it makes a
/// difference, nobody can tell where the text ends, and it takes all there is.
fn literal(text: &[u8]) -> usize {
    let length = quoted(text, text[0], true);
    if quoted(text, text[0], false) == length {
        length
    } else {
        text.len()
    }
}

/// PostgreSQL's text with escapes, with all that continues it.
fn escaped(text: &[u8]) -> usize {
    let mut end = quoted(text, b'\'', true);
    while let Some(next) = continuation(&text[end..]) {
        end += next + quoted(&text[end + next..], b'\'', true);
    }
    end
}

/// Where a literal goes on that was closed: behind a line break, and comments to the end of a line.
fn continuation(text: &[u8]) -> Option<usize> {
    let (mut at, mut breaks) = (0, false);
    loop {
        match text.get(at)? {
            b'\'' if breaks => return Some(at),
            b'-' if text.get(at + 1) == Some(&b'-') => at += line(&text[at..]),
            byte if is_space(*byte) => {
                breaks |= matches!(byte, b'\n' | b'\r');
                at += 1;
            }
            _ => return None,
        }
    }
}

/// To the end of `end`, or of the text.
fn through(text: &[u8], end: &[u8]) -> usize {
    text.windows(end.len())
        .position(|window| window == end)
        .map_or(text.len(), |at| at + end.len())
}

/// PostgreSQL's `$1`, `$$text$$` and `$tag$text$tag$`.
fn dollar(text: &[u8]) -> (Kind, usize) {
    let tag = text[1..]
        .iter()
        .take_while(|byte| is_word(**byte) && **byte != b'$')
        .count();
    if text[1..].first().is_some_and(u8::is_ascii_digit) {
        return (Kind::Parameter, 1 + digits(&text[1..]));
    }
    if text.get(1 + tag) != Some(&b'$') {
        return (Kind::Symbol, 1);
    }
    let (fence, body) = text.split_at(tag + 2);
    (Kind::Text, fence.len() + through(body, fence))
}

/// A number with all that sticks to it: `0xff`, `1.5e-3`, `1_000`.
fn number(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let signed_exponent = matches!(byte, b'+' | b'-')
            && at > 0
            && matches!(text[at - 1], b'e' | b'E')
            && !text.starts_with(b"0x");
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || signed_exponent) {
            break;
        }
        at += 1;
    }
    at
}

fn word(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_word(**byte)).count()
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether PostgreSQL takes the byte for a space.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'\x0b'
}

/// Whether the byte belongs to a name; all that is not ASCII does.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Dialect; 3] = [Dialect::MySql, Dialect::Postgres, Dialect::Sqlite];

    fn tokens(text: &str, dialect: Dialect) -> Vec<(Kind, &str)> {
        let significant = Lexer::new(text, dialect).filter(|token| token.kind != Kind::Space);
        significant.map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn quotes_and_comments_follow_the_dialect() {
        use Dialect::{MySql, Postgres, Sqlite};
        use Kind::{Comment, Number, Parameter, Quoted, Symbol, Text, Word};
        for (dialect, text, expected) in [
            (Postgres, "'it''s' x", vec![(Text, "'it''s'"), (Word, "x")]),
            (Postgres, r"'a\b' x", vec![(Text, r"'a\b'"), (Word, "x")]),
            (Postgres, r"'a\' x", vec![(Text, r"'a\' x")]),
            (Sqlite, r"'a\' x", vec![(Text, r"'a\'"), (Word, "x")]),
            (Postgres, r"E'a\' x", vec![(Text, r"E'a\' x")]),
            (
                Postgres,
                "E'a' -- b\n 'c\\'d' x",
                vec![(Text, "E'a' -- b\n 'c\\'d'"), (Word, "x")],
            ),
            (Postgres, "E'a' 'b'", vec![(Text, "E'a'"), (Text, "'b'")]),
            (MySql, r"'a\'b' x", vec![(Text, r"'a\'b' x")]),
            (MySql, r"'a\\' x", vec![(Text, r"'a\\'"), (Word, "x")]),
            (MySql, "\"text\"", vec![(Text, "\"text\"")]),
            (Sqlite, "\"na\"\"me\"", vec![(Quoted, "\"na\"\"me\"")]),
            (
                Sqlite,
                "[a b] `c`",
                vec![(Quoted, "[a b]"), (Quoted, "`c`")],
            ),
            (
                Postgres,
                "a[1]",
                vec![(Word, "a"), (Symbol, "["), (Number, "1"), (Symbol, "]")],
            ),
            (
                Postgres,
                "$$it's$$ $1 $a$x$b$y$a$",
                vec![(Text, "$$it's$$"), (Parameter, "$1"), (Text, "$a$x$b$y$a$")],
            ),
            (Postgres, "a$b", vec![(Word, "a$b")]),
            (
                Postgres,
                "/* /* */ */ x",
                vec![(Comment, "/* /* */ */"), (Word, "x")],
            ),
            (
                Sqlite,
                "/* /* */ x",
                vec![(Comment, "/* /* */"), (Word, "x")],
            ),
            (
                MySql,
                "5--1",
                vec![(Number, "5"), (Symbol, "-"), (Symbol, "-"), (Number, "1")],
            ),
            (
                MySql,
                "x -- y\nz # w",
                vec![
                    (Word, "x"),
                    (Comment, "-- y"),
                    (Word, "z"),
                    (Comment, "# w"),
                ],
            ),
            (Sqlite, "5--1", vec![(Number, "5"), (Comment, "--1")]),
            (
                Sqlite,
                "?1 :a @b $c",
                vec![
                    (Parameter, "?1"),
                    (Parameter, ":a"),
                    (Parameter, "@b"),
                    (Parameter, "$c"),
                ],
            ),
            (
                Sqlite,
                "1.5e-3-x'ff'",
                vec![(Number, "1.5e-3"), (Symbol, "-"), (Text, "x'ff'")],
            ),
            (
                Postgres,
                "a::int",
                vec![(Word, "a"), (Symbol, ":"), (Symbol, ":"), (Word, "int")],
            ),
            (Sqlite, "größe 'ü", vec![(Word, "größe"), (Text, "'ü")]),
        ] {
            assert_eq!(tokens(text, dialect), expected, "{dialect:?} {text}");
        }
    }

    proptest! {
        #[test]
        fn tokens_joined_are_the_text(text in "(?s).{0,80}|[-'\"`$\\[\\]/*#a-z0-9 \\\\\n?:@;.é]{0,80}") {
            for dialect in ALL {
                let joined: String = Lexer::new(&text, dialect).map(|token| token.text).collect();
                prop_assert_eq!(&joined, &text);
            }
        }
    }
}
