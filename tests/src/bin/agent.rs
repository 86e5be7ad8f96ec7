//! An agent in a process of its own, to be killed: `agent PORT`, where 0 is any. Prints its port, and ends with its standard
//! input.

#![expect(clippy::print_stdout, reason = "a program talks to its parent")]

use std::error::Error;
use std::io::Read;

use tracer_agent::Agent;

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).unwrap_or_default().parse()?;
    let agent = Agent::builder()
        .ephemeral_ports()
        .compact_port(port)
        .start()?;
    println!("{}", agent.compact_addr().port());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    agent.shutdown();
    Ok(())
}
