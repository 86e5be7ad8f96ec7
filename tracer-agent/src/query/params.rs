//! The parameters of a search, read strictly: what cannot be understood is refused by name, never guessed.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use axum::extract::Query as UrlQuery;
use axum::http::Uri;
use serde_json::Value;

use super::error::QueryError;
use crate::model::TraceId;
use crate::store::Query;
use crate::text;

/// As many as Jaeger's UI offers. An answer of more would be larger than any reader wants.
const MAX_LIMIT: usize = 1_500;
const DEFAULT_LIMIT: usize = 20;
/// How far back calls between services are counted unless said, as in Jaeger.
const DAY: Duration = Duration::from_secs(86_400);

/// The parameters of a request, decoded, in their order.
#[derive(Debug)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let uri = format!("/?{}", query.unwrap_or_default())
            .parse::<Uri>()
            .unwrap_or_default();
        let pairs = UrlQuery::try_from_uri(&uri)
            .map(|UrlQuery(pairs)| pairs)
            .unwrap_or_default();
        Self { pairs }
    }

    /// How often a parameter is there, empty or not.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.pairs.iter().filter(|(n, _)| n == name).count()
    }

    fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        // An empty value is a field of a form that was left empty.
        self.pairs
            .iter()
            .filter(move |(n, v)| n == name && !v.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter that is not empty.
    pub(crate) fn get<'p>(&'p self, name: &'p str) -> Option<&'p str> {
        self.all(name).next()
    }

    pub(crate) fn required<'p>(&'p self, name: &'p str) -> Result<&'p str, QueryError> {
        self.get(name)
            .ok_or_else(|| QueryError::bad_request(format!("parameter '{name}' is required")))
    }

    fn read<'p, T>(
        &'p self,
        name: &'p str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, QueryError> {
        let read = |value| read(value).ok_or_else(|| unreadable(name, value, expected));
        self.get(name).map(read).transpose()
    }

    /// The traces asked for by id, `traceID` repeated. Each is answered once, however often it is named.
    pub(crate) fn trace_ids(&self) -> Result<Vec<TraceId>, QueryError> {
        let mut named = HashSet::new();
        let ids = self.all("traceID").map(|id| {
            id.parse()
                .map_err(|_| unreadable("traceID", id, "1 to 32 hexadecimal digits, not all zero"))
        });
        ids.filter(|id| id.as_ref().map_or(true, |id| named.insert(*id)))
            .collect()
    }

    /// `from`: the row of a long trace that its page begins with.
    pub(crate) fn first_row(&self) -> Result<usize, QueryError> {
        let from = self.read("from", "the number of a row", |value| value.parse().ok())?;
        Ok(from.unwrap_or_default())
    }

    /// The search. Jaeger requires `service`; here the newest traces of all services are a good answer without.
    pub(crate) fn query(&self) -> Result<Query, QueryError> {
        let limit = self.read("limit", "a number from 1 to 1500", |value| {
            value
                .parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        })?;
        let mut query = Query::new().limit(limit.unwrap_or(DEFAULT_LIMIT));
        if let Some(service) = self.get("service") {
            query = query.service(service);
        }
        if let Some(operation) = self.get("operation") {
            query = query.operation(operation);
        }
        query = self.times(query)?;

        let duration = "a duration such as 1.2ms, 100us or 1m30s";
        let min = self.read("minDuration", duration, text::parse_duration)?;
        let max = self.read("maxDuration", duration, text::parse_duration)?;
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            return Err(QueryError::bad_request(
                "parameter 'maxDuration' is less than 'minDuration'",
            ));
        }
        query = min.into_iter().fold(query, Query::min_duration);
        query = max.into_iter().fold(query, Query::max_duration);
        self.tags(query)
    }

    /// The spans between which calls are counted: of the `lookback` milliseconds before `endTs`, which are milliseconds since
    /// the epoch. Jaeger requires `endTs`; here the calls up to now are a good answer without.
    pub(crate) fn dependencies(&self) -> Result<Query, QueryError> {
        let millis = |value: &str| value.parse().ok().map(Duration::from_millis);
        let end = self.read("endTs", "milliseconds since 1970", |value| {
            SystemTime::UNIX_EPOCH.checked_add(millis(value)?)
        })?;
        let lookback = self.read("lookback", "milliseconds", millis)?;
        let end = end.unwrap_or_else(SystemTime::now);
        let start = end.checked_sub(lookback.unwrap_or(DAY));
        Ok(start
            .into_iter()
            .fold(Query::new(), Query::start_min)
            .start_max(end))
    }

    /// `start` and `end` in microseconds since the epoch; without `start`, `lookback` before the end.
    fn times(&self, query: Query) -> Result<Query, QueryError> {
        let micros = |value: &str| {
            let micros = value.parse().ok()?;
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros))
        };
        let start = self.read("start", "microseconds since 1970", micros)?;
        let end = self.read("end", "microseconds since 1970", micros)?;
        // Jaeger's UI sends `custom` beside its start.
        let lookback = match self.get("lookback") {
            Some("custom") => None,
            _ => self.read(
                "lookback",
                "a duration such as 1h or 30m",
                text::parse_duration,
            )?,
        };
        let back = lookback.and_then(|back| end.unwrap_or_else(SystemTime::now).checked_sub(back));
        let query = start.or(back).into_iter().fold(query, Query::start_min);
        Ok(end.into_iter().fold(query, Query::start_max))
    }

    /// `tags` is a JSON object of texts, `tag` is `key:value`; both may repeat and all must match.
    fn tags(&self, mut query: Query) -> Result<Query, QueryError> {
        const OBJECT: &str = r#"a JSON object of strings such as {"error":"true"}"#;
        for value in self.all("tags") {
            let Ok(Value::Object(tags)) = serde_json::from_str(value) else {
                return Err(unreadable("tags", value, OBJECT));
            };
            for (key, wanted) in tags {
                let wanted = match wanted {
                    Value::String(text) => text,
                    Value::Bool(_) | Value::Number(_) => wanted.to_string(),
                    Value::Null | Value::Array(_) | Value::Object(_) => {
                        return Err(unreadable("tags", value, OBJECT));
                    }
                };
                query = query.tag(key, wanted);
            }
        }
        for value in self.all("tag") {
            let (key, wanted) = value
                .split_once(':')
                .ok_or_else(|| unreadable("tag", value, "key:value such as error:true"))?;
            query = query.tag(key, wanted);
        }
        Ok(query)
    }
}

fn unreadable(name: &str, value: &str, expected: &str) -> QueryError {
    let shown: String = value.chars().take(64).collect();
    QueryError::bad_request(format!(
        "parameter '{name}' is {shown:?}: expected {expected}"
    ))
}
