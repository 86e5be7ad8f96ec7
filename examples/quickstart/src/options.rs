//! The command line.

use lexopt::ValueExt;

pub(crate) const HELP: &str = "\
Two services, a database and the tracing agent in one process, and traces of the requests they serve.

usage: quickstart [--once [--json]] [--requests N] [--port-base N] [--agent HOST:PORT [--agent-url URL]]

  --once             send one request, print its trace, and end
  --json             with --once: print the trace as the agent's JSON and nothing else
  --requests N       send N ordinary requests first (default 5)
  --port-base N      use the ports from N on instead of the usual ones; 0: any that are free
  --agent HOST:PORT  report to the agent that receives UDP there, and start none
  --agent-url URL    where that agent answers queries (default http://HOST:16686)
";

/// What to do.
pub(crate) struct Options {
    pub(crate) help: bool,
    pub(crate) once: bool,
    pub(crate) json: bool,
    pub(crate) requests: usize,
    pub(crate) agent: Option<String>,
    pub(crate) agent_url: Option<String>,
    port_base: Option<u16>,
}

/// The ports the program listens on, with their numbers where nothing else is said.
#[derive(Clone, Copy)]
pub(crate) enum Port {
    Web = 8090,
    Pricing = 8091,
    Query = 16686,
    Compact = 6831,
    Binary = 6832,
    Collector = 14268,
    Sampling = 5778,
    Otlp = 4318,
}

impl Options {
    pub(crate) fn from_args() -> Result<Self, lexopt::Error> {
        use lexopt::Arg::Long;
        let mut options = Self {
            help: false,
            once: false,
            json: false,
            requests: 5,
            agent: None,
            agent_url: None,
            port_base: None,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") => options.help = true,
                Long("once") => options.once = true,
                Long("json") => options.json = true,
                Long("requests") => options.requests = parser.value()?.parse()?,
                Long("port-base") => options.port_base = Some(parser.value()?.parse()?),
                Long("agent") => options.agent = Some(parser.value()?.string()?),
                Long("agent-url") => options.agent_url = Some(parser.value()?.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        if options.json && !options.once {
            return Err("--json goes with --once".into());
        }
        if options.port_base.is_some_and(|base| base > u16::MAX - 10) {
            return Err("--port-base must leave room for ten ports".into());
        }
        Ok(options)
    }

    /// The port to listen on (0: any), and the flag that changes it. A single run needs no known ports.
    pub(crate) fn port(&self, port: Port) -> (u16, &'static str) {
        let offset = match port {
            Port::Web => 0,
            Port::Pricing => 1,
            Port::Query => 2,
            Port::Compact => 3,
            Port::Binary => 4,
            Port::Collector => 5,
            Port::Sampling => 6,
            Port::Otlp => 7,
        };
        let number = match self.port_base {
            Some(0) => 0,
            Some(base) => base + offset,
            None if self.once => 0,
            None => port as u16,
        };
        (number, "--port-base")
    }
}
