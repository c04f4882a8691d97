//! What is remembered of one host, and how it grows: relations, names, rules, new channels that
//! wait for judgement.

use super::awake::Awake;
use super::failover::is_settled;
use super::habit::Habit;
use super::habits::Subject;
use super::heard::Heard;
use super::image::{Image, Images};
use super::judge::Judged;
use super::lineage::Lineage;
use super::names::{Names, answer_of};
use super::novelty::Novelty;
use super::ordinary::{Asked, hands_out};
use super::outage::Outage;
use super::relation::{Passed, Relation, Route};
use super::relations::{RelationId, Relations};
use super::rules;
use super::settings::FallbackSettings;
use super::sight::Sight;
use super::sighting::Sighting;
use super::trouble::Trouble;
use super::waiting::{Candidates, New, Tried};
use super::who::Who;
use crate::analytics::kit::contact::{Fate, Form, contact_of};
use crate::analytics::room::tree;
use crate::context::Context;
use crate::eventlog::normalise::image::image_key;
use crate::model::host_event::HostWhat;
use crate::model::{Event, Span, Text, Timestamp, What};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Names remembered by who asked where.
const NAMES: usize = 4096;
/// Established relations watched per host.
const ESTABLISHED: usize = 512;
/// Programs whose habits are remembered.
const PROGRAMS: usize = 1024;
/// Rules and network changes remembered of each, the latest ones.
const CHANGES: usize = 128;
/// Questions for ports remembered.
const ASKED: usize = 64;

/// One host.
#[derive(Default)]
pub struct State {
    /// Relations by route.
    pub relations: Relations,
    /// Those that were established, in order of becoming so.
    established: Vec<RelationId>,
    /// Names behind addresses.
    pub names: Names,
    /// What failed by minute.
    pub outage: Outage,
    /// Who started whom.
    pub lineage: Lineage,
    /// What their files are.
    pub images: Images,
    /// Outbound block rules.
    pub rules: Vec<Event>,
    /// Changes of the network's profile.
    pub network: Vec<Event>,
    /// Questions to services that hand out ports.
    pub brokers: Vec<Asked>,
    /// What had passed over the established channels, in their order, at each stated containment.
    pub contained: Vec<Vec<Passed>>,
    /// What shows its connections.
    pub sight: Sight,
    /// When its programs were last heard where.
    pub heard: Heard,
    /// New channels that wait.
    pub waiting: Vec<Candidates>,
    /// What was judged a fallback, held until the host is closed.
    pub judged: Vec<Judged>,
    /// The first thing known of the host, and the last.
    pub begin: Option<Timestamp>,
    /// The end of what is known of the host.
    pub end: Timestamp,
    /// When the host was heard of.
    pub awake: Awake,
    /// New endpoints by process: the latest times.
    news: BTreeMap<Who, Vec<Timestamp>>,
    habits: BTreeMap<(Text, Text), Habit>,
    // Entries of all habits.
    habitual: usize,
    pub(super) next_due: Option<Timestamp>,
    // The name a program asked for last at an address and port.
    asked: BTreeMap<(Text, IpAddr, u16), Text>,
    // Programs that an installer wrote, and when.
    installed: BTreeMap<String, Timestamp>,
    // Programs that anybody else wrote: when, and who.
    written: BTreeMap<String, (Timestamp, Text)>,
}

/// Programs that install others.
const INSTALLERS: &[&str] = &[
    "msiexec.exe",
    "intunemanagementextension.exe",
    "ccmexec.exe",
    "trustedinstaller.exe",
    "tiworker.exe",
];

impl State {
    /// True if an installer wrote the program within the hour before `time`, or started it, and
    /// nothing says that it is not signed.
    pub fn fresh(&self, who: &Who, time: Timestamp) -> bool {
        let hour = |at: Timestamp| (Span::ZERO..=Span::seconds(3_600)).contains(&time.since(at));
        let started = || {
            let parent = self.lineage.parent_of(who, time)?;
            Some(INSTALLERS.contains(&parent.file_name()))
        };
        who.program.starts_with("\\program files")
            && (self
                .installed
                .get(&*who.program)
                .is_some_and(|at| hour(*at))
                || started().unwrap_or(false))
            && !self.images.of(who, time).is_some_and(Image::is_unsigned)
    }

