//! An agent in a process of its own, to be stopped or killed: `agent PORT`, where 0 is any. Prints its port, ends with its
//! standard input, and then prints how many spans it has received.

#![expect(clippy::print_stdout, reason = "a program talks to its parent")]

use std::error::Error;
use std::io::Read;
use std::time::{Duration, Instant};

use tracer_agent::Agent;

const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).unwrap_or_default().parse()?;
    let builder = Agent::builder().ephemeral_ports().compact_port(port);
    let deadline = Instant::now() + PATIENCE;
    // Between two agents of one port it is free for anybody.
    let agent = loop {
        match builder.clone().start() {
            Ok(agent) => break agent,
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => std::thread::yield_now(),
        }
    };
    println!("{}", agent.compact_addr().port());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let store = agent.store();
    agent.shutdown();
    println!("{}", store.stats().spans_received);
    Ok(())
}
