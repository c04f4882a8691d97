//! Which need of which analytic is met on which host, what that makes of "nothing found", and what
//! to collect next.

use super::gaps::{Gap, GapKind, Search};
use super::whole::{Whole, whole};
use super::wishes::Wishes;
use super::{CoverageRow, HostRow, Incident, Judgeable, Met, Verdict, VerdictRow};
use crate::analytics::about::{About, Need, Source};
use crate::context::activity::INACTIVE_AFTER;
use crate::context::coverage::{Interval, Log, Seen};
use crate::context::{Context, HostId};
use crate::model::{EvidenceId, Span, Timestamp};
use std::collections::BTreeMap;

/// The row for all hosts that no log names.
pub const UNNAMED: &str = "others";
/// Silences of a capture named in one verdict; of more, that there are some.
const SILENCES: usize = 2;

/// The coverage of every analytic on every host, and the verdicts.
pub struct Judged {
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// Rows by analytic, host, need.
    pub coverage: Vec<CoverageRow>,
    /// One row an analytic and host.
    pub verdicts: Vec<VerdictRow>,
    /// What to collect next, most useful first.
    pub advice: Vec<String>,
}

/// What an analytic had to let go of at its bounds, in words; by the analytic's id.
pub type LetGo = BTreeMap<&'static str, String>;

/// Holds the analytics' needs against the evidence, and against what they had to let go of.
pub fn judge(
    abouts: &[&'static About],
    hosts: &[HostRow],
    incidents: &[Incident],
    search: &Search<'_>,
    let_go: &LetGo,
) -> Judged {
    let context = search.context;
    let mut places: Vec<(String, Option<HostId>)> = hosts
        .iter()
        .map(|h| (h.label(), context.identity.named(&h.name)))
        .collect();
    let known: Vec<(String, HostId)> = places
        .iter()
        .filter_map(|(label, id)| Some((label.clone(), (*id)?)))
        .collect();
    let mut judged = Judged {
        gaps: search.gaps(&known),
        coverage: Vec::new(),
        verdicts: Vec::new(),
        advice: Vec::new(),
    };
    let about_host = by_host(&judged.gaps);
    let mut wishes = Wishes::default();
    if !context.coverage.captures().is_empty() {
        places.push((UNNAMED.to_owned(), None));
    }
    for about in abouts {
        for (label, id) in &places {
            let gaps = Gaps::of(*id, &judged.gaps, &about_host);
            let rows: Vec<CoverageRow> = about
                .needs
                .iter()
                .map(|need| row(about, need, label, *id, search, &gaps))
                .collect();
            let found = incidents.iter().any(|i| {
                i.finding.analytic == about.id || i.finding.also_satisfies.contains(&about.id)
            } && is_about(i, label, *id, hosts));
            let mut verdict = verdict(about, label, found, &rows, &judged.gaps);
            if let Some(what) = let_go.get(about.id) {
                verdict.lessened(what);
            }
            if id.is_some() {
                wishes.add(about, label, verdict.judgeable, &rows, &judged.gaps);
            }
            judged.verdicts.push(verdict);
            judged.coverage.extend(rows);
        }
    }
    judged.advice = wishes.sentences();
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
    search: &Search<'_>,
    gaps: &Gaps<'_>,
) -> CoverageRow {
    let context = search.context;
    let mut best = CoverageRow {
        analytic: about.id,
        host: label.to_owned(),
        needs: need.name.to_owned(),
        status: Met::Absent,
        evidence: Vec::new(),
        start: None,
        end: None,
        note: String::new(),
        gaps: Vec::new(),
    };
    for source in need.from {
        let held = match source {
            Source::Packets => packets(id, context),
            Source::Frames => frames(id, context),
            Source::History(span) => history(*span, context),
            Source::Outcomes => id.map_or_else(Held::absent, |id| outcomes(id, search)),
            Source::Events(log, ids) => {
                id.map_or_else(Held::absent, |id| events(id, *log, ids, search))
            }
        };
        let (held, taken) = lessened(held, source, id, gaps);
        // What cannot be told is more than what is not there.
        let rank = |status| match status {
            Met::Seen => 0,
            Met::Present => 1,
            Met::Partial => 2,
            Met::Unknown => 3,
            Met::Absent => 4,
        };
        if rank(held.status) < rank(best.status) {
            best.note = held.note;
            best.status = held.status;
            best.evidence = held.evidence;
            best.start = held.from;
            best.end = held.to;
            best.gaps = taken;
        } else if best.status == Met::Absent {
            if best.note.is_empty() {
                best.note = held.note;
            }
            best.gaps.extend(taken);
        }
    }
    best.gaps.sort_unstable();
    best.gaps.dedup();
    best
}

/// The gaps that may take from one host: those about it, and those about no host.
struct Gaps<'a> {
    all: &'a [Gap],
    near: Vec<usize>,
}

