//! Every variable, in every form it may have, and what is said of wrong ones.

use super::*;

/// What those variables make.
pub(super) fn read(variables: &[(&str, &str)]) -> Result<EnvConfig, InitError> {
    EnvConfig::read(&|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// One part of what those variables make.
#[track_caller]
pub(super) fn part<T>(variables: &[(&str, &str)], part: impl Fn(EnvConfig) -> T) -> T {
    match read(variables) {
        Ok(config) => part(config),
        Err(error) => panic!("{variables:?}: {error}"),
    }
}

/// A list of names, each before those it wins over: set alone, and in all pairs.
#[track_caller]
fn wins_in_order<T: PartialEq + std::fmt::Debug>(
    names: &[&str],
    values: [(&str, T); 2],
    field: impl Fn(EnvConfig) -> Option<T>,
) {
    let [(first, expected), (second, other)] = values;
    assert_ne!(expected, other);
    for (at, winner) in names.iter().enumerate() {
        assert_eq!(
            part(&[(winner, first)], &field).as_ref(),
            Some(&expected),
            "{winner}"
        );
        assert_eq!(part(&[(winner, "  ")], &field), None, "{winner} is blank");
        for loser in &names[at + 1..] {
            let both = [(*winner, first), (*loser, second)];
            assert_eq!(
                part(&both, &field).as_ref(),
                Some(&expected),
                "{winner} over {loser}"
            );
            let blank = [(*winner, ""), (*loser, second)];
            assert_eq!(
                part(&blank, &field).as_ref(),
                Some(&other),
                "{loser}, for {winner} is empty"
            );
        }
    }
}

#[test]
fn nothing_set_leaves_everything_open() {
    let shown = format!("{:?}", read(&[]).unwrap());
    assert_eq!(shown, format!("{:?}", EnvConfig::default()));
}

#[test]
fn names_in_a_row_win_in_order() {
    let text = |text: &str| text.to_owned();
    wins_in_order(
        &["JAEGER_SERVICE_NAME", "OTEL_SERVICE_NAME"],
        [(" shop ", text("shop")), ("stock", text("stock"))],
        |config| config.service_name,
    );
    wins_in_order(
        &["JAEGER_DISABLED", "JAEGER_DISABLE", "OTEL_SDK_DISABLED"],
        [("TRUE", true), ("0", false)],
        |config| config.disabled,
    );
    wins_in_order(
        &[
            "JAEGER_AGENT_HOST",
            "JAEGER_REPORTER_AGENT_HOST",
            "OTEL_EXPORTER_JAEGER_AGENT_HOST",
        ],
        [("agent", text("agent")), ("::1", text("::1"))],
        |config| config.agent_host,
    );
    wins_in_order(
        &[
            "JAEGER_AGENT_PORT",
            "JAEGER_REPORTER_AGENT_PORT",
            "OTEL_EXPORTER_JAEGER_AGENT_PORT",
        ],
        [("1", 1), ("65535", 65_535)],
        |config| config.agent_port,
    );
    wins_in_order(
        &[
            "JAEGER_ENDPOINT",
            "JAEGER_REPORTER_ENDPOINT",
            "OTEL_EXPORTER_JAEGER_ENDPOINT",
        ],
        [
            ("http://a/api/traces", text("http://a/api/traces")),
            ("http://b", text("http://b")),
        ],
        |config| config.collector.map(|collector| collector.url),
    );
    wins_in_order(
        &["JAEGER_REPORTER_LOG_SPANS"],
        [("t", true), ("f", false)],
        |config| config.log_spans,
    );
    wins_in_order(
        &["JAEGER_REPORTER_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_QUEUE_SIZE"],
        [("1", 1), ("5000", 5000)],
        |config| config.max_queue_size,
    );
    wins_in_order(
        &["JAEGER_REPORTER_FLUSH_INTERVAL", "OTEL_BSP_SCHEDULE_DELAY"],
        [
            ("500ms", Duration::from_millis(500)),
            ("5000", Duration::from_secs(5)),
        ],
        |config| config.flush_interval,
    );
    wins_in_order(
        &["JAEGER_TRACEID_128BIT"],
        [("true", true), ("False", false)],
        |config| config.trace_id_128bit,
    );
    wins_in_order(
        &[
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "OTEL_ATTRIBUTE_COUNT_LIMIT",
        ],
        [("64", 64), ("32", 32)],
        |config| config.max_tags,
    );
    wins_in_order(
        &["OTEL_SPAN_EVENT_COUNT_LIMIT"],
        [("64", 64), ("32", 32)],
        |config| config.max_logs,
    );
    wins_in_order(
        &[
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        ],
        [("64", 64), ("32", 32)],
        |config| config.max_value_bytes,
    );
}

#[test]
fn tags_of_jaeger_win_over_attributes_and_the_service_name_is_none_of_them() {
    let config = read(&[
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=shop,region=eu%2C1,zone=a",
        ),
        ("JAEGER_TAGS", "zone=b,host=${HOST:?},arch=${ARCH:unknown}"),
        ("HOST", "h1"),
    ])
    .unwrap();
    assert_eq!(config.service_name.as_deref(), Some("shop"));
    let tags: Vec<_> = config
        .tags
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    assert_eq!(
        tags,
        [
            ("region", "eu,1"),
            ("zone", "b"),
            ("host", "h1"),
            ("arch", "unknown")
        ]
    );
    let named = [
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop"),
        ("OTEL_SERVICE_NAME", "stock"),
    ];
    assert_eq!(
        part(&named, |config| config.service_name).as_deref(),
        Some("stock")
    );
    assert_eq!(
        part(
            &[("OTEL_RESOURCE_ATTRIBUTES", "service.name=%20")],
            |config| config.service_name
        ),
        None
    );
}

#[test]
fn collector_has_the_credentials_that_are_set() {
    const URL: (&str, &str) = ("JAEGER_ENDPOINT", "http://collector:14268/api/traces");
    let basic = |user: &str, password: &str| {
        Some(Credentials::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    };
    let bearer = || Some(Credentials::Bearer("t".to_owned()));
    for (variables, credentials) in [
        ([("", ""), ("", ""), ("", "")], None),
        ([("JAEGER_AUTH_TOKEN", "t"), ("", ""), ("", "")], bearer()),
        (
            [
                ("JAEGER_USER", "me"),
                ("JAEGER_PASSWORD", " p:w "),
                ("", ""),
            ],
            basic("me", " p:w "),
        ),
        (
            [
                ("JAEGER_USER", "me"),
                ("JAEGER_PASSWORD", "p"),
                ("JAEGER_AUTH_TOKEN", "t"),
            ],
            basic("me", "p"),
        ),
        (
            [
                ("OTEL_EXPORTER_JAEGER_USER", "o"),
                ("JAEGER_REPORTER_PASSWORD", "p"),
                ("", ""),
            ],
            basic("o", "p"),
        ),
    ] {
        let found = part(&[variables[0], variables[1], variables[2], URL], |config| {
            config.collector
        });
        let expected = Collector {
            variable: URL.0,
            url: URL.1.to_owned(),
            credentials,
            timeout: None,
        };
        assert_eq!(found, Some(expected), "{variables:?}");
    }
    let slow = part(
        &[URL, ("OTEL_EXPORTER_JAEGER_TIMEOUT", "10000")],
        |config| config.collector,
    );
    assert_eq!(slow.unwrap().timeout, Some(Duration::from_secs(10)));
    assert_eq!(
        part(&[("JAEGER_USER", "me")], |config| config.collector),
        None,
        "without a collector no matter"
    );
}

#[test]
fn passwords_are_not_shown() {
    let url = ("JAEGER_ENDPOINT", "http://c");
    for variables in [
        [("JAEGER_USER", "me"), ("JAEGER_PASSWORD", "secret"), url],
        [("JAEGER_AUTH_TOKEN", "secret"), ("", ""), url],
        [("JAEGER_PASSWORD", "secret"), ("", ""), url],
    ] {
        let shown = match read(&variables) {
            Ok(config) => format!("{config:?}"),
            Err(error) => error.to_string(),
        };
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn formats_of_headers_go_by_the_names_of_either_world() {
    for (variable, list, expected) in [
        ("JAEGER_PROPAGATION", "jaeger", "[Jaeger]"),
        (
            "JAEGER_PROPAGATION",
            "W3C, jaeger ,b3,",
            "[W3c, Jaeger, B3Multi]",
        ),
        ("JAEGER_PROPAGATION", "b3single,b3", "[B3Single, B3Multi]"),
        ("OTEL_PROPAGATORS", "tracecontext,baggage", "[W3c]"),
        ("OTEL_PROPAGATORS", "jaeger,baggage", "[Jaeger, W3c]"),
        (
            "OTEL_PROPAGATORS",
            "b3,b3multi,tracecontext,b3",
            "[B3Single, B3Multi, W3c]",
        ),
        ("OTEL_PROPAGATORS", "None", "[]"),
    ] {
        let formats = part(&[(variable, list)], |config| config.propagation);
        assert_eq!(
            format!("{:?}", formats.unwrap()),
            expected,
            "{variable}={list}"
        );
    }
    let both = [("OTEL_PROPAGATORS", "b3"), ("JAEGER_PROPAGATION", "jaeger")];
    assert_eq!(
        format!("{:?}", part(&both, |config| config.propagation).unwrap()),
        "[Jaeger]"
    );
}

#[test]
fn errors_name_the_variable_its_value_and_what_is_allowed() {
    const DURATION: &str =
        "a duration over 0 such as 500ms, 2s or 1m30s, or a whole number of milliseconds";
    const PROBABILITY: &str = "a probability from 0 to 1";
    for (name, value, allowed) in [
        ("JAEGER_DISABLED", "yes", "true or false"),
        ("OTEL_SDK_DISABLED", "2", "true or false"),
        ("JAEGER_TRACEID_128BIT", "128", "true or false"),
        (
            "JAEGER_AGENT_HOST",
            "udp://agent",
            "the name or address of a host",
        ),
        (
            "JAEGER_AGENT_HOST",
            "127.0.0.1:6831",
            "the name or address of a host",
        ),
        (
            "JAEGER_AGENT_HOST",
            "[localhost]",
            "the name or address of a host",
        ),
        ("JAEGER_AGENT_PORT", "0", "a port from 1 to 65535"),
        ("JAEGER_AGENT_PORT", "65536", "a port from 1 to 65535"),
        ("JAEGER_AGENT_PORT", "+6831", "a port from 1 to 65535"),
        (
            "JAEGER_TAGS",
            "a=1,b",
            "a list like key=value,key=${VARIABLE:default}",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "a=%4",
            "a list like key=value,key=value with %2C for a comma in a value",
        ),
        (
            "JAEGER_REPORTER_MAX_QUEUE_SIZE",
            "-1",
            "a whole number over 0",
        ),
        ("JAEGER_REPORTER_FLUSH_INTERVAL", "1", ""),
        ("JAEGER_REPORTER_FLUSH_INTERVAL", "0", DURATION),
        ("JAEGER_REPORTER_FLUSH_INTERVAL", "1 second", DURATION),
        ("OTEL_BSP_SCHEDULE_DELAY", "-5", DURATION),
        (
            "JAEGER_PROPAGATION",
            "jaeger,zipkin",
            "a list of jaeger, w3c, b3 and b3single",
        ),
        (
            "OTEL_PROPAGATORS",
            "xray",
            "a list of tracecontext, baggage, b3, b3multi and jaeger, or none",
        ),
        (
            "OTEL_PROPAGATORS",
            "b3,none",
            "a list of tracecontext, baggage, b3, b3multi and jaeger, or none",
        ),
        (
            "JAEGER_SAMPLER_TYPE",
            "Adaptive",
            "remote, const, probabilistic or ratelimiting",
        ),
        ("JAEGER_SAMPLER_PARAM", "2", PROBABILITY),
        ("JAEGER_SAMPLER_PARAM", "NaN", PROBABILITY),
        (
            "JAEGER_SAMPLING_ENDPOINT",
            "https://agent/sampling",
            "a URL that begins with http://, for agents are asked without TLS",
        ),
        (
            "JAEGER_SAMPLING_ENDPOINT",
            "::",
            "a URL such as http://localhost:5778/sampling",
        ),
        (
            "JAEGER_SAMPLING_ENDPOINT",
            "http://agent:577800/sampling",
            "a URL such as http://localhost:5778/sampling",
        ),
        (
            "JAEGER_SAMPLING_ENDPOINT",
            "http://[fe80::1%eth0]:5778/sampling",
            "a URL without an interface, which only addresses for UDP may name",
        ),
        ("JAEGER_SAMPLER_REFRESH_INTERVAL", "often", DURATION),
        (
            "JAEGER_SAMPLER_MAX_OPERATIONS",
            "2e3",
            "a whole number over 0",
        ),
        (
            "OTEL_TRACES_SAMPLER",
            "xray",
            "always_on, always_off, traceidratio or jaeger_remote, with or without parentbased_ before it",
        ),
    ] {
        let result = read(&[(name, value)]);
        if allowed.is_empty() {
            assert!(result.is_ok(), "{name}={value}");
            continue;
        }
        let error = result.expect_err(name).to_string();
        assert_eq!(error, format!("{name} is {value:?}, but must be {allowed}"));
    }
}

#[test]
fn errors_of_pairs_name_both() {
    for (variables, message) in [
        (
            [
                ("JAEGER_SAMPLER_TYPE", "probabilistic"),
                ("JAEGER_SAMPLER_PARAM", "2"),
            ],
            "JAEGER_SAMPLER_PARAM is \"2\", but must be a probability from 0 to 1",
        ),
        (
            [
                ("JAEGER_SAMPLER_TYPE", "const"),
                ("JAEGER_SAMPLER_PARAM", "x"),
            ],
            "JAEGER_SAMPLER_PARAM is \"x\", but must be 0 or 1",
        ),
        (
            [
                ("JAEGER_SAMPLER_TYPE", "ratelimiting"),
                ("JAEGER_SAMPLER_PARAM", "-1"),
            ],
            "JAEGER_SAMPLER_PARAM is \"-1\", but must be a number of traces per second, 0 or more",
        ),
        (
            [
                ("JAEGER_SAMPLER_TYPE", "Probabilistic"),
                ("JAEGER_SAMPLER_PARAM", ""),
            ],
            "JAEGER_SAMPLER_PARAM is not set, but must be a probability from 0 to 1 for probabilistic",
        ),
        (
            [
                ("OTEL_TRACES_SAMPLER", "traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "10%"),
            ],
            "OTEL_TRACES_SAMPLER_ARG is \"10%\", but must be a probability from 0 to 1",
        ),
        (
            [
                ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
                ("OTEL_TRACES_SAMPLER_ARG", "initialSamplingRate=2"),
            ],
            "OTEL_TRACES_SAMPLER_ARG is \"initialSamplingRate=2\", but must be a list of endpoint=<URL>, \
             pollingIntervalMs=<milliseconds> and initialSamplingRate=<probability>",
        ),
        (
            [
                ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
                ("OTEL_TRACES_SAMPLER_ARG", "endpoint=localhost:14250"),
            ],
            "OTEL_TRACES_SAMPLER_ARG is \"localhost:14250\", but must be a URL that begins with http://, for agents are \
             asked without TLS",
        ),
        (
            [("JAEGER_ENDPOINT", "http://c"), ("JAEGER_USER", "me")],
            "JAEGER_USER is set but JAEGER_PASSWORD is not; a user and a password go together",
        ),
        (
            [
                ("JAEGER_ENDPOINT", "http://c"),
                ("JAEGER_REPORTER_PASSWORD", "p"),
            ],
            "JAEGER_REPORTER_PASSWORD is set but JAEGER_USER is not; a user and a password go together",
        ),
    ] {
        assert_eq!(read(&variables).expect_err(message).to_string(), message);
    }
}

#[test]
fn variables_that_nothing_follows_are_named() {
    let said = |variables| part(variables, |config| config.unread.to_string());
    let none = [
        ("OTEL_TRACES_EXPORTER", "Jaeger"),
        ("JAEGER_RPC_METRICS", " "),
    ];
    assert!(part(&none, |config| config.unread.is_empty()));
    let none = [("OTEL_TRACES_EXPORTER", "none")];
    assert!(part(&none, |config| config.unread.is_empty()));
    assert_eq!(
        said(&[("JAEGER_RPC_METRICS", "true")]),
        "JAEGER_RPC_METRICS is set and not read"
    );
    assert_eq!(
        said(&[
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=secret"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
        ]),
        "OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_TRACES_HEADERS are set and not read: spans are sent as Jaeger's clients send \
         them, by UDP to JAEGER_AGENT_HOST or over HTTP to JAEGER_ENDPOINT; Jaeger and OpenTelemetry's collector (receiver \
         `jaeger`) take them there",
        "without values: headers contain secrets"
    );
}

/// The table in the module's documentation is what users go by: it names what is read, and what is not though some expect it.
#[test]
fn documented_variables_are_those_that_are_read() {
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    for (name, value) in [
        ("", ""),
        ("JAEGER_ENDPOINT", "http://c"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
    ] {
        let lookup = |asked_for: &str| {
            asked.borrow_mut().insert(asked_for.to_owned());
            (asked_for == name).then(|| value.to_owned())
        };
        EnvConfig::read(&lookup).unwrap();
    }
    let table = include_str!("../env.rs")
        .lines()
        .filter(|line| line.starts_with("//! | `"));
    let documented: std::collections::BTreeSet<_> = table
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|names| names.split('`').skip(1).step_by(2))
        .filter(|name| name.starts_with("JAEGER_") || name.starts_with("OTEL_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, asked.into_inner());
}
