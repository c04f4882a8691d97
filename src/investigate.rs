//! From a folder of evidence to a case, on one page.

mod attributed;
mod background;
mod beyond;
mod clocks;
mod conclude;
mod files;
mod hosts;
mod inventory;
mod unchanged;
mod unlisted;

use crate::analytics::about::{Described, Profile};
use crate::analytics::register::{self, Entry};
use crate::case::inventory::Inventory;
use crate::case::{Case, gaps};
use crate::config::Config;
use crate::context::clocks::{ClockChoice, Clocks};
use crate::context::containment::Stated;
use crate::context::{Containments, Context, is_measured};
use crate::evidence::{DiscoverError, Problems, Progress, Unpacking, Weight, discover_in};
use crate::model::{Event, Labels, Span, Timestamp};
use crate::reading::{Options, gather};
use crate::replay::attribute::Account;
use crate::replay::{attribute, replay};
use crate::stream::Merged;
pub use background::{Background, baseline, told_baseline};
use conclude::Read;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// What to do, as asked: checked for form, not yet against the register or the evidence.
#[derive(Clone, Debug)]
pub struct Request {
    /// Files and folders.
    pub evidence: Vec<PathBuf>,
    /// Ids of the analytics to run; empty for all.
    pub analytics: Vec<String>,
    /// What the settings file says.
    pub config: Config,
    /// Profile; `None` for that of the settings file, else the default.
    pub profile: Option<Profile>,
    /// Changed settings: analytic id, setting name, value as text. They win over the settings file.
    pub settings: Vec<(String, String, String)>,
    /// Earliest event wanted.
    pub from: Option<Timestamp>,
    /// Latest event wanted.
    pub to: Option<Timestamp>,
    /// Threads; `None` for as many as there are cores.
    pub threads: Option<usize>,
    /// Bytes of state to hold at most.
    pub memory: u64,
    /// Hash every file.
    pub hash: bool,
    /// Passwords to try on encrypted archives. They are not part of any report.
    pub passwords: Vec<String>,
    /// Hash every file a second time at the end, and make no report if one is not what it was.
    pub hash_again: bool,
    /// Stop at the first piece of evidence that cannot be read.
    pub strict: bool,
    /// Clock error assumed where none can be measured.
    pub max_skew: Span,
    /// Silences longer than this are told as gaps.
    pub silence: Span,
    /// How clocks are treated.
    pub clock: ClockChoice,
    /// Addresses that hosts had, beside those of the settings file.
    pub hosts: Vec<(String, IpAddr)>,
    /// When something was contained.
    pub containments: Vec<Stated>,
    /// What is known beside the evidence: baselines, lists of hosts.
    pub background: Background,
    /// Case number for the report; wins over the settings file.
    pub case: Option<String>,
    /// Examiner for the report; wins over the settings file.
    pub examiner: Option<String>,
}

impl Request {
    /// Everything about this evidence, with every default.
    pub fn of(evidence: Vec<PathBuf>) -> Self {
        Self {
            evidence,
            analytics: Vec::new(),
            config: Config::default(),
            profile: None,
            settings: Vec::new(),
            from: None,
            to: None,
            threads: None,
            memory: 64 << 20,
            hash: true,
            passwords: Vec::new(),
            hash_again: false,
            strict: false,
            max_skew: Clocks::default().assumed_error,
            silence: gaps::SILENCE,
            clock: ClockChoice::default(),
            hosts: Vec::new(),
            containments: Vec::new(),
            background: Background::default(),
            case: None,
            examiner: None,
        }
    }
}

impl Request {
    /// The profile in force.
    pub fn profile(&self) -> Profile {
        self.profile.or(self.config.profile).unwrap_or_default()
    }

    /// Addresses that hosts are said to have had. An address of the settings file that the request
    /// itself gives to a host is that host's.
    fn stated_hosts(&self) -> Vec<(String, IpAddr)> {
        let mut hosts = self.config.hosts.clone();
        hosts.retain(|(_, address)| !self.hosts.iter().any(|(_, given)| given == address));
        hosts.extend(self.hosts.iter().cloned());
        hosts
    }
}

