//! A copy of a report in which hosts, users and addresses are labels, for people who may see what
//! happened but not to whom.
//!
//! The same thing has the same label throughout one case, whichever part of it is printed; which
//! label stands for what is told in `Labels` alone, never in the report. Structure stays: numbers,
//! times, ids, hashes and the order of steps are those of the record.
//!
//! What is replaced is found in two ways. Names are those that the record holds as names (hosts,
//! computers, accounts, profile folders), wherever their words occur. Addresses, SIDs, accounts of
//! the form `DOMAIN\name`, folders below `\Users\` and names below a domain of a known host are known
//! by their form. A name that stands in free text alone, and nowhere as a name, cannot be known: the
//! copy is to be read before it is handed on. A bare name that is a word of the report's sentences as
//! well (`no`, `port`: see `own`), a number, or a word that was asked for (`upd`) is replaced only where
//! it stands as a name.

mod names;
mod own;
mod replace;
#[cfg(test)]
mod tests;

use super::json::shape::Report;
use names::Names;
use replace::Replacer;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A sort of thing that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// Names of hosts and domains, those before accounts among them.
    Hosts,
    /// Accounts, profile folders and SIDs.
    Users,
    /// IP and MAC addresses, and networks.
    Addresses,
}

impl Sort {
    /// All.
    pub const ALL: [Self; 3] = [Self::Hosts, Self::Users, Self::Addresses];

    /// Its name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Users => "users",
            Self::Addresses => "addresses",
        }
    }
}

/// What each label stands for: for whoever may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Labels {
    /// Always `casewire-labels`.
    pub schema: &'static str,
    /// Version of this form.
    pub schema_version: &'static str,
    /// For each label, the spellings that it replaces.
    pub labels: BTreeMap<String, Vec<String>>,
}

/// The report with labels in place of what `sorts` name, and what they stand for.
///
/// # Errors
/// None that a report can cause; the signature is serde's.
pub fn redact(report: &Report, sorts: &[Sort]) -> Result<(Report, Labels), serde_json::Error> {
    let mut value = serde_json::to_value(report)?;
    let names = Names::of(&value, sorts);
    let mut replacer = Replacer::new(names, sorts);
    let files = report.evidence.iter();
    replacer.take_members(files.map(|file| (file.id.0.as_str(), file.path.as_str())));
    walk(&mut value, "", &mut |member, text| {
        *text = replacer.member(member, text);
    });
    let mut copy: Report = serde_json::from_value(value)?;
    let labels = replacer.labels();
    copy.notes.insert(0, told(sorts, &labels, replacer.left()));
    let labels = Labels {
        schema: "casewire-labels",
        schema_version: "1.0.0",
        labels,
    };
    Ok((copy, labels))
}

/// What the copy says of itself.
fn told(sorts: &[Sort], labels: &BTreeMap<String, Vec<String>>, left: usize) -> String {
    let words: Vec<&str> = Sort::ALL
        .into_iter()
        .filter(|sort| sorts.contains(sort))
        .map(Sort::word)
        .collect();
    let left = match left {
        0 => String::new(),
        n => format!(
            " Of the names, {n} may mean something else in these sentences, and {} replaced only where {} as a name.",
            if n == 1 { "is" } else { "are" },
            if n == 1 { "it stands" } else { "they stand" },
        ),
    };
    format!(
        "REDACTED COPY: {} are replaced by {} labels, the same label for the same thing throughout; \
         commands and file names hold labels too. report.json of the case holds the originals.{left}",
        words.join(", "),
        labels.len()
    )
}

/// Members that say nothing of anybody: the words, numbers and references that a report is made of.
const KEPT: [&str; 44] = [
    "schema",
    "schema_version",
    "tool",
    "case",
    "sha256",
    "config_sha256",
    "profile",
    "time_zone",
    "id",
    "short_id",
    "evidence",
    "archive",
    "kind",
    "status",
    "verdict",
    "severity",
    "tier",
    "level",
    "role",
    "weight",
    "mode",
    "start",
    "end",
    "time",
    "recorded_time",
    "first_time",
    "last_time",
    "analytic",
    "also_satisfies",
    "attack",
    "changed",
    "gaps",
    "columns",
    "channel",
    "provider",
    "days",
    "until",
    "window",
    "outcome",
    "conn_state",
    "transport",
    "direction",
    "action",
    "layer",
];

/// Shows each text of a report to `each`, those of `KEPT` members left out, in one order always.
fn walk(value: &mut Value, member: &str, each: &mut impl FnMut(&str, &mut String)) {
    match value {
        // `FS01 (nxlog)`: a host, and the form by which its times are known to be local.
        Value::String(text) if member == "unknown_zones" => {
            if let Some((host, form)) = text.rsplit_once(" (") {
                let mut host = host.to_owned();
                each("host", &mut host);
                *text = format!("{host} ({form}");
            }
        }
        Value::String(text) if !KEPT.contains(&member) => each(member, text),
        // `E1!FS01-Security.xml`: a number, and the name of a member.
        Value::String(text) => {
            if let Some((number, name)) = text.split_once('!') {
                let mut name = name.to_owned();
                each(member, &mut name);
                *text = format!("{number}!{name}");
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| walk(one, member, each)),
        Value::Object(members) => {
            for (name, one) in members.iter_mut() {
                // `evidence` is a reference in most places, and the list of files at the top.
                let structure =
                    KEPT.contains(&name.as_str()) && !one.is_array() && !one.is_object();
                let whole = matches!(name.as_str(), "tool" | "case" | "analytic" | "attack");
                let member = one.as_str().is_some_and(|text| text.contains('!'));
                if !whole && (!structure || member) {
                    walk(one, name, each);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