/// The places of the gaps in their list, by the host they are about.
fn by_host(gaps: &[Gap]) -> BTreeMap<Option<HostId>, Vec<usize>> {
    let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, gap) in gaps.iter().enumerate() {
        places.entry(gap.lessens.host()).or_default().push(at);
    }
    places
}

impl<'a> Gaps<'a> {
    fn of(
        id: Option<HostId>,
        all: &'a [Gap],
        by_host: &BTreeMap<Option<HostId>, Vec<usize>>,
    ) -> Self {
        let own = id.and_then(|id| by_host.get(&Some(id)));
        let shared = by_host.get(&None);
        let near = own.into_iter().chain(shared).flatten().copied();
        let mut near: Vec<usize> = near.collect();
        near.sort_unstable();
        Self { all, near }
    }
}

/// What is held of a source after the gaps have taken from it, and which of them did.
fn lessened(
    held: Held,
    source: &Source,
    id: Option<HostId>,
    gaps: &Gaps<'_>,
) -> (Held, Vec<usize>) {
    let taking: Vec<usize> = gaps
        .near
        .iter()
        .copied()
        .filter(|at| gaps.all[*at].takes_from(source, id))
        .collect();
    let whole = taking.iter().any(|at| gaps.all[*at].whole);
    let held = match held.status {
        // It is there, but not for the window.
        Met::Seen | Met::Present | Met::Partial if whole => Held {
            note: held.note,
            ..Held::absent()
        },
        Met::Seen | Met::Present if !taking.is_empty() => Held {
            status: Met::Partial,
            ..held
        },
        _ => held,
    };
    (held, taking)
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
        return Held::absent();
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

/// As [`packets`], as far as they could hold a magic packet.
fn frames(id: Option<HostId>, context: &Context) -> Held {
    let held = packets(id, context);
    match whole(context.coverage.sensors()) {
        Whole::Nothing(note) => Held {
            note,
            ..Held::absent()
        },
        Whole::Part(note) if held.status == Met::Seen => Held {
            status: Met::Partial,
            note,
            ..held
        },
        _ => held,
    }
}

/// How far back it is known who showed signs of life.
fn history(wanted: Span, context: &Context) -> Held {
    let ends = [
        context.coverage.last_record(),
        context.coverage.capture_end(),
    ];
    let Some(end) = ends.into_iter().flatten().max() else {
        return Held::absent();
    };
    // As XDR-FC asks: who is inactive is told by a day without a gap, what is usual by days that need
    // not follow each other. A capture of years ago is no history of this one.
    let known = if wanted <= INACTIVE_AFTER {
        context.activity.listening(end)
    } else {
        context.activity.heard_for(end)
    };
    let days = context.baseline.imported_days.len() as i64;
    let enough = known >= wanted || Span::seconds(days.saturating_mul(86_400)) >= wanted;
    Held {
        status: if enough { Met::Seen } else { Met::Partial },
        from: Some(end.shifted(known.negated())),
        to: Some(end),
        note: if enough {
            String::new()
        } else {
            match known {
                Span::ZERO => "nothing here tells who was alive before".to_owned(),
                known => format!("signs of life are known of {}", known.roughly()),
            }
        },
        ..Held::absent()
    }
}

fn events(id: HostId, log: Log, ids: &[u32], search: &Search<'_>) -> Held {
    let context = search.context;
    let mut held = Held::absent();
    let seen = ids
        .iter()
        .filter_map(|event| context.coverage.seen(id, log, *event));
    // What was logged before goes on being logged until a record says otherwise. What is logged only later
    // says nothing of the time that is judged: auditing may have been switched on in between.
    let (soon, later): (Vec<&Seen>, Vec<&Seen>) =
        seen.partition(|seen| search.may_begin(id, seen.interval.from));
    let later = later
        .iter()
        .map(|seen| seen.interval)
        .reduce(Interval::hull);
    for seen in soon {
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
            held.note = match (held.status, later) {
                (Met::Partial, Some(at)) => format!(
                    "the {name} log holds events of this kind from {} {} on alone, after the time that is judged: \
                     not logged before, or none happened",
                    at.from.date(),
                    at.from.clock(0)
                ),
                (Met::Partial, None) => format!(
                    "the {name} log is there, but holds no event of this kind: not logged, or none happened"
                ),
                _ => String::new(),
            };
        }
        (_, None) if context.coverage.channels(id).next().is_some() => {
            held.note = format!("no {name} log of this host was given");
        }
        // That no log at all was given is a gap of its own.
        (_, None) => {}
    }
    held
}

