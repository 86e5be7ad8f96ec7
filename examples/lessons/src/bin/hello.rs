//! `hello NAME [GREETING]`: greets somebody with the help of two services, in one trace.
//!
//! Lesson 1 is `say_hello` (a span with a tag), lesson 2 the functions under it (child spans through the active scope),
//! lesson 3 `http_get` (the context in the headers), lesson 4 the greeting that the formatter finds in the baggage.

#![expect(clippy::print_stderr, reason = "a program talks to its terminal")]

use std::error::Error;
use std::time::Duration;

use lessons::{exit_on_error, http_get, init_tracer};
use tracer_core::Tracer;

fn say_hello(tracer: &Tracer, name: &str, greeting: Option<&str>) -> Result<(), Box<dyn Error>> {
    let scope = tracer.start_active_span("say-hello");
    scope.set_tag("hello-to", name);
    if let Some(greeting) = greeting {
        scope.set_baggage_item("greeting", greeting);
    }
    let hello = format_string(tracer, name)?;
    print_hello(tracer, &hello)
}

fn format_string(tracer: &Tracer, name: &str) -> Result<String, Box<dyn Error>> {
    let scope = tracer.start_active_span("format");
    let hello = http_get(tracer, 8081, "format", "helloTo", name)?;
    scope.log([("event", "string-format"), ("value", &hello)]);
    Ok(hello)
}

fn print_hello(tracer: &Tracer, hello: &str) -> Result<(), Box<dyn Error>> {
    let scope = tracer.start_active_span("println");
    http_get(tracer, 8082, "publish", "helloStr", hello)?;
    scope.log([("event", "println")]);
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, greeting) = match &arguments[..] {
        [name] => (name, None),
        [name, greeting] => (name, Some(greeting.as_str())),
        _ => {
            eprintln!("usage: hello NAME [GREETING]");
            std::process::exit(2);
        }
    };
    exit_on_error(
        init_tracer("hello-world")
            .map_err(Into::into)
            .and_then(|tracer| {
                let said = say_hello(&tracer, name, greeting);
                tracer.shutdown(Duration::from_secs(5))?;
                said
            }),
    );
}
