// The compiler bounds how deep futures lie in each other: as many as under `#[tracing::instrument]` are possible, also where
// each stands above those it calls, so that the compiler begins with the deepest type.
use tracer_core::traced;

macro_rules! chain {
    ($($caller:ident -> $called:ident,)*) => {
        $(
            #[traced]
            async fn $caller() -> u32 {
                $called().await + 1
            }
        )*
    };
}

chain! {
    a -> b, b -> c, c -> d, d -> e, e -> f, f -> g, g -> h, h -> i, i -> j, j -> k, k -> l, l -> end,
}

async fn end() -> u32 {
    0
}

fn main() {
    drop(a());
}
