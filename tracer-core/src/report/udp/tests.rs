//! The reporter over a network in memory, and over the real one.

mod net;

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use self::net::Net;
use super::*;
use crate::wire::reading::{self, Value};
use crate::wire::sample::{process, usual};

fn batch(message: &[u8]) -> Value {
    reading::batch::<Compact>(message, Framing::EmitBatch)
}

/// The spans that arrived at each address, in order of arrival.
fn arrived(net: &Net) -> Vec<(String, usize)> {
    let state = net.state();
    state
        .arrived
        .iter()
        .map(|(to, message)| (to.to_string(), spans_in(message)))
        .collect()
}

fn spans_in(message: &[u8]) -> usize {
    batch(message).field(2).unwrap().list().len()
}

/// Reports spans and flushes; how many were lost, by cause: io, refused, too large.
fn send(reporter: &mut UdpReporter, spans: usize) -> [usize; 3] {
    let spans: Vec<_> = (1..=spans as u64).map(usual).collect();
    let results = [reporter.report(&process("svc"), &spans), reporter.flush()];
    let mut lost = [0; 3];
    for error in results.into_iter().filter_map(Result::err) {
        let by_cause = [LossCause::Io, LossCause::Refused, LossCause::TooLarge]
            .map(|cause| error.lost_to(cause));
        assert_eq!(by_cause.iter().sum::<usize>(), error.lost());
        for (lost, more) in lost.iter_mut().zip(by_cause) {
            *lost += more;
        }
    }
    lost
}

const FAR: &str = "10.0.0.1:6831";
const V4: &str = "127.0.0.1:6831";
const V6: &str = "[::1]:6831";

#[test]
fn a_refusal_over_the_network_is_the_loss_of_the_datagram_before() {
    let net = Net::new(&[]);
    let mut reporter = net.reporter(FAR);
    assert_eq!(send(&mut reporter, 3), [0, 0, 0], "nobody knows yet");
    assert_eq!(send(&mut reporter, 2), [0, 3, 0]);
    assert_eq!(
        send(&mut reporter, 0),
        [0, 2, 0],
        "a flush without spans hears of the last"
    );
    net.state().listening.insert(FAR.parse().unwrap());
    assert_eq!(send(&mut reporter, 5), [0, 0, 0]);
    assert_eq!(send(&mut reporter, 1), [0, 0, 0]);
    assert_eq!(arrived(&net), [(FAR.to_owned(), 5), (FAR.to_owned(), 1)]);
}

#[test]
fn a_refusal_does_not_lose_the_datagram_that_hears_of_it() {
    let net = Net::new(&[]);
    let mut reporter = net.reporter(FAR);
    assert_eq!(send(&mut reporter, 3), [0, 0, 0]);
    net.state().listening.insert(FAR.parse().unwrap());
    assert_eq!(send(&mut reporter, 2), [0, 3, 0]);
    assert_eq!(arrived(&net), [(FAR.to_owned(), 2)]);
}

#[test]
fn a_refusal_on_loopback_is_known_at_once() {
    let net = Net::new(&[]);
    let mut reporter = net.reporter(V4);
    assert_eq!(send(&mut reporter, 3), [0, 3, 0]);
    net.state().listening.insert(V4.parse().unwrap());
    assert_eq!(send(&mut reporter, 2), [0, 0, 0]);
    assert_eq!(arrived(&net), [(V4.to_owned(), 2)]);
}

#[test]
fn localhost_is_where_somebody_listens_and_no_span_is_lost_finding_it() {
    let net = Net::new(&[V6]);
    let mut reporter = net.reporter("localhost:6831");
    assert_eq!(send(&mut reporter, 3), [0, 0, 0]);
    net.state().listening = [V4.parse().unwrap()].into();
    assert_eq!(send(&mut reporter, 4), [0, 0, 0]);
    assert_eq!(send(&mut reporter, 5), [0, 0, 0]);
    net.state().listening.clear();
    assert_eq!(send(&mut reporter, 6), [0, 6, 0]);
    let v4 = |spans| (V4.to_owned(), spans);
    assert_eq!(arrived(&net), [(V6.to_owned(), 3), v4(4), v4(5)]);
}

