//! How an analytic describes itself: what `analytics show` prints and every report repeats.
//!
//! Descriptions only; the logic they describe lies beside each analytic.

/// What an analytic is, in words that do not depend on evidence or settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// `AN0842`.
    pub id: &'static str,
    /// A short name, such as `Port knock, then opening, then first connection`.
    pub name: &'static str,
    /// Version of the logic, as `1.0.0`: it changes whenever a result can change.
    pub version: &'static str,
    /// ATT&CK techniques or tactics: id and name.
    pub technique: &'static [(&'static str, &'static str)],
    /// ATT&CK detection strategy, as `DET0302`; empty where there is none.
    pub strategy: &'static str,
    /// What it looks for, in a few sentences.
    pub summary: &'static str,
    /// The logic, one condition a line.
    pub steps: &'static [&'static str],
    /// The evidence it needs.
    pub needs: &'static [Need],
    /// What it cannot see even with all of that.
    pub cannot_see: &'static [&'static str],
    /// Harmless causes of the same picture.
    pub benign: &'static [&'static str],
    /// What to do with a finding.
    pub actions: &'static [&'static str],
}

/// One kind of evidence an analytic needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// As the coverage table names it: `packets to the host`.
    pub name: &'static str,
    /// What provides it, and how to switch that on.
    pub what: &'static str,
}

/// One setting of an analytic, as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// ATT&CK's own name where it has one: `MinSequenceLen`.
    pub name: &'static str,
    /// `whole number`, `length of time`, `list of ports` …
    pub kind: &'static str,
    /// Default, as text that `--set` reads.
    pub default: String,
    /// Value in force, as text that `--set` reads.
    pub value: String,
    /// What is allowed, such as `2 to 32`.
    pub range: String,
    /// What it means.
    pub meaning: &'static str,
    /// Where the default comes from.
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
