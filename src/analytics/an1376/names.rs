//! Which name stood behind an address, as the host was told, and answers that turn a name away.
//!
//! From name answers on the wire and from Sysmon 22. A name that is answered with a private,
//! loopback or null address after a public one, or is said not to exist after it did, is a sinkhole
//! or a takedown. What comes along with an answer (name servers and their addresses) is none.

use crate::analytics::kit::lookup::addresses_queried;
use crate::model::host_event::HostWhat;
use crate::model::net::is_private;
use crate::model::resolution::Resolution;
use crate::model::{Span, Text, Timestamp, What};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Addresses and names remembered per host.
const NAMES: usize = 4096;
/// A name stands behind an address for this long after it was answered.
const LASTS: Span = Span::seconds(86_400);
/// Windows' DNS_ERROR_RCODE_NAME_ERROR: no such name.
const NO_SUCH_NAME: u32 = 9003;

/// An answer, as either source tells it.
pub struct Answer {
    /// The name asked for, in lower case.
    pub name: Text,
    /// The addresses answered.
    pub addresses: Vec<IpAddr>,
    /// The server said that there is no such name.
    pub no_such_name: bool,
}

/// What an answer did to a name that was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// No such name any more.
    Gone,
    /// Answered with a private, loopback or null address after a public one.
    Sinkholed,
}

impl Turn {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Gone => "the name is said not to exist any more",
            Self::Sinkholed => "the name is answered with a private, loopback or null address",
        }
    }
}

/// The names of one host.
#[derive(Default)]
pub struct Names {
    by_address: BTreeMap<IpAddr, (Text, Timestamp)>,
    // Names that were answered with a public address.
    public: BTreeMap<Text, Timestamp>,
}

impl Names {
    /// The name behind an address then.
    pub fn of(&self, address: IpAddr, time: Timestamp) -> Option<&Text> {
        self.by_address
            .get(&address)
            .filter(|(_, told)| time.since(*told) <= LASTS)
            .map(|(name, _)| name)
    }

    /// How many addresses and names are remembered.
    pub fn held(&self) -> usize {
        self.by_address.len() + self.public.len()
    }

    /// Takes in an answer; says what it does to a name that was known. Full tables forget nothing
    /// and learn nothing: `dropped` counts.
    pub fn hear(&mut self, answer: &Answer, time: Timestamp, dropped: &mut u64) -> Option<Turn> {
        let known = self.public.contains_key(&answer.name);
        if answer.no_such_name {
            return known.then_some(Turn::Gone);
        }
        if answer.addresses.is_empty() {
            return None;
        }
        let public = answer.addresses.iter().any(|a| !turned_away(*a));
        for address in &answer.addresses {
            if self.by_address.len() < NAMES || self.by_address.contains_key(address) {
                self.by_address
                    .insert(*address, (answer.name.clone(), time));
            } else {
                *dropped += 1;
            }
        }
        if public {
            if self.public.len() < NAMES || known {
                self.public.insert(answer.name.clone(), time);
            } else {
                *dropped += 1;
            }
            return None;
        }
        known.then_some(Turn::Sinkholed)
    }
}

/// True for an address that a name is turned away with.
pub fn turned_away(address: IpAddr) -> bool {
    is_private(address) || address.is_loopback() || address.is_unspecified()
}

/// The answer an event tells of.
pub fn answer_of(what: &What) -> Option<Answer> {
    match what {
        What::Resolution(told) => Some(of_packet(told)),
        What::Host(host) => match &host.what {
            HostWhat::NameQueried {
                name,
                status,
                results,
                ..
            } => Some(Answer {
                name: name.to_lowercase().as_str().into(),
                addresses: addresses_queried(*status, results),
                no_such_name: *status == Some(NO_SUCH_NAME),
            }),
            _ => None,
        },
        _ => None,
    }
}

fn of_packet(told: &Resolution) -> Answer {
    Answer {
        name: told.name.clone(),
        addresses: told.addresses.clone(),
        no_such_name: told.code == Resolution::NO_SUCH_NAME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &str, addresses: &[&str]) -> Answer {
        Answer {
            name: name.into(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            no_such_name: false,
        }
    }

    #[test]
    fn a_public_name_that_turns_private_is_a_sinkhole() {
        let (mut names, mut dropped) = (Names::default(), 0);
        let t = |s: i64| Timestamp(s * 1_000_000_000);
        assert_eq!(
            names.hear(&answer("c2.example", &["203.0.113.9"]), t(0), &mut dropped),
            None
        );
        assert_eq!(
            names.of("203.0.113.9".parse().unwrap(), t(5)).map(|n| &**n),
            Some("c2.example")
        );
        for sink in ["127.0.0.1", "0.0.0.0", "10.9.9.9"] {
            let turn = names.hear(&answer("c2.example", &[sink]), t(60), &mut dropped);
            assert_eq!(turn, Some(Turn::Sinkholed), "{sink}");
        }
        let gone = Answer {
            no_such_name: true,
            ..answer("c2.example", &[])
        };
        assert_eq!(names.hear(&gone, t(90), &mut dropped), Some(Turn::Gone));
    }

    #[test]
    fn a_name_that_was_always_private_or_never_known_is_none() {
        let (mut names, mut dropped) = (Names::default(), 0);
        let time = Timestamp(0);
        assert_eq!(
            names.hear(&answer("dc.corp", &["10.0.0.1"]), time, &mut dropped),
            None
        );
        assert_eq!(
            names.hear(&answer("dc.corp", &["10.0.0.2"]), time, &mut dropped),
            None
        );
        let typo = Answer {
            no_such_name: true,
            ..answer("wpad.corp", &[])
        };
        assert_eq!(names.hear(&typo, time, &mut dropped), None);
    }

    #[test]
    fn a_name_is_forgotten_after_a_day() {
        let (mut names, mut dropped) = (Names::default(), 0);
        names.hear(
            &answer("a.example", &["203.0.113.9"]),
            Timestamp(0),
            &mut dropped,
        );
        let address = "203.0.113.9".parse().unwrap();
        let day = Timestamp(86_400_000_000_000);
        assert!(names.of(address, day).is_some());
        assert!(names.of(address, Timestamp(day.0 + 1)).is_none());
    }
}