/// What Sysmon 3 tells of attempts that came to nothing.
fn outcomes(id: HostId, search: &Search<'_>) -> Held {
    let context = search.context;
    let held = events(id, Log::Sysmon, &[3], search);
    if held.status != Met::Seen {
        return held;
    }
    if context.coverage.tells_outcomes(id) {
        let note = "Sysmon 3 tells that an attempt failed only between other connections of the same program to \
                    the same port: what Sysmon is configured to log is seen only there";
        return Held {
            status: Met::Partial,
            note: note.to_owned(),
            ..held
        };
    }
    let note = "Sysmon 3 of this host tells of no failure: its records of one program and port lie too far apart, \
                or the form they are in cannot show that none is missing";
    Held {
        note: note.to_owned(),
        ..Held::absent()
    }
}

impl VerdictRow {
    /// Not all of the evidence was held against the analytic: what it let go of could have been of any
    /// host, so "nothing" is said of no host without it.
    fn lessened(&mut self, what: &str) {
        if self.judgeable == Judgeable::Not {
            return;
        }
        self.judgeable = Judgeable::Partly;
        if self.verdict == Verdict::Quiet {
            self.verdict = Verdict::Partly;
        }
        if !self.words.is_empty() {
            self.words.push_str("; ");
        }
        self.words.push_str(what);
    }
}

fn verdict(
    about: &About,
    label: &str,
    found: bool,
    rows: &[CoverageRow],
    gaps: &[Gap],
) -> VerdictRow {
    let met = |row: &CoverageRow| matches!(row.status, Met::Seen | Met::Present);
    let is_blind = |need: &Need, row: &CoverageRow| {
        need.essential && matches!(row.status, Met::Absent | Met::Unknown)
    };
    let lacking = about.needs.iter().zip(rows).filter(|(_, row)| !met(row));
    // What nothing can be found without is said before what would only show more.
    let (blinding, lessening): (Vec<_>, Vec<_>) =
        lacking.partition(|(need, row)| is_blind(need, row));
    let blind = told_once(blinding.iter().map(|(_, row)| match why(row, gaps) {
        why if why.is_empty() => format!("{} is not in this evidence", row.needs),
        why => why,
    }));
    // Several needs may lack the same: it is said once.
    let mut short: Vec<(Vec<&str>, String)> = Vec::new();
    for (_, row) in blinding.iter().chain(&lessening) {
        let why = why(row, gaps);
        match short
            .last_mut()
            .filter(|(_, held)| !why.is_empty() && *held == why)
        {
            Some((needs, _)) => needs.push(&row.needs),
            None => short.push((vec![&row.needs], why)),
        }
    }
    let short = short.iter().map(|(needs, why)| match why.as_str() {
        "" => needs.join(", "),
        why => format!("{}: {why}", needs.join(" and ")),
    });
    let short: Vec<String> = short.collect();
    let judgeable = if !blinding.is_empty() {
        Judgeable::Not
    } else if lessening.is_empty() {
        Judgeable::Fully
    } else {
        Judgeable::Partly
    };
    let verdict = match judgeable {
        _ if found => Verdict::Found,
        Judgeable::Fully => Verdict::Quiet,
        Judgeable::Partly => Verdict::Partly,
        Judgeable::Not => Verdict::Blind,
    };
    VerdictRow {
        analytic: about.id,
        host: label.to_owned(),
        verdict,
        judgeable,
        words: short.join("; "),
        blind,
    }
}

/// Each of them once, in the order of the first.
fn told_once(causes: impl Iterator<Item = String>) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in causes {
        if !told.contains(&cause) {
            told.push(cause);
        }
    }
    told.join("; ")
}

/// Why a need is not met, or not all of it: what is known of the source, and the gaps that take from it.
fn why(row: &CoverageRow, gaps: &[Gap]) -> String {
    let told = || row.gaps.iter().filter_map(|at| gaps.get(*at));
    let silent = |gap: &&Gap| gap.kind == GapKind::CaptureSilence;
    // A capture in many pieces is silent in between, and Gaps has them one by one.
    let many = told().filter(silent).count() > SILENCES;
    let each = told().filter(|gap| !(many && silent(gap)));
    let mut why: Vec<&str> = each.map(|gap| gap.what.as_str()).collect();
    if many {
        why.push("no packets in several stretches of time (see Gaps)");
    }
    if !row.note.is_empty() {
        why.insert(0, &row.note);
    }
    why.join(", ")
}
