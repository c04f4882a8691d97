//! All evidence read at once: captures on one side, event logs on the other, both into sorted
//! spools, with what the context is built from collected on the way.
//!
//! Every file is opened once and hashed in the same pass. Nothing here judges anything.

mod captures;
mod connections;
mod duplicates;
mod logs;
mod records;
mod tap;
mod twins;

use crate::capture::CaptureSummary;
use crate::capture::attempts::AttemptSummary;
use crate::context::Assets;
use crate::context::activity::ActivityBuilder;
use crate::context::baseline::BaselineBuilder;
use crate::context::clocks::AnchorBuilder;
use crate::context::contacts::ContactsBuilder;
use crate::context::coverage::CoverageBuilder;
use crate::context::identity::IdentityBuilder;
use crate::context::outages::OutagesBuilder;
use crate::context::processes::ProcessesBuilder;
use crate::context::sweeps::Sweeps;
use crate::eventlog::LogSummary;
use crate::evidence::{
    Custody, EvidenceFile, Kind, Problem, ProblemKind, Problems, Progress, Weight,
};
use crate::model::neighbour::Neighbour;
use crate::model::{Event, EvidenceId, Text, Timed, Timestamp, What};
use crate::stream::{Spool, SpoolError, Spooled};
use std::collections::{BTreeMap, BTreeSet};

/// Names of computers whose logs are related to anything. A name is what a record says, and a
/// forged log may say another in each; records of further names are passed on and counted.
const COMPUTERS: usize = 8_192;

/// How to read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hash every file.
    pub hash: bool,
    /// Bytes of events to hold in memory before they spill to a temporary folder.
    pub memory: usize,
    /// What is stated of the network: which addresses are internal.
    pub assets: Assets,
    /// Only what is recorded inside counts as usual; `None` for everything.
    pub counted: Option<(Timestamp, Timestamp)>,
}

/// What a file held.
#[derive(Clone, Debug)]
pub enum Content {
    /// A capture.
    Capture(CaptureSummary),
    /// An event log.
    Log(LogSummary),
    /// Nothing casewire reads.
    Other,
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// Hash and size; `None` if it could not be opened.
    pub custody: Option<Custody>,
    /// What it held.
    pub content: Content,
}

/// All that was read.
#[derive(Default)]
pub struct Gathered {
    /// The events.
    pub events: Spooled,
    /// What hosts say about themselves.
    pub identity: IdentityBuilder,
    /// What ties clocks together.
    pub anchors: AnchorBuilder,
    /// What the evidence covers.
    pub coverage: CoverageBuilder,
    /// What hosts usually do.
    pub baseline: BaselineBuilder,
    /// Who showed signs of life.
    pub activity: ActivityBuilder,
    /// Who reached for whom.
    pub contacts: ContactsBuilder,
    /// Who lost the network.
    pub outages: OutagesBuilder,
    /// Who tried the same ports of many hosts.
    pub sweeps: Sweeps,
    /// Which processes ran.
    pub processes: ProcessesBuilder,
    /// Each file.
    pub files: BTreeMap<EvidenceId, FileReport>,
    /// What could not be read.
    pub problems: Problems,
    /// What the attempt machine counted.
    pub attempts: AttemptSummary,
}

impl Gathered {
    fn join(&mut self, other: Self) {
        self.events.join(other.events);
        self.identity.merge(other.identity);
        self.anchors.merge(other.anchors);
        self.coverage.merge(other.coverage);
        self.baseline.merge(other.baseline);
        self.activity.merge(other.activity);
        self.contacts.merge(other.contacts);
        self.outages.merge(other.outages);
        self.sweeps.merge(other.sweeps);
        self.processes.merge(other.processes);
        self.files.extend(other.files);
        self.problems.merge(other.problems);
    }
}

/// Where the events of one source go.
struct Collector {
    spool: Spool,
    failed: Option<SpoolError>,
    identity: IdentityBuilder,
    anchors: AnchorBuilder,
    coverage: CoverageBuilder,
    baseline: BaselineBuilder,
    activity: ActivityBuilder,
    contacts: ContactsBuilder,
    outages: OutagesBuilder,
    sweeps: Sweeps,
    counted: Option<(Timestamp, Timestamp)>,
    processes: ProcessesBuilder,
    computers: BTreeSet<Text>,
    // The computer of the last record: it follows itself in thousands.
    last: Text,
    unrelated: u64,
}

impl Collector {
    fn new(options: &Options) -> Self {
        Self {
            spool: Spool::new(options.memory),
            failed: None,
            identity: IdentityBuilder::default(),
            anchors: AnchorBuilder::default(),
            coverage: CoverageBuilder::default(),
            baseline: BaselineBuilder::new(options.assets.clone()),
            activity: ActivityBuilder::default(),
            contacts: ContactsBuilder::new(options.assets.clone()),
            outages: OutagesBuilder::new(options.assets.clone()),
            sweeps: Sweeps::default(),
            counted: options.counted,
            processes: ProcessesBuilder::default(),
            computers: BTreeSet::new(),
            last: Text::default(),
            unrelated: 0,
        }
    }

