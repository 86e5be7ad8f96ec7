//! Closures whose calls are spans.

/// A closure each call of which is a span, as the call of a [`#[traced]`](macro@crate::traced) function is.
///
/// ```
/// use tracer_core::traced_fn;
///
/// let mut words = vec!["pear", "fig"];
/// words.sort_by_key(traced_fn!("key", |word: &&str| word.len()));
/// let total: usize = words.iter().map(traced_fn!("measure", |word| word.len())).sum();
/// # assert_eq!((words, total), (vec!["fig", "pear"], 7));
/// ```
///
/// It expands to the closure as it is written, with a span begun before its body: it is `Fn`, `FnMut` or `FnOnce`, borrows
/// or moves, and takes references exactly as that would. The name is a literal or a constant `&'static str`. Tags are set in
/// the body by [`active_span`](crate::active_span).
///
/// The span is the call. Of an `async` block that a closure gives back it is not the work: give that a span of its own,
/// `|id| load(id).in_span(tracer.start_span("load"))`, or call a traced `async fn` in it. On another thread
/// ([`carry`](crate::carry), rayon) it is the child of what is active there.
///
/// With `--cfg tracer_off` it is the closure alone.
#[cfg(not(tracer_off))]
#[macro_export]
macro_rules! traced_fn {
    ($name:expr, move || $($rest:tt)*) => {
        $crate::traced_fn!(@arguments [move] [$name] [] | $($rest)*)
    };
    ($name:expr, move | $($rest:tt)*) => {
        $crate::traced_fn!(@arguments [move] [$name] [] $($rest)*)
    };
    ($name:expr, || $($rest:tt)*) => {
        $crate::traced_fn!(@arguments [] [$name] [] | $($rest)*)
    };
    ($name:expr, | $($rest:tt)*) => {
        $crate::traced_fn!(@arguments [] [$name] [] $($rest)*)
    };
    (@arguments [$($move:tt)?] [$name:expr] [$($arguments:tt)*] | -> $returned:ty $body:block) => {
        $($move)? |$($arguments)*| -> $returned {
            let _scope = $crate::traced_fn!(@enter $name);
            $body
        }
    };
    (@arguments [$($move:tt)?] [$name:expr] [$($arguments:tt)*] | $body:expr $(,)?) => {
        $($move)? |$($arguments)*| {
            let _scope = $crate::traced_fn!(@enter $name);
            $body
        }
    };
    (@arguments $move:tt $name:tt [$($arguments:tt)*] $next:tt $($rest:tt)*) => {
        $crate::traced_fn!(@arguments $move $name [$($arguments)* $next] $($rest)*)
    };
    (@enter $name:expr) => {
        $crate::private::enter(
            const {
                &$crate::private::Callsite::new(
                    $name,
                    ::core::module_path!(),
                    ::core::file!(),
                    ::core::line!(),
                )
            },
            ::core::option::Option::None,
        )
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "expected a name and a closure that is not async: `traced_fn!(\"measure\", |word| word.len())`"
        )
    };
}

/// The closure alone: spans are compiled out.
#[cfg(tracer_off)]
#[macro_export]
macro_rules! traced_fn {
    ($name:expr, $closure:expr $(,)?) => {
        $closure
    };
}
