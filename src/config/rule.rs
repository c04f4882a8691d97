//! A suppression rule: which findings are known good, why, says who, and until when.
//!
//! The words of a rule only; `case::suppression` holds them against incidents.

use super::glob::Glob;
use super::window::Window;
use crate::model::{Network, Timestamp, net::mac_text};
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Somebody on the network, as a rule names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// By address.
    Network(Network),
    /// By hardware address.
    Mac([u8; 6]),
    /// By computer name.
    Name(Glob),
}

impl Party {
    /// Reads an address, a network, a MAC address or a computer name with `*` and `?`.
    ///
    /// # Errors
    /// For what looks like an address and is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(mac) = mac(text) {
            return Ok(Self::Mac(mac));
        }
        let numeric = text.contains(['/', ':'])
            || text
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'*' | b'?'))
                && text.bytes().any(|b| b.is_ascii_digit());
        if numeric {
            Network::parse(text).map(Self::Network)
        } else {
            Ok(Self::Name(Glob::new(text)))
        }
    }

    /// True if this is anybody at all.
    pub fn is_everybody(&self) -> bool {
        match self {
            Self::Network(network) => network.length() == 0,
            Self::Mac(_) => false,
            Self::Name(glob) => glob.is_everything(),
        }
    }

    /// True if this names the one who has these. A name without a dot fits the first part of a name
    /// in full.
    pub fn is(&self, address: Option<IpAddr>, mac: Option<[u8; 6]>, name: &str) -> bool {
        match self {
            Self::Network(network) => address.is_some_and(|a| network.contains(a)),
            Self::Mac(wanted) => mac == Some(*wanted),
            Self::Name(_) if name.is_empty() => false,
            Self::Name(glob) => {
                let head = name.split('.').next().unwrap_or_default();
                glob.fits(name) || !glob.is_dotted() && glob.fits(head)
            }
        }
    }
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let separator = if text.contains('-') { '-' } else { ':' };
    let mut mac = [0; 6];
    let mut parts = text.split(separator);
    for byte in &mut mac {
        let part = parts
            .next()
            .filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Mac(mac) => f.write_str(&mac_text(*mac)),
            Self::Name(glob) => glob.fmt(f),
        }
    }
}

/// When a rule ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Until {
    /// As shown: a date, or a moment.
    pub words: String,
    /// The last moment at which it holds.
    pub last: Timestamp,
}

impl Until {
    /// Reads `2026-04-01` (to the end of that day, UTC) or a moment.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let time = Timestamp::parse(text)?;
        if text.contains(':') {
            return Some(Self {
                words: format!("{} {} UTC", time.date(), time.clock(0)),
                last: time,
            });
        }
        let day = crate::model::Span::seconds(86_400);
        let last = Timestamp(time.shifted(day).0.saturating_sub(1));
        Some(Self {
            words: time.date(),
            last,
        })
    }
}

/// One `[[suppress]]` entry. An empty list asks nothing; in a list any one fits; all lists must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where it stands in the settings file.
    pub line: usize,
    /// Ids of analytics.
    pub analytics: Vec<String>,
    /// Who started it.
    pub sources: Vec<Party>,
    /// Whom it was aimed at.
    pub targets: Vec<Party>,
    /// The host the finding is about.
    pub hosts: Vec<Party>,
    /// Programs in it.
    pub processes: Vec<Glob>,
    /// Accounts in it.
    pub accounts: Vec<Glob>,
    /// Ports that were opened or reached.
    pub ports: Vec<RangeInclusive<u16>>,
    /// Names of the firewall rules that were changed.
    pub rules: Vec<Glob>,
    /// Maintenance windows.
    pub windows: Vec<Window>,
    /// Why this is known good.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// When it ends.
    pub until: Until,
}

