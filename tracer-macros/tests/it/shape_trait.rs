//! Methods of traits: declared, implemented, default, by `async_trait` and by opaque types.

use async_trait::async_trait;
use futures::executor::block_on;
use tracer_core::traced;
use tracer_testing::{TestTracer, assert_trace};

#[traced]
async fn step() {
    tokio::task::yield_now().await;
}

#[async_trait]
trait Repository: Send + Sync {
    async fn find(&self, id: u64) -> Result<String, String>;

    /// `Self` need not be `Debug`, nor anything else.
    #[traced(tags(id))]
    async fn exists(&self, id: u64) -> bool {
        self.find(id).await.is_ok()
    }
}

struct Database {
    name: &'static str,
}

#[async_trait]
impl Repository for Database {
    #[traced(tags(self.name, id), err)]
    async fn find(&self, id: u64) -> Result<String, String> {
        if id == 0 {
            return Err("no such order".into());
        }
        step().await;
        Ok(format!("order {id}"))
    }
}

#[async_trait(?Send)]
trait Local {
    async fn run(self: Box<Self>, pair: (u8, u8), text: &str) -> u8;
}

#[async_trait(?Send)]
impl Local for Database {
    #[traced(tags(left, right, text))]
    async fn run(self: Box<Self>, (left, right): (u8, u8), text: &str) -> u8 {
        step().await;
        left + right + u8::try_from(text.len()).unwrap()
    }
}

#[test]
fn methods_of_async_trait() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    let database: Box<dyn Repository> = Box::new(Database { name: "main" });
    block_on(async {
        assert!(database.exists(7).await);
        assert!(!database.exists(0).await);
        assert_eq!(
            Box::new(Database { name: "other" })
                .run((1, 2), "abc")
                .await,
            6
        );
    });
    assert_trace!(
        test,
        r#"
        exists {id=7}
          find {id=7, self.name=main}
            step
        exists {id=0}
          find {error=true, id=0, self.name=main} [event=error, error.kind=alloc::string::String, message="no such order"]
        run {left=1, right=2, text=abc}
          step
    "#
    );
}

trait Plain {
    fn opaque(&self, n: u8) -> impl Future<Output = u8> + Send;

    #[traced]
    fn sync(&self) -> u8 {
        1
    }
}

impl Plain for Database {
    #[traced(tags(n))]
    async fn opaque(&self, n: u8) -> u8 {
        step().await;
        n + self.sync()
    }
}

struct Desugared;

impl Plain for Desugared {
    #[traced(tags(n))]
    fn opaque(&self, n: u8) -> impl Future<Output = u8> + Send {
        let more = self.sync();
        async move {
            step().await;
            n + more
        }
    }
}

#[test]
fn methods_with_opaque_futures() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(block_on(Database { name: "" }.opaque(1)), 2);
    assert_eq!(block_on(Desugared.opaque(2)), 3);
    assert_trace!(
        test,
        "
        opaque {n=1}
          step
          sync
        opaque {n=2}
          sync
          step
    "
    );
}

trait Generic<T: ?Sized> {
    async fn both(&self, one: &T, two: impl Fn(&T) -> usize) -> usize;
}

impl<T: ?Sized + AsRef<str>> Generic<T> for Desugared {
    #[traced(tags(one = one.as_ref()))]
    async fn both(&self, one: &T, two: impl Fn(&T) -> usize) -> usize {
        step().await;
        two(one)
    }
}

#[test]
fn generic_methods() {
    let test = TestTracer::new("shop");
    let _default = test.tracer().set_default();
    assert_eq!(block_on(Desugared.both("abc", |text: &str| text.len())), 3);
    assert_trace!(
        test,
        "
        both {one=abc}
          step
    "
    );
}
