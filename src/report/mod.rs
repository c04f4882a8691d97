//! A case as text, JSON, Markdown and HTML, and in the forms of other tools.
//!
//! Rendering only: every statement comes from the `Case`; nothing here looks at evidence again.

pub mod about;
pub mod basis;
mod chain;
pub mod escape;
pub mod export;
pub mod html;
pub mod json;
pub mod markdown;
pub mod not_run;
pub mod record;
pub mod redact;
pub mod severity;
pub mod text;
pub mod timeline;
pub mod words;
pub mod zone;

#[cfg(test)]
pub(crate) mod samples;