    fn take(&mut self, event: Event) {
        self.keep(event, false);
    }

    /// Takes in an event; `beside` is true for a record in local time of a host that has others.
    fn keep(&mut self, event: Event, beside: bool) {
        if self.has_room(&event) {
            self.relate(&event, beside);
        } else {
            self.unrelated += 1;
        }
        // A full disk is told once, at the end; reading on without storing would waste hours.
        if self.failed.is_none()
            && let Err(error) = self.spool.push(event)
        {
            self.failed = Some(error);
        }
    }

    /// False for a record of one computer too many.
    fn has_room(&mut self, event: &Event) -> bool {
        let What::Host(host) = &event.what else {
            return true;
        };
        if self.last == host.computer {
            return true;
        }
        if !self.computers.contains(&host.computer) {
            if self.computers.len() >= COMPUTERS {
                return false;
            }
            self.computers.insert(host.computer.clone());
        }
        self.last = host.computer.clone();
        true
    }

    /// Takes in that a claim was repeated from `from` to `to`, of which no event tells.
    fn heard(&mut self, neighbour: &Neighbour, from: Timestamp, to: Timestamp) {
        self.identity.heard(neighbour, from, to);
        self.activity.heard(neighbour, from, to);
    }

    /// Takes in what the event tells of hosts, clocks, coverage and habits.
    fn relate(&mut self, event: &Event, beside: bool) {
        self.anchors.observe(event);
        self.coverage.observe(event);
        match &event.what {
            What::Host(host) if host.timed == Timed::FirewallLog => {
                self.identity.firewall_row(host, event.time);
                return;
            }
            // What is usual, who lives and which process ran is told by the host's other records,
            // whose clock is its own.
            What::Host(_) if beside => return,
            _ => self.identity.observe(event),
        }
        let counts = |(from, to): (Timestamp, Timestamp)| from <= event.time && event.time <= to;
        self.activity.observe(event);
        self.outages.observe(event);
        self.sweeps.observe(event);
        if self.counted.is_none_or(counts) {
            self.baseline.observe(event);
            self.contacts.observe(event);
        }
        self.processes.observe(event);
    }

    fn finish(self) -> Result<Gathered, SpoolError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Gathered {
                problems: self.unrelated_computers(),
                events: self.spool.finish()?,
                identity: self.identity,
                anchors: self.anchors,
                coverage: self.coverage,
                baseline: self.baseline,
                activity: self.activity,
                contacts: self.contacts,
                outages: self.outages,
                sweeps: self.sweeps,
                processes: self.processes,
                ..Gathered::default()
            }),
        }
    }

    fn unrelated_computers(&self) -> Problems {
        let mut problems = Problems::default();
        if self.unrelated > 0 {
            problems.add(Problem {
                evidence: None,
                kind: ProblemKind::Limit,
                weight: Weight::Loss,
                count: self.unrelated,
                first_offset: None,
                message: format!("records under more than {COMPUTERS} names of computers"),
                effect:
                    "records of further computers are in the timeline, but no analytic relates them"
                        .to_owned(),
            });
        }
        problems
    }
}

/// Reads all of `files`.
///
/// Runs on the current rayon pool; what it gives does not depend on the number of threads.
///
/// # Errors
/// If the temporary folder cannot be used. Damaged evidence is no error but a problem.
pub fn gather(
    files: &[EvidenceFile],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Gathered, SpoolError> {
    let of = |wanted: fn(Kind) -> bool| files.iter().filter(move |f| wanted(f.kind));
    let captures: Vec<&EvidenceFile> = of(Kind::is_capture).collect();
    let logs: Vec<&EvidenceFile> = of(Kind::is_event_log).collect();
    let connections: Vec<&EvidenceFile> = of(Kind::is_connection_log).collect();
    let others: Vec<&EvidenceFile> =
        of(|k| !k.is_capture() && !k.is_event_log() && !k.is_connection_log()).collect();
    let mut twins = twins::Twins::default();
    let told_again = (!connections.is_empty()).then_some(&mut twins);
    let (wire, (host, rest)) = rayon::join(
        || captures::read(&captures, options, progress, told_again),
        || {
            (
                logs::read(&logs, options, progress),
                hash_only(&others, options, progress),
            )
        },
    );
    let (mut all, host) = (wire?, host?);
    if captures.is_empty() {
        // To join is to go through all of it once more.
        all = host;
    } else {
        all.join(host);
    }
    if !connections.is_empty() {
        twins.settle();
        all.join(connections::read(
            &connections,
            options,
            progress,
            &mut twins,
        )?);
    }
    all.join(rest);
    Ok(all)
}

/// Files that hold nothing casewire reads: hashed and named all the same.
fn hash_only(files: &[&EvidenceFile], options: &Options, progress: &dyn Progress) -> Gathered {
    let mut gathered = Gathered::default();
    for file in files {
        let mut problems = Problems::default();
        let custody = tap::open(file, options.hash, progress, &mut problems)
            .map(|tap| tap.finish(&mut problems));
        gathered.problems.merge(problems);
        gathered.files.insert(
            file.id,
            FileReport {
                custody,
                content: Content::Other,
            },
        );
    }
    gathered
}
