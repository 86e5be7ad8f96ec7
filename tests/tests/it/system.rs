//! The agent, two services, the HTTP client and a database in one process: one trace.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool};
use tokio::net::TcpListener;
use tracer_agent::{Agent, Trace};
use tracer_axum::TraceLayer;
use tracer_core::{Propagation, Sampler, Tracer, UdpReporter, active_span, traced};
use tracer_reqwest::Client;
use tracer_sqlx::TracedPool;

const PATIENCE: Duration = Duration::from_secs(20);

fn tracer(service: &str, agent: &Agent, propagation: Propagation) -> Tracer {
    Tracer::builder(service)
        .sampler(Sampler::constant(true))
        .reporter(UdpReporter::to(agent.compact_addr().to_string()).unwrap())
        .propagation([propagation])
        .build()
        .unwrap()
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn database() -> SqlitePool {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .unwrap();
    sqlx::raw_sql(
        "CREATE TABLE stock (item TEXT, pieces INTEGER); INSERT INTO stock VALUES ('pear', 3)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool
}

#[derive(Clone)]
struct Shop {
    http: Client,
    stock: String,
}

async fn offer(State(shop): State<Shop>, Path(item): Path<String>) -> String {
    let pieces = shop
        .http
        .get(format!("{}/stock/{item}", shop.stock))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let trace = active_span().context().unwrap().trace_id();
    format!("{trace} {}", describe(&pieces))
}

#[traced(tags(pieces))]
fn describe(pieces: &str) -> String {
    format!("{pieces} left")
}

#[traced(err)]
async fn pieces(pool: &TracedPool<Sqlite>, item: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT pieces FROM stock WHERE item = ?")
        .bind(item)
        .fetch_one(pool)
        .await
}

/// The spans as indented text: service and operation.
fn tree(trace: &Trace) -> String {
    fn write(trace: &Trace, parent: Option<tracer_agent::SpanId>, depth: usize, text: &mut String) {
        let mut children: Vec<_> = trace
            .spans()
            .filter(|span| span.parent() == parent)
            .collect();
        children.sort_by_key(|span| span.start());
        for span in children {
            text.push_str(&format!(
                "{:depth$}{} {}\n",
                "",
                span.service(),
                span.operation,
                depth = depth * 2
            ));
            write(trace, Some(span.span_id), depth + 1, text);
        }
    }
    let mut text = String::new();
    write(trace, None, 0, &mut text);
    text
}

/// Asks for an offer, and gives the trace of that as text, once as many spans as expected arrived.
async fn trace_of_offer(propagation: Propagation, spans: usize) -> String {
    let agent = Agent::builder().ephemeral_ports().start().unwrap();
    let shop_tracer = tracer("shop", &agent, propagation.clone());
    let stock_tracer = tracer("stock", &agent, propagation);

    let pool = TracedPool::from(database().await).with_tracer(&stock_tracer);
    let stock = Router::new()
        .route(
            "/stock/{item}",
            get(
                |State(pool): State<TracedPool<Sqlite>>, Path(item): Path<String>| async move {
                    pieces(&pool, &item).await.unwrap().to_string()
                },
            ),
        )
        .with_state(pool)
        .layer(TraceLayer::new().with_tracer(&stock_tracer));
    let stock = serve(stock).await;

    let shop = Shop {
        http: Client::new().with_tracer(&shop_tracer),
        stock,
    };
    let router = Router::new()
        .route("/offer/{item}", get(offer))
        .with_state(shop);
    let shop = serve(router.layer(TraceLayer::new().with_tracer(&shop_tracer))).await;

    let answer = reqwest::get(format!("{shop}/offer/pear"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let (trace, text) = answer.split_once(' ').unwrap();
    assert_eq!(text, "3 left");
    let id = trace.parse().unwrap();
    let found = tokio::task::spawn_blocking(move || {
        // The span of a request ends a moment after its client has the last byte; flushing again brings it.
        loop {
            shop_tracer.flush(PATIENCE).unwrap();
            stock_tracer.flush(PATIENCE).unwrap();
            if let Ok(found) = agent
                .store()
                .wait_for_spans(id, spans, Duration::from_millis(200))
            {
                return found;
            }
        }
    });
    tree(
        &tokio::time::timeout(PATIENCE, found)
            .await
            .expect("the spans arrive in time")
            .unwrap(),
    )
}

const OFFER: &str = "\
shop GET /offer/{item}
  shop GET
    stock GET /stock/{item}
      stock pieces
        stock SELECT stock
  shop describe
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_and_a_database_make_one_trace_over_w3c_headers() {
    assert_eq!(trace_of_offer(Propagation::W3c, 6).await, OFFER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_and_a_database_make_one_trace_over_jaeger_headers() {
    assert_eq!(trace_of_offer(Propagation::Jaeger, 6).await, OFFER);
}
