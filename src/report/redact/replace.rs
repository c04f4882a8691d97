//! Labels in the place of names and addresses, word by word.

use super::Sort;
use super::names::{ASKED, HOSTS, Names, USERS, anybody, fold, profile};
use super::own;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

/// What replaces, and what it has replaced so far.
pub(super) struct Replacer {
    hosts: bool,
    users: bool,
    addresses: bool,
    /// Label of each name in lower case.
    names: HashMap<String, String>,
    /// Those of them that may mean something else in the report's sentences.
    own: HashSet<String>,
    /// How many characters names have, by their first, the longest first.
    lengths: HashMap<char, Vec<usize>>,
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
        for (word, of) in [
            ("HOST", &names.hosts),
            ("USER", &names.users),
            (NT_DOMAIN, &names.account_domains),
        ] {
            for (name, number) in of {
                labels
                    .entry(name.clone())
                    .or_insert_with(|| format!("{word}-{number}"));
            }
            counts.insert(word, of.values().max().copied().unwrap_or(0));
        }
        let lengths = lengths(labels.keys());
        Self {
            hosts: sorts.contains(&Sort::Hosts),
            users: sorts.contains(&Sort::Users),
            addresses: sorts.contains(&Sort::Addresses),
            own: {
                let words = own::words();
                let own = |name: &&String| words.contains(*name) || names.uncertain.contains(*name);
                labels.keys().filter(own).cloned().collect()
            },
            names: labels,
            lengths,
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

    /// Takes in the labels of archive members, `E1!FS01-Se..ity.evtx`: of those that were cut, no part may be
    /// known as the name it was. Each is called by the whole name of the member, with labels in it.
    pub fn take_members<'m>(&mut self, members: impl Iterator<Item = (&'m str, &'m str)>) {
        for (label, path) in members {
            let Some((_, cut)) = label.split_once('!').filter(|(_, cut)| cut.contains("..")) else {
                continue;
            };
            let member = path.rsplit(['!', '/', '\\']).next().unwrap_or(path);
            let replaced = self.replace(member);
            if replaced != member {
                self.names.insert(fold(cut), replaced);
            }
        }
        self.lengths = lengths(self.names.keys());
    }

    /// How many names may mean something else in the report's sentences.
    pub fn left(&self) -> usize {
        self.own.len()
    }

    /// The text of a member with labels in it: one that is a name as a whole is that name, whatever
    /// else the word means.
    pub fn member(&mut self, member: &str, text: &str) -> String {
        let is_name = matches!(member, "name" | "names")
            || [&HOSTS[..], &ASKED, &USERS]
                .iter()
                .any(|of| of.contains(&member));
        let known = self.names.get(&fold(text)).cloned();
        match known.filter(|_| is_name) {
            Some(label) => {
                let used = self.used.entry(label.clone()).or_default();
                used.insert(text.to_owned());
                label
            }
            None => self.replace(text),
        }
    }