/// Why a request could not be carried out. Damaged evidence is no error; see `Case::problems`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong: what and how to put it right.
    #[error("{0}")]
    Request(String),
    /// Asked to be strict, and some evidence could not be read.
    #[error("{0}")]
    Unreadable(String),
    /// The evidence changed while it was read.
    #[error("{0}")]
    Changed(String),
    /// The machine failed: a disk, the memory budget.
    #[error("{0}")]
    Failed(String),
}

/// The analytics with their settings, changed as asked.
///
/// # Errors
/// `Error::Request` for a setting that does not exist or is out of range.
pub fn register(settings: &[(String, String, String)]) -> Result<Vec<Described>, Error> {
    Ok(described(&chosen(&[], Profile::Default, settings)?))
}

/// The analytics with the settings that a settings file gives them.
///
/// # Errors
/// None for a file that `Config::read` took.
pub fn in_force(config: &Config) -> Result<Vec<Described>, Error> {
    let profile = config.profile.unwrap_or_default();
    Ok(described(&chosen(&[], profile, &config.settings)?))
}

fn described(entries: &[Box<dyn Entry>]) -> Vec<Described> {
    entries
        .iter()
        .map(|e| Described {
            about: *e.about(),
            settings: e.settings(),
        })
        .collect()
}

fn asked(request: &Request) -> Result<Vec<Box<dyn Entry>>, Error> {
    let settings = [&request.config.settings[..], &request.settings[..]].concat();
    chosen(&request.analytics, request.profile(), &settings)
}

fn chosen(
    ids: &[String],
    profile: Profile,
    settings: &[(String, String, String)],
) -> Result<Vec<Box<dyn Entry>>, Error> {
    let mut entries = register::all();
    for entry in &mut entries {
        entry.profile(profile);
    }
    for (id, name, value) in settings {
        let entry = entries
            .iter_mut()
            .find(|e| e.about().id.eq_ignore_ascii_case(id))
            .ok_or_else(|| {
                Error::Request(format!(
                    "no analytic called {id}; see 'casewire analytics list'"
                ))
            })?;
        entry
            .set(name, value)
            .map_err(|e| Error::Request(format!("{id}: {e}")))?;
    }
    entries
        .retain(|e| ids.is_empty() || ids.iter().any(|id| id.eq_ignore_ascii_case(e.about().id)));
    Ok(entries)
}

/// Reads the evidence, replays the analytics and returns the case.
///
/// # Errors
/// See `Error`.
pub fn investigate(request: &Request, progress: &dyn Progress) -> Result<Case, Error> {
    witnessed(request, progress, &mut |_, _| Ok(()))
}

/// As `investigate`; each event that the analytics see is shown to `witness` first, in time order.
///
/// # Errors
/// See `Error`; `Error::Failed` for an error of the witness, which ends the run.
pub fn witnessed(
    request: &Request,
    progress: &dyn Progress,
    witness: &mut (dyn FnMut(&Event, &Labels) -> std::io::Result<()> + Send),
) -> Result<Case, Error> {
    let entries = asked(request)?;
    with_threads(request, || {
        let (events, mut read) = open(request, progress, None)?;
        progress.phase("replaying");
        let mut stopped = None;
        let mut events = attribute(events, &read.context);
        let mut seen = false;
        let inside = events
            .by_ref()
            .filter(|e| e.as_ref().map_or(true, |e| within(request, e)))
            .inspect(|_| seen = true)
            .take_while(|e| {
                stopped = e
                    .as_ref()
                    .ok()
                    .and_then(|e| witness(e, &read.context.labels).err());
                stopped.is_none()
            });
        let outcomes = replay(inside, &entries, &read.context).map_err(failed)?;
        if let Some(error) = stopped {
            return Err(failed(error));
        }
        read.attributed = events.account();
        let mut case = read.conclude(request, &entries, outcomes)?;
        if !seen && (request.from.is_some() || request.to.is_some()) {
            case.notes
                .insert(case.pressing, beyond::NONE_IN_TIME.to_owned());
            case.pressing += 1;
        }
        if request.hash_again {
            progress.phase("hashing the evidence again");
            unchanged::hold(&read.files, &case.evidence, progress)?;
        }
        Ok(case)
    })
}

