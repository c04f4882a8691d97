//! Known error rates: how often each analytic was right and wrong on labelled real evidence.
//!
//! Counted, never typed: a test measures them where that evidence is at hand, and keeps them in
//! `rates.txt`. They are few, and of evidence that was there when the analytics were built: they say
//! what is known, not what is to be expected elsewhere.

use std::fmt::Write;

/// What was measured last.
const KEPT: &str = include_str!("rates.txt");

/// What a piece of evidence holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Packets and no logs.
    Packets,
    /// Logs and no packets.
    Logs,
    /// Both.
    Both,
}

impl Basis {
    const ALL: [Self; 3] = [Self::Packets, Self::Logs, Self::Both];

    /// `packets`, `logs`, `packets+logs`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Logs => "logs",
            Self::Both => "packets+logs",
        }
    }
}

/// The weightiest finding of an analytic in a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// None, because the evidence lacks what the analytic needs, and the report says so.
    NotJudged = 0,
    /// None.
    Nothing = 1,
    /// Of severity info or low.
    Low = 2,
    /// Of severity medium, high or critical.
    MediumOrMore = 3,
}

/// The answers of one analytic on evidence of one basis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Its id.
    pub analytic: String,
    /// Its version when it was measured.
    pub version: String,
    /// What the evidence held.
    pub basis: Basis,
    /// Pieces that hold the pattern, by `Answer`.
    pub present: [u64; 4],
    /// Pieces that do not, by `Answer`.
    pub absent: [u64; 4],
}

/// A measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The day, UTC, as `2026-11-22`.
    pub date: String,
    /// SHA-256 over the SHA-256 of every file, sorted, in hexadecimal.
    pub corpus: String,
    /// Pieces of evidence with a label.
    pub pieces: u64,
    /// Files of different content.
    pub files: u64,
    /// By analytic and basis.
    pub rates: Vec<Rate>,
}

impl Measured {
    /// What was measured last; `None` if nothing was.
    pub fn kept() -> Option<Self> {
        Self::parse(KEPT)
    }

    /// Reads what `text` writes; `None` if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let head: Vec<&str> = lines.next()?.split(' ').collect();
        let [date, corpus, pieces, files] = head.as_slice() else {
            return None;
        };
        let rate = |line: &str| {
            let parts: Vec<&str> = line.split(' ').collect();
            let [analytic, version, basis, counts @ ..] = parts.as_slice() else {
                return None;
            };
            let counts: Option<Vec<u64>> = counts.iter().map(|n| n.parse().ok()).collect();
            let counts: [u64; 8] = counts?.try_into().ok()?;
            let [a, b, c, d, e, f, g, h] = counts;
            Some(Rate {
                analytic: (*analytic).to_owned(),
                version: (*version).to_owned(),
                basis: Basis::ALL
                    .into_iter()
                    .find(|known| known.word() == *basis)?,
                present: [a, b, c, d],
                absent: [e, f, g, h],
            })
        };
        Some(Self {
            date: (*date).to_owned(),
            corpus: (*corpus).to_owned(),
            pieces: pieces.parse().ok()?,
            files: files.parse().ok()?,
            rates: lines.map(rate).collect::<Option<_>>()?,
        })
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        let mut text = "# Made by `BLESS=1 cargo test --test real_rates` from labelled evidence.\n\
                        # date, corpus, pieces, files; then analytic, version, basis, and pieces with the pattern and without\n\
                        # it by answer: not judged, nothing, low, medium or more\n"
            .to_owned();
        let _ = writeln!(
            text,
            "{} {} {} {}",
            self.date, self.corpus, self.pieces, self.files
        );
        for rate in &self.rates {
            let counts: Vec<String> = rate
                .present
                .iter()
                .chain(&rate.absent)
                .map(u64::to_string)
                .collect();
            let _ = writeln!(
                text,
                "{} {} {} {}",
                rate.analytic,
                rate.version,
                rate.basis.word(),
                counts.join(" ")
            );
        }
        text
    }

    /// The rates of one analytic.
    pub fn of<'m>(&'m self, id: &'m str) -> impl Iterator<Item = &'m Rate> {
        self.rates.iter().filter(move |rate| rate.analytic == id)
    }

    /// What there is to say of one analytic, a sentence each; `version` is what it is now.
    pub fn sentences(&self, id: &str, version: &str) -> Vec<String> {
        let mut told: Vec<String> = self.of(id).map(|rate| rate.sentence(version)).collect();
        if told.is_empty() {
            told.push("No labelled evidence says anything of this analytic: its error rates are not known.".to_owned());
        }
        told.push(format!(
            "Measured on {} over {} pieces of evidence with a label ({} files, corpus SHA-256 {}). It was at hand \
             while the analytics were built, and it is small: expect more errors elsewhere.",
            self.date, self.pieces, self.files, self.corpus
        ));
        told
    }
}

impl Rate {
    fn sentence(&self, version: &str) -> String {
        let parts = |counts: [u64; 4], nothing: &str, something: &str| {
            let words = [
                "not judged for want of evidence".to_owned(),
                nothing.to_owned(),
                format!("{something} at info or low"),
                format!("{something} at medium or more"),
            ];
            let told = counts.iter().zip(words).filter(|(n, _)| **n > 0);
            let told: Vec<String> = told.map(|(n, words)| format!("{words} in {n}")).collect();
            told.join(", ")
        };
        let all = |counts: &[u64; 4]| counts.iter().sum::<u64>();
        let mut told = format!("{}: ", self.basis.word());
        let _ = match all(&self.present) {
            0 => write!(told, "no piece with the pattern; "),
            n => write!(
                told,
                "{n} with the pattern: {}; ",
                parts(self.present, "missed", "found")
            ),
        };
        let _ = match all(&self.absent) {
            0 => write!(told, "no piece known to be without it"),
            n => write!(
                told,
                "{n} without it: {}",
                parts(self.absent, "rightly silent", "false")
            ),
        };
        if self.version != version {
            let _ = write!(told, " (version {})", self.version);
        }
        told + "."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was_written() {
        let kept = Measured::kept().unwrap();
        assert_eq!(Measured::parse(&kept.text()), Some(kept));
        assert_eq!(Measured::parse("nonsense"), None);
        assert_eq!(
            Measured::parse("2026-01-01 ab 1 1\nAN0842 1 packets 1 2 3 4"),
            None
        );
    }

    #[test]
    fn a_miss_and_a_false_finding_are_told_as_such() {
        let rate = Rate {
            analytic: "AN0842".into(),
            version: "1".into(),
            basis: Basis::Both,
            present: [0, 1, 2, 4],
            absent: [9, 70, 5, 3],
        };
        assert_eq!(
            rate.sentence("1"),
            "packets+logs: 7 with the pattern: missed in 1, found at info or low in 2, found at medium or more in 4; \
             87 without it: not judged for want of evidence in 9, rightly silent in 70, false at info or low in 5, \
             false at medium or more in 3."
        );
        assert!(rate.sentence("2").ends_with("(version 1)."));
        let nothing = Measured {
            date: String::new(),
            corpus: String::new(),
            pieces: 0,
            files: 0,
            rates: vec![rate],
        };
        assert!(nothing.sentences("XDR-FC", "1")[0].contains("not known"));
    }
}
