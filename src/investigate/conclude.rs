//! From what was read and found to the case.

use super::{Error, Request, beyond, clocks, hosts};
use crate::analytics::about::{About, Described};
use crate::analytics::register::Entry;
use crate::capture::attempts::AttemptSummary;
use crate::case::gaps::{Search, Window};
use crate::case::{
    Case, Clock, EvidenceRow, HostRow, Parameters, chains, conflict, incident, judged, merging,
    suppression, tunnelled,
};
use crate::context::Context;
use crate::context::coverage::Interval;
use crate::context::identity::{KnownBy, Orientation};
use crate::evidence::{EvidenceFile, Kind, Problem, ProblemKind, Problems, Weight};
use crate::model::hex::hex;
use crate::model::provenance::Item;
use crate::model::{EvidenceId, Provenance, Timestamp};
use crate::reading::{Content, FileReport};
use crate::replay::Outcome;
use crate::replay::attribute::Account;
use std::collections::{BTreeMap, BTreeSet};

/// Everything learnt by reading, beside the stream itself.
pub(super) struct Read {
    pub files: Vec<EvidenceFile>,
    pub reports: BTreeMap<EvidenceId, FileReport>,
    pub problems: Problems,
    pub attempts: AttemptSummary,
    pub context: Context,
    /// What came of tying attempts to processes.
    pub attributed: Account,
}

/// Addresses of one host that a report lists.
const ADDRESSES: usize = 64;

impl Read {
    /// The case.
    ///
    /// # Errors
    /// `Error::Changed` if a file changed while it was read: then there is nothing to report.
    pub fn conclude(
        &mut self,
        request: &Request,
        entries: &[Box<dyn Entry>],
        outcomes: Vec<Outcome>,
    ) -> Result<Case, Error> {
        if let Some((id, _)) = self
            .reports
            .iter()
            .find(|(_, r)| r.custody.as_ref().is_some_and(|c| c.changed))
        {
            let path = self
                .files
                .iter()
                .find(|f| f.id == *id)
                .map(|f| f.path.display().to_string());
            return Err(Error::Changed(format!(
                "{} changed while it was read, so no report is made; work on a copy",
                path.unwrap_or_else(|| self.context.labels.file(*id).into_owned())
            )));
        }
        let mut pressing = self.contradictions();
        if request.from.is_none() && request.to.is_none() {
            pressing.extend(beyond::note(&self.context));
        }
        let mut case = Case {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("CASEWIRE_COMMIT")
                .unwrap_or_default()
                .to_owned(),
            number: request.case.clone().or(request.config.case.clone()),
            examiner: request.examiner.clone().or(request.config.examiner.clone()),
            parameters: Parameters {
                from: request.from,
                to: request.to,
                max_skew: request.max_skew,
                clock: request.clock.clone(),
                hosts: request.stated_hosts(),
                profile: request.profile(),
                config_sha256: request.config.sha256,
                assets: request.config.assets.clone(),
                scanners: request
                    .config
                    .scanners
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                rules: request.config.rules.clone(),
                containments: request.containments.clone(),
                baselines: request.background.baselines(),
                known_hosts: request.background.lists(),
                analytics: entries
                    .iter()
                    .map(|e| Described {
                        about: *e.about(),
                        settings: e.settings(),
                    })
                    .collect(),
            },
            labels: self.context.labels.clone(),
            evidence: self.evidence_rows(),
            hosts: self.host_rows(),
            conflicts: conflict::rows(&self.context.identity),
            pressing: pressing.len(),
            notes: pressing.into_iter().chain(self.notes(request)).collect(),
            unknown_zones: self.context.clocks.of_unknown_zone(&self.context.identity),
            ..Case::default()
        };
        self.context_limits();
        let ran: Vec<&str> = outcomes.iter().map(|o| o.analytic).collect();
        let (mut findings, mut let_go) = (Vec::new(), judged::LetGo::new());
        for outcome in outcomes {
            if let Some(what) = self.limits(&outcome) {
                let_go.insert(outcome.analytic, what);
            }
            findings.extend(outcome.found.findings);
            case.near_misses.extend(outcome.found.near_misses);
        }
        // What came close on the way to a finding is no near miss.
        let told: BTreeSet<Provenance> = findings
            .iter()
            .flat_map(|f| f.steps.iter().map(|s| s.event.provenance))
            .collect();
        case.near_misses
            .retain(|m| m.references.first().is_none_or(|r| !told.contains(r)));
        case.near_misses
            .sort_by(|a, b| (a.missing, a.time, a).cmp(&(b.missing, b.time, b)));
        let identity = &self.context.identity;
        let mut findings = merging::merge(findings);
        tunnelled::note(&mut findings);
        let scanners = &request.config.scanners;
        suppression::known_scanners(&mut findings, scanners, &self.context.assets, identity);
        case.incidents = incident::number(findings, &case.evidence);
        // Without analytics there was nothing to match: a timeline or an inventory says nothing of
        // rules.
        if !ran.is_empty() {
            let rules = &request.config.rules;
            case.rules = suppression::apply(rules, &mut case.incidents, identity, &ran);
            case.notes.extend(
                case.rules
                    .iter()
                    .flat_map(|row| row.remarks.iter().cloned()),
            );
        }
        chains::link(&mut case.incidents, &self.context);
        let abouts: Vec<&'static About> = entries.iter().map(|e| e.about()).collect();
        let judged = judged::judge(
            &abouts,
            &case.hosts,
            &case.incidents,
            &self.search(request),
            &let_go,
        );
        (case.coverage, case.verdicts, case.advice) =
            (judged.coverage, judged.verdicts, judged.advice);
        case.gaps = judged.gaps;
        let tied = self.attribution();
        case.notes.extend(tied);
        case.problems = self.problems.iter().cloned().collect();
        for row in &case.evidence {
            match row.unit {
                Item::Packet => case.totals.packets += row.units_read,
                Item::Record | Item::Line => case.totals.records += row.units_read,
            }
        }
        case.span = self.span(&case.evidence);
        Ok(case)
    }

