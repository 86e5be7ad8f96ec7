//! Changes to an open span: the one place behind the setters of `Span`, `Scope` and `ActiveSpan`.

use std::borrow::Cow;
use std::error::Error;
use std::time::SystemTime;

use crate::clock::{self, Instant};
use crate::context::{flag, state};
use crate::details::{self, Details, Kind, LogTime, Stored};
use crate::fields::Field;
use crate::name::Name;
use crate::record::SpanRecord;
use crate::registry;
use crate::tag::TagValue;
use crate::tags;
use crate::template::SpanTemplate;

/// What a change came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Edit {
    /// It is recorded, or the trace is not sampled and it need not be.
    Done,
    /// No span is there to record it.
    Ignored,
    /// It made an unsampled span a recorded one, which is to be counted as started.
    Forced,
    /// Nothing yet: it asks for a debug trace, which [`SpanRecord::force`] makes of it if that is allowed.
    AsksForDebug,
    /// The baggage item is not allowed, or does not fit.
    BaggageDenied,
    /// The baggage item was cut.
    BaggageCut,
    /// It is recorded, and the sampler, which has not decided yet, is to be [asked](crate::inquiry) again.
    Undecided,
}

impl SpanRecord {
    pub(crate) fn set_tag(&mut self, key: &str, value: &TagValue<'_>) -> Edit {
        self.put_tag(key, Stored::of(value))
    }

    /// The same with a value as it is stored.
    pub(crate) fn put_tag(&mut self, key: &str, value: Stored<'_>) -> Edit {
        if self.is_bare() {
            return Edit::Ignored;
        }
        if let Stored::Number(Kind::I64, priority) = value
            && key == tags::SAMPLING_PRIORITY
        {
            return self.set_priority(priority as i64);
        }
        if !self.is_recording() {
            return Edit::Done;
        }
        self.details().put_tag(key, value);
        self.known()
    }

    /// Sets a tag if that takes no more than writing it down behind others. `false` if it does, and nothing happened.
    #[inline(always)]
    pub(crate) fn put_ordinary_tag(&mut self, key: &str, value: Stored<'_>) -> bool {
        let steers =
            matches!(value, Stored::Number(Kind::I64, _)) && key == tags::SAMPLING_PRIORITY;
        if steers || !self.is_plainly_recorded() {
            return false;
        }
        match &mut self.details {
            Some(details) => details.put_ordinary_tag(key, value),
            None => false,
        }
    }

    #[inline(always)]
    pub(crate) fn log(&mut self, time: Option<SystemTime>, fields: &[Field<'_>]) -> Edit {
        if self.is_bare() {
            return Edit::Ignored;
        }
        if self.is_recording() {
            let time = time.map_or_else(LogTime::now, LogTime::at);
            self.details().log(time, fields);
        }
        Edit::Done
    }

    pub(crate) fn apply(&mut self, template: &SpanTemplate) -> Edit {
        if self.is_bare() {
            return Edit::Ignored;
        }
        if !self.is_recording() {
            return Edit::Done;
        }
        template.copy_to(self.details());
        self.known()
    }

    pub(crate) fn set_name(&mut self, name: Cow<'static, str>) -> Edit {
        if self.is_bare() {
            return Edit::Ignored;
        }
        match name {
            // The name of a function stays with it: a finished span names both by the function alone.
            Cow::Borrowed(name) if self.name.callsite().is_none() => {
                self.name = Name::Text(name);
                if let Some(details) = &mut self.details {
                    details.clear_name();
                }
            }
            name => self.details().set_name(&name),
        }
        self.known()
    }

    /// What it comes to that something became known of the span.
    #[inline]
    fn known(&self) -> Edit {
        if self.is_held() {
            self.known_late()
        } else {
            Edit::Done
        }
    }

    #[cold]
    fn known_late(&self) -> Edit {
        let trace = self.context.local_trace();
        if trace.is_some_and(|trace| trace.is_undecided()) {
            Edit::Undecided
        } else {
            Edit::Done
        }
    }

    /// Sets a baggage item for this span and what is started under it from now on; an empty value removes it. The value may
    /// have `room` bytes, and there may be none if that is `None`.
    pub(crate) fn set_baggage_item(&mut self, key: &str, value: &str, room: Option<usize>) -> Edit {
        let before = self.context.baggage_item(key).is_some();
        let whole = value.len();
        let value = details::cut(value, room.unwrap_or(whole));
        let was_cut = value.len() < whole;
        let kept = if whole == 0 {
            self.context.remove_baggage_item(key);
            true
        } else {
            room.is_some() && self.context.set_baggage_item(key, value)
        };
        if self.is_recording() {
            let mut fields: Vec<Field<'_>> = vec![
                ("event".into(), "baggage".into()),
                ("key".into(), key.into()),
                ("value".into(), value.into()),
            ];
            if before {
                fields.push(("override".into(), "true".into()));
            }
            if was_cut {
                fields.push(("truncated".into(), "true".into()));
            }
            if !kept {
                fields.push(("invalid".into(), "true".into()));
            }
            self.details().log(LogTime::now(), &fields);
        }
        match (kept, was_cut) {
            (false, _) => Edit::BaggageDenied,
            (true, true) => Edit::BaggageCut,
            (true, false) => Edit::Done,
        }
    }

