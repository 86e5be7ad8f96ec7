//! Where a traced function stands in the source.

use crate::tag::TagValue;
use crate::tags;

/// A place in the source, made at compile time by `#[traced]`: the default operation name, and what the `code.*` tags say.
///
/// A span points at it, so it costs the traced function nothing.
#[derive(Debug)]
pub struct Callsite {
    pub(crate) name: &'static str,
    pub(crate) module: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
}

impl Callsite {
    /// A call site; meant for the expansion of `#[traced]`.
    #[must_use]
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            name,
            module,
            file,
            line,
        }
    }

    /// How many tags its spans have of it.
    pub(crate) const TAGS: usize = 3;

    /// What they say.
    pub(crate) fn tags(&self) -> [(&'static str, TagValue<'static>); Self::TAGS] {
        [
            (tags::CODE_FILE, self.file.into()),
            (tags::CODE_LINE, self.line.into()),
            (tags::CODE_MODULE, self.module.into()),
        ]
    }
}