/// Reads the evidence and says what there is; no analytic runs.
///
/// # Errors
/// See `Error`.
pub fn inventory(request: &Request, progress: &dyn Progress) -> Result<Inventory, Error> {
    let entries = asked(request)?;
    with_threads(request, || {
        let (_, mut read) = open(request, progress, None)?;
        inventory::of(&mut read, request, &entries)
    })
}

/// Hands each event of the evidence to `each`, in time order, until it breaks.
/// Returns what was read, with its problems and with what is no event; the case has no findings.
///
/// # Errors
/// See `Error`.
pub fn events(
    request: &Request,
    progress: &dyn Progress,
    each: &mut dyn FnMut(&Event, &Labels) -> ControlFlow<()>,
) -> Result<Case, Error> {
    let (events, mut read) = with_threads(request, || open(request, progress, None))?;
    let mut events = attribute(events, &read.context);
    let mut listed = Some(unlisted::Listed::default());
    for event in events.by_ref() {
        let event = event.map_err(failed)?;
        if let Some(listed) = &mut listed {
            listed.take(&event);
        }
        if within(request, &event) && each(&event, &read.context.labels).is_break() {
            // What the rest would have shown is not known, nor which of its records go with what was shown.
            listed = None;
            break;
        }
    }
    if listed.is_some() {
        read.attributed = events.account();
    }
    let mut case = read.conclude(request, &[], Vec::new())?;
    let left_out = listed.and_then(|listed| listed.told(&read.reports));
    case.notes.extend(left_out);
    Ok(case)
}