    /// The `sampling.priority` tag: above 0 the span and its later children are reported as debug, at 0 they are not.
    #[cold]
    fn set_priority(&mut self, priority: i64) -> Edit {
        if priority > 0 {
            return Edit::AsksForDebug;
        }
        self.forbid_local_trace();
        self.context.state &= !(state::DEFERRED | state::RECORDING);
        self.context.flags &= !(flag::SAMPLED | flag::DEBUG);
        Edit::Done
    }

    /// Makes this span and its later children a debug trace.
    pub(crate) fn force(&mut self) -> Edit {
        if self.is_held() && self.force_local_trace() {
            return Edit::Done;
        }
        self.context.state &= !state::DEFERRED;
        self.context.flags |= flag::SAMPLED | flag::DEBUG;
        self.context.state |= state::RECORDING;
        if self.start == Instant::ZERO {
            // Nobody read the clock for a span that was refused: it begins where it was asked for.
            self.start = clock::now();
            if std::thread::panicking() {
                self.context.state |= state::UNWINDING;
            }
        }
        if self.context.state & state::COUNTED != 0 {
            return Edit::Done;
        }
        self.context.state |= state::COUNTED;
        Edit::Forced
    }

    /// Makes all of a trace that is decided about late a debug trace. `false` if it was dropped, and this span goes its own
    /// way.
    #[cold]
    fn force_local_trace(&mut self) -> bool {
        let trace = self.context.local_trace();
        let forced = trace.is_some_and(|trace| trace.force());
        if !forced {
            self.context.forget_local_trace();
        }
        forced
    }

    /// Drops all of a trace that is decided about late, as far as it was not reported.
    fn forbid_local_trace(&mut self) {
        if let Some(trace) = self.context.local_trace() {
            trace.forbid();
            self.context.forget_local_trace();
        }
    }

    /// The details, made if they are not there. Callers that can have used ones put those in first.
    #[inline]
    pub(crate) fn details(&mut self) -> &mut Details {
        match &mut self.details {
            Some(details) => details,
            none => make_details(none, self.context.tracer),
        }
    }

    /// Whether tags and logs are kept, and it makes no difference to anything else what they say.
    #[inline]
    pub(crate) fn is_plainly_recorded(&self) -> bool {
        let others = state::BARE | state::CLOSED | state::HELD;
        self.context.state & (others | state::RECORDING) == state::RECORDING
    }

    pub(crate) fn is_bare(&self) -> bool {
        self.context.state & state::BARE != 0
    }
}

#[cold]
fn make_details(details: &mut Option<Box<Details>>, tracer: u32) -> &mut Details {
    details.insert(Box::new(Details::new(registry::limits(tracer))))
}

/// The fields of the log that an error makes, by the OpenTracing conventions.
pub(crate) fn error_fields<'a>(kind: &'static str, message: String) -> [Field<'a>; 3] {
    [
        (tags::EVENT.into(), "error".into()),
        (tags::ERROR_KIND.into(), kind.into()),
        (tags::MESSAGE.into(), message.into()),
    ]
}

/// An error and its causes in one line.
pub(crate) fn describe(error: &(impl Error + ?Sized)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        // Many libraries repeat their cause in their own text.
        if !text.ends_with(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use crate::tree::Test;
    use crate::{Sampler, Span, tags};

    fn set_three(mut span: Span) {
        span.set_tag("a", 1).set_tag("b", 2).set_tag("c", 3);
    }

    #[test]
    fn limits_hold_after_a_panic() {
        let test = Test::new(|builder| builder.sampler(Sampler::constant(true)).max_tags(2));
        let panics = catch_unwind(AssertUnwindSafe(|| {
            let _scope = test.tracer.start_active_span("scope");
            let _span = test.tracer.start_span("span");
            resume_unwind(Box::new(()))
        }));
        assert!(panics.is_err());
        set_three(test.tracer.start_span("next"));
        set_three(test.tracer.start_span("after it"));
        assert_eq!(
            test.take(),
            "scope {error=true}\n  span {error=true}\n\
             next {a=1, b=2, truncated=true}\nafter it {a=1, b=2, truncated=true}\n"
        );
    }

    #[test]
    fn limits_hold_for_spans_that_are_forced() {
        let test = Test::new(|builder| builder.sampler(Sampler::constant(false)).max_tags(2));
        let built = test.tracer.build_span("built").tag("a", 1).tag("b", 2);
        let built = built.tag("c", 3).tag(tags::SAMPLING_PRIORITY, 1).start();
        let mut named = test.tracer.start_span("refused");
        named.set_operation_name("named".to_owned());
        for span in [&mut named, &mut test.tracer.start_span("next")] {
            span.set_tag(tags::SAMPLING_PRIORITY, 1);
            span.set_tag("a", 1).set_tag("b", 2).set_tag("c", 3);
        }
        drop((built, named));
        assert_eq!(
            test.take(),
            "built {a=1, b=2, truncated=true}\nnamed {a=1, b=2, truncated=true}\n\
             next {a=1, b=2, truncated=true}\n"
        );
    }
}
