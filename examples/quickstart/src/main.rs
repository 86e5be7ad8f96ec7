//! The quickstart: two services, a database and the agent in one process, and traces of the requests they serve.
//!
//! `web` takes orders at `POST /checkout/{user}`, asks `pricing` for each item of the user's cart and writes the order to
//! SQLite. Tracing took it one line per integration: a layer on each router, a wrapped HTTP client, a wrapped pool, and
//! `#[traced]` on the functions in between. See `web.rs`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    reason = "a program talks to its terminal and ends with a status"
)]

mod database;
mod options;
mod pricing;
mod traffic;
mod view;
mod web;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tracer_core::{Sampler, Tracer, UdpReporter};

use options::{Options, Port};
use view::View;

fn main() {
    // Tracers say through the `log` crate when they lose spans and when that is over.
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Warn)
        .parse_default_env()
        .format_timestamp(None)
        .init();
    let options = Options::from_args().unwrap_or_else(|error| fail(&error.to_string(), 2));
    if options.help {
        print!("{}", options::HELP);
        return;
    }
    if let Err(error) = run(&options) {
        fail(&error.to_string(), 1);
    }
}

fn fail(message: &str, status: i32) -> ! {
    eprintln!("error: {message}");
    std::process::exit(status)
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let view = View::open(options)?;
    // A service would say `Tracer::builder("web").from_env().install()?` and be done. These two share a process, so each
    // has a tracer of its own and hands it to its integrations.
    let tracers = [
        service_tracer("web", &view)?,
        service_tracer("pricing", &view)?,
    ];
    let [web_tracer, pricing_tracer] = &tracers;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let web = runtime.block_on(async {
        let pricing = serve(options.port(Port::Pricing), pricing::router(pricing_tracer)).await?;
        let pool = database::open().await?;
        let web = web::Web::new(&pool, &format!("http://{pricing}"), web_tracer);
        serve(options.port(Port::Web), web.router(web_tracer)).await
    })?;

    let sent = runtime.block_on(traffic::send(&format!("http://{web}"), options))?;
    for tracer in &tracers {
        tracer.flush(Duration::from_secs(5))?;
    }
    let shown = sent.to_show().ok_or("no request was answered")?;
    let trace = view.wait(shown, Duration::from_secs(5))?;
    if options.json {
        println!("{}", tracer_agent::trace_json(&trace));
        return Ok(());
    }
    println!(
        "{}",
        tracer_agent::show::waterfall(&trace, view::terminal_width())
    );
    if options.once {
        return Ok(());
    }
    println!("{sent}\n");
    println!("this trace     {}", view.trace_url(shown));
    println!("all traces     {}", view.url());
    println!("one more       curl -X POST http://{web}/checkout/alice\n");
    println!("Ctrl-C ends it.");
    runtime.block_on(tokio::signal::ctrl_c())?;
    Ok(())
}

/// A tracer that samples everything and sends what is finished ten times a second, for a demonstration.
fn service_tracer(service: &str, view: &View) -> Result<Tracer, Box<dyn Error>> {
    let tracer = Tracer::builder(service)
        .sampler(Sampler::constant(true))
        .reporter(UdpReporter::to(view.udp())?)
        .flush_interval(Duration::from_millis(100))
        .build()?;
    Ok(tracer)
}

/// Serves a router on the loopback interface, in the background.
async fn serve((port, flag): (u16, &str), router: Router) -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|error| {
            format!("port {port} cannot be listened on: {error} (choose others with {flag})")
        })?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}