    /// The text with labels in it.
    fn replace(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            if let Some((begins, length, label)) = self.folder(rest) {
                let original = rest[begins..begins + length].to_owned();
                out.push_str(&rest[..begins]);
                out.push_str(&label);
                self.used.entry(label).or_default().insert(original);
                before = rest[..begins + length].chars().next_back();
                rest = &rest[begins + length..];
                continue;
            }
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
        } else if self.hosts {
            offer(self.account_domain(rest, before));
        }
        if self.addresses {
            offer(self.address(rest, before));
        }
        best
    }

    fn name(&self, rest: &str) -> Option<(usize, String)> {
        let first = rest
            .chars()
            .next()
            .map(|c| fold(c.encode_utf8(&mut [0; 4])))?;
        let lengths = self.lengths.get(&first.chars().next()?)?;
        // Where each of the first characters ends.
        let longest = lengths.first().copied().unwrap_or(0);
        let ends_at: Vec<usize> = rest
            .char_indices()
            .take(longest)
            .map(|(at, c)| at + c.len_utf8())
            .collect();
        for length in lengths {
            let Some(end) = length.checked_sub(1).and_then(|last| ends_at.get(last)) else {
                continue;
            };
            if !ends(rest, *end) {
                continue;
            }
            let word = fold(&rest[..*end]);
            if self.own.contains(&word) {
                continue;
            }
            if let Some(label) = self.names.get(&word) {
                return Some((*end, label.clone()));
            }
        }
        None
    }

    /// `fileshare.corp.example`, or the domain itself.
    fn below_a_domain(&mut self, rest: &str) -> Option<(usize, String)> {
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || "._-".contains(c)))
            .unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches(['.', '-']);
        let lower = fold(name);
        let domain = self.domains.iter().find(|domain| {
            lower == **domain
                || lower
                    .strip_suffix(domain.as_str())
                    .is_some_and(|above| above.ends_with('.'))
        })?;
        let word = if lower == *domain { "DOMAIN" } else { "HOST" };
        Some((name.len(), self.label(word, &lower)))
    }

    /// The folder of a profile: where its name begins, its length and the label.
    fn folder(&mut self, rest: &str) -> Option<(usize, usize, String)> {
        if !self.users || !rest.starts_with(['\\', '/']) {
            return None;
        }
        let (begins, length) = profile(rest)?;
        let name = fold(&rest[begins..begins + length]);
        let known = self.names.get(&name).filter(|l| l.starts_with("USER"));
        let label = match known.cloned() {
            Some(label) => label,
            None => self.label("USER", &name),
        };
        Some((begins, length, label))
    }

    /// `CORP\name`: one backslash between two words, and no path around it.
    fn account(&mut self, rest: &str, before: Option<char>) -> Option<(usize, String)> {
        let (domain, whole) = account_of(rest, before)?;
        // The account may be known by its bare name.
        let account = &whole[domain + 1..];
        let known = self.names.get(&fold(account)).cloned();
        let label = match known {
            Some(label) if label.starts_with("USER") => label,
            _ => self.label("USER", &fold(whole)),
        };
        Some((whole.len(), label))
    }

    /// The domain of an account that no member names.
    fn account_domain(&mut self, rest: &str, before: Option<char>) -> Option<(usize, String)> {
        let (domain, whole) = account_of(rest, before)?;
        let name = fold(&whole[..domain]);
        let known = self.names.get(&name).cloned();
        let label = known.unwrap_or_else(|| self.label(NT_DOMAIN, &name));
        Some((domain, label))
    }

    /// A SID of a domain or of a computer: those that are the same everywhere name nobody.
    fn sid(&mut self, rest: &str) -> Option<(usize, String)> {
        // Of Active Directory and of Entra.
        const OWN: [&str; 2] = ["S-1-5-21-", "S-1-12-1-"];
        let begins = |own: &&str| {
            let start = rest.get(..own.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(own))
        };
        let own = OWN.iter().find(|own| begins(own))?.len();
        let more = rest[own..]
            .find(|c: char| !(c.is_ascii_digit() || c == '-'))
            .unwrap_or(rest.len() - own);
        let sid = rest[..own + more].trim_end_matches('-');
        Some((sid.len(), self.label("USER", &sid.to_ascii_lowercase())))
    }

    fn address(&mut self, rest: &str, before: Option<char>) -> Option<(usize, String)> {
        let run = rest
            .find(|c: char| !(c.is_ascii_hexdigit() || ":.-".contains(c)))
            .unwrap_or(rest.len())
            // The longest address, an IPv4 one in IPv6, has 45 characters; a port may follow.
            .min(52);
        let run = &rest[..run];
        let shorter = run.match_indices([':', '-', '.']).rev();
        let candidates = [run].into_iter().chain(shorter.map(|(at, _)| &run[..at]));
        for text in candidates {
            if let Some(mac) = mac(text).or_else(|| plain_mac(text, before))
                && ends(rest, text.len())
            {
                return Some((text.len(), self.label("MAC", &mac)));
            }
            let Ok(address) = text.parse::<IpAddr>() else {
                continue;
            };
            let after = &rest[text.len()..];
            if let Some(bits) = after.strip_prefix('/') {
                let digits = bits.bytes().take_while(u8::is_ascii_digit).count();
                let length = text.len() + 1 + digits;
                // `/255.255.255.0` is a mask, not a prefix.
                let mask = rest[length..]
                    .strip_prefix('.')
                    .is_some_and(|more| more.starts_with(|c: char| c.is_ascii_digit()));
                if (1..=3).contains(&digits) && ends(rest, length) && !mask {
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

/// How many characters these names have, by their first, the longest first.
fn lengths<'n>(names: impl Iterator<Item = &'n String>) -> HashMap<char, Vec<usize>> {
    let mut lengths: HashMap<char, BTreeSet<usize>> = HashMap::new();
    for name in names {
        if let Some(first) = name.chars().next() {
            lengths
                .entry(first)
                .or_default()
                .insert(name.chars().count());
        }
    }
    let sorted = lengths.into_iter();
    sorted
        .map(|(first, of)| (first, of.into_iter().rev().collect()))
        .collect()
}

/// What stands for the domain of an account.
const NT_DOMAIN: &str = "NTDOMAIN";

/// An account at the start of `rest`: the length of its domain, and the whole.
fn account_of(rest: &str, before: Option<char>) -> Option<(usize, &str)> {
    if before.is_some_and(|c| "\\/:%".contains(c)) {
        return None;
    }
    let word = |c: char| c.is_alphanumeric() || "._-$".contains(c);
    let domain = rest.find(|c: char| !word(c))?;
    let account = rest[domain..].strip_prefix('\\')?;
    let end = account.find(|c: char| !word(c)).unwrap_or(account.len());
    let after = account[end..].chars().next();
    let account = account[..end].trim_end_matches('.');
    let nobody = domain == 0
        || after.is_some_and(|c| "\\/:".contains(c))
        || anybody(&rest[..domain], account);
    (!nobody).then(|| (domain, &rest[..domain + 1 + account.len()]))
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

/// Addresses that belong to nobody and say what something does: any, this host, all, masks.
fn nobodys(address: IpAddr) -> bool {
    let mask = |of: Ipv4Addr| of.octets()[0] == 255;
    matches!(address, IpAddr::V4(of) if mask(of))
        || address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
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

/// `0015.5d20.0701`, as switches write it, and `00155d200701`, with a letter and not as the end of a
/// GUID: digits alone are numbers.
fn plain_mac(text: &str, before: Option<char>) -> Option<String> {
    let pairs: String = match text.split('.').collect::<Vec<_>>().as_slice() {
        [a, b, c] if [a, b, c].iter().all(|part| part.len() == 4) => [*a, *b, *c].concat(),
        [one] if one.bytes().any(|b| b.is_ascii_alphabetic()) && before != Some('-') => {
            (*one).to_owned()
        }
        _ => return None,
    };
    let whole = pairs.len() == 12 && pairs.bytes().all(|b| b.is_ascii_hexdigit());
    let spelled: Vec<&str> = (0..pairs.len())
        .step_by(2)
        .filter_map(|at| pairs.get(at..at + 2))
        .collect();
    whole.then(|| spelled.join(":")).and_then(|text| mac(&text))
}
