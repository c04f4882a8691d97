//! Which need of which analytic is met on which host, what that makes of "nothing found", and what
//! to collect next.

use super::{CoverageRow, HostRow, Incident, Met, Verdict, VerdictRow};
use crate::analytics::about::{About, Need, Source};
use crate::context::coverage::Log;
use crate::context::{Context, HostId};
use crate::model::{EvidenceId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The row for all hosts that no log names.
pub const UNNAMED: &str = "others";

/// The coverage of every analytic on every host, and the verdicts.
pub struct Judged {
    /// Rows by analytic, host, need.
    pub coverage: Vec<CoverageRow>,
    /// One row an analytic and host.
    pub verdicts: Vec<VerdictRow>,
    /// What to collect next.
    pub advice: Vec<String>,
}

/// Holds the analytics' needs against the evidence.
pub fn judge(
    abouts: &[&'static About],
    hosts: &[HostRow],
    incidents: &[Incident],
    context: &Context,
) -> Judged {
    let mut judged = Judged {
        coverage: Vec::new(),
        verdicts: Vec::new(),
        advice: Vec::new(),
    };
    // What is lacking, by how to get it: the hosts that lack it.
    let mut lacking: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    let mut places: Vec<(String, Option<HostId>)> = hosts
        .iter()
        .map(|h| (h.label(), context.identity.named(&h.name)))
        .collect();
    if !context.coverage.captures().is_empty() {
        places.push((UNNAMED.to_owned(), None));
    }
    for about in abouts {
        for (label, id) in &places {
            let rows: Vec<CoverageRow> = about
                .needs
                .iter()
                .map(|need| row(about, need, label, *id, context))
                .collect();
            for (need, row) in about.needs.iter().zip(&rows) {
                if id.is_some() && matches!(row.status, Met::Absent | Met::Partial) {
                    lacking.entry(need.what).or_default().insert(label.clone());
                }
            }
            let found = incidents.iter().any(|i| {
                i.finding.analytic == about.id || i.finding.also_satisfies.contains(&about.id)
            } && is_about(i, label, *id, hosts));
            judged.verdicts.push(verdict(about, label, found, &rows));
            judged.coverage.extend(rows);
        }
    }
    judged.advice = lacking
        .into_iter()
        .map(|(what, hosts)| {
            let shown: Vec<&str> = hosts.iter().take(4).map(String::as_str).collect();
            let more = if hosts.len() > 4 {
                format!(" and {} more", hosts.len() - 4)
            } else {
                String::new()
            };
            format!("{}{more}: {what}", shown.join(", "))
        })
        .collect();
    judged
}

fn is_about(incident: &Incident, label: &str, id: Option<HostId>, hosts: &[HostRow]) -> bool {
    let host = &incident.finding.entities.host_name;
    match id {
        Some(_) => host.eq_ignore_ascii_case(label),
        // A host that only packets name has no row of its own.
        None => !hosts.iter().any(|h| h.label().eq_ignore_ascii_case(host)),
    }
}

fn row(
    about: &About,
    need: &Need,
    label: &str,
    id: Option<HostId>,
    context: &Context,
) -> CoverageRow {
    let mut best = CoverageRow {
        analytic: about.id,
        host: label.to_owned(),
        needs: need.name.to_owned(),
        status: Met::Absent,
        evidence: Vec::new(),
        start: None,
        end: None,
        note: String::new(),
    };
    for source in need.from {
        let held = match source {
            Source::Packets => packets(id, context),
            Source::Events(log, ids) => {
                id.map_or_else(Held::absent, |id| events(id, *log, ids, context))
            }
        };
        if held.status < best.status {
            best.note = held.note;
            best.status = held.status;
            best.evidence = held.evidence;
            best.start = held.from;
            best.end = held.to;
        } else if best.status == Met::Absent && best.note.is_empty() {
            best.note = held.note;
        }
    }
    best
}

struct Held {
    status: Met,
    evidence: Vec<EvidenceId>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    note: String,
}

impl Held {
    fn absent() -> Self {
        Self {
            status: Met::Absent,
            evidence: Vec::new(),
            from: None,
            to: None,
            note: String::new(),
        }
    }
}

fn packets(id: Option<HostId>, context: &Context) -> Held {
    let captures = context.coverage.captures();
    if captures.is_empty() {
        return Held {
            note: "no capture was given".to_owned(),
            ..Held::absent()
        };
    }
    let held = |status, note: &str| Held {
        status,
        evidence: captures.iter().map(|(id, _)| *id).collect(),
        from: context.coverage.capture_start(),
        to: context.coverage.capture_end(),
        note: note.to_owned(),
    };
    let Some(id) = id else {
        return held(Met::Seen, "");
    };
    let addresses = context
        .identity
        .host(id)
        .map(|h| h.addresses.as_slice())
        .unwrap_or_default();
    if addresses.is_empty() {
        return held(
            Met::Unknown,
            "no log names an address of this host, so its packets cannot be told",
        );
    }
    let seen: Vec<Option<bool>> = addresses
        .iter()
        .map(|a| context.coverage.on_wire(*a))
        .collect();
    if seen.contains(&Some(true)) {
        held(Met::Seen, "")
    } else if seen.contains(&None) {
        held(
            Met::Unknown,
            "too many addresses in the capture to tell whether this host is among them",
        )
    } else {
        Held {
            note: "no packet of this host's addresses was captured".to_owned(),
            ..Held::absent()
        }
    }
}

fn events(id: HostId, log: Log, ids: &[u32], context: &Context) -> Held {
    let mut held = Held::absent();
    for seen in ids
        .iter()
        .filter_map(|event| context.coverage.seen(id, log, *event))
    {
        held.status = Met::Seen;
        held.evidence.extend(seen.evidence.iter().copied());
        held.from = Some(
            held.from
                .map_or(seen.interval.from, |t| t.min(seen.interval.from)),
        );
        held.to = Some(
            held.to
                .map_or(seen.interval.to, |t| t.max(seen.interval.to)),
        );
    }
    let name = log.name();
    match (held.status, context.coverage.channel(id, log)) {
        (Met::Seen, _) => {
            held.evidence.sort_unstable();
            held.evidence.dedup();
        }
        (_, Some(channel)) => {
            // The Firewall channel is on by default, so its silence means something; the others
            // need an audit policy or a configuration that this evidence does not prove.
            held.status = if log == Log::Firewall {
                Met::Present
            } else {
                Met::Partial
            };
            held.evidence = channel.evidence.iter().copied().collect();
            held.from = Some(channel.interval.from);
            held.to = Some(channel.interval.to);
            if held.status == Met::Partial {
                held.note = format!(
                    "the {name} log is there, but holds no event of this kind: not logged, or none happened"
                );
            }
        }
        (_, None) => held.note = format!("no {name} log of this host was given"),
    }
    held
}

fn verdict(about: &About, label: &str, found: bool, rows: &[CoverageRow]) -> VerdictRow {
    let met = |row: &CoverageRow| matches!(row.status, Met::Seen | Met::Present);
    let blind = about
        .needs
        .iter()
        .zip(rows)
        .any(|(need, row)| need.essential && row.status == Met::Absent);
    let short: Vec<String> = rows
        .iter()
        .filter(|r| !met(r))
        .map(|r| {
            if r.note.is_empty() {
                r.needs.clone()
            } else {
                format!("{}: {}", r.needs, r.note)
            }
        })
        .collect();
    let verdict = if found {
        Verdict::Found
    } else if blind {
        Verdict::Blind
    } else if rows.iter().all(met) {
        Verdict::Quiet
    } else {
        Verdict::Partly
    };
    VerdictRow {
        analytic: about.id,
        host: label.to_owned(),
        verdict,
        words: short.join("; "),
    }
}
