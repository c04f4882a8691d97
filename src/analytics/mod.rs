//! The analytics: what each looks for, and the contract they keep.
//!
//! Adding one is a folder here and one word in [`register`].

pub mod about;
pub mod contract;
pub mod found;
pub mod keyed;
pub mod kit;
pub mod params;
pub mod provisional;
pub mod rates;
pub mod register;
pub mod room;

pub mod an0842;
pub mod an1057;
pub mod an1376;
pub mod an1448;
pub mod xdr_fc;

pub use about::{About, Need, Profile, Setting, Source};
pub use contract::Analytic;
pub use found::Found;
pub use keyed::{Keyed, Runner, Shard};
