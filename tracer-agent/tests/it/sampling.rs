//! The sampling strategies.

use serde_json::json;
use tracer_agent::Agent;

use crate::client::get;

#[test]
fn strategy_is_answered_for_exactly_one_service() {
    let agent = Agent::builder()
        .ephemeral_ports()
        .sampling_probability(0.25)
        .start()
        .unwrap();
    let expected =
        json!({"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 0.25}});
    for path in [
        "/sampling?service=shop",
        "/?service=shop",
        "/sampling?x=1&service=a%20b",
    ] {
        let answer = get(agent.sampling_addr(), path);
        assert_eq!(
            (answer.status, answer.json()),
            (200, expected.clone()),
            "{path}"
        );
    }
    for path in [
        "/sampling",
        "/",
        "/sampling?service=a&service=b",
        "/sampling?Service=a",
    ] {
        let answer = get(agent.sampling_addr(), path);
        assert_eq!(
            (answer.status, answer.body.trim()),
            (400, "'service' parameter must be provided once"),
            "{path}"
        );
    }
}
