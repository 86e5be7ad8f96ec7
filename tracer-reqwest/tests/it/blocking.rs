//! The client that blocks.

use std::io::Read;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use tracer_core::traced;
use tracer_reqwest::blocking::{Client, SendTraced};
use tracer_testing::assert_trace;

use crate::server::{raw, shop, silent};
use crate::terse;

/// A server on a thread of its own, whose runtime this one blocks without.
fn background<T: Send + 'static>(serve: impl Future<Output = T> + Send + 'static) -> T {
    let (address, started) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            address.send(serve.await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    started.recv().unwrap()
}

#[traced]
fn checkout(http: &Client, url: &str) -> String {
    http.get(format!("{url}/headers"))
        .send()
        .unwrap()
        .text()
        .unwrap()
}

#[test]
fn a_call_is_a_child_of_what_is_active_and_tells_the_server() {
    let test = terse().strict();
    let _default = test.tracer().set_default();
    let scope = test.tracer().start_active_span("shop");
    let headers = checkout(&Client::new(), &background(shop()));
    let trace = scope.context().trace_id().to_string();
    assert!(headers.contains(&trace), "{headers}");
    drop(scope);
    assert_trace!(
        test,
        "
        shop
          checkout
            GET {http.status_code=200} [event=\"response started\"]
        "
    );
}

#[test]
fn every_method_sends_what_reqwest_sends() {
    let test = terse().strict();
    let url = format!("{}/orders", background(shop()));
    let http = Client::builder()
        .timeout(Duration::from_secs(5))
        .user_agent("cart/1")
        .configure(|builder| builder.tcp_nodelay(true))
        .build()
        .unwrap()
        .with_tracer(test.tracer());
    for call in [
        http.get(&url),
        http.post(&url),
        http.put(&url),
        http.patch(&url),
        http.delete(&url),
        http.head(&url),
    ] {
        call.send().unwrap().bytes().unwrap();
    }
    let made = http.request(Method::OPTIONS, &url).build().unwrap();
    http.execute(made).unwrap().bytes().unwrap();
    let call = http
        .post(&url)
        .header("accept", "*/*")
        .body("[3]")
        .operation("add order");
    assert_eq!(
        call.try_clone().unwrap().send().unwrap().text().unwrap(),
        "[3]"
    );
    let (client, request) = call.build_split();
    assert_eq!(
        client
            .execute(request.unwrap())
            .unwrap()
            .json::<[u8; 1]>()
            .unwrap(),
        [3]
    );
    let names: Vec<_> = test
        .spans()
        .iter()
        .map(|span| span.operation_name().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "GET",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "HEAD",
            "OPTIONS",
            "add order",
            "POST"
        ]
    );
}

#[test]
fn a_span_is_open_until_the_last_byte_is_read() {
    let test = terse().strict();
    let known = background(raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlast"));
    let unknown = background(raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nlast"));
    let http = Client::new().with_tracer(test.tracer());

    let mut response = http.get(known).send().unwrap();
    assert_eq!(response.content_length(), Some(4));
    let mut bytes = [0; 2];
    response.read_exact(&mut bytes).unwrap();
    response.read_exact(&mut bytes).unwrap();
    assert_eq!((test.open(), &bytes), (0, b"st"), "ended by its length");

    let response = http.get(unknown).send().unwrap();
    assert_eq!((test.open(), response.content_length()), (1, None));
    // Whichever thread reads it.
    assert_eq!(
        thread::spawn(|| response.text().unwrap()).join().unwrap(),
        "last"
    );
    test.settle();
    assert_trace!(
        test,
        "
        GET {http.status_code=200} [event=\"response started\"]
        GET {http.status_code=200} [event=\"response started\"]
        "
    );
}

#[test]
fn responses_without_a_body_end_with_their_head_and_unread_ones_say_so() {
    let test = terse().strict();
    let url = background(shop());
    let http = Client::new().with_tracer(test.tracer());
    drop(http.head(format!("{url}/orders")).send().unwrap());
    drop(http.get(format!("{url}/missing")).send().unwrap());
    drop(http.get(format!("{url}/orders")).send().unwrap());
    assert_trace!(
        test,
        "
        HEAD {http.status_code=200} [event=\"response started\"]
        GET {error=true, http.status_code=404} [event=\"response started\"]
        GET {complete=false, http.status_code=200} [event=\"response started\"]
        "
    );
}

#[test]
fn a_response_is_what_reqwest_makes_of_it() {
    let test = terse().strict();
    let url = background(shop());
    let http = Client::new().with_tracer(test.tracer());
    let plain = reqwest::blocking::get(format!("{url}/moved")).unwrap();
    let response = http.get(format!("{url}/moved")).send().unwrap();
    assert_eq!(response.url(), plain.url());
    assert_eq!(response.version(), plain.version());
    assert_eq!(response.remote_addr(), plain.remote_addr());
    assert_eq!(response.content_length(), plain.content_length());
    assert_eq!(
        response.headers()["content-type"],
        plain.headers()["content-type"]
    );
    assert_eq!(response.text().unwrap(), plain.text().unwrap());
    let error = http
        .get(format!("{url}/missing"))
        .send()
        .unwrap()
        .error_for_status()
        .unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(error.url().unwrap().path(), "/missing");
    test.forget();
}

#[test]
fn failures_are_told_as_reqwest_tells_them() {
    let test = terse().strict();
    let silent = background(silent());
    let cut = background(raw(
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\ncut",
    ));
    let stalled = background(shop());
    let http = Client::builder()
        .timeout(Duration::from_millis(200))
        .build()
        .unwrap()
        .with_tracer(test.tracer());
    let error = http
        .get(format!("http://{silent}/?token=secret"))
        .send()
        .unwrap_err();
    assert!(error.is_timeout());
    let error = http.get(&cut).send().unwrap().text().unwrap_err();
    let plain = reqwest::blocking::get(&cut).unwrap().text().unwrap_err();
    assert_eq!(
        (error.is_decode(), error.is_body()),
        (plain.is_decode(), plain.is_body())
    );
    let error = http
        .get(format!("{stalled}/stalled"))
        .send()
        .unwrap()
        .text()
        .unwrap_err();
    assert!(error.is_timeout());
    let text = test.tree();
    assert!(
        text.contains("GET {error=true} [event=error, error.kind=timeout"),
        "{text}"
    );
    assert!(
        text.contains("GET {error=true, http.status_code=200}"),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_single_call_of_a_plain_client_may_be_traced() {
    let test = terse().strict();
    let _default = test.tracer().set_default();
    let url = background(shop());
    let http = reqwest::blocking::Client::new();
    assert_eq!(
        http.get(format!("{url}/orders"))
            .send_traced()
            .unwrap()
            .text()
            .unwrap(),
        "[1,2]"
    );
    assert_trace!(
        test,
        "GET {http.status_code=200} [event=\"response started\"]"
    );
}

#[test]
fn without_a_tracer_it_is_reqwest() {
    let url = background(shop());
    let client = Client::from(reqwest::blocking::Client::new());
    assert_eq!(
        client
            .get(format!("{url}/orders"))
            .send()
            .unwrap()
            .text()
            .unwrap(),
        "[1,2]"
    );
}