/// Finds and reads the evidence: the stream in time order, and everything else that was learnt.
fn open(
    request: &Request,
    progress: &dyn Progress,
    counted: Option<(Timestamp, Timestamp)>,
) -> Result<(Merged, Read), Error> {
    let mut problems = Problems::default();
    let unpacking = Unpacking::with_passwords(&request.passwords);
    let files =
        discover_in(&request.evidence, unpacking, &mut problems).map_err(|error| match error {
            DiscoverError::Argument { .. } => Error::Request(error.to_string()),
            DiscoverError::Temporary(_) => failed(error),
        })?;
    // A wrong path would look like evidence in which nothing was found.
    if files.is_empty() && !problems.any_loss() {
        return Err(Error::Request(
            "what was given as evidence holds no file; check the path".to_owned(),
        ));
    }
    let labels: Labels = files.iter().map(|f| (f.id, f.label.clone())).collect();
    progress.total(files.iter().map(|f| f.size).sum());
    progress.phase("reading");
    let options = Options {
        hash: request.hash,
        memory: usize::try_from(request.memory / 2).unwrap_or(usize::MAX),
        assets: request.config.assets.clone(),
        counted,
    };
    let mut gathered = gather(&files, &options, progress).map_err(failed)?;
    gathered.problems.merge(problems);
    if let Some(loss) = gathered
        .problems
        .iter()
        .find(|p| request.strict && p.weight == Weight::Loss)
    {
        return Err(Error::Unreadable(format!(
            "{}{}; leave out --strict to go on with what can be read",
            loss.evidence
                .map(|e| format!("{}: ", labels.file(e)))
                .unwrap_or_default(),
            loss.message
        )));
    }
    let stated = request.stated_hosts();
    if !stated.is_empty() {
        let known = gathered.identity.clone().freeze();
        for (name, address) in stated {
            gathered
                .identity
                .state(&hosts::meant(&name, &known), address);
        }
    }
    // Who had which address is decided by the times as recorded first: which connection a log and a
    // capture share needs only the names. Where a clock proves wrong it is decided again.
    let identity = gathered.identity.clone().freeze();
    if let Some(name) = Clocks::unknown_names(&request.clock, &identity).first() {
        return Err(Error::Request(format!(
            "--clock: no host or more than one is called {name}; give the whole name, as 'casewire inventory' prints it"
        )));
    }
    if let Some((one, other)) = Clocks::given_twice(&request.clock, &identity) {
        return Err(Error::Request(format!(
            "--clock: {one} and {other} are the same clock, with two offsets; give one"
        )));
    }
    let containments = Containments::of(&request.containments, &identity).map_err(|name| {
        Error::Request(format!(
            "--containment: no host of this evidence or more than one is called {name}; give the whole name, as \
             'casewire inventory' prints it, or an address"
        ))
    })?;
    progress.phase("comparing clocks");
    let clocks = Clocks::measure(
        gathered.anchors.freeze(),
        &identity,
        &request.clock,
        request.max_skew,
    );
    let identity = if clocks.corrects() {
        gathered.identity.retime(
            |computer, time| {
                let id = identity.named(computer);
                id.map_or(time, |id| clocks.corrected(id, time))
            },
            |event| clocks.correct(event, &identity),
        );
        gathered.identity.freeze()
    } else {
        identity
    };
    let coverage = gathered.coverage.freeze(&identity);
    let coverage = coverage.retime(
        |host, timed, time| clocks.corrected_of(host, timed, time),
        |sensor, time| clocks.corrected_of_sensor(sensor, time),
    );
    let processes = gathered
        .processes
        .freeze(&identity, |host, time| clocks.corrected(host, time));
    let baseline = request
        .background
        .freeze(gathered.baseline, &identity)
        .retime(|host, time| clocks.corrected(host, time))
        .relate(&processes);
    let activity = gathered.activity.freeze(
        &identity,
        |host, time| clocks.corrected(host, time),
        |host| is_measured(&clocks, host),
        request.background.known(),
        &request.background.signs(&identity),
    );
    let contacts = gathered.contacts.freeze(
        &identity,
        |host, time| clocks.corrected(host, time),
        &coverage,
        &activity,
        request.background.contacts(),
    );
    let outages = gathered
        .outages
        .freeze(&identity, |host, time| clocks.corrected(host, time));
    let unknown = clocks.unknown_zones();
    let local = identity.names().flat_map(|(name, id)| {
        let of = unknown.iter().filter(move |(host, _)| *host == id);
        of.map(move |(_, timed)| (name.to_owned(), *timed))
    });
    let labels = labels.with_local(local);
    let context = Context {
        labels,
        clocks,
        coverage,
        identity,
        activity,
        contacts,
        outages,
        sweeps: gathered.sweeps,
        baseline,
        processes,
        assets: request.config.assets.clone(),
        containments,
    };
    let correct = |event: &mut Event| {
        context.clocks.correct(event, &context.identity);
        context.identity.adopt(event);
        context.identity.number_password(event);
    };
    let changes = context.clocks.corrects()
        || context.identity.adopts()
        || context.identity.numbers_passwords();
    let events = gathered
        .events
        .into_stream(changes.then_some(&correct as &dyn Fn(&mut Event)))
        .map_err(failed)?;
    Ok((
        events,
        Read {
            files,
            reports: gathered.files,
            problems: gathered.problems,
            attempts: gathered.attempts,
            context,
            attributed: Account::default(),
        },
    ))
}

fn within(request: &Request, event: &Event) -> bool {
    request.from.is_none_or(|from| event.time >= from)
        && request.to.is_none_or(|to| event.time <= to)
}

fn with_threads<T: Send>(
    request: &Request,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(request.threads.unwrap_or(0))
        .build()
        .map_err(failed)?;
    pool.install(work)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(error.to_string())
}
