//! One spelling for what logs spell in several ways. Pure functions, one idea a file.
//!
//! Nothing here guesses: what is not in a table or a grammar stays unknown.

pub mod filter;
pub mod image;
pub mod ports;
pub mod remotes;
pub mod rule;
pub mod words;
