//! What an analytic says about itself: the one place from which its help, its documentation page
//! and its part of the report are made.

use crate::context::coverage::Log;
use crate::model::Span;
use crate::model::finding::{Severity, Tier};

/// A description of an analytic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// `AN0842`.
    pub id: &'static str,
    /// Changes whenever a finding on the same evidence can change.
    pub version: &'static str,
    /// A few words.
    pub name: &'static str,
    /// ATT&CK techniques, id and name.
    pub technique: &'static [(&'static str, &'static str)],
    /// ATT&CK detection strategy; empty where there is none.
    pub strategy: &'static str,
    /// What it looks for, in a sentence or two.
    pub summary: &'static str,
    /// How it decides, step by step; the same conditions that a finding prints with their values.
    pub steps: &'static [&'static str],
    /// Evidence it rests on.
    pub needs: &'static [Need],
    /// What it cannot see.
    pub cannot_see: &'static [&'static str],
    /// Harmless causes of the same picture.
    pub benign: &'static [&'static str],
    /// What its findings are graded by, the most severe first; every one falls under a line of it.
    pub severities: &'static [Grade],
    /// The analytic that tells the same chain, if there is one.
    pub same_chain: Option<SameChain>,
    /// What to do with a finding.
    pub actions: &'static [&'static str],
}

/// One line of the table of severities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grade {
    /// On which basis.
    pub tiers: &'static [Tier],
    /// The severity.
    pub severity: Severity,
    /// In which context.
    pub context: &'static str,
}

/// A line of the table of severities.
pub const fn grade(tiers: &'static [Tier], severity: Severity, context: &'static str) -> Grade {
    Grade {
        tiers,
        severity,
        context,
    }
}

/// The whole pattern was seen, on whichever basis.
pub const SEEN: &[Tier] = &[Tier::Both, Tier::HostOnly, Tier::NetworkOnly];
/// Any basis, and a part of the pattern too.
pub const ANY: &[Tier] = &[Tier::Both, Tier::HostOnly, Tier::NetworkOnly, Tier::Partial];

/// Another analytic whose finding tells the same chain when it cites the same connections of the same
/// remote: the two become one finding of that analytic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SameChain {
    /// Its id.
    pub with: &'static str,
    /// The text of a condition that it does not look at. Only with that one does this analytic's severity
    /// count: of what both see, the other says more.
    pub adds: &'static str,
}

/// A kind of evidence an analytic rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// As the coverage table names it: `closed-port touches`.
    pub name: &'static str,
    /// Any one of these provides it.
    pub from: &'static [Source],
    /// Without it nothing can be found; otherwise a part of the pattern still can.
    pub essential: bool,
    /// How to have it next time: the audit policy, the channel or the capture point.
    pub what: &'static str,
}

/// Where a kind of evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Packets to and from the host.
    Packets,
    /// Packets as they were on the segment, long enough for a magic packet.
    Frames,
    /// This much of the past, of whatever kind.
    History(Span),
    /// These event ids of this log.
    Events(Log, &'static [u32]),
    /// Sysmon 3 as the word on what became of attempts that another log tells: never the whole answer,
    /// for what Sysmon is configured to log is seen only where it did.
    Outcomes,
}

/// How readily an analytic fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// As documented.
    #[default]
    Default,
    /// Fewer findings, surer ones.
    Strict,
    /// More findings, weaker ones too.
    Sensitive,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Default, Self::Strict, Self::Sensitive];

    /// `default`, `strict` or `sensitive`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Strict => "strict",
            Self::Sensitive => "sensitive",
        }
    }

    /// The profile of that name, without case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|p| p.word().eq_ignore_ascii_case(name.trim()))
    }
}

/// One setting of an analytic, for people and for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name, ATT&CK's own where there is one.
    pub name: &'static str,
    /// `duration`, `number`, `ports` …
    pub kind: &'static str,
    /// Default, as it would be written.
    pub default: String,
    /// What it is in profiles that differ from the default.
    pub profiles: Vec<(Profile, String)>,
    /// Value in force, as it would be written.
    pub value: String,
    /// What is allowed, in words.
    pub range: String,
    /// What it means.
    pub meaning: &'static str,
    /// Where name and default come from.
    pub source: &'static str,
}

impl Setting {
    /// True if the value was changed from its default.
    pub fn changed(&self) -> bool {
        self.value != self.default
    }
}

/// An analytic with its settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What it is.
    pub about: About,
    /// Its settings, in the order it declares them.
    pub settings: Vec<Setting>,
}