    /// Who wrote the program within the evidence before `time`, where that was neither an installer nor
    /// a settled program, such as its own updater.
    pub fn written_by(&self, who: &Who, time: Timestamp) -> Option<&str> {
        let (at, by) = self.written.get(&*who.program)?;
        (*at <= time).then(|| by.rsplit('\\').next().unwrap_or_default())
    }

    fn file_created(&mut self, by: &Who, path: &str, at: Timestamp, dropped: &mut u64) {
        if INSTALLERS.contains(&by.file_name()) {
            if self.installed.len() < PROGRAMS {
                self.installed.insert(image_key(path), at);
            } else {
                *dropped += 1;
            }
            return;
        }
        let key = image_key(path);
        // Of other programs it would change nothing.
        if !is_settled(&key) || is_settled(&by.program) || self.written.contains_key(&key) {
            return;
        }
        if self.written.len() < PROGRAMS {
            self.written.insert(key, (at, by.program.clone()));
        } else {
            *dropped += 1;
        }
    }

    /// About how many bytes it takes, by what an entry of each kind takes by and large.
    pub fn weight(&self) -> usize {
        const EVENT: usize = 512;
        let events = self.rules.len() + self.network.len() + self.lineage.held();
        let waiting: usize = self.waiting.iter().map(|one| one.pairs.len()).sum();
        let pairs = waiting + self.judged.len();
        let names = self.asked.len()
            + self.names.held()
            + self.installed.len()
            + self.written.len()
            + self.images.held()
            + self.sight.held()
            + self.heard.held() / 2;
        self.relations.weight()
            + self.established.len() * size_of::<RelationId>()
            + events * EVENT
            + pairs * 4 * EVENT
            + names * 256
            + tree::<Who, Vec<Timestamp>>(self.news.len())
            + self.news.len() * 32
            + tree::<(Text, Text), Habit>(self.habits.len())
            + self.habits.len() * Habit::LEAST
            + self.habitual * 40
            + self.outage.weight()
            + self.awake.weight()
            + self.contained.iter().map(Vec::len).sum::<usize>() * size_of::<Passed>()
    }

    /// Forgets the older half of the relations that are neither watched nor waiting.
    pub fn lighten(&mut self, dropped: &mut u64) {
        let pairs = self.waiting.iter().flat_map(|one| &one.pairs);
        let waiting = pairs.flat_map(|pair| [&pair.new, &pair.old]);
        self.relations.forget(&self.established, waiting, dropped);
    }

    /// The relations that were established, in order of becoming so.
    pub fn established(&self) -> impl Iterator<Item = (&Route, &Relation)> {
        self.established
            .iter()
            .filter_map(|place| self.relations.at(*place))
    }