    /// First and last moment of the evidence, by the clocks as corrected; as recorded where no capture
    /// and no host is known.
    fn span(&self, evidence: &[EvidenceRow]) -> Option<(Timestamp, Timestamp)> {
        let coverage = &self.context.coverage;
        let hosts = self.context.identity.hosts().iter();
        let hosts = hosts.filter_map(|host| self.context.identity.named(&host.name));
        let logs = hosts.filter_map(|id| coverage.history(id));
        let captures = coverage.captures().iter().map(|(_, interval)| *interval);
        if let Some(all) = logs.chain(captures).reduce(Interval::hull) {
            return Some((all.from, all.to));
        }
        let times = || evidence.iter().flat_map(|e| [e.first_time, e.last_time]);
        let first = times().flatten().min();
        first.zip(times().flatten().max())
    }

    /// Where gaps are looked for.
    fn search(&self, request: &Request) -> Search<'_> {
        Search {
            context: &self.context,
            attempts: &self.attempts,
            attributed: &self.attributed,
            asked: Window {
                from: request.from,
                to: request.to,
            },
            silence: request.silence,
            unread: self
                .files
                .iter()
                .any(|file| matches!(file.kind, Kind::Unread(unread, _) if unread.is_capture())),
            capture_given: self.files.iter().any(|file| file.kind.is_capture()),
        }
    }

    fn host_rows(&self) -> Vec<HostRow> {
        let mut rows = Vec::new();
        for host in self.context.identity.hosts() {
            if host.known_by == KnownBy::Packets {
                continue;
            }
            let Some(id) = self.context.identity.named(&host.name) else {
                continue;
            };
            let evidence: BTreeSet<EvidenceId> = self
                .reports
                .iter()
                .filter(|(_, report)| match &report.content {
                    Content::Log(summary) => summary
                        .computers()
                        .iter()
                        .any(|c| self.context.identity.named(c) == Some(id)),
                    _ => false,
                })
                .map(|(file, _)| *file)
                .collect();
            rows.push(HostRow {
                name: host.name.clone(),
                addresses: host.addresses.iter().copied().take(ADDRESSES).collect(),
                evidence: evidence.into_iter().collect(),
                clock: {
                    let report = self.context.clocks.report(id, &self.context.identity);
                    // Records that show a zone are no connections that measure a clock.
                    let connections = if report.only_zone { 0 } else { report.anchors };
                    Clock {
                        offset: report.offset,
                        last: report.last(self.context.clocks.assumed_error),
                        uncertainty: Some(report.uncertainty),
                        method: report.method,
                        anchors: connections,
                    }
                },
            });
        }
        rows
    }

    /// Records that two files hold under one number and that differ.
    fn contradictions(&self) -> Vec<String> {
        let kind = |problem: &&Problem| problem.kind == ProblemKind::Contradiction;
        let problems = self.problems.iter().filter(kind);
        problems
            .map(|problem| {
                let file = problem.evidence.map(|id| self.context.labels.file(id));
                format!(
                    "{}: {} {}; {}",
                    file.unwrap_or_default(),
                    problem.count,
                    problem.message,
                    problem.effect
                )
            })
            .collect()
    }

    /// Facts a reader of the report must know.
    fn notes(&self, request: &Request) -> Vec<String> {
        let mut notes = Vec::new();
        if request.from.is_some() || request.to.is_some() {
            notes.push(
                "only events inside --from and --to were replayed: \"first\" and \"closed before\" look no \
                 further back"
                    .to_owned(),
            );
        }
        if self.attempts.duplicates > 0 {
            let (count, were) = match self.attempts.duplicates {
                1 => ("1 packet was a copy".to_owned(), "was"),
                more => (format!("{more} packets were copies"), "were"),
            };
            notes.push(format!(
                "{count} of another packet (two sensors, a mirror port, or seen on both sides of a router) and {were} \
                 counted once"
            ));
        }
        let homeless = self.context.identity.hosts().iter();
        let homeless = homeless.filter(|host| host.addresses.is_empty());
        notes.extend(hosts::together(homeless.map(|host| &host.name), |hosts| {
            format!(
                "{hosts}: no record names an address, so logs and packets could not be brought together (say which \
                 with --host NAME=ADDR)"
            )
        }));
        for host in self.context.identity.hosts() {
            if host.orientation == Orientation::ReceiverFirst {
                notes.push(format!(
                    "{}: inbound 5156 and 5157 rows name the receiver first ({} rows show it, {} the other order); \
                     read accordingly",
                    hosts::called(&host.name), host.votes.receiver_first, host.votes.packet_order
                ));
            }
        }
        let rests_on = request.background.rests_on();
        for (id, report) in &self.reports {
            let hash = report.custody.as_ref().and_then(|c| c.sha256);
            let hash = hash.map_or_else(String::new, |hash| hex(&hash));
            if let Some(name) = rests_on.get(hash.as_str()) {
                notes.push(format!(
                    "{} is also part of the baseline {name}: what it holds counts twice as usual; leave one of \
                     them out",
                    self.context.labels.file(*id)
                ));
            }
        }
        let span = self.span(&self.evidence_rows());
        notes.extend(request.background.notes(span.map(|(_, end)| end)));
        let limits = &self.context;
        if limits.activity.forgotten + limits.baseline.left_out + limits.contacts.left_out > 0 {
            notes.push(format!(
                "more addresses, programs or contacts than are remembered: {} signs of life, {} entries of the \
                 baseline and {} contacts were left out of what counts as usual",
                limits.activity.forgotten, limits.baseline.left_out, limits.contacts.left_out
            ));
        }
        if limits.sweeps.left_out {
            notes.push(
                "more sources tried ports in vain than are remembered: whether one tried the same ports of other \
                 hosts is not known of all"
                    .to_owned(),
            );
        }
        if limits.outages.left_out > 0 {
            notes.push(format!(
                "{} contacts more than are remembered by minute: which hosts lost the network together is not known \
                 in full",
                limits.outages.left_out
            ));
        }
        notes.extend(hosts::notes(&self.context.identity));
        notes.extend(clocks::notes(&self.context));
        notes
    }

    /// What is known of hosts and processes is bounded; what was left out becomes a problem.
    fn context_limits(&mut self) {
        let (processes, identity) = (&self.context.processes, &self.context.identity);
        let clocks = &self.context.clocks;
        let counts = [
            (
                processes.forgotten,
                "starts and ends of processes, and starts of the system, beyond those kept",
                "a record may not be joined to its process",
            ),
            (
                processes.command_lines_forgotten,
                "command lines of processes beyond those kept",
                "a process may be told without its command line",
            ),
            (
                identity.left_out,
                "claims about addresses, rows of firewall logs, announcements of devices, or conflicts, beyond those kept",
                "an address may be taken for nobody's, a conflict or a late wake-up may not be told",
            ),
            (
                clocks.steps_left_out,
                "changes of clocks beyond those kept, the largest of each host",
                "a clock may be told as drifting where it was set",
            ),
        ];
        for (count, what, effect) in counts {
            if count > 0 {
                self.problems.add(Problem {
                    evidence: None,
                    kind: ProblemKind::Limit,
                    weight: Weight::Note,
                    count,
                    first_offset: None,
                    message: what.to_owned(),
                    effect: effect.to_owned(),
                });
            }
        }
    }

    /// What an analytic had to let go of becomes a problem of the run; in words if a finding could be
    /// among it.
    fn limits(&mut self, outcome: &Outcome) -> Option<String> {
        let found = &outcome.found;
        let missed = "a finding that needed them could be missed";
        let counts = [
            (
                found.forgotten,
                "hosts whose history was forgotten early because too many were seen at once",
                missed,
            ),
            (
                found.dropped,
                "touches, changes or connections beyond the bound of a host were left out",
                missed,
            ),
            (
                found.findings_left_out,
                "findings beyond those kept, none of them more severe than those",
                "they are not in the report; narrow the time with --from and --to to see them",
            ),
        ];
        let near_misses = (
            found.near_misses_left_out,
            "near misses beyond those kept",
            "they are not in the report; no finding needed them",
        );
        for (count, what, effect) in counts.into_iter().chain([near_misses]) {
            if count > 0 {
                self.problems.add(Problem {
                    evidence: None,
                    kind: ProblemKind::Limit,
                    weight: Weight::Note,
                    count,
                    first_offset: None,
                    message: format!("{}: {what}", outcome.analytic),
                    effect: effect.to_owned(),
                });
            }
        }
        let let_go = counts.iter().filter(|(count, ..)| *count > 0);
        let words: Vec<String> = let_go
            .map(|(count, what, _)| format!("{count} {what}"))
            .collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}
