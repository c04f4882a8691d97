//! Hosts that somebody lists: from DHCP, an inventory or the directory.
//!
//! One entry a line: an address, a network or a computer name, and after it, if known, when it was
//! last seen; a day counts to its end. `#` begins a comment. A listed host is not "never seen"; how old its last sign of
//! life is, the list's date and the evidence say together.

use crate::model::{Network, Span, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A longer file is no list of hosts.
pub const LARGEST: usize = 16 << 20;
/// Entries read; a list with more is refused.
const ENTRIES: usize = 500_000;

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownHosts {
    /// Addresses, each with its last sign of life where the list has one.
    pub addresses: BTreeMap<IpAddr, Option<Timestamp>>,
    /// Computer names in lower case, likewise.
    pub names: BTreeMap<String, Option<Timestamp>>,
    /// Networks that are in use: silence there is silence of hosts.
    pub networks: Vec<Network>,
}

impl KnownHosts {
    /// Reads a list.
    ///
    /// # Errors
    /// Every line that cannot be meant, with its number and what to write.
    pub fn read(text: &str) -> Result<Self, Vec<String>> {
        let mut known = Self::default();
        let mut faults = Vec::new();
        for (line, number) in text.lines().zip(1_usize..) {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            if number > ENTRIES {
                faults.push(format!(
                    "line {number}: more than {ENTRIES} lines; split the list"
                ));
                break;
            }
            if let Err(fault) = known.entry(entry) {
                faults.push(format!("line {number}: {fault}"));
            }
        }
        if faults.is_empty() {
            Ok(known)
        } else {
            Err(faults)
        }
    }

    fn entry(&mut self, entry: &str) -> Result<(), String> {
        let split = |c: char| c.is_whitespace() || c == ',' || c == ';';
        let (what, when) = entry.split_once(split).unwrap_or((entry, ""));
        let when = when.trim_matches(split);
        let seen = match when {
            "" => None,
            when => Some(moment(when).ok_or_else(|| {
                format!("{when:?} is no date; write it as 2026-03-01 or 2026-03-01T08:00Z")
            })?),
        };
        if let Ok(address) = what.parse::<IpAddr>() {
            let held = self.addresses.entry(address.to_canonical()).or_default();
            *held = (*held).max(seen);
        } else if what.contains('/') {
            self.networks.push(Network::parse(what)?);
        } else if what
            .chars()
            .all(|c| c.is_alphanumeric() || "-._$".contains(c))
        {
            let held = self.names.entry(what.to_lowercase()).or_default();
            *held = (*held).max(seen);
        } else {
            return Err(format!(
                "{what:?} is no address, network or computer name; write one of them first"
            ));
        }
        Ok(())
    }

    /// True if nothing is listed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A moment, or the last one of a day that stands alone: the list does not say when on that day.
fn moment(text: &str) -> Option<Timestamp> {
    let time = Timestamp::parse(text)?;
    match text.contains([':', 'T']) {
        true => Some(time),
        false => Some(time.shifted(Span(Span::seconds(86_400).0 - 1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_addresses_networks_and_names_with_dates() {
        let list = "# from DHCP\n10.0.0.5 2026-03-01\n10.0.0.6\nfd00::/64\nWS07.corp.example, 2026-02-01T08:00Z\n10.0.0.5, 2026-02-01\n";
        let known = KnownHosts::read(list).unwrap();
        assert_eq!(
            known.addresses[&"10.0.0.5".parse::<IpAddr>().unwrap()],
            Timestamp::parse("2026-03-01T23:59:59.999999999Z"),
            "the later date counts, to its end"
        );
        assert_eq!(
            known.addresses[&"10.0.0.6".parse::<IpAddr>().unwrap()],
            None
        );
        assert_eq!(known.networks.len(), 1);
        assert!(known.names["ws07.corp.example"].is_some());
    }

    #[test]
    fn every_wrong_line_is_named() {
        let faults =
            KnownHosts::read("10.0.0.5 yesterday\nok\n10.0.0.5/24\n\u{1b}[31m\n").unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].starts_with("line 1: ") && faults[0].contains("write it as"));
        assert!(faults[1].starts_with("line 3: "));
    }
}