    /// True if something waits that can be judged by `now`.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_due.is_some_and(|due| due < now)
    }

    /// Takes out what can be judged by `now`.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Candidates> {
        let (due, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| waiting.due < now);
        self.waiting = rest;
        self.next_due = self.waiting.iter().map(|waiting| waiting.due).min();
        due
    }

    /// Takes in an event of the host.
    pub fn hear(
        &mut self,
        event: &Event,
        containments: &[Timestamp],
        settings: &FallbackSettings,
        context: &Context,
        dropped: &mut u64,
    ) {
        self.begin = Some(self.begin.map_or(event.time, |begin| begin.min(event.time)));
        self.end = self.end.max(event.time);
        self.awake.hear(event.time);
        while containments
            .get(self.contained.len())
            .is_some_and(|at| event.time > *at)
        {
            let passed = self.established().map(|(_, relation)| relation.passed());
            let passed = passed.collect();
            self.contained.push(passed);
        }
        if let What::Host(host) = &event.what {
            self.lineage.hear(event, dropped);
            self.images.hear(event, dropped);
            if rules::blocks_outbound(&host.what) {
                keep(&mut self.rules, event, dropped);
            }
            if let HostWhat::FileCreated { process, path } = &host.what {
                self.file_created(&Who::process(process), path, event.time, dropped);
            }
            if matches!(host.what, HostWhat::ProfileChanged { .. }) {
                keep(&mut self.network, event, dropped);
            }
        }
        if let Some(answer) = answer_of(&event.what)
            && let Some(turn) = self.names.hear(&answer, event.time, dropped)
        {
            for place in &self.established {
                if let Some(relation) = self.relations.at_mut(*place)
                    && relation.name.as_ref() == Some(&answer.name)
                {
                    let held = relation.still_wrong(event.time);
                    relation.trouble = Some(Trouble::with_name(held, event, turn));
                }
            }
        }
        let Some(contact) = contact_of(event, context) else {
            return;
        };
        if contact.form == Form::Resolution {
            return;
        }
        let address = contact.remote.address;
        // An attempt that failed asked for no name: it belongs to the name asked for before.
        let who = Who::of(&contact);
        let asked = self
            .asked
            .get(&(who.program.clone(), address, contact.remote.port));
        let known = asked.or_else(|| self.names.of(address, event.time));
        let inside = context.assets.is_internal(address);
        let Some(seen) = Sighting::of(contact, who, known, inside) else {
            return;
        };
        let seen = match self.owner_of(&seen) {
            Some(route) => seen.told_by_its_route(&route),
            None => seen,
        };
        if let Some(name) = seen.asked_directly() {
            let key = (seen.who.program.clone(), address, contact.remote.port);
            if self.asked.len() < NAMES || self.asked.contains_key(&key) {
                self.asked.insert(key, name.clone());
            } else {
                *dropped += 1;
            }
        }
        self.sight.hear(&seen, inside, dropped);
        // What the host's own firewall blocks says nothing of the network.
        let told = seen.contact.fate.failed();
        if let Some(failed) = told.filter(|_| seen.contact.fate != Fate::Blocked) {
            self.outage
                .hear(&seen.who, (address, inside), failed, seen.time());
        }
        if let Some(ended) = seen.reset() {
            self.outage.hear(&seen.who, (address, inside), true, ended);
        }
        self.contact(&seen, containments, settings, context, dropped);
    }

    /// The established channel that an attempt without a process belongs to: Sysmon does not log
    /// connections that fail. `None` if none or several programs used the same server and port.
    fn owner_of(&self, seen: &Sighting<'_>) -> Option<Route> {
        if seen.who.known() || seen.contact.fate.failed() != Some(true) {
            return None;
        }
        let remote = seen.contact.remote;
        let users = self.established().filter_map(|(route, relation)| {
            let same = route.transport == seen.contact.transport
                && route.port == remote.port
                && relation.addresses.contains(&remote.address);
            same.then_some((relation.last, route))
        });
        let (mut latest, mut one): (Option<(Timestamp, &Route)>, bool) = (None, true);
        for user in users {
            one &= latest.is_none_or(|(_, held)| held.who.same_program(&user.1.who));
            latest = latest.max(Some(user));
        }
        let (_, route) = latest.filter(|(_, route)| one && route.who.known())?;
        Some(route.clone())
    }

    fn contact(
        &mut self,
        seen: &Sighting<'_>,
        containments: &[Timestamp],
        settings: &FallbackSettings,
        context: &Context,
        dropped: &mut u64,
    ) {
        let remote = seen.contact.remote.address;
        let route = seen.route();
        // A log of what the host permitted does not tell whether it was answered.
        let permitted = seen.contact.fate == Fate::Untold && !seen.contact.on_wire();
        if hands_out(seen.contact.transport, seen.port) && (seen.worked() || permitted) {
            if self.brokers.len() == ASKED {
                self.brokers.remove(0);
            }
            self.brokers.push(Asked {
                program: seen.who.program.clone(),
                address: remote,
                port: seen.port,
                at: seen.time(),
                ended: seen.attempt().map_or(seen.time(), |attempt| attempt.ended),
            });
        }
        let known = self.relations.find(&route);
        let before = known.and_then(|place| self.relations.at(place));
        let in_vain = before
            .map(|(_, relation)| relation)
            .filter(|relation| relation.worked == 0)
            .map(|relation| (relation.first.time, relation.contacts));
        let (novel, remotes_before) = self.learn(seen, dropped);
        let place = match known {
            Some(place) => place,
            None => {
                if self.relations.are_full() {
                    self.lighten(dropped);
                }
                self.relations.add(route.clone(), Relation::begin(seen))
            }
        };
        let Some(relation) = self.relations.at_mut(place) else {
            return;
        };
        if !relation.hear(seen, settings) {
            self.heard.hear(seen, dropped);
        }
        let local = relation.local;
        if !relation.watched && relation.established(settings).is_some() {
            if self.established.len() < ESTABLISHED {
                relation.watched = true;
                self.established.push(place);
            } else {
                *dropped += 1;
            }
        }
        if known.is_none() && novel.any() {
            self.count_new(&seen.who, seen.time(), settings);
        }
        // What failed so far comes into use with the first contact that does not.
        let failed = seen.contact.fate.failed() == Some(true);
        let is_new = novel.any();
        let came = known.is_none() || in_vain.is_some() && !failed && is_new && !self.waits(&route);
        if came && is_new {
            let tried = in_vain.map(|(since, tries)| Tried {
                since,
                tries,
                first: seen.event().clone(),
            });
            let new = New {
                route,
                novel,
                remotes_before,
                local,
                tried,
            };
            self.wait(seen, new, containments, settings, context, dropped);
        }
    }

    /// What is new about a contact for its program, and how many remotes the program had. Afterwards it
    /// is a habit.
    fn learn(&mut self, seen: &Sighting<'_>, dropped: &mut u64) -> (Novelty, usize) {
        let key = (seen.who.program.clone(), seen.who.service.clone());
        if self.habits.len() >= PROGRAMS && !self.habits.contains_key(&key) {
            *dropped += 1;
            return (Novelty::default(), 0);
        }
        let habit = self.habits.entry(key).or_default();
        let (novel, remotes) = (habit.novel(seen), habit.remotes());
        self.habitual += habit.learn(seen, dropped);
        (novel, remotes)
    }

    /// Whose habits a contact of `who` was held against.
    pub fn subject(&self, who: &Who) -> Subject {
        match who.known() {
            true => Subject::Program,
            false if self.habits.keys().any(|(program, _)| !program.is_empty()) => Subject::Unnamed,
            false => Subject::Host,
        }
    }

    fn count_new(&mut self, who: &Who, time: Timestamp, settings: &FallbackSettings) {
        if self.news.len() >= PROGRAMS && !self.news.contains_key(who) {
            // The one that found something new longest ago.
            let oldest = self.news.iter().min_by_key(|(_, times)| times.last());
            if let Some(oldest) = oldest.map(|(who, _)| who.clone()) {
                self.news.remove(&oldest);
            }
        }
        let times = self.news.entry(who.clone()).or_default();
        let most = settings.max_new_endpoints as usize + 1;
        if times.len() > most {
            times.remove(0);
        }
        times.push(time);
    }

    /// New endpoints of a process in the window around `time`, as far as they are counted.
    pub fn new_endpoints(&self, who: &Who, time: Timestamp, window: Span) -> usize {
        self.news.get(who).map_or(0, |times| {
            times
                .iter()
                .filter(|at| at.since(time).abs() <= window)
                .count()
        })
    }
}

/// Keeps the latest ones: what comes next is held against these.
fn keep(events: &mut Vec<Event>, event: &Event, dropped: &mut u64) {
    if events.len() >= CHANGES {
        events.remove(0);
        *dropped += 1;
    }
    events.push(event.clone());
}
