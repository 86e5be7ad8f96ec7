//! Real names: the address of the agent's changes, and is not known for a while.
//!
//! In file systems of our own, where `/etc/hosts` may be written; a name that moves while its old address still takes what comes
//! is followed after half a minute. So `ci/all names` has it, by the variable [`ASKED`], and not every run.

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tracer_core::{Sampler, Tracer, UdpReporter};

use crate::shutdown::{WORK, arrived};
use crate::{PATIENCE, VARIABLE};

pub(crate) const NAME: &str = "name_that_moves_is_followed_within_35_seconds";
/// The scenario that runs in file systems of its own.
pub(crate) const SERVICE: &str = "service_of_an_agent_that_moves";
pub(crate) const ASKED: &str = "TRACER_TEST_NAMES";

const HOSTS: &str = "/etc/hosts";
const WITHIN: Duration = Duration::from_secs(35);

pub(crate) fn check() -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("tracer-names-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("hosts"), "").unwrap();
    // No name server is asked.
    fs::write(folder.join("nsswitch.conf"), "hosts: files\n").unwrap();
    let ended = run_over(&folder);
    fs::remove_dir_all(&folder).unwrap();
    match ended {
        Ok(output) if output.status.success() => Ok(()),
        ended => Err(format!("{ended:?}")),
    }
}

fn run_over(folder: &Path) -> std::io::Result<std::process::Output> {
    let mounted = "mount --bind hosts /etc/hosts && mount --bind nsswitch.conf /etc/nsswitch.conf && exec \"$0\"";
    Command::new("unshare")
        .args(["-Urm", "sh", "-c", mounted])
        .arg(std::env::current_exe()?)
        .current_dir(folder)
        .env(VARIABLE, SERVICE)
        .output()
}

/// What runs there.
pub(crate) fn service() {
    let first = listen("127.0.0.2", 0);
    let port = first.local_addr().unwrap().port();
    name("127.0.0.2");
    let tracer = Tracer::builder("moves")
        .sampler(Sampler::constant(true))
        .reporter(UdpReporter::to(format!("agent.test:{port}")).unwrap())
        .build()
        .unwrap();
    reaches(&tracer, &first);

    // Nobody is left at the old address.
    drop(first);
    let second = listen("127.0.0.3", port);
    name("127.0.0.3");
    reaches(&tracer, &second);

    // From the one protocol to the other, and back.
    drop(second);
    let third = listen("::1", port);
    name("::1");
    reaches(&tracer, &third);
    drop(third);
    let fourth = listen("127.0.0.4", port);
    name("127.0.0.4");
    reaches(&tracer, &fourth);

    // The name is unknown while the address is good: that goes on.
    fs::write(HOSTS, "").unwrap();
    reaches(&tracer, &fourth);
    // And while it is not.
    drop(fourth);
    let lost = tracer.stats().lost();
    let deadline = Instant::now() + PATIENCE;
    while tracer.stats().lost() < lost + 1_000 {
        assert!(Instant::now() < deadline);
        report(&tracer);
    }
    let fifth = listen("127.0.0.5", port);
    name("127.0.0.5");
    reaches(&tracer, &fifth);

    // The old address still takes what comes.
    let sixth = listen("127.0.0.6", port);
    name("127.0.0.6");
    reaches(&tracer, &sixth);
    let stats = tracer.stats();
    assert_eq!(
        stats.finished,
        stats.reporters[0].reported + stats.reporters[0].lost()
    );
}

fn listen(address: &str, port: u16) -> UdpSocket {
    let address: IpAddr = address.parse().unwrap();
    let agent = UdpSocket::bind((address, port)).unwrap();
    agent
        .set_read_timeout(Some(Duration::from_millis(10)))
        .unwrap();
    agent
}

fn name(address: &str) {
    fs::write(HOSTS, format!("{address} agent.test\n")).unwrap();
}

fn report(tracer: &Tracer) {
    tracer.start_span(WORK).finish();
    tracer.flush(PATIENCE).unwrap();
}

/// Reports until a span arrives.
fn reaches(tracer: &Tracer, agent: &UdpSocket) {
    let began = Instant::now();
    while arrived(agent) == 0 {
        assert!(began.elapsed() < WITHIN, "{:?}", tracer.stats());
        report(tracer);
    }
}
