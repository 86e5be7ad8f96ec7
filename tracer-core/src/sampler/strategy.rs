//! The sampling strategy of a service, as Jaeger's agents, collectors and the OpenTelemetry extension serve it in JSON.
//!
//! The reply is a union: of `operationSampling`, `probabilisticSampling` and `rateLimitingSampling` the first that is there
//! counts. `strategyType` says nothing more: one server writes it as text, another as a number, and the JSON form of
//! Protocol Buffers leaves it out when it is zero. That form also leaves out numbers that are zero, so a missing number is
//! 0; a missing message is a failure, and so is any value that is not what it must be. Servers answer other questions on
//! the same path with other JSON, so a wrong shape must not pass for a strategy: hence no derived `Deserialize`, which
//! would take a list for a structure.

use serde_json::{Map, Value};

use super::per_operation::Shares;

/// What a server wants sampled.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Strategy {
    /// A probability.
    Probabilistic(f64),
    /// Traces per second.
    RateLimiting(f64),
    PerOperation(Shares),
}

type Object = Map<String, Value>;

impl Strategy {
    /// Reads a reply. The error says what is wrong with it.
    pub(super) fn parse(reply: &[u8]) -> Result<Self, String> {
        let reply: Value = serde_json::from_slice(reply)
            .map_err(|error| format!("the reply is not JSON: {error}"))?;
        let reply = reply.as_object().ok_or("the reply is not a JSON object")?;
        if let Some(operations) = member(reply, "operationSampling")? {
            return Ok(Self::PerOperation(shares(operations)?));
        }
        if let Some(sampling) = member(reply, "probabilisticSampling")? {
            return Ok(Self::Probabilistic(probability(sampling, "samplingRate")?));
        }
        if let Some(sampling) = member(reply, "rateLimitingSampling")? {
            return Ok(Self::RateLimiting(rate(sampling, "maxTracesPerSecond")?));
        }
        Err("the reply holds none of operationSampling, probabilisticSampling and rateLimitingSampling".to_owned())
    }
}

fn shares(sampling: &Object) -> Result<Shares, String> {
    let operations = match present(sampling, "perOperationStrategies") {
        None => &[],
        Some(Value::Array(operations)) => operations.as_slice(),
        Some(other) => return Err(wrong("perOperationStrategies", other, "a list")),
    };
    Ok(Shares {
        default: probability(sampling, "defaultSamplingProbability")?,
        lower_bound: rate(sampling, "defaultLowerBoundTracesPerSecond")?,
        operations: operations.iter().map(operation).collect::<Result<_, _>>()?,
    })
}

fn operation(strategy: &Value) -> Result<(Box<str>, f64), String> {
    let strategy = strategy
        .as_object()
        .ok_or_else(|| wrong("perOperationStrategies", strategy, "a list of objects"))?;
    let name = match present(strategy, "operation") {
        Some(Value::String(name)) => name.as_str(),
        Some(other) => return Err(wrong("operation", other, "a name")),
        None => return Err("a strategy of perOperationStrategies lacks its operation".to_owned()),
    };
    let sampling = member(strategy, "probabilisticSampling")?;
    let sampling = sampling.ok_or_else(|| {
        format!("the strategy of operation {name:?} lacks its probabilisticSampling")
    })?;
    Ok((name.into(), probability(sampling, "samplingRate")?))
}

fn member<'a>(object: &'a Object, key: &str) -> Result<Option<&'a Object>, String> {
    match present(object, key) {
        None => Ok(None),
        Some(Value::Object(member)) => Ok(Some(member)),
        Some(other) => Err(wrong(key, other, "an object")),
    }
}

fn probability(object: &Object, key: &str) -> Result<f64, String> {
    number(object, key, "a probability from 0 to 1", |number| {
        number <= 1.0
    })
}

fn rate(object: &Object, key: &str) -> Result<f64, String> {
    number(
        object,
        key,
        "a number of traces per second, 0 or more",
        f64::is_finite,
    )
}

/// A number that is not negative and for which `allowed` holds; 0 if there is none.
fn number(
    object: &Object,
    key: &str,
    what: &str,
    allowed: impl Fn(f64) -> bool,
) -> Result<f64, String> {
    let Some(value) = present(object, key) else {
        return Ok(0.0);
    };
    value
        .as_f64()
        .filter(|&number| number >= 0.0 && allowed(number))
        .ok_or_else(|| wrong(key, value, what))
}

