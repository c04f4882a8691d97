//! Tests of the capture readers through their front door, on bytes written here.

mod damage;
mod decode;
mod formats;
mod mutation;
mod split;
mod tunnel;
mod write;
