//! The fields of a log: what [`Span::log`](crate::Span::log) takes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::tag::TagValue;

/// One field of a log: its name and its value.
///
/// ```
/// use tracer_core::{Field, TagValue};
///
/// let mut fields: Vec<Field<'_>> = vec![("event".into(), "retry".into())];
/// fields.push(("attempt".into(), TagValue::I64(2)));
/// # let test = tracer_testing::TestTracer::new("shop");
/// test.tracer().start_span("charge").log(fields);
/// # tracer_testing::assert_trace!(test, "charge [event=retry, attempt=2]");
/// ```
pub type Field<'a> = (Cow<'static, str>, TagValue<'a>);

/// The fields of one log: a tuple of pairs, an array, a `Vec` or a map.
///
/// A tuple may mix types and allocates nothing; the others have one value type.
///
/// ```
/// # let mut span = tracer_core::Tracer::disabled().start_span("request");
/// span.log((("event", "cache miss"), ("key", 7), ("cold", true)));
/// span.log([("event", "retry")]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the fields of a log",
    note = "pairs are put into a tuple, `((\"event\", \"retry\"), (\"attempt\", 2))`, or an array, `[(\"event\", \"retry\")]`, also if it is one"
)]
pub trait Fields<'a> {
    /// What the fields are gathered in.
    type List: AsMut<[Field<'a>]>;

    /// Converts every key and value.
    fn into_fields(self) -> Self::List;
}

fn field<'a>((key, value): (impl Into<Cow<'static, str>>, impl Into<TagValue<'a>>)) -> Field<'a> {
    (key.into(), value.into())
}

impl<'a, K: Into<Cow<'static, str>>, V: Into<TagValue<'a>>, const N: usize> Fields<'a>
    for [(K, V); N]
{
    type List = [Field<'a>; N];

    fn into_fields(self) -> Self::List {
        self.map(field)
    }
}

macro_rules! collection {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<'a, K: Into<Cow<'static, str>>, V: Into<TagValue<'a>>, $($generics)*> Fields<'a> for $type {
            type List = Vec<Field<'a>>;

            fn into_fields(self) -> Self::List {
                self.into_iter().map(field).collect()
            }
        }
    )*};
}

collection!([] Vec<(K, V)>, [S] HashMap<K, V, S>, [] BTreeMap<K, V>);

macro_rules! tuple {
    ($count:literal: $($key:ident $value:ident $position:tt),*) => {
        impl<'a, $($key: Into<Cow<'static, str>>, $value: Into<TagValue<'a>>),*> Fields<'a> for ($(($key, $value),)*) {
            type List = [Field<'a>; $count];

            fn into_fields(self) -> Self::List {
                [$(field(self.$position)),*]
            }
        }
    };
}

tuple!(1: K0 V0 0);
tuple!(2: K0 V0 0, K1 V1 1);
tuple!(3: K0 V0 0, K1 V1 1, K2 V2 2);
tuple!(4: K0 V0 0, K1 V1 1, K2 V2 2, K3 V3 3);
tuple!(5: K0 V0 0, K1 V1 1, K2 V2 2, K3 V3 3, K4 V4 4);
tuple!(6: K0 V0 0, K1 V1 1, K2 V2 2, K3 V3 3, K4 V4 4, K5 V5 5);
tuple!(7: K0 V0 0, K1 V1 1, K2 V2 2, K3 V3 3, K4 V4 4, K5 V5 5, K6 V6 6);
tuple!(8: K0 V0 0, K1 V1 1, K2 V2 2, K3 V3 3, K4 V4 4, K5 V5 5, K6 V6 6, K7 V7 7);
