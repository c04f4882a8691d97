//! Labels in the place of names and addresses, word by word.

use super::Sort;
use super::names::{Names, anybody};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};

/// What replaces, and what it has replaced so far.
pub(super) struct Replacer {
    hosts: bool,
    users: bool,
    addresses: bool,
    /// Label of each name in lower case.
    names: HashMap<String, String>,
    /// Lengths that names have, by their first byte, the longest first.
    lengths: HashMap<u8, Vec<usize>>,
    domains: Vec<String>,
    /// Label of each thing known by its form.
    formed: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
    used: BTreeMap<String, BTreeSet<String>>,
}

impl Replacer {
    pub fn new(names: Names, sorts: &[Sort]) -> Self {
        let mut labels = HashMap::new();
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (word, of) in [("HOST", &names.hosts), ("USER", &names.users)] {
            for (name, number) in of {
                labels
                    .entry(name.clone())
                    .or_insert_with(|| format!("{word}-{number}"));
            }
            counts.insert(word, of.values().max().copied().unwrap_or(0));
        }
        let mut lengths: HashMap<u8, BTreeSet<usize>> = HashMap::new();
        for name in labels.keys() {
            if let Some(first) = name.bytes().next() {
                lengths.entry(first).or_default().insert(name.len());
            }
        }
        Self {
            hosts: sorts.contains(&Sort::Hosts),
            users: sorts.contains(&Sort::Users),
            addresses: sorts.contains(&Sort::Addresses),
            names: labels,
            lengths: lengths
                .into_iter()
                .map(|(first, of)| (first, of.into_iter().rev().collect()))
                .collect(),
            domains: names.domains,
            formed: BTreeMap::new(),
            counts,
            used: BTreeMap::new(),
        }
    }

    /// For each label that was used, the spellings it replaced.
    pub fn labels(&self) -> BTreeMap<String, Vec<String>> {
        let used = self.used.iter();
        used.map(|(label, of)| (label.clone(), of.iter().cloned().collect()))
            .collect()
    }

