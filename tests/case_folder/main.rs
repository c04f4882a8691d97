//! The case folder from outside: written whole or not at all, shown, told, exported, and verified.

mod archived;
mod exported;
mod made;
mod shown;
mod told;
mod verified;
mod written;
