//! The tags of a traced function.

use std::borrow::Cow;
use std::fmt::{Debug, Display};
use std::ops::Deref;

use crate::active::ActiveSpan;
use crate::private::text::with_text;
use crate::scope::Scope;
use crate::span::Span;
use crate::tag::TagValue;
use crate::tags;

/// The span that a traced function sets its tags on.
pub trait Target {
    fn put(self, key: &'static str, value: TagValue<'_>);
}

impl Target for &Scope {
    #[inline]
    fn put(self, key: &'static str, value: TagValue<'_>) {
        self.set_tag(Cow::Borrowed(key), value);
    }
}

impl Target for &ActiveSpan {
    fn put(self, key: &'static str, value: TagValue<'_>) {
        self.set_tag(Cow::Borrowed(key), value);
    }
}

impl Target for &mut Span {
    #[inline]
    fn put(self, key: &'static str, value: TagValue<'_>) {
        self.set_tag(Cow::Borrowed(key), value);
    }
}

/// `kind`.
pub fn tag_kind(target: impl Target, kind: &'static str) {
    target.put(tags::SPAN_KIND, kind.into());
}

/// `key = expr`, where that has a value.
#[inline]
pub fn tag(target: impl Target, key: &'static str, value: Option<TagValue<'_>>) {
    if let Some(value) = value {
        target.put(key, value);
    }
}

/// `key = %expr`.
pub fn tag_display(target: impl Target, key: &'static str, value: &(impl Display + ?Sized)) {
    with_text(format_args!("{value}"), |text| target.put(key, text.into()));
}

/// `key = ?expr`.
pub fn tag_debug(target: impl Target, key: &'static str, value: &(impl Debug + ?Sized)) {
    with_text(format_args!("{value:?}"), |text| {
        target.put(key, text.into());
    });
}

/// Finds the tag value of whatever an argument is: itself, what it points to, what that points to, or what an option of
/// such holds.
///
/// The macro writes `(&&&&&&Probe(&value)).tag_value()`; method lookup takes the first of [`Direct`], [`Deep`], [`Deeper`],
/// [`Optional`] and [`OptionalDeep`] whose bounds hold. The method of `Probe` itself comes last and always fits, and its
/// bound makes the error.
#[derive(Debug)]
pub struct Probe<'v, T: ?Sized>(pub &'v T);

/// `TagValue: From<&T>`.
pub trait Direct<'v> {
    fn tag_value(&self) -> Option<TagValue<'v>>;
}

impl<'v, T: ?Sized> Direct<'v> for &&&&&Probe<'v, T>
where
    TagValue<'v>: From<&'v T>,
{
    #[inline]
    fn tag_value(&self) -> Option<TagValue<'v>> {
        Some(self.0.into())
    }
}

/// A pointer to such a `T`: `&u64`, `Arc<str>`, `Box<u32>`.
pub trait Deep<'v> {
    fn tag_value(&self) -> Option<TagValue<'v>>;
}

impl<'v, T: Deref + ?Sized> Deep<'v> for &&&&Probe<'v, T>
where
    TagValue<'v>: From<&'v T::Target>,
{
    #[inline]
    fn tag_value(&self) -> Option<TagValue<'v>> {
        Some((&**self.0).into())
    }
}

/// A pointer to a pointer: `&&u64`, `&Arc<str>`.
pub trait Deeper<'v> {
    fn tag_value(&self) -> Option<TagValue<'v>>;
}

impl<'v, T: Deref + ?Sized> Deeper<'v> for &&&Probe<'v, T>
where
    T::Target: Deref,
    TagValue<'v>: From<&'v <T::Target as Deref>::Target>,
{
    #[inline]
    fn tag_value(&self) -> Option<TagValue<'v>> {
        Some((&***self.0).into())
    }
}

/// An option, or a reference to one.
pub trait Maybe {
    type Item;

    fn item(&self) -> Option<&Self::Item>;
}

impl<T> Maybe for Option<T> {
    type Item = T;

    #[inline]
    fn item(&self) -> Option<&T> {
        self.as_ref()
    }
}

impl<T> Maybe for &Option<T> {
    type Item = T;

    #[inline]
    fn item(&self) -> Option<&T> {
        self.as_ref()
    }
}

/// An option of what is [`Direct`]: `Option<u64>`.
pub trait Optional<'v> {
    fn tag_value(&self) -> Option<TagValue<'v>>;
}

impl<'v, T: Maybe> Optional<'v> for &&Probe<'v, T>
where
    TagValue<'v>: From<&'v T::Item>,
{
    #[inline]
    fn tag_value(&self) -> Option<TagValue<'v>> {
        self.0.item().map(TagValue::from)
    }
}

/// An option of what is [`Deep`]: `Option<&str>`, `Option<Arc<str>>`.
pub trait OptionalDeep<'v> {
    fn tag_value(&self) -> Option<TagValue<'v>>;
}

impl<'v, T: Maybe> OptionalDeep<'v> for &Probe<'v, T>
where
    T::Item: Deref,
    TagValue<'v>: From<&'v <T::Item as Deref>::Target>,
{
    #[inline]
    fn tag_value(&self) -> Option<TagValue<'v>> {
        self.0.item().map(|item| TagValue::from(&**item))
    }
}

impl<'v, T: ?Sized> Probe<'v, T> {
    #[must_use]
    pub fn tag_value(&self) -> Option<TagValue<'v>>
    where
        T: AsTag,
    {
        self.0.tag_value()
    }
}

/// Implemented by nothing: it words the error for what cannot be a tag.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tag value",
    label = "not a tag value",
    note = "write `%` before the value to record it by `Display`, `?` by `Debug`",
    note = "or implement `From<&{Self}>` for `tracer_core::TagValue`"
)]
pub trait AsTag {
    fn tag_value(&self) -> Option<TagValue<'static>>;
}
