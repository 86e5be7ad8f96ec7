//! Operation names of method and route, or of a method of gRPC, made once.
//!
//! A service has as many as it has routes, and asks for one with every request. Each is therefore kept for the life of the
//! process, up to a limit, and a thread finds it without a lock.
//!
//! Routes are the service's own. The path of a gRPC call is the caller's: it names nothing until the service has
//! [proven](prove) to know it.

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
    match keep(&name) {
        Some(kept) => Cow::Borrowed(remember(slot, kept)),
        None => Cow::Owned(name),
    }
}

/// `package.Service/Method`, if it is proven.
pub(super) fn of_grpc(path: &str) -> Option<&'static str> {
    let slot = slot_of_text(path);
    let recent = RECENT.try_with(|recent| recent.try_borrow().map_or("", |recent| recent[slot]));
    if let Ok(name) = recent
        && name == path
    {
        return Some(name);
    }
    all(|all| all.get(path).copied()).map(|name| remember(slot, name))
}

/// Takes note that somebody implements a method of gRPC; `false` if there are too many.
pub(super) fn prove(path: &str) -> bool {
    keep(path).is_some()
}

/// Keeps a name at hand for this thread.
fn remember(slot: usize, name: &'static str) -> &'static str {
    let _ = RECENT.try_with(|recent| {
        if let Ok(mut recent) = recent.try_borrow_mut() {
            recent[slot] = name;
        }
    });
    name
}

fn is_name_of(name: &str, method: &str, route: &str) -> bool {
    name.len() == method.len() + 1 + route.len()
        && name.ends_with(route)
        && name.as_bytes()[method.len()] == b' '
        && name.starts_with(method)
}

/// Where the router keeps the text of a route is as good as a hash of it: the slot's name is compared anyway.
fn slot(method: &str, route: &str) -> usize {
    let route = route.as_ptr().addr();
    ((route >> 4) ^ (route >> 10) ^ method.as_ptr().addr()) % SLOTS
}

/// The methods of a service differ in their ends.
fn slot_of_text(text: &str) -> usize {
    let hash = |hash: usize, byte: &u8| hash.wrapping_mul(31).wrapping_add(usize::from(*byte));
    text.as_bytes().iter().rev().take(16).fold(text.len(), hash) % SLOTS
}

/// The name as kept for the life of the process; `None` if there are too many.
fn keep(name: &str) -> Option<&'static str> {
    all(|all| keep_in(all, name))
}

fn all<R>(work: impl FnOnce(&mut HashSet<&'static str>) -> R) -> R {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    work(all.get_or_insert_default())
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
    fn a_method_of_grpc_is_known_once_it_is_proven() {
        assert_eq!(of_grpc("shop.Orders/Place"), None);
        assert!(prove("shop.Orders/Place"));
        let name = of_grpc("shop.Orders/Place").unwrap();
        assert_eq!(name, "shop.Orders/Place");
        assert!(std::ptr::eq(name, of_grpc("shop.Orders/Place").unwrap()));
        assert_eq!(of_grpc("shop.Orders/Plade"), None);
    }

    #[test]
    fn names_are_kept_up_to_a_limit() {
        let mut all = HashSet::new();
        assert!((0..KEPT).all(|n| keep_in(&mut all, &format!("GET /{n}")).is_some()));
        assert_eq!(keep_in(&mut all, "GET /one/more"), None);
        assert_eq!(keep_in(&mut all, "GET /7"), Some("GET /7"));
    }
}
