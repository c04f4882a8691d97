//! A case as text and as JSON.
//!
//! Rendering only: every statement comes from the `Case`; nothing here looks at evidence again.

pub mod about;
pub mod escape;
pub mod json;
pub mod markdown;
pub mod text;
pub mod timeline;
pub mod words;

#[cfg(test)]
pub(crate) mod samples;
