//! Operation names of method and route, made once.
//!
//! A service has as many as it has routes, and asks for one with every request. Each is therefore kept for the life of the
//! process, up to a limit, and a thread finds it without a lock.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Names that are kept. Beyond, each request makes its own.
const KEPT: usize = 4096;

/// Names that a thread remembers, in slots told by method and route.
const SLOTS: usize = 64;

thread_local! {
    static RECENT: RefCell<[&'static str; SLOTS]> = const { RefCell::new([""; SLOTS]) };
}

static ALL: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

/// `METHOD /route`.
pub(super) fn of_route(method: &'static str, route: &str) -> Cow<'static, str> {
    let slot = slot(method, route);
    let recent = RECENT.try_with(|recent| recent.try_borrow().map_or("", |recent| recent[slot]));
    if let Ok(name) = recent
        && is_name_of(name, method, route)
    {
        return Cow::Borrowed(name);
    }
    let name = [method, " ", route].concat();
    let Some(kept) = keep(&name) else {
        return Cow::Owned(name);
    };
    let _ = RECENT.try_with(|recent| {
        if let Ok(mut recent) = recent.try_borrow_mut() {
            recent[slot] = kept;
        }
    });
    Cow::Borrowed(kept)
}

fn is_name_of(name: &str, method: &str, route: &str) -> bool {
    name.strip_prefix(method)
        .and_then(|rest| rest.strip_prefix(' '))
        == Some(route)
}

/// Where the router keeps the text of a route is as good as a hash of it: the slot's name is compared anyway.
fn slot(method: &str, route: &str) -> usize {
    let route = route.as_ptr().addr();
    ((route >> 4) ^ (route >> 10) ^ method.as_ptr().addr()) % SLOTS
}

/// The name as kept for the life of the process; `None` if there are too many.
fn keep(name: &str) -> Option<&'static str> {
    keep_in(
        ALL.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_default(),
        name,
    )
}

fn keep_in(all: &mut HashSet<&'static str>, name: &str) -> Option<&'static str> {
    if let Some(kept) = all.get(name) {
        return Some(kept);
    }
    if all.len() >= KEPT {
        return None;
    }
    let kept = &*Box::leak(Box::<str>::from(name));
    all.insert(kept);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_once_and_is_the_right_one() {
        let route = String::from("/orders/{id}");
        let first = of_route("GET", &route);
        assert_eq!(first, "GET /orders/{id}");
        for method in ["GET", "POST", "DELETE"] {
            let again = of_route(method, &route);
            assert_eq!(again, format!("{method} /orders/{{id}}"));
            assert!(matches!(again, Cow::Borrowed(_)));
        }
        assert!(std::ptr::eq(&*first, &*of_route("GET", &route.clone())));
    }

    #[test]
    fn names_are_kept_up_to_a_limit() {
        let mut all = HashSet::new();
        assert!((0..KEPT).all(|n| keep_in(&mut all, &format!("GET /{n}")).is_some()));
        assert_eq!(keep_in(&mut all, "GET /one/more"), None);
        assert_eq!(keep_in(&mut all, "GET /7"), Some("GET /7"));
    }
}
