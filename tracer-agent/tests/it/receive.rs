//! Datagrams of real clients over real sockets.

use std::net::UdpSocket;
use std::time::Duration;

use tracer_agent::{Agent, Query, TagValue, TraceId};

use crate::client::{PATIENCE, report, send, start};
use crate::datagram::Span;

const PYTHON: &[u8] = include_bytes!("../fixtures/jaeger-client-python-4.8.0_compact_6831.bin");
const NODE: &[u8] = include_bytes!("../fixtures/jaeger-client-node-3.19.0_binary_6832.bin");

#[test]
fn python_client_over_compact() {
    let agent = start();
    send(agent.compact_addr(), PYTHON);
    let query = Query::new().service("py-poly");
    let trace = agent
        .store()
        .wait_for(&query, |trace| trace.len() == 2, PATIENCE)
        .unwrap();
    let parent = trace
        .spans()
        .find(|span| &*span.operation == "parent")
        .unwrap();
    let child = trace
        .spans()
        .find(|span| &*span.operation == "child")
        .unwrap();
    assert_eq!(
        (parent.parent(), child.parent()),
        (None, Some(parent.span_id))
    );
    assert_eq!(
        parent.tag("sampler.type").and_then(TagValue::as_str),
        Some("const")
    );
    assert_eq!(parent.tag("sampler.param"), Some(&TagValue::Bool(true)));
    assert_eq!(parent.tag("http.status_code"), Some(&TagValue::Int(200)));
    assert_eq!(
        parent.process.tag("hostname").and_then(TagValue::as_str),
        Some("vm")
    );
    assert_eq!(
        parent
            .process
            .tag("jaeger.version")
            .and_then(TagValue::as_str),
        Some("Python-4.8.0")
    );
    assert_eq!(
        parent.logs[0].field("event").and_then(TagValue::as_str),
        Some("x")
    );
    assert_eq!(
        parent.logs[1].field("value").and_then(TagValue::as_str),
        Some("v\r\nX: y")
    );
    assert!(child.start() >= parent.start() && child.duration() <= parent.duration());
}

#[test]
fn node_client_over_binary_counts_only_the_value_its_type_names() {
    let agent = start();
    send(agent.binary_addr(), NODE);
    let query = Query::new().service("node-poly");
    let trace = agent
        .store()
        .wait_for(&query, |trace| trace.len() == 2, PATIENCE)
        .unwrap();
    let child = trace.spans().find(|span| &*span.operation == "c").unwrap();
    let parent = trace.span(child.parent().unwrap()).unwrap();
    assert_eq!(parent.parent(), None);
    let process = &child.process;
    assert_eq!(
        process.tag("hostname"),
        Some(&TagValue::String("vm".into()))
    );
    assert_eq!(
        process.tag("jaeger.version"),
        Some(&TagValue::String("Node-3.19.0".into()))
    );
    assert_eq!(
        process.tag("ip"),
        Some(&TagValue::String("192.0.2.2".into()))
    );
    assert_eq!(
        parent.tag("sampler.type"),
        Some(&TagValue::String("const".into()))
    );
    assert_eq!(parent.tag("sampler.param"), Some(&TagValue::Bool(true)));
}

#[test]
fn bad_datagrams_are_counted_never_answered_and_stop_nothing() {
    let agent = start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let zipkin = [b"\x82\x81\x01\x0femitZipkinBatch".as_slice(), &[0; 8]].concat();
    let bad: [&[u8]; 6] = [
        b"",
        b"hello",
        &PYTHON[..200],
        NODE,
        &zipkin,
        &[0xff; 60_000],
    ];
    for to in [agent.compact_addr(), agent.binary_addr()] {
        for datagram in bad {
            socket.send_to(datagram, to).unwrap();
        }
    }
    send(agent.compact_addr(), PYTHON);
    agent
        .store()
        .wait_for(&Query::new().service("py-poly"), |_| true, PATIENCE)
        .unwrap();
    // Both ports are read by one thread in turns: wait for the other one too.
    let sentinel = Span::new(9, 9, 0, "sentinel", 1, 1);
    report(&agent, "sentinel", &[sentinel]);

    let received = agent.stats().received;
    assert_eq!((received.compact.ok, received.compact.refused()), (1, 6));
    // For the binary port Node's datagram is a good one.
    assert_eq!((received.binary.ok, received.binary.refused()), (2, 5));
    assert_eq!(
        (received.compact.unknown_method, received.compact.panicked),
        (1, 0)
    );
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    assert!(
        socket.recv_from(&mut [0; 16]).is_err(),
        "an answer to a datagram"
    );
}

#[test]
fn shutdown_takes_what_has_arrived_and_keeps_the_store_readable() {
    let agent = start();
    let (store, query) = (agent.store(), agent.query_addr());
    for id in 1..=20 {
        send(
            agent.binary_addr(),
            &crate::datagram::message("s", &[Span::new(1, id, 0, "op", 1, 1)], None),
        );
    }
    agent.shutdown();
    assert_eq!(store.trace(TraceId::new(1)).unwrap().len(), 20);
    assert!(
        std::net::TcpStream::connect(query).is_err(),
        "the port is closed"
    );
}

#[test]
fn starts_inside_and_outside_of_a_runtime_and_names_a_taken_port() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let agent = runtime.block_on(async { start() });
    report(&agent, "s", &[Span::new(1, 1, 0, "op", 1, 1)]);

    let port = agent.compact_addr().port();
    let error = Agent::builder()
        .ephemeral_ports()
        .compact_port(port)
        .start()
        .unwrap_err();
    let expected = format!("cannot listen on udp 127.0.0.1:{port} for Jaeger Thrift compact: ");
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert_eq!(
        (error.flag(), error.is_port_taken()),
        (Some("--compact-port"), true)
    );
    runtime.block_on(async { drop(agent) });
}

#[test]
fn agents_and_stores_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Agent>();
    shared::<tracer_agent::Store>();
    shared::<tracer_agent::Trace>();
}
