//! `tags`: what is recorded of the arguments, and nothing else.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::executor::block_on;
use tracer_core::{Sampler, TagValue, traced};
use tracer_testing::{TestTracer, assert_trace};

#[derive(Debug, Clone)]
struct Order {
    id: u64,
    note: Option<String>,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {}", self.id)
    }
}

struct Money(i64);

impl From<&Money> for TagValue<'_> {
    fn from(money: &Money) -> Self {
        money.0.into()
    }
}

#[traced(tags(a, b, c, d, e, f, g, h, i,))]
#[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
fn bare(
    a: u8,
    b: &i64,
    c: &&f64,
    d: bool,
    e: &str,
    f: String,
    g: Arc<str>,
    h: &Rc<str>,
    i: Cow<'_, str>,
) -> String {
    let _ = (a, b, c, d, e, g, h, i);
    f
}

#[test]
fn a_bare_argument_may_be_a_value_or_point_to_one() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let moved = bare(
        1,
        &2,
        &&0.5,
        true,
        "e",
        "f".into(),
        "g".into(),
        &"h".into(),
        "i".into(),
    );
    assert_eq!(moved, "f", "the body still owns it");
    assert_trace!(
        test,
        "bare {a=1, b=2, c=0.5, d=true, e=e, f=f, g=g, h=h, i=i}"
    );
}

#[traced(tags(a, b, c, d, e, f.note, g, count = list.len().checked_sub(1)))]
#[allow(clippy::too_many_arguments, clippy::ref_option)]
fn optional(
    a: Option<u32>,
    b: Option<&str>,
    c: Option<String>,
    d: &Option<Arc<str>>,
    e: Option<Money>,
    f: &Order,
    g: Option<&f64>,
    list: &[u8],
) -> Option<String> {
    let _ = (a, b, d, e, f, g, list);
    c
}

#[test]
fn of_an_option_what_it_holds_is_recorded() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let order = |note: Option<&str>| Order {
        id: 7,
        note: note.map(Into::into),
    };
    let (d, e, f) = (Some("d".into()), Some(Money(5)), order(Some("f")));
    let moved = optional(
        Some(1),
        Some("b"),
        Some("c".into()),
        &d,
        e,
        &f,
        Some(&0.5),
        &[1],
    );
    assert_eq!(moved.as_deref(), Some("c"), "the body still owns it");
    optional(None, None, None, &None, None, &order(None), None, &[]);
    assert_trace!(
        test,
        "optional {a=1, b=b, c=c, count=0, d=d, e=5, f.note=f, g=0.5}\noptional"
    );
}

#[traced(tags(
    order.id,
    %order,
    order.note = ?order.note,
    db.type = "sqlite",
    "any key" = order.id + 1,
    cents = price,
    less = *count < 3,
    sum = %1 + 2,
))]
async fn keys(order: Order, price: Money, count: &u32) -> Order {
    let _ = (price, count);
    order
}

#[test]
fn a_tag_is_a_key_and_an_expression() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let order = Order {
        id: 7,
        note: Some("fragile".into()),
    };
    assert_eq!(block_on(keys(order, Money(99), &2)).id, 7);
    assert_trace!(
        test,
        r#"
        keys {any key=8, cents=99, db.type=sqlite, less=true, order="order 7", order.id=7, order.note="Some(\"fragile\")", sum="3"}
    "#
    );
}

struct Account {
    user: String,
}

impl Account {
    #[traced(tags(self.user, length = self.user.len(), total = Self::total(amounts)))]
    fn add(&self, amounts: &[u32]) -> u32 {
        Self::total(amounts)
    }

    fn total(amounts: &[u32]) -> u32 {
        amounts.iter().sum()
    }

    /// Destructured, moved, shadowed: the tags are those of the arguments.
    #[traced(tags(left, right, n))]
    async fn patterns((left, right): (u8, u8), mut n: u8) -> u8 {
        n += 1;
        let left = left + right + n;
        left
    }
}

#[test]
fn self_and_patterns_can_be_named() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(Account { user: "ann".into() }.add(&[1, 2]), 3);
    assert_eq!(block_on(Account::patterns((1, 2), 3)), 7);
    assert_trace!(
        test,
        "
        add {length=3, self.user=ann, total=3}
        patterns {left=1, n=3, right=2}
    "
    );
}

#[derive(Debug)]
struct Secret;

#[traced]
fn quiet(_password: &str, _secret: Secret) {}

#[test]
fn what_is_not_named_is_not_recorded() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    quiet("hunter2", Secret);
    assert_trace!(test, "quiet");
}

struct Counted<'a>(&'a AtomicU32);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, Ordering::Relaxed);
        f.write_str("counted")
    }
}

impl fmt::Debug for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Counted<'_> {
    fn computed(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

#[traced(tags(value = %counted, debug = ?counted, computed = counted.computed()), ret)]
fn costly<'a>(counted: &'a Counted<'a>) -> &'a Counted<'a> {
    counted
}

#[traced(tags(value = %counted, debug = ?counted, computed = counted.computed()), err)]
async fn costly_async<'a>(counted: &'a Counted<'a>) -> Result<(), &'a Counted<'a>> {
    Err(counted)
}

#[test]
fn nothing_is_formatted_unless_it_is_recorded() {
    let count = AtomicU32::new(0);
    let counted = Counted(&count);
    let run = || {
        costly(&counted);
        block_on(costly_async(&counted)).unwrap_err();
    };

    run();
    assert_eq!(count.load(Ordering::Relaxed), 0, "without a tracer");

    let unsampled = TestTracer::with("shop", |builder| builder.sampler(Sampler::constant(false)));
    let default = unsampled.tracer().set_default();
    run();
    drop(default);
    assert_eq!(count.load(Ordering::Relaxed), 0, "unsampled");

    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    run();
    assert_eq!(count.load(Ordering::Relaxed), 8);
    assert_trace!(
        test,
        r#"
        costly {computed=2, debug=counted, return=counted, value=counted}
        costly_async {computed=6, debug=counted, error=true, value=counted} [event=error, error.kind="&it::arg_tags::Counted<'_>", message=counted]
    "#
    );
}

#[traced(tags("sampling.priority" = priority))]
fn forced(priority: u8) {
    quiet("", Secret);
}

#[test]
fn sampling_priority_is_heard_where_nothing_is_recorded() {
    let test = TestTracer::with("shop", |builder| builder.sampler(Sampler::constant(false)));
    let _default = test.tracer().set_default();
    forced(0);
    forced(1);
    assert_trace!(
        test,
        "
        forced
          quiet
    "
    );
}

struct Shouts;

impl fmt::Display for Shouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A `Display` may trace, and may format tags while a tag is formatted.
        write!(f, "{}", whisper(&"inner"))
    }
}

#[traced(tags(text = %text))]
fn whisper(text: &dyn fmt::Display) -> String {
    text.to_string()
}

#[traced(tags(shouts = %Shouts))]
fn reentrant() {}

#[test]
fn a_display_may_call_traced_functions() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    reentrant();
    assert_trace!(
        test,
        "
        reentrant {shouts=inner}
          whisper {text=inner}
    "
    );
}
