//! Messages read back by Apache Thrift's own library, for tests. It knows the protocols; what a field means is said here.

use std::collections::BTreeMap;

use thrift::protocol::{TBinaryInputProtocol, TCompactInputProtocol, TInputProtocol, TType};

use super::jaeger::Framing;
use super::{Binary, Compact};
use crate::details::ReferenceKind;
use crate::process::Process;
use crate::record::SpanRecord;
use crate::tag::TagValue;

/// Any Thrift value. Doubles as bits, so that all are equal to themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Bool(bool),
    I32(i32),
    I64(i64),
    F64(u64),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Struct(BTreeMap<i16, Self>),
}

impl Value {
    pub(crate) fn field(&self, id: i16) -> Option<&Self> {
        if let Self::Struct(fields) = self {
            fields.get(&id)
        } else {
            None
        }
    }

    pub(crate) fn i64(&self) -> i64 {
        if let Self::I64(number) = self {
            *number
        } else {
            panic!("{self:?} is not an i64")
        }
    }

    pub(crate) fn list(&self) -> &[Self] {
        if let Self::List(elements) = self {
            elements
        } else {
            panic!("{self:?} is not a list")
        }
    }
}

/// A protocol that can be read.
pub(crate) trait Read {
    fn open<'m>(message: &'m mut &[u8]) -> Box<dyn TInputProtocol + 'm>;
}

impl Read for Compact {
    fn open<'m>(message: &'m mut &[u8]) -> Box<dyn TInputProtocol + 'm> {
        Box::new(TCompactInputProtocol::new(message))
    }
}

impl Read for Binary {
    fn open<'m>(message: &'m mut &[u8]) -> Box<dyn TInputProtocol + 'm> {
        Box::new(TBinaryInputProtocol::new(message, true))
    }
}

/// Reads a batch; nothing may be left over.
pub(crate) fn batch<P: Read>(mut message: &[u8], framing: Framing) -> Value {
    let mut input = P::open(&mut message);
    if framing == Framing::EmitBatch {
        assert_eq!(input.read_message_begin().unwrap().name, "emitBatch");
    }
    let mut batch = value(&mut *input, TType::Struct);
    drop(input);
    assert_eq!(message.len(), 0, "bytes are left over");
    if framing == Framing::EmitBatch {
        batch = batch.field(1).unwrap().clone();
    }
    batch
}

fn value(input: &mut dyn TInputProtocol, kind: TType) -> Value {
    match kind {
        TType::Bool => Value::Bool(input.read_bool().unwrap()),
        TType::I32 => Value::I32(input.read_i32().unwrap()),
        TType::I64 => Value::I64(input.read_i64().unwrap()),
        TType::Double => Value::F64(input.read_double().unwrap().to_bits()),
        TType::String => Value::Bytes(input.read_bytes().unwrap()),
        TType::List => {
            let list = input.read_list_begin().unwrap();
            Value::List(
                (0..list.size)
                    .map(|_| value(input, list.element_type))
                    .collect(),
            )
        }
        TType::Struct => {
            let mut fields = BTreeMap::new();
            input.read_struct_begin().unwrap();
            loop {
                let field = input.read_field_begin().unwrap();
                if field.field_type == TType::Stop {
                    break;
                }
                fields.insert(field.id.unwrap(), value(input, field.field_type));
                input.read_field_end().unwrap();
            }
            input.read_struct_end().unwrap();
            Value::Struct(fields)
        }
        other => panic!("Jaeger's structs have no {other}"),
    }
}

fn fields(fields: impl IntoIterator<Item = (i16, Value)>) -> Value {
    Value::Struct(fields.into_iter().collect())
}

fn text(text: &str) -> Value {
    Value::Bytes(text.into())
}

fn tag((key, value): (&str, &TagValue<'_>)) -> Value {
    let (kind, id, value) = match value {
        TagValue::Str(value) => (0, 3, text(value)),
        TagValue::F64(value) if !value.is_finite() => (0, 3, text(&value.to_string())),
        TagValue::F64(value) => (1, 4, Value::F64(value.to_bits())),
        TagValue::Bool(value) => (2, 5, Value::Bool(*value)),
        TagValue::I64(value) => (3, 6, Value::I64(*value)),
        TagValue::Bytes(value) => (4, 7, Value::Bytes(value.to_vec())),
    };
    fields([(1, text(key)), (2, Value::I32(kind)), (id, value)])
}

/// What a process is to be read as.
pub(crate) fn expected_process(process: &Process) -> Value {
    let tags: Vec<_> = process.tags().map(tag).collect();
    let tags = (!tags.is_empty()).then_some((2, Value::List(tags)));
    fields([(1, text(process.service_name()))].into_iter().chain(tags))
}

/// What a whole span is to be read as, from its public accessors.
pub(crate) fn expected_span(record: &SpanRecord) -> Value {
    let context = record.context();
    let micros = |time: std::time::SystemTime| crate::clock::unix_nanos(time).div_euclid(1000);
    let end = record.start() + record.duration();
    let reference = |kind, trace: crate::TraceId, span: crate::SpanId| {
        fields([
            (1, Value::I32(kind)),
            (2, Value::I64(trace.low() as i64)),
            (3, Value::I64(trace.high() as i64)),
            (4, Value::I64(u64::from(span) as i64)),
        ])
    };
    let mut references: Vec<_> = record
        .references()
        .iter()
        .filter(|given| given.context.is_valid())
        .map(|given| {
            let kind = i32::from(given.kind == ReferenceKind::FollowsFrom);
            (
                given.context.span_id(),
                reference(kind, given.context.trace_id(), given.context.span_id()),
            )
        })
        .collect();
    let parent = record.parent_id();
    if !parent.is_none()
        && !references.is_empty()
        && references.iter().all(|(span, _)| *span != parent)
    {
        references.insert(0, (parent, reference(0, record.trace_id(), parent)));
    }
    let references: Vec<_> = references
        .into_iter()
        .map(|(_, reference)| reference)
        .collect();
    let tags: Vec<_> = record
        .tags()
        .map(|(key, value)| tag((key, &value)))
        .collect();
    let logs: Vec<_> = record
        .logs()
        .map(|log| {
            let list = log
                .fields
                .iter()
                .map(|(key, value)| tag((key, value)))
                .collect();
            fields([(1, Value::I64(micros(log.time))), (2, Value::List(list))])
        })
        .collect();
    let mut span = BTreeMap::from([
        (1, Value::I64(record.trace_id().low() as i64)),
        (2, Value::I64(record.trace_id().high() as i64)),
        (3, Value::I64(u64::from(record.span_id()) as i64)),
        (4, Value::I64(u64::from(parent) as i64)),
        (5, text(record.operation_name())),
        (7, Value::I32(context.flags().into())),
        (8, Value::I64(micros(record.start()))),
        (9, Value::I64(micros(end) - micros(record.start()))),
    ]);
    for (id, list) in [(6, references), (10, tags), (11, logs)] {
        if !list.is_empty() {
            span.insert(id, Value::List(list));
        }
    }
    Value::Struct(span)
}
