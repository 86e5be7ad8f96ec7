//! Datagrams of our own making: a writer of Thrift binary, apart from the reader under test.

/// A span to be sent; what is not set is absent or zero.
#[derive(Debug, Clone, Default)]
pub(crate) struct Span {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) operation: String,
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) tags: Vec<(String, Tag)>,
    pub(crate) logs: Vec<(i64, Vec<(String, Tag)>)>,
    pub(crate) references: Vec<(i32, u128, u64)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Tag {
    Str(String),
    Double(f64),
    Bool(bool),
    Long(i64),
    Binary(Vec<u8>),
}

impl Span {
    pub(crate) fn new(
        trace: u128,
        id: u64,
        parent: u64,
        operation: &str,
        start: i64,
        duration: i64,
    ) -> Self {
        Self {
            trace,
            id,
            parent,
            operation: operation.into(),
            start,
            duration,
            ..Self::default()
        }
    }

    pub(crate) fn tag(mut self, key: &str, value: Tag) -> Self {
        self.tags.push((key.into(), value));
        self
    }
}

impl From<&str> for Tag {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

/// An `emitBatch` message in Thrift binary.
pub(crate) fn message(service: &str, spans: &[Span], seq_no: Option<i64>) -> Vec<u8> {
    let mut out = vec![0x80, 0x01, 0, 4];
    text(&mut out, b"emitBatch");
    out.extend(1i32.to_be_bytes());
    field(&mut out, 12, 1);
    batch(&mut out, service, spans, seq_no);
    out.push(0);
    out
}

/// A bare `Batch` in Thrift binary.
pub(crate) fn body(service: &str, spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::new();
    batch(&mut out, service, spans, None);
    out
}

fn batch(out: &mut Vec<u8>, service: &str, spans: &[Span], seq_no: Option<i64>) {
    field(out, 12, 1);
    field(out, 11, 1);
    text(out, service.as_bytes());
    field(out, 15, 2);
    tags(out, &[("client-uuid".into(), "c0ffee".into())]);
    out.push(0);
    field(out, 15, 2);
    list(out, spans, span);
    if let Some(seq_no) = seq_no {
        long(out, 3, seq_no);
    }
    out.push(0);
}

fn span(out: &mut Vec<u8>, span: &Span) {
    long(out, 1, span.trace as i64);
    long(out, 2, (span.trace >> 64) as i64);
    long(out, 3, span.id as i64);
    long(out, 4, span.parent as i64);
    field(out, 11, 5);
    text(out, span.operation.as_bytes());
    field(out, 15, 6);
    list(out, &span.references, |out, (kind, trace, id)| {
        int(out, 1, *kind);
        long(out, 2, *trace as i64);
        long(out, 3, (*trace >> 64) as i64);
        long(out, 4, *id as i64);
        out.push(0);
    });
    int(out, 7, 1);
    long(out, 8, span.start);
    long(out, 9, span.duration);
    field(out, 15, 10);
    tags(out, &span.tags);
    field(out, 15, 11);
    list(out, &span.logs, |out, (time, fields)| {
        long(out, 1, *time);
        field(out, 15, 2);
        tags(out, fields);
        out.push(0);
    });
    out.push(0);
}

fn tags(out: &mut Vec<u8>, all: &[(String, Tag)]) {
    list(out, all, |out, (key, value)| {
        field(out, 11, 1);
        text(out, key.as_bytes());
        let kind = match value {
            Tag::Str(_) => 0,
            Tag::Double(_) => 1,
            Tag::Bool(_) => 2,
            Tag::Long(_) => 3,
            Tag::Binary(_) => 4,
        };
        int(out, 2, kind);
        match value {
            Tag::Str(value) => {
                field(out, 11, 3);
                text(out, value.as_bytes());
            }
            Tag::Double(value) => {
                field(out, 4, 4);
                out.extend(value.to_be_bytes());
            }
            Tag::Bool(value) => {
                field(out, 2, 5);
                out.push((*value).into());
            }
            Tag::Long(value) => long(out, 6, *value),
            Tag::Binary(value) => {
                field(out, 11, 7);
                text(out, value);
            }
        }
        out.push(0);
    });
}

fn list<T>(out: &mut Vec<u8>, all: &[T], each: impl Fn(&mut Vec<u8>, &T)) {
    out.push(12);
    out.extend((all.len() as i32).to_be_bytes());
    all.iter().for_each(|one| each(out, one));
}

fn field(out: &mut Vec<u8>, kind: u8, id: i16) {
    out.push(kind);
    out.extend(id.to_be_bytes());
}

fn long(out: &mut Vec<u8>, id: i16, value: i64) {
    field(out, 10, id);
    out.extend(value.to_be_bytes());
}

fn int(out: &mut Vec<u8>, id: i16, value: i32) {
    field(out, 8, id);
    out.extend(value.to_be_bytes());
}

fn text(out: &mut Vec<u8>, value: &[u8]) {
    out.extend((value.len() as i32).to_be_bytes());
    out.extend(value);
}