impl Rule {
    /// What it asks, in the words of the file: `analytic AN0842, source 10.20.0.5`.
    pub fn words(&self) -> String {
        fn list<T: fmt::Display>(items: &[T]) -> String {
            items
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" or ")
        }
        let ports: Vec<String> = self.ports.iter().map(ports_text).collect();
        let parts = [
            ("analytic", list(&self.analytics)),
            ("source", list(&self.sources)),
            ("target", list(&self.targets)),
            ("host", list(&self.hosts)),
            ("process", list(&self.processes)),
            ("account", list(&self.accounts)),
            ("port", list(&ports)),
            ("rule", list(&self.rules)),
            ("windows", list(&self.windows)),
        ];
        let words: Vec<String> = parts
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        if words.is_empty() {
            "every finding".to_owned()
        } else {
            words.join(", ")
        }
    }

    /// True if it says nothing of who, where or what: it takes every finding of its analytics.
    pub fn is_unbounded(&self) -> bool {
        let anybody = |list: &[Party]| list.is_empty() || list.iter().any(Party::is_everybody);
        let anything = |list: &[Glob]| list.is_empty() || list.iter().any(Glob::is_everything);
        let every_port = self
            .ports
            .iter()
            .any(|p| *p.start() <= 1 && *p.end() == u16::MAX);
        anybody(&self.sources)
            && anybody(&self.targets)
            && anybody(&self.hosts)
            && anything(&self.processes)
            && anything(&self.accounts)
            && anything(&self.rules)
            && (self.ports.is_empty() || every_port)
    }
}

fn ports_text(range: &RangeInclusive<u16>) -> String {
    if range.start() == range.end() {
        range.start().to_string()
    } else {
        format!("{}-{}", range.start(), range.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_one_list_bounds_a_rule_unless_it_names_everything() {
        let of = |set: &dyn Fn(&mut Rule)| {
            let mut rule = Rule {
                line: 1,
                analytics: vec!["AN0842".into()],
                sources: Vec::new(),
                targets: Vec::new(),
                hosts: Vec::new(),
                processes: Vec::new(),
                accounts: Vec::new(),
                ports: Vec::new(),
                rules: Vec::new(),
                windows: Vec::new(),
                reason: "known".into(),
                by: "me".into(),
                until: Until::parse("2026-04-01").unwrap(),
            };
            set(&mut rule);
            rule.is_unbounded()
        };
        assert!(of(&|_| {}));
        let party = |text: &str| vec![Party::parse(text).unwrap()];
        let glob = |text: &str| vec![Glob::new(text)];
        assert!(!of(&|rule| rule.sources = party("10.0.0.5")));
        assert!(!of(&|rule| rule.targets = party("10.0.0.5")));
        assert!(!of(&|rule| rule.hosts = party("FS01")));
        assert!(!of(&|rule| rule.processes = glob("a.exe")));
        assert!(!of(&|rule| rule.accounts = glob("pat")));
        assert!(!of(&|rule| rule.rules = glob("Web")));
        assert!(!of(&|rule| rule.ports = vec![443..=443]));
        assert!(of(&|rule| rule.sources = party("0.0.0.0/0")));
        assert!(of(&|rule| rule.processes = glob("*")));
        assert!(of(&|rule| rule.ports = vec![1..=u16::MAX]));
    }

    #[test]
    fn a_party_is_an_address_a_card_or_a_name() {
        let is = |party: &str, address: Option<&str>, name: &str| {
            Party::parse(party).unwrap().is(
                address.map(|a| a.parse().unwrap()),
                Some([0, 0x15, 0x5d, 0, 2, 1]),
                name,
            )
        };
        assert!(is("10.0.0.0/8", Some("10.9.9.9"), ""));
        assert!(!is("10.0.0.0/8", None, "10.9.9.9"));
        assert!(is("00-15-5D-00-02-01", None, ""));
        assert!(is("00:15:5d:00:02:01", None, ""));
        assert!(is("fs01", None, "FS01.corp.example"));
        assert!(!is("fs01.other.example", None, "FS01.corp.example"));
        assert!(is("*.corp.example", None, "FS01.corp.example"));
        assert!(
            !is("*", None, ""),
            "a pattern cannot stand for a name that is not known"
        );
        assert!(Party::parse("0.0.0.0/0").unwrap().is_everybody());
        for text in ["10.20.0", "10.20.0.*", "10.20.0.5/24", "fd00::g"] {
            assert!(Party::parse(text).is_err(), "{text}");
        }
        assert!(matches!(Party::parse("7f*"), Ok(Party::Name(_))));
    }

    #[test]
    fn a_date_lasts_to_the_end_of_its_day() {
        let until = Until::parse("2026-04-01").unwrap();
        assert_eq!(until.last.rfc3339(), "2026-04-01T23:59:59.999999999Z");
        assert_eq!(until.words, "2026-04-01");
        let until = Until::parse("2026-04-01T12:00:00+02:00").unwrap();
        assert_eq!(until.words, "2026-04-01 10:00:00 UTC");
        assert_eq!(Until::parse("2026-13-01"), None);
        assert_eq!(Until::parse("never"), None);
    }
}