#[cfg(target_os = "linux")]
#[test]
fn each_error_of_a_socket_is_counted_once_and_survived() {
    // EPERM, EAGAIN, EMSGSIZE, ENOBUFS, and EIO, which no documentation names.
    for errno in [1, 11, 90, 105, 5] {
        let net = Net::new(&[FAR]);
        let mut reporter = net.reporter(FAR);
        net.state().faults.extend([errno, errno]);
        let first = send(&mut reporter, 3);
        let second = send(&mut reporter, 2);
        assert_eq!(
            [first[0] + second[0], first[1], second[1]],
            [5, 0, 0],
            "error {errno}"
        );
        assert_eq!(send(&mut reporter, 4), [0, 0, 0], "error {errno}");
        let arrived: usize = arrived(&net).iter().map(|(_, spans)| spans).sum();
        assert_eq!((arrived, net.state().faults.len()), (4, 0), "error {errno}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn when_the_way_is_down_a_fresh_socket_tries_once_more() {
    // EINVAL (the address the socket is bound to is gone), ENETDOWN, ENETUNREACH, EHOSTUNREACH.
    for errno in [22, 100, 101, 113] {
        let net = Net::new(&[FAR]);
        let mut reporter = net.reporter(FAR);
        net.state().faults.push_back(errno);
        assert_eq!(send(&mut reporter, 3), [0, 0, 0], "error {errno}");
        assert_eq!(net.state().connects, 2);
        net.state().faults.extend([errno, errno]);
        assert_eq!(send(&mut reporter, 2), [2, 0, 0], "error {errno}");
        assert_eq!(send(&mut reporter, 1), [0, 0, 0], "error {errno}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn packets_get_shorter_where_long_ones_do_not_pass() {
    let net = Net::new(&[V4]);
    let mut reporter = net.reporter(V4);
    net.state().faults.push_back(90);
    let lost = send(&mut reporter, 1_000);
    assert!(lost[0] >= 300 && lost[1..] == [0, 0], "{lost:?}");
    let arrived = arrived(&net);
    assert_eq!(
        lost[0] + arrived.iter().map(|(_, spans)| spans).sum::<usize>(),
        1_000
    );
    let longest = net
        .state()
        .arrived
        .iter()
        .map(|(_, message)| message.len())
        .max();
    assert!((8_500..=9_000).contains(&longest.unwrap()), "{longest:?}");
}

#[test]
fn a_name_that_moves_is_followed() {
    let net = Net::new(&["10.0.0.1:6831", "10.0.0.2:6831"]);
    let mut deadline = Instant::now() + Duration::from_secs(10);
    net.state()
        .names
        .insert("agent".to_owned(), vec!["10.0.0.1:6831".parse().unwrap()]);
    let mut reporter = net.reporter("agent:6831");
    assert_eq!(
        send(&mut reporter, 1),
        [0, 0, 0],
        "the first message waits for the address"
    );
    net.state()
        .names
        .insert("agent".to_owned(), vec!["10.0.0.2:6831".parse().unwrap()]);
    net.state().passed += Duration::from_secs(29);
    assert_eq!(send(&mut reporter, 2), [0, 0, 0]);
    assert_eq!(arrived(&net).last(), Some(&("10.0.0.1:6831".to_owned(), 2)));
    net.state().passed += Duration::from_secs(2);
    while arrived(&net).last().unwrap().0 != "10.0.0.2:6831" {
        assert_eq!(send(&mut reporter, 3), [0, 0, 0]);
        assert!(Instant::now() < deadline, "the new address is not used");
    }

    // It moves while nobody listens at the old address: found a second later, not thirty.
    net.state().listening = ["10.0.0.3:6831".parse().unwrap()].into();
    net.state()
        .names
        .insert("agent".to_owned(), vec!["10.0.0.3:6831".parse().unwrap()]);
    net.state().passed += Duration::from_secs(1);
    deadline = Instant::now() + Duration::from_secs(10);
    while arrived(&net).last().unwrap().0 != "10.0.0.3:6831" {
        send(&mut reporter, 4);
        assert!(Instant::now() < deadline, "the new address is not used");
    }
}

#[test]
fn an_unknown_name_loses_spans_until_it_is_known() {
    let net = Net::new(&[FAR]);
    let mut reporter = net.reporter("agent:6831");
    assert_eq!(send(&mut reporter, 3), [3, 0, 0]);
    net.state()
        .names
        .insert("agent".to_owned(), vec![FAR.parse().unwrap()]);
    net.state().passed += Duration::from_secs(1);
    let deadline = Instant::now() + Duration::from_secs(10);
    while arrived(&net).is_empty() {
        send(&mut reporter, 1);
        assert!(Instant::now() < deadline, "the address is not found");
    }
}

#[test]
fn a_resolver_that_hangs_is_not_asked_again_and_again() {
    let net = Net::new(&[FAR]);
    net.state().hung = true;
    let mut reporter = net.reporter("agent:6831");
    for _ in 0..29 {
        assert_eq!(send(&mut reporter, 1), [1, 0, 0]);
        net.state().passed += Duration::from_secs(1);
    }
    assert_eq!(net.state().lookups, 1);
    net.state().passed += Duration::from_secs(1);
    assert_eq!(send(&mut reporter, 1), [1, 0, 0]);
    let asked = net
        .1
        .wait_timeout_while(net.state(), Duration::from_secs(10), |state| {
            state.lookups < 2
        })
        .unwrap();
    assert_eq!(asked.0.lookups, 2);
    drop(asked);
    net.state().hung = false;
    net.1.notify_all();
}

#[test]
fn batches_are_numbered_and_tell_what_was_lost() {
    let net = Net::new(&[FAR]);
    let mut reporter = net.reporter(FAR);
    send(&mut reporter, 1);
    reporter.losses(Losses {
        queue_full: 7,
        too_large: 8,
        failed: 9,
    });
    net.state().faults.push_back(1);
    send(&mut reporter, 1);
    send(&mut reporter, 1);
    let told: Vec<_> = net
        .state()
        .arrived
        .iter()
        .map(|(_, message)| batch(message))
        .collect();
    let number = |batch: &Value| batch.field(3).unwrap().i64();
    assert_eq!(
        told.iter().map(number).collect::<Vec<_>>(),
        [1, 3],
        "a batch that was lost leaves a gap"
    );
    let stats =
        |batch: &Value| [1, 2, 3].map(|id| batch.field(4).unwrap().field(id).unwrap().i64());
    assert_eq!(
        told.iter().map(stats).collect::<Vec<_>>(),
        [[0, 0, 0], [7, 8, 9]]
    );
}

#[test]
fn datagrams_are_as_long_as_the_way_takes() {
    for (to, given, allowed) in [
        (V4, None, 64_000..=LOOPBACK_LIMIT),
        (V6, None, 64_000..=LOOPBACK_LIMIT),
        (FAR, None, 1_200..=1_400),
        (FAR, Some(8_000), 7_500..=8_000),
        (FAR, Some(1), 300..=512),
        (V4, Some(1 << 20), 65_000..=65_507),
    ] {
        let net = Net::new(&[to]);
        let mut reporter = net.reporter(to);
        if let Some(bytes) = given {
            reporter = reporter.max_packet_size(bytes);
        }
        assert_eq!(send(&mut reporter, 2_000), [0, 0, 0]);
        let longest = net
            .state()
            .arrived
            .iter()
            .map(|(_, message)| message.len())
            .max()
            .unwrap();
        assert!(
            cfg!(target_vendor = "apple") || allowed.contains(&longest),
            "{to} {given:?}: {longest}"
        );
        assert_eq!(
            arrived(&net).iter().map(|(_, spans)| spans).sum::<usize>(),
            2_000
        );
    }
}

#[test]
fn spans_of_different_processes_go_in_different_batches() {
    let net = Net::new(&[FAR]);
    let mut reporter = net.reporter(FAR);
    for service in ["a", "a", "b", "a"] {
        reporter.report(&process(service), &[usual(1)]).unwrap();
    }
    reporter.flush().unwrap();
    assert_eq!(
        arrived(&net)
            .iter()
            .map(|(_, spans)| *spans)
            .collect::<Vec<_>>(),
        [2, 1, 1]
    );
}

#[test]
fn addresses_are_read_strictly() {
    for right in [
        "localhost:6831",
        "agent.tracing.svc:1",
        "my_agent:65535",
        "10.0.0.1:6831",
        "[::1]:6831",
        "[fe80::1%2]:6831",
        "[fe80::1%eth0.100]:6831",
    ] {
        assert!(Target::parse(right).is_ok(), "{right}");
    }
    for wrong in [
        "",
        "localhost",
        ":6831",
        "localhost:",
        "localhost:0",
        "localhost:+1",
        "localhost:65536",
        "::1:6831",
    ]
    .into_iter()
    .chain([
        "udp://localhost:6831",
        "a b:1",
        "localhost:6831/x",
        "[::1]",
        "fe80::1%eth0:6831",
        "[fe80::1%]:6831",
        "[fe80::1%a b]:6831",
        "[fe80%eth0]:6831",
        "[10.0.0.1%eth0]:6831",
        "[fe80::1%eth0]6831",
        "ho\u{e4}st:1",
        ".:1",
    ]) {
        let error = UdpReporter::to(wrong).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{wrong:?}")) && error.contains("host:port"),
            "{error}"
        );
    }
}

#[derive(Clone, Debug)]
enum Event {
    Send(usize),
    Fault(i32),
    Listen(bool),
    Flush,
}

proptest! {
    /// The ledger: whatever happens, each span arrived or is counted, once.
    #[test]
    fn reported_is_arrived_and_lost(
        to in prop::sample::select(vec![FAR, V4, "localhost:6831"]),
        events in prop::collection::vec(prop_oneof![
            4 => (0..60_usize).prop_map(Event::Send),
            1 => prop::sample::select(vec![1, 5, 11, 22, 90, 101, 105]).prop_map(Event::Fault),
            1 => any::<bool>().prop_map(Event::Listen),
            1 => Just(Event::Flush),
        ], 0..60),
    ) {
        let net = Net::new(&[]);
        let mut reporter = net.reporter(to);
        let (mut reported, mut lost) = (0, 0);
        for event in events {
            match event {
                Event::Send(spans) => {
                    reported += spans;
                    lost += send(&mut reporter, spans).iter().sum::<usize>();
                }
                Event::Fault(errno) => net.state().faults.push_back(errno),
                Event::Listen(true) => {
                    let address = if to == "localhost:6831" { V6 } else { to };
                    net.state().listening.insert(address.parse().unwrap());
                }
                Event::Listen(false) => net.state().listening.clear(),
                Event::Flush => lost += send(&mut reporter, 0).iter().sum::<usize>(),
            }
        }
        lost += send(&mut reporter, 0).iter().sum::<usize>();
        let arrived: usize = arrived(&net).iter().map(|(_, spans)| spans).sum();
        prop_assert_eq!(reported, arrived + lost);
    }
}

fn receive(listener: &UdpSocket) -> usize {
    let mut datagram = vec![0; 65_536];
    listener
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let len = listener.recv(&mut datagram).unwrap();
    spans_in(&datagram[..len])
}

#[test]
fn over_the_real_loopback_a_listener_may_go_and_come_back() {
    let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut reporter = UdpReporter::to(address.to_string()).unwrap();
    for _ in 0..20 {
        assert_eq!(send(&mut reporter, 3), [0, 0, 0]);
    }
    assert_eq!((0..20).map(|_| receive(&listener)).sum::<usize>(), 60);
    drop(listener);
    let lost: usize = (0..20).map(|_| send(&mut reporter, 3)[1]).sum();
    assert_eq!(lost + send(&mut reporter, 0)[1], 60);
    let listener = UdpSocket::bind(address).unwrap();
    assert_eq!(send(&mut reporter, 2), [0, 0, 0]);
    assert_eq!(receive(&listener), 2);
}

#[test]
fn over_the_real_loopback_localhost_is_either_address() {
    for ip in ["127.0.0.1", "::1"] {
        let Ok(listener) = UdpSocket::bind((ip, 0)) else {
            eprintln!("this machine has no {ip}");
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        let mut reporter = UdpReporter::to(format!("localhost:{port}")).unwrap();
        assert_eq!(send(&mut reporter, 700), [0, 0, 0]);
        assert_eq!(receive(&listener) + receive(&listener), 700);
    }
}

/// An address of a link is that of a host only together with an interface, whose number may change and whose name stays.
#[test]
fn an_interface_is_looked_up_with_its_address() {
    let numbered = "[fe80::1%7]:6831";
    let net = Net::new(&[numbered]);
    net.state()
        .names
        .insert("fe80::1%eth0".to_owned(), vec![numbered.parse().unwrap()]);
    let mut reporter = net.reporter("[fe80::1%eth0]:6831");
    assert_eq!(send(&mut reporter, 3), [0, 0, 0]);
    assert_eq!(arrived(&net), [(numbered.to_owned(), 3)]);
    let target = Target::parse("[fe80::1%eth0]:6831").unwrap();
    assert_eq!(target.to_string(), "[fe80::1%eth0]:6831");
}
