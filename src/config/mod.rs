//! The settings file: one TOML file that says how to judge, what is known, and what the network is.
//!
//! Read as a whole and refused as a whole: every mistake is named with its line, up to a hundred, and a
//! file with a mistake sets nothing. Nothing here reads evidence or holds rules against findings.

mod fault;
mod glob;
mod reader;
mod rule;
mod sections;
mod suppress;
mod window;

#[cfg(test)]
mod tests;

pub use fault::{Fault, Faults};
pub use glob::Glob;
pub use rule::{Party, Rule, Until};
pub use window::Window;

use crate::analytics::about::Profile;
use crate::analytics::register;
use crate::context::Assets;
use reader::Reader;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use toml::de::{DeTable, DeValue};

/// A longer file is no settings file.
pub const LARGEST: usize = 4 << 20;

/// What a settings file says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// SHA-256 of the file; `None` where there is none.
    pub sha256: Option<[u8; 32]>,
    /// Case number.
    pub case: Option<String>,
    /// Examiner.
    pub examiner: Option<String>,
    /// Profile to start from.
    pub profile: Option<Profile>,
    /// Addresses that hosts had.
    pub hosts: Vec<(String, IpAddr)>,
    /// Roles, segments, internal ranges.
    pub assets: Assets,
    /// Scanners that are known: what they start is kept at info.
    pub scanners: Vec<Party>,
    /// Changed settings: analytic id and name as registered, value as text.
    pub settings: Vec<(String, String, String)>,
    /// Suppression rules, in the order of the file.
    pub rules: Vec<Rule>,
}

impl Config {
    /// Reads a settings file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line.
    pub fn read(bytes: &[u8]) -> Result<Self, Faults> {
        let whole = |line, message: &str| {
            let message = message.to_owned();
            let told = vec![Fault { line, message }];
            Faults { told, more: false }
        };
        if bytes.len() > LARGEST {
            return Err(whole(
                1,
                "larger than 4 MiB, which is no settings file; give the right file",
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + good.iter().filter(|b| **b == b'\n').count();
            whole(line, "not UTF-8 text; save the file as UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::new(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            if reader.ends() {
                break;
            }
            let message = advised(error.message());
            reader.fault(error.span().map_or(0, |s| s.start), message);
        }
        let mut config = Self {
            sha256: Some(Sha256::digest(bytes).into()),
            ..Self::default()
        };
        if reader.faults.is_empty() {
            config.take(&mut reader, table.get_ref());
        }
        let (mut told, more) = (reader.faults, reader.more);
        if told.is_empty() {
            Ok(config)
        } else {
            told.sort();
            told.dedup();
            Err(Faults { told, more })
        }
    }

    fn take(&mut self, reader: &mut Reader, table: &DeTable<'_>) {
        let mut entries = register::all();
        let ids: Vec<&str> = entries.iter().map(|e| e.about().id).collect();
        let mut keys = vec![
            "profile", "internal", "case", "hosts", "known", "roles", "segments", "suppress",
        ];
        keys.extend(&ids);
        let mut seen: Vec<String> = Vec::new();
        for (key, value) in table {
            if reader.ends() {
                return;
            }
            let written: &str = key.get_ref();
            match written {
                "profile" => self.profile = sections::profile(reader, value),
                "internal" => self.assets.internal = sections::networks(reader, value, "internal"),
                "case" => sections::case(self, reader, value),
                "hosts" => sections::hosts(self, reader, value),
                "roles" => sections::roles(self, reader, value),
                "segments" => sections::segments(self, reader, value),
                // `known` adds to what the analytics' sections say.
                "known" => {}
                "suppress" => self.rules = suppress::rules(reader, value, &ids),
                _ => match entries
                    .iter_mut()
                    .find(|e| e.about().id.eq_ignore_ascii_case(written))
                {
                    Some(entry) => {
                        let id = entry.about().id;
                        if seen.iter().any(|s| s == id) {
                            reader.fault(
                                key.span().start,
                                format!("[{id}] stands twice; put both into one"),
                            );
                            continue;
                        }
                        seen.push(id.to_owned());
                        sections::analytic(self, reader, value, entry.as_mut());
                    }
                    None => {
                        let near = crate::analytics::params::nearest(written, keys.iter().copied());
                        let brackets =
                            matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
                        reader.fault(
                            key.span().start,
                            format!(
                                "there is no {} {written:?}; the nearest is {:?}",
                                if brackets {
                                    "section"
                                } else {
                                    "setting at the top"
                                },
                                near.unwrap_or_default()
                            ),
                        );
                    }
                },
            }
        }
        if let Some((_, value)) = table.iter().find(|(key, _)| key.get_ref() == "known") {
            sections::known(self, reader, value, &mut entries);
        }
    }
}

/// The parser's words with what to do.
fn advised(message: &str) -> String {
    if message.contains("duplicate key") {
        format!("{message}: it stands twice; put both into one")
    } else {
        format!("{message}; see https://toml.io for how TOML is written")
    }
}
