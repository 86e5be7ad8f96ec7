//! Details against a model that does the same the simple way.

use proptest::prelude::*;

use super::super::*;
use super::shown;

/// What is done to details.
#[derive(Clone, Debug)]
enum Change {
    Tag(String, TagValue<'static>),
    Log(i64, Vec<(String, TagValue<'static>)>),
    Name(String),
    ClearName,
}

/// A key and a value as they are kept.
type Pair = (String, TagValue<'static>);

struct Model {
    limits: Limits,
    tags: Vec<Pair>,
    logs: Vec<(i64, Vec<Pair>)>,
    name: Option<String>,
    truncated: bool,
}

impl Model {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            tags: Vec::new(),
            logs: Vec::new(),
            name: None,
            truncated: false,
        }
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Tag(key, value) => self.set_tag(key, value),
            Change::Log(time, fields) => self.log(*time, fields),
            Change::Name(name) => self.set_name(name),
            Change::ClearName => self.name = None,
        }
    }

    fn set_tag(&mut self, key: &str, value: &TagValue<'static>) {
        let (pair, is_whole) = self.allowed(key, value);
        let old = self.tags.iter().position(|(key, _)| *key == pair.0);
        let freed = old.map_or(0, |at| bytes(&self.tags[at]));
        let is_one_more = old.is_none() && self.tags.len() >= self.limits.tags;
        if is_one_more || self.used() - freed + bytes(&pair) > self.limits.text_bytes {
            self.truncated = true;
            return;
        }
        self.truncated |= !is_whole;
        match old {
            Some(at) => self.tags[at] = pair,
            None => self.tags.push(pair),
        }
    }

    fn log(&mut self, time: i64, fields: &[Pair]) {
        let has_room = self.used() + LOG <= self.limits.text_bytes;
        if self.logs.len() < self.limits.logs && has_room {
            return self.put_log(time, fields);
        }
        self.truncated = true;
        if self.logs.len() == self.limits.logs && has_room {
            self.put_log(time, &[(tags::EVENT.into(), DROPPED_LOGS.into())]);
        }
    }

    fn put_log(&mut self, time: i64, fields: &[Pair]) {
        self.logs.push((time, Vec::new()));
        for (key, value) in fields {
            let (pair, is_whole) = self.allowed(key, value);
            let fits = self.used() + bytes(&pair) <= self.limits.text_bytes;
            self.truncated |= !fits || !is_whole;
            if let Some((_, kept)) = self.logs.last_mut().filter(|_| fits) {
                kept.push(pair);
            }
        }
        self.logs.pop_if(|(_, kept)| kept.is_empty());
    }

    fn set_name(&mut self, name: &str) {
        let freed = self.name.as_ref().map_or(0, |old| HEADER + old.len());
        if self.used() - freed + HEADER + name.len() > self.limits.text_bytes {
            self.truncated = true;
        } else {
            self.name = Some(name.to_owned());
        }
    }

    fn allowed(&self, key: &str, value: &TagValue<'static>) -> (Pair, bool) {
        let most = self.limits.value_bytes;
        let kept = match value {
            TagValue::Str(text) => TagValue::from(cut(text, most).to_owned()),
            TagValue::Bytes(bytes) => TagValue::from(bytes[..bytes.len().min(most)].to_owned()),
            number => number.clone(),
        };
        let is_whole = kept == *value;
        ((key.to_owned(), kept), is_whole)
    }

    fn used(&self) -> usize {
        let fields = self.logs.iter().flat_map(|(_, fields)| fields);
        let name = self.name.as_ref().map_or(0, |name| HEADER + name.len());
        name + self.logs.len() * LOG + self.tags.iter().chain(fields).map(bytes).sum::<usize>()
    }

    fn shown(&self) -> String {
        let pair = |(key, value): &Pair| format!("{key}={value}");
        let logs = self.logs.iter().map(|(time, fields)| {
            let fields: Vec<_> = fields.iter().map(pair).collect();
            format!("Wall({time})[{}]", fields.join(" "))
        });
        let tags = self.tags.iter().map(pair);
        let all: Vec<_> = self.name.iter().cloned().chain(tags).chain(logs).collect();
        all.join(" ")
    }
}

const HEADER: usize = 4;
const LOG: usize = 16;

fn bytes((key, value): &Pair) -> usize {
    let value = match value {
        TagValue::Str(text) => text.len(),
        TagValue::Bytes(bytes) => bytes.len(),
        TagValue::Bool(_) | TagValue::I64(_) | TagValue::F64(_) => 8,
    };
    HEADER + key.len() + value
}

/// Few keys, so that some come again: short and long ones, alike at their beginnings and ends.
fn key() -> impl Strategy<Value = String> {
    "[ab]{0,2}|http[.](url|method|route)|[ab]{7,9}|a{31,34}|[ab]{15,17}z"
}

fn value() -> impl Strategy<Value = TagValue<'static>> {
    prop_oneof![
        any::<bool>().prop_map(TagValue::from),
        any::<i64>().prop_map(TagValue::from),
        any::<f64>().prop_filter_map("numbers", |number| {
            (!number.is_nan()).then(|| TagValue::from(number))
        }),
        "[a-z\u{e9}\u{20ac}]{0,40}".prop_map(TagValue::from),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(TagValue::from),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let fields = proptest::collection::vec((key(), value()), 0..4);
    prop_oneof![
        6 => (key(), value()).prop_map(|(key, value)| Change::Tag(key, value)),
        3 => (any::<i64>(), fields).prop_map(|(time, fields)| Change::Log(time, fields)),
        1 => "[a-z]{0,40}".prop_map(Change::Name),
        1 => Just(Change::ClearName),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    (0..12usize, 0..4usize, 0..50usize, 1..15usize).prop_map(|(tags, logs, value_bytes, pieces)| {
        Limits {
            tags,
            logs,
            value_bytes,
            text_bytes: pieces * PIECE - FRONT,
        }
    })
}

proptest! {
    #[test]
    fn details_keep_what_the_model_keeps_here_and_elsewhere(
        limits in limits(),
        changes in proptest::collection::vec(change(), 0..40),
    ) {
        let (mut details, mut model) = (Details::new(limits), Model::new(limits));
        for change in &changes {
            match change {
                Change::Tag(key, value) => {
                    details.set_tag(key, value);
                }
                Change::Log(time, fields) => {
                    let fields = fields.iter().map(|(key, value)| (key.clone().into(), value.clone()));
                    details.log(LogTime::Wall(*time), &fields.collect::<Vec<_>>());
                }
                Change::Name(name) => details.set_name(name),
                Change::ClearName => details.clear_name(),
            }
            model.change(change);
            prop_assert_eq!(shown(&details), model.shown());
            prop_assert_eq!(details.truncated, model.truncated);
        }
        prop_assert_eq!(details.tag_count(), model.tags.len());
        prop_assert_eq!(details.log_count(), model.logs.len());
        let mut elsewhere = Details::new(Limits::default());
        elsewhere.load(details.seal().iter().copied());
        prop_assert_eq!(shown(&elsewhere), model.shown());
        prop_assert_eq!(elsewhere.truncated, model.truncated);
    }
}
