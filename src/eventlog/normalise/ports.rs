//! Ports of firewall rules: `3389`, `80,443`, `5000-5010`, `*`, or keywords such as `RPC`.

use crate::model::Text;
use crate::model::firewall::Ports;

/// Ranges one rule may name; a longer list is not a rule anybody wrote.
const MAX_RANGES: usize = 1_024;

/// Reads LocalPorts of a firewall event. An empty text names no port and so covers every port.
pub fn local_ports(text: &str) -> Ports {
    let mut list = PortList::default();
    for word in text.split(',') {
        list.add(word);
    }
    list.finish()
}

/// Ports gathered word by word.
#[derive(Debug, Default)]
pub struct PortList {
    ranges: Vec<(u16, u16)>,
    keywords: Vec<String>,
    any: bool,
    unreadable: bool,
}

impl PortList {
    /// Adds one port, range or keyword.
    pub fn add(&mut self, word: &str) {
        let word = word.trim();
        if word.is_empty() {
            return;
        }
        if word == "*" || word.eq_ignore_ascii_case("any") {
            self.any = true;
        } else if let Some(range) = range(word) {
            if self.ranges.len() < MAX_RANGES {
                self.ranges.push(range);
            } else {
                self.unreadable = true;
            }
        } else if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if self.keywords.len() < MAX_RANGES {
                self.keywords.push(word.to_owned());
            }
        } else {
            self.unreadable = true;
        }
    }

    /// What they come to, sorted.
    pub fn finish(mut self) -> Ports {
        self.ranges.sort_unstable();
        self.ranges.dedup();
        if self.unreadable {
            Ports::Unknown
        } else if self.any {
            Ports::Any
        } else {
            let keywords = || Text::from(self.keywords.join(","));
            match (self.ranges.is_empty(), self.keywords.is_empty()) {
                (true, true) => Ports::Any,
                (true, false) => Ports::Keyword(keywords()),
                (false, true) => Ports::Ranges(self.ranges),
                (false, false) => Ports::Mixed(self.ranges, keywords()),
            }
        }
    }
}

fn range(word: &str) -> Option<(u16, u16)> {
    let (low, high) = match word.split_once('-') {
        Some((low, high)) => (low.trim().parse().ok()?, high.trim().parse().ok()?),
        None => {
            let port = word.parse().ok()?;
            (port, port)
        }
    };
    (low <= high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_local_ports() {
        let keyword = |k: &str| Ports::Keyword(Text::from(k));
        for (text, ports) in [
            ("3389", Ports::Ranges(vec![(3389, 3389)])),
            ("443, 80", Ports::Ranges(vec![(80, 80), (443, 443)])),
            ("5000-5010,22", Ports::Ranges(vec![(22, 22), (5000, 5010)])),
            ("*", Ports::Any),
            ("", Ports::Any),
            ("RPC", keyword("RPC")),
            ("RPC-EPMap", keyword("RPC-EPMap")),
            ("RPC,135", Ports::Mixed(vec![(135, 135)], "RPC".into())),
            (
                "443,RPC-EPMap,80,RPC",
                Ports::Mixed(vec![(80, 80), (443, 443)], "RPC-EPMap,RPC".into()),
            ),
            ("99999", Ports::Unknown),
            ("10-5", Ports::Unknown),
            ("22,?", Ports::Unknown),
        ] {
            assert_eq!(local_ports(text), ports, "{text}");
        }
    }
}
