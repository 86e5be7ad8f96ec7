//! The samplers of both worlds, their settings, and which of them win.

use super::*;
use crate::env::tests::part;

#[test]
fn sampler_is_the_one_asked_for() {
    use EnvSampler::{Constant, Probabilistic, RateLimiting};
    for (kind, param, expected) in [
        ("const", "1", Constant(true)),
        ("const", "0", Constant(false)),
        ("const", "0.5", Constant(true)),
        ("const", "false", Constant(false)),
        ("Probabilistic", "0.25", Probabilistic(0.25)),
        ("probabilistic", "1", Probabilistic(1.0)),
        // Java's client makes 0 of it.
        ("RateLimiting", "0.5", RateLimiting(0.5)),
    ] {
        let variables = [
            ("JAEGER_SAMPLER_TYPE", kind),
            ("JAEGER_SAMPLER_PARAM", param),
            ("OTEL_TRACES_SAMPLER", "wrong, but not looked at"),
        ];
        let sampler = part(&variables, |config| config.sampler).unwrap();
        assert_eq!(sampler, expected, "{kind} {param}");
        assert!(sampler.build().is_ok());
    }
    for (name, arg, expected) in [
        ("always_on", "", Constant(true)),
        ("parentbased_always_on", "0", Constant(true)),
        ("parentbased_always_off", "", Constant(false)),
        ("ALWAYS_OFF", "", Constant(false)),
        ("traceidratio", "0.25", Probabilistic(0.25)),
        ("parentbased_traceidratio", "", Probabilistic(1.0)),
    ] {
        let variables = [
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", arg),
        ];
        assert_eq!(
            part(&variables, |config| config.sampler),
            Some(expected),
            "{name} {arg}"
        );
    }
}

#[test]
fn remote_sampler_has_its_settings_from_either_world() {
    let to = |url: &str| RemoteSampler::to(url).unwrap();
    let local = || to("http://localhost:5778/sampling");
    let seconds = Duration::from_secs;
    const OTEL: (&str, &str) = ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote");
    const NONE: (&str, &str) = ("", "");
    for (variables, expected) in [
        ([("JAEGER_SAMPLER_TYPE", "remote"), NONE, NONE], local()),
        (
            [("JAEGER_SAMPLER_PARAM", "1"), NONE, NONE],
            local().initial_probability(1.0).unwrap(),
        ),
        (
            [("JAEGER_SAMPLING_ENDPOINT", "http://a:1/x"), NONE, NONE],
            to("http://a:1/x"),
        ),
        (
            [
                ("JAEGER_SAMPLING_ENDPOINT", "http://a/"),
                ("JAEGER_SAMPLER_MANAGER_HOST_PORT", "b:1"),
                NONE,
            ],
            to("http://a/"),
        ),
        (
            [("JAEGER_SAMPLER_MANAGER_HOST_PORT", "b:1"), NONE, NONE],
            to("http://b:1/sampling"),
        ),
        (
            [
                ("JAEGER_SAMPLER_MANAGER_HOST_PORT", "http://b:1/"),
                NONE,
                NONE,
            ],
            to("http://b:1/"),
        ),
        (
            [
                ("JAEGER_SAMPLER_TYPE", "remote"),
                ("JAEGER_AGENT_HOST", "::1"),
                NONE,
            ],
            to("http://[::1]:5778/sampling"),
        ),
        (
            [("JAEGER_SAMPLER_HOST", "h"), NONE, NONE],
            to("http://h:5778/sampling"),
        ),
        (
            [
                ("JAEGER_SAMPLER_PORT", "1"),
                ("JAEGER_SAMPLING_PATH", "/s/t"),
                NONE,
            ],
            to("http://localhost:1/s/t"),
        ),
        (
            [("JAEGER_SAMPLER_REFRESH_INTERVAL", "1m30s"), NONE, NONE],
            local().refresh_interval(seconds(90)),
        ),
        (
            [("JAEGER_SAMPLER_REFRESH_INTERVAL", "5000"), NONE, NONE],
            local().refresh_interval(seconds(5)),
        ),
        (
            [("JAEGER_SAMPLER_MAX_OPERATIONS", "7"), NONE, NONE],
            local().max_operations(7),
        ),
        ([OTEL, NONE, NONE], local()),
        (
            [
                ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
                ("JAEGER_AGENT_HOST", "h"),
                NONE,
            ],
            to("http://h:5778/sampling"),
        ),
        (
            [
                OTEL,
                (
                    "OTEL_TRACES_SAMPLER_ARG",
                    "endpoint=http://a:1/, pollingIntervalMs=5000,initialSamplingRate=0.25",
                ),
                NONE,
            ],
            to("http://a:1/")
                .refresh_interval(seconds(5))
                .initial_probability(0.25)
                .unwrap(),
        ),
        (
            [
                OTEL,
                (
                    "OTEL_TRACES_SAMPLER_ARG",
                    "endpoint=http://a:1/,pollingIntervalMs=5000",
                ),
                ("JAEGER_SAMPLING_ENDPOINT", "http://b:1/"),
            ],
            to("http://b:1/").refresh_interval(seconds(5)),
        ),
        (
            [
                OTEL,
                ("OTEL_TRACES_SAMPLER_ARG", "pollingIntervalMs=5000"),
                ("JAEGER_SAMPLER_REFRESH_INTERVAL", "9s"),
            ],
            local().refresh_interval(seconds(9)),
        ),
    ] {
        let sampler = part(&variables, |config| config.sampler);
        assert_eq!(sampler, Some(EnvSampler::Remote(expected)), "{variables:?}");
    }
    // The agent's host alone says nothing of the sampler: the builder's own may stay.
    assert_eq!(
        part(&[("JAEGER_AGENT_HOST", "h")], |config| config.sampler),
        None
    );
}