    /// The text with labels in it.
    pub fn replace(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            let begins = before.is_none_or(|c: char| !joins(c));
            let found = if begins { self.at(rest, before) } else { None };
            let taken = match found {
                Some((length, label)) => {
                    let original = &rest[..length];
                    self.used
                        .entry(label.clone())
                        .or_default()
                        .insert(original.to_owned());
                    out.push_str(&label);
                    length
                }
                None => {
                    out.push(first);
                    first.len_utf8()
                }
            };
            before = rest[..taken].chars().next_back();
            rest = &rest[taken..];
        }
        out
    }

    /// Bytes at the start of `rest` that a label replaces, and the label.
    fn at(&mut self, rest: &str, before: Option<char>) -> Option<(usize, String)> {
        // The longest wins: a name may begin with another, an address with a name.
        let mut best: Option<(usize, String)> = None;
        let mut offer = |found: Option<(usize, String)>| {
            if let Some(found) = found
                && best.as_ref().is_none_or(|held| held.0 < found.0)
            {
                best = Some(found);
            }
        };
        offer(self.name(rest));
        if self.hosts {
            offer(self.below_a_domain(rest));
        }
        if self.users {
            offer(self.account(rest, before));
            offer(self.sid(rest));
        }
        if self.addresses {
            offer(self.address(rest));
        }
        best
    }

    fn name(&self, rest: &str) -> Option<(usize, String)> {
        let first = rest.bytes().next()?.to_ascii_lowercase();
        for length in self.lengths.get(&first)? {
            let Some(word) = rest.get(..*length) else {
                continue;
            };
            if !ends(rest, *length) {
                continue;
            }
            if let Some(label) = self.names.get(&word.to_ascii_lowercase()) {
                return Some((*length, label.clone()));
            }
        }
        None
    }

    /// `fileshare.corp.example`, or the domain itself.
    fn below_a_domain(&mut self, rest: &str) -> Option<(usize, String)> {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
            .unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches(['.', '-']);
        let lower = name.to_ascii_lowercase();
        let domain = self.domains.iter().find(|domain| {
            lower == **domain
                || lower
                    .strip_suffix(domain.as_str())
                    .is_some_and(|above| above.ends_with('.'))
        })?;
        let word = if lower == *domain { "DOMAIN" } else { "HOST" };
        Some((name.len(), self.label(word, &lower)))
    }

    /// `CORP\name`: one backslash between two words, and no path around it.
    fn account(&mut self, rest: &str, before: Option<char>) -> Option<(usize, String)> {
        if before.is_some_and(|c| "\\/:%".contains(c)) {
            return None;
        }
        let word = |c: char| c.is_alphanumeric() || "._-$".contains(c);
        let domain = rest.find(|c: char| !word(c))?;
        let account = rest[domain..].strip_prefix('\\')?;
        let end = account.find(|c: char| !word(c)).unwrap_or(account.len());
        let after = account[end..].chars().next();
        let account = account[..end].trim_end_matches('.');
        if domain == 0
            || after.is_some_and(|c| "\\/:".contains(c))
            || anybody(&rest[..domain], account)
        {
            return None;
        }
        let whole = &rest[..domain + 1 + account.len()];
        // The account may be known by its bare name.
        let known = self.names.get(&account.to_ascii_lowercase()).cloned();
        let label = match known {
            Some(label) if label.starts_with("USER") => label,
            _ => self.label("USER", &whole.to_ascii_lowercase()),
        };
        Some((whole.len(), label))
    }

    /// A SID of a domain or of a computer: those that are the same everywhere name nobody.
    fn sid(&mut self, rest: &str) -> Option<(usize, String)> {
        const OWN: &str = "S-1-5-21-";
        let start = rest.get(..OWN.len())?;
        if !start.eq_ignore_ascii_case(OWN) {
            return None;
        }
        let more = rest[OWN.len()..]
            .find(|c: char| !(c.is_ascii_digit() || c == '-'))
            .unwrap_or(rest.len() - OWN.len());
        let sid = rest[..OWN.len() + more].trim_end_matches('-');
        Some((sid.len(), self.label("USER", &sid.to_ascii_lowercase())))
    }

    fn address(&mut self, rest: &str) -> Option<(usize, String)> {
        let run = rest
            .find(|c: char| !(c.is_ascii_hexdigit() || ":.-".contains(c)))
            .unwrap_or(rest.len())
            // The longest address, an IPv4 one in IPv6, has 45 characters; a port may follow.
            .min(52);
        let run = &rest[..run];
        let shorter = run.match_indices([':', '-', '.']).rev();
        let candidates = [run].into_iter().chain(shorter.map(|(at, _)| &run[..at]));
        for text in candidates {
            if let Some(mac) = mac(text) {
                return Some((text.len(), self.label("MAC", &mac)));
            }
            let Ok(address) = text.parse::<IpAddr>() else {
                continue;
            };
            let after = &rest[text.len()..];
            if let Some(bits) = after.strip_prefix('/') {
                let digits = bits.bytes().take_while(u8::is_ascii_digit).count();
                if (1..=3).contains(&digits) {
                    let length = text.len() + 1 + digits;
                    return Some((length, self.label("NET", &rest[..length])));
                }
            }
            if !ends(rest, text.len()) {
                continue;
            }
            let address = address.to_canonical();
            return (!nobodys(address))
                .then(|| (text.len(), self.label("ADDR", &address.to_string())));
        }
        None
    }

    fn label(&mut self, word: &'static str, thing: &str) -> String {
        let counts = &mut self.counts;
        let formed = &mut self.formed;
        formed
            .entry(thing.to_owned())
            .or_insert_with(|| {
                let count = counts.entry(word).or_default();
                *count += 1;
                format!("{word}-{count}")
            })
            .clone()
    }
}

/// A character that makes one word with its neighbour.
fn joins(c: char) -> bool {
    c.is_alphanumeric()
}

/// True if a word ends after `length` bytes.
fn ends(rest: &str, length: usize) -> bool {
    rest.get(length..)
        .is_some_and(|after| after.chars().next().is_none_or(|c| !joins(c)))
}

/// Addresses that belong to nobody and say what something does: any, this host, all.
fn nobodys(address: IpAddr) -> bool {
    address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// `aa:bb:cc:dd:ee:ff` or with hyphens, in one spelling. All ones are everybody's.
fn mac(text: &str) -> Option<String> {
    let sign = text
        .as_bytes()
        .get(2)
        .copied()
        .filter(|b| b":-".contains(b))?;
    let parts: Vec<&str> = text.split(char::from(sign)).collect();
    let pair = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    let whole = parts.len() == 6 && parts.iter().all(pair);
    let mac = parts.join(":").to_ascii_lowercase();
    (whole && mac != "ff:ff:ff:ff:ff:ff" && mac != "00:00:00:00:00:00").then_some(mac)
}
