//! The analytics: what each looks for, and how it describes itself.

pub mod about;
