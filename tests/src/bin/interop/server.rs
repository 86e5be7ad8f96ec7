//! The Jaeger to talk to: started on free ports of the loopback interface, stopped when dropped.

use std::ffi::OsStr;
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command};

use crate::span::Backend;

pub(crate) struct Server {
    process: Child,
    /// Where it takes Thrift in the compact protocol.
    pub(crate) udp: String,
    /// Where it takes Thrift by POST.
    pub(crate) http: String,
    /// Where it takes OTLP by POST.
    pub(crate) otlp: String,
    /// The root of its query API.
    pub(crate) query: String,
    /// Where it tells sampling strategies: those of `ci/interop.d/strategies.json`.
    pub(crate) sampling: String,
    /// Where its agent tells what clients say of themselves, if it has one.
    pub(crate) metrics: Option<String>,
}

impl Server {
    pub(crate) fn start(backend: Backend, program: &OsStr) -> Result<Self, String> {
        let strategies = crate::folder().join("strategies.json");
        let ports = free_ports(11).map_err(|error| format!("no free ports: {error}"))?;
        let mut command = Command::new(program);
        // It need not trace itself.
        command.env("OTEL_TRACES_SAMPLER", "always_off");
        match backend {
            Backend::V1 => {
                let flags = [
                    "processor.jaeger-compact.server-host-port",
                    "collector.http-server.host-port",
                    "query.http-server.host-port",
                    "http-server.host-port",
                    "admin.http.host-port",
                    "collector.otlp.http.host-port",
                    "query.grpc-server.host-port",
                    "collector.grpc-server.host-port",
                    "processor.jaeger-binary.server-host-port",
                    "processor.zipkin-compact.server-host-port",
                    "collector.otlp.grpc.host-port",
                ];
                for (flag, port) in flags.iter().zip(&ports) {
                    command.arg(format!("--{flag}=127.0.0.1:{port}"));
                }
                command
                    .args(["--collector.otlp.enabled=true", "--log-level=error"])
                    .arg("--sampling.strategies-file")
                    .arg(strategies);
            }
            Backend::V2 => {
                let names = [
                    "UDP",
                    "HTTP",
                    "QUERY",
                    "SAMPLING",
                    "HEALTH",
                    "OTLP",
                    "QUERY_GRPC",
                    "SAMPLING_GRPC",
                ];
                for (name, port) in names.iter().zip(&ports) {
                    command.env(format!("INTEROP_{name}"), port.to_string());
                }
                command
                    .env("INTEROP_STRATEGIES", strategies)
                    .arg("--config")
                    .arg(crate::folder().join("v2.yaml"));
            }
        }
        let process = command
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let at = |place: usize| format!("127.0.0.1:{}", ports[place]);
        let (health, metrics) = match backend {
            Backend::V1 => ("", Some(format!("http://{}/metrics", at(4)))),
            Backend::V2 => ("status", None),
        };
        let mut server = Self {
            process,
            udp: at(0),
            http: format!("http://{}/api/traces", at(1)),
            otlp: format!("http://{}/v1/traces", at(5)),
            query: format!("http://{}", at(2)),
            sampling: format!("http://{}/sampling", at(3)),
            metrics,
        };
        server.wait(&format!("http://{}/{health}", at(4)))?;
        Ok(server)
    }

    /// Waits until it is ready, or gone.
    fn wait(&mut self, health: &str) -> Result<(), String> {
        crate::wait_for("the server's start", || match self.process.try_wait() {
            Ok(None) => crate::get(health).map(|_| Ok(())),
            Ok(Some(status)) => Ok(Err(format!("the server ended: {status}"))),
            Err(error) => Ok(Err(format!("the server is not to be seen: {error}"))),
        })?
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either may fail if it has ended by itself, which a check has told by then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ports that nothing listens on, neither by TCP nor by UDP. Held until all are found, so that each is another.
fn free_ports(count: usize) -> std::io::Result<Vec<u16>> {
    let mut held = Vec::new();
    while held.len() < count {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        if let Ok(socket) = UdpSocket::bind(address) {
            held.push((address.port(), listener, socket));
        }
    }
    Ok(held.iter().map(|(port, ..)| *port).collect())
}
