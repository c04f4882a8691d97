//! What the host's logs say of the file a process runs: its hashes (Sysmon 1) and who signed it
//! (Sysmon 7, where the image itself is loaded).

use super::who::Who;
use crate::model::host_event::HostWhat;
use crate::model::{Event, Provenance, Span, Text, Timestamp, What};
use std::collections::BTreeMap;

/// Process instances remembered per host.
const HELD: usize = 4096;
/// How far from its start a process's image is loaded, and two records of its start lie apart.
const NEAR: Span = Span::seconds(5);

/// Who signed a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// `Some(true)` if signed.
    pub is: Option<bool>,
    /// By whom; empty or `-` where not said.
    pub by: Text,
    /// `Valid`, `Expired` … as written.
    pub status: Text,
}

/// What is recorded of the file of one process.
#[derive(Clone, Debug, Default)]
pub struct Image {
    since: Timestamp,
    hashes: Text,
    signed: Option<Signed>,
    /// The records that say so.
    pub told_by: Vec<Provenance>,
}

impl Image {
    /// The strongest hash, `SHA256=…`; `None` where none is recorded.
    pub fn hash(&self) -> Option<&str> {
        let named = |name: &str| {
            self.hashes
                .split(',')
                .find(|hash| hash.trim().starts_with(name))
        };
        let found = ["SHA256=", "SHA1=", "MD5=", "IMPHASH="]
            .iter()
            .find_map(|name| named(name));
        // What is no number is no hash, whatever the record calls it.
        found.map(str::trim).filter(|hash| {
            let digits = hash.split_once('=').map_or("", |(_, digits)| digits);
            digits.len() <= 64
                && !digits.is_empty()
                && digits.bytes().all(|b| b.is_ascii_hexdigit())
        })
    }

    /// True if a record says that it is not signed.
    pub fn is_unsigned(&self) -> bool {
        self.signed.as_ref().and_then(|signed| signed.is) == Some(false)
    }

    /// Who signed it, in words; `None` where that is not recorded.
    pub fn signer(&self) -> Option<String> {
        let signed = self.signed.as_ref()?;
        let status = match &*signed.status {
            "" | "-" => String::new(),
            status => format!(" ({status})"),
        };
        Some(match (signed.is?, &*signed.by) {
            (true, "" | "-") => format!("by somebody the record does not name{status}"),
            (true, by) => format!("by {by}{status}"),
            (false, _) => format!("no{status}"),
        })
    }
}

/// The files of the processes of one host.
#[derive(Default)]
pub struct Images {
    by_process: BTreeMap<(Text, Option<u32>), Vec<Image>>,
    held: usize,
}

impl Images {
    /// Takes in an event; what does not fit is counted in `dropped`.
    pub fn hear(&mut self, event: &Event, dropped: &mut u64) {
        let What::Host(host) = &event.what else {
            return;
        };
        match &host.what {
            HostWhat::ProcessStarted {
                process,
                file: Some(file),
                ..
            } if !file.hashes.is_empty() => {
                if let Some(image) = self.image(Who::process(process), event, dropped) {
                    image.hashes = file.hashes.clone();
                }
            }
            HostWhat::LibraryLoaded {
                process,
                library,
                signed,
                signature,
                signature_status,
            } if library.eq_ignore_ascii_case(&process.image) => {
                if let Some(image) = self.image(Who::process(process), event, dropped) {
                    image.signed = Some(Signed {
                        is: *signed,
                        by: signature.clone(),
                        status: signature_status.clone(),
                    });
                }
            }
            _ => {}
        }
    }

    /// The image of the instance an event is about, new if there is room.
    fn image(&mut self, who: Who, event: &Event, dropped: &mut u64) -> Option<&mut Image> {
        let key = (who.program, who.pid);
        let last = self.by_process.get(&key).and_then(|held| held.last());
        let known = last.is_some_and(|last| event.time.since(last.since) <= NEAR);
        if !known && self.held >= HELD {
            *dropped += 1;
            return None;
        }
        let held = self.by_process.entry(key).or_default();
        if !known {
            self.held += 1;
            held.push(Image {
                since: event.time,
                ..Image::default()
            });
        }
        let image = held.last_mut()?;
        if image.told_by.len() < 2 {
            image.told_by.push(event.provenance);
        }
        Some(image)
    }

    /// The file of a process, as recorded by `before`.
    pub fn of(&self, who: &Who, before: Timestamp) -> Option<&Image> {
        let fits = |image: &&Image| {
            let begun = who
                .started
                .is_none_or(|started| image.since.since(started).abs() <= NEAR);
            begun && image.since <= before.shifted(NEAR)
        };
        self.by_process
            .get(&(who.program.clone(), who.pid))?
            .iter()
            .rev()
            .find(fits)
    }

    /// How many instances are remembered.
    pub fn held(&self) -> usize {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_hash_is_shown() {
        let image = |hashes: &str| Image {
            hashes: hashes.into(),
            ..Image::default()
        };
        let all = image("SHA1=11,MD5=22,SHA256=33,IMPHASH=44");
        assert_eq!(all.hash(), Some("SHA256=33"));
        assert_eq!(image("MD5=22,IMPHASH=44").hash(), Some("MD5=22"));
        assert_eq!(image("").hash(), None);
        assert_eq!(image("SHA256=").hash(), None);
        assert_eq!(image("SHA256=not known").hash(), None);
        let long = format!("SHA256={}", "4".repeat(65));
        assert_eq!(image(&long).hash(), None);
    }

    #[test]
    fn a_signer_is_told_as_far_as_it_is_recorded() {
        let words = |is, by: &str, status: &str| {
            let signed = Signed {
                is,
                by: by.into(),
                status: status.into(),
            };
            Image {
                signed: Some(signed),
                ..Image::default()
            }
            .signer()
        };
        let told = |is, by, status| words(is, by, status).unwrap_or_default();
        assert_eq!(
            told(Some(true), "Contoso", "Expired"),
            "by Contoso (Expired)"
        );
        assert_eq!(told(Some(false), "-", "Unavailable"), "no (Unavailable)");
        assert_eq!(words(None, "Contoso", "Valid"), None);
        assert_eq!(Image::default().signer(), None);
    }
}