/// What a key holds; `null` is nothing.
fn present<'a>(object: &'a Object, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// The message for a value that is wrong. Of what came over the network only its beginning is repeated.
fn wrong(key: &str, value: &Value, what: &str) -> String {
    let shown: String = value.to_string().chars().take(40).collect();
    format!("{key} is {}, but must be {what}", shown.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(reply: &str) -> Result<Strategy, String> {
        Strategy::parse(reply.as_bytes())
    }

    fn shares(default: f64, lower_bound: f64, operations: &[(&str, f64)]) -> Strategy {
        let operations = operations
            .iter()
            .map(|&(name, share)| (name.into(), share))
            .collect();
        Strategy::PerOperation(Shares {
            default,
            lower_bound,
            operations,
        })
    }

    #[test]
    fn replies_of_servers_old_and_new_are_understood() {
        use Strategy::{Probabilistic, RateLimiting};
        for (reply, strategy) in [
            // Of Jaeger's /sampling: an enumeration as text.
            (
                r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5}}"#,
                Probabilistic(0.5),
            ),
            (
                r#"{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":42}}"#,
                RateLimiting(42.0),
            ),
            // Of its old path "/": an enumeration as number, and nulls.
            (
                r#"{"strategyType":0,"probabilisticSampling":{"samplingRate":0.5},"rateLimitingSampling":null,"operationSampling":null}"#,
                Probabilistic(0.5),
            ),
            // Both at once, for clients that do not know operations.
            (
                r#"{"probabilisticSampling":{"samplingRate":0.8},"operationSampling":{"defaultSamplingProbability":0.8,
                    "defaultLowerBoundTracesPerSecond":0,"perOperationStrategies":[
                    {"operation":"op1","probabilisticSampling":{"samplingRate":0.2}},
                    {"operation":"op2","probabilisticSampling":{"samplingRate":1}}]}}"#,
                shares(0.8, 0.0, &[("op1", 0.2), ("op2", 1.0)]),
            ),
            // The type is not looked at, even where it contradicts.
            (
                r#"{"strategyType":"RATE_LIMITING","probabilisticSampling":{"samplingRate":1}}"#,
                Probabilistic(1.0),
            ),
            (
                r#"{"strategyType":["?"],"rateLimitingSampling":{"maxTracesPerSecond":2.5}}"#,
                RateLimiting(2.5),
            ),
            (
                r#"{"rateLimitingSampling":{"maxTracesPerSecond":1},"probabilisticSampling":{"samplingRate":1}}"#,
                Probabilistic(1.0),
            ),
            // Zeros that were left out, nulls, and members we do not know.
            (r#"{"probabilisticSampling":{}}"#, Probabilistic(0.0)),
            (
                r#"{"probabilisticSampling":{"samplingRate":null}}"#,
                Probabilistic(0.0),
            ),
            (
                r#"{"rateLimitingSampling":{},"more":[1,{"deep":null}]}"#,
                RateLimiting(0.0),
            ),
            (r#"{"operationSampling":{}}"#, shares(0.0, 0.0, &[])),
            (
                r#"{"operationSampling":{"defaultLowerBoundTracesPerSecond":0.1,"defaultUpperBoundTracesPerSecond":9,
                    "perOperationStrategies":[{"operation":"","probabilisticSampling":{}}]}}"#,
                shares(0.0, 0.1, &[("", 0.0)]),
            ),
        ] {
            assert_eq!(parse(reply), Ok(strategy), "{reply}");
        }
    }

    #[test]
    fn what_is_no_strategy_is_refused_and_the_reason_named() {
        for (reply, reason) in [
            ("", "not JSON"),
            ("not implemented", "not JSON"),
            ("[]", "not a JSON object"),
            // The reply to another question: baggage restrictions.
            (
                r#"[{"baggageKey":"k","maxValueLength":10}]"#,
                "not a JSON object",
            ),
            (
                r#"{"balances":[{"operation":"op1","balance":1.0}]}"#,
                "holds none of",
            ),
            ("{}", "holds none of"),
            (r#"{"strategyType":"PROBABILISTIC"}"#, "holds none of"),
            (
                r#"{"probabilisticSampling":0.5}"#,
                "probabilisticSampling is 0.5, but must be an object",
            ),
            (r#"{"probabilisticSampling":[0.5]}"#, "must be an object"),
            (
                r#"{"probabilisticSampling":{"samplingRate":"0.5"}}"#,
                r#"samplingRate is \"0.5\", but must be a prob"#,
            ),
            (
                r#"{"probabilisticSampling":{"samplingRate":1.01}}"#,
                "samplingRate is 1.01, but must be a probability",
            ),
            (
                r#"{"probabilisticSampling":{"samplingRate":-0.1}}"#,
                "from 0 to 1",
            ),
            (
                r#"{"probabilisticSampling":{"samplingRate":NaN}}"#,
                "not JSON",
            ),
            (
                r#"{"probabilisticSampling":{"samplingRate":1e999}}"#,
                "not JSON",
            ),
            (
                r#"{"probabilisticSampling":{"samplingRate":true}}"#,
                "from 0 to 1",
            ),
            (
                r#"{"rateLimitingSampling":{"maxTracesPerSecond":-1}}"#,
                "maxTracesPerSecond is -1, but must be",
            ),
            // A wrong member is not passed over for the next.
            (
                r#"{"operationSampling":[],"probabilisticSampling":{"samplingRate":1}}"#,
                "operationSampling is []",
            ),
            (
                r#"{"operationSampling":{"defaultSamplingProbability":2}}"#,
                "defaultSamplingProbability is 2",
            ),
            (
                r#"{"operationSampling":{"defaultLowerBoundTracesPerSecond":"x"}}"#,
                "defaultLowerBound",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":{}}}"#,
                "perOperationStrategies is {}, but must be a list",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[1]}}"#,
                "a list of objects",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[{"operation":7}]}}"#,
                "operation is 7",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[{"probabilisticSampling":{}}]}}"#,
                "lacks its operation",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[{"operation":"a"}]}}"#,
                "lacks its probabilisticSampling",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[{"operation":"a","probabilisticSampling":{"samplingRate":3}}]}}"#,
                "samplingRate is 3",
            ),
        ] {
            let error = parse(reply).expect_err(reply);
            assert!(error.contains(reason), "{reply}: {error}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        assert!(parse(&"[".repeat(60_000)).is_err());
        assert!(parse(&r#"{"operationSampling":"#.repeat(3000)).is_err());
    }

    #[test]
    fn reasons_hold_no_control_characters_and_stay_short() {
        let error = parse(&format!(
            r#"{{"probabilisticSampling":"\u001b[31m{}"}}"#,
            "x".repeat(5000)
        ))
        .unwrap_err();
        assert!(error.len() < 200 && !error.contains('\u{1b}'), "{error}");
    }
}
