//! Which clock is measured against which: hosts against the captures, hosts that no capture saw against hosts that are measured, Sysmon's network clock against the
//! captures or its own host.

use super::anchors::{Anchors, HostAnchors, LocalAnchors, Sensor};
use super::exact::{by_syns, by_utc};
use super::fit::grain;
use super::measure::{Measured, Undetermined, measure};
use super::sample::Sight;
use super::sensors::{align, on_one_clock};
use super::steps::{Step, distinct, stretches};
use super::{ClockChoice, ClockMode};
use crate::context::identity::{HostId, Identity};
use crate::model::{Span, Text, Timed, Timestamp};
use std::collections::BTreeMap;

/// What a clock was compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// The captures.
    Captures,
    /// Other hosts, whose clocks are measured.
    Hosts,
    /// The system clock of the same host.
    OwnSystem,
    /// The same with what its own log tells of changes taken off: nothing else measures it.
    OwnStretches,
    /// UTC, as the host's own clock has it: the zone of its times, not how wrong the clock is.
    OwnUtc,
}

/// How a clock is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Measured.
    Measured(Box<Measured>, Against),
    /// The examiner said how far it is ahead.
    Given(Span),
    /// There is no capture, and other hosts are compared with this one.
    Reference,
    /// Nobody looked: times are taken as recorded.
    AsRecorded,
    /// It could not be measured.
    Undetermined(Undetermined),
}

/// The clocks of one host.
#[derive(Clone, Debug)]
pub struct HostClock {
    /// The system clock.
    pub system: Known,
    /// Sysmon's clock of network events.
    pub network: Known,
    /// Changes of the system clock that logs tell of, in their order.
    pub steps: Vec<Step>,
    /// How its stretches lie to the last of them, where the system clock is not measured and was set back; no
    /// further apart than the examiner wants them to be.
    pub stretches: Option<Box<Measured>>,
}

impl HostClock {
    fn of(system: Known, network: Known) -> Self {
        Self {
            system,
            network,
            steps: Vec::new(),
            stretches: None,
        }
    }
}

/// What was compared.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    pub sensors: BTreeMap<Sensor, Measured>,
    pub hosts: BTreeMap<HostId, HostClock>,
    /// Hosts all of whose records are of one form with local times: that is their clock.
    pub own: BTreeMap<HostId, Timed>,
    /// Forms with local times, beside the system clock of their host.
    pub locals: BTreeMap<(HostId, Timed), Known>,
    /// The sensor that the others were compared with.
    pub reference: Option<Sensor>,
}

/// Where the examiner says how times are to be taken, changes of a clock only tell which order is known.
const NOTHING_IS_MOVED: Span = Span(i64::MAX);

/// Compares all clocks.
///
/// `assumed` is how wrong a clock is taken to be that nothing measures.
pub fn compare(
    anchors: Anchors,
    identity: &Identity,
    choice: &ClockChoice,
    assumed: Span,
) -> Compared {
    let mut given: BTreeMap<HostId, Span> = BTreeMap::new();
    let mut given_of_form: BTreeMap<(HostId, Timed), Span> = BTreeMap::new();
    for (name, offset) in &choice.given {
        match whose(name) {
            Some((name, timed)) => {
                let id = identity.called(name);
                given_of_form.extend(id.map(|id| ((id, timed), *offset)));
            }
            None => given.extend(identity.called(name).map(|id| (id, *offset))),
        }
    }
    let mut sights: BTreeMap<HostId, HostAnchors> = BTreeMap::new();
    for (computer, seen) in anchors.hosts {
        if let Some(id) = identity.named(&computer) {
            sights.entry(id).or_default().join(seen);
        }
    }
    for seen in sights.values_mut() {
        seen.steps = distinct(std::mem::take(&mut seen.steps));
    }
    let mut own = BTreeMap::new();
    let mut owned: BTreeMap<HostId, LocalAnchors> = BTreeMap::new();
    for (id, seen) in &mut sights {
        let only = seen
            .timed
            .first()
            .copied()
            .filter(|_| seen.timed.len() == 1);
        if let Some(timed) = only.filter(|timed| timed.is_local()) {
            own.insert(*id, timed);
            let mut local = seen.local.remove(&timed).unwrap_or_default();
            seen.system = std::mem::take(&mut local.sights);
            owned.insert(*id, local);
            if let Some(offset) = given_of_form.remove(&(*id, timed)) {
                given.insert(*id, offset);
            }
        }
    }
    let as_given =
        |((id, timed), offset): (&(HostId, Timed), &Span)| ((*id, *timed), Known::Given(*offset));
    let mut locals: BTreeMap<_, _> = given_of_form.iter().map(as_given).collect();
    if choice.mode == ClockMode::AsRecorded {
        // Nothing is measured; that a clock was set is told all the same.
        let of_host = |(id, seen): (&HostId, &HostAnchors)| HostClock {
            steps: seen.steps.clone(),
            stretches: stretches(&seen.steps, NOTHING_IS_MOVED).map(Box::new),
            ..HostClock::of(system(&given, id), Known::AsRecorded)
        };
        let of_host = |host: (&HostId, &HostAnchors)| (*host.0, of_host(host));
        let mut hosts: BTreeMap<HostId, HostClock> = sights.iter().map(of_host).collect();
        for id in given.keys() {
            let unseen = || HostClock::of(system(&given, id), Known::AsRecorded);
            hosts.entry(*id).or_insert_with(unseen);
        }
        return Compared {
            sensors: BTreeMap::new(),
            hosts,
            own,
            locals,
            reference: None,
        };
    }
    let reference = anchors.sensors.keys().next().copied();
    let sensors = align(&anchors.sensors, &anchors.begun);
    let wire = on_one_clock(anchors.wire, &sensors);
    let exact = on_one_clock(anchors.exact, &sensors);
    let mut systems = systems(&sights, &wire, &given, assumed);
    for (id, local) in &owned {
        let unknown = Known::Undetermined(Undetermined::NothingShared);
        let known = systems.entry(*id).or_insert(unknown);
        if !matches!(known, Known::Undetermined(_)) {
            continue;
        }
        if let Some(measured) = by_syns(&local.exact, &exact) {
            *known = Known::Measured(Box::new(measured), Against::Captures);
        } else if let Some(measured) = by_utc(&local.zones, assumed) {
            *known = Known::Measured(Box::new(measured), Against::OwnUtc);
        }
    }
    for (id, seen) in &sights {
        for (timed, local) in &seen.local {
            let known = locals.entry((*id, *timed));
            known.or_insert_with(|| self::local(local, seen, &wire, &exact));
        }
    }
    let known = |id: &HostId| {
        systems
            .get(id)
            .cloned()
            .unwrap_or(Known::Undetermined(Undetermined::NothingShared))
    };
    let of_host = |(id, seen): (&HostId, &HostAnchors)| {
        let system = known(id);
        let small = match system {
            Known::Measured(..) => None,
            Known::Given(_) | Known::AsRecorded => Some(NOTHING_IS_MOVED),
            Known::Undetermined(_) | Known::Reference => Some(assumed),
        };
        // Changes are told in UTC.
        let stretches = small
            .filter(|_| !own.contains_key(id))
            .and_then(|small| stretches(&seen.steps, small))
            .map(Box::new);
        let clock = HostClock {
            network: network(seen, &wire, stretches.as_deref()),
            system,
            steps: seen.steps.clone(),
            stretches,
        };
        (*id, clock)
    };
    let mut hosts: BTreeMap<HostId, HostClock> = sights.iter().map(of_host).collect();
    for id in given.keys() {
        let nothing = Known::Undetermined(Undetermined::NothingShared);
        let unseen = || HostClock::of(known(id), nothing);
        hosts.entry(*id).or_insert_with(unseen);
    }
    Compared {
        sensors,
        hosts,
        own,
        locals,
        reference,
    }
}

/// A system clock whose times are taken as recorded, or as the examiner said.
fn system(given: &BTreeMap<HostId, Span>, id: &HostId) -> Known {
    given
        .get(id)
        .map_or(Known::AsRecorded, |offset| Known::Given(*offset))
}

/// True if an offset can be told from zero.
pub fn apart(measured: &Measured) -> bool {
    measured.segments.iter().any(|s| {
        [s.from, s.to]
            .iter()
            .any(|t| s.offset_at(*t).abs() > s.uncertainty)
    })
}

/// Puts a time of a clock on the reference clock.
pub fn correct(time: &mut Timestamp, by: &Measured) {
    let (piece, _) = by.piece_at(*time, None, 0);
    *time = time.shifted(by.at(piece, *time).0.negated());
}

/// The system clocks: against the captures first, then against hosts that are known by then.
fn systems(
    sights: &BTreeMap<HostId, HostAnchors>,
    wire: &[Sight],
    given: &BTreeMap<HostId, Span>,
    assumed: Span,
) -> BTreeMap<HostId, Known> {
    let mut known: BTreeMap<HostId, Known> = given
        .iter()
        .map(|(id, offset)| (*id, Known::Given(*offset)))
        .collect();
    let mut open: Vec<HostId> = Vec::new();
    for (id, seen) in sights.iter().filter(|(id, _)| !given.contains_key(id)) {
        let (known_as, again) = match measure(&seen.system, wire, &seen.steps) {
            Ok(measured) => (
                Known::Measured(Box::new(measured), Against::Captures),
                false,
            ),
            // What contradicts the captures must not be forced onto another host's clock.
            Err(why) => (
                Known::Undetermined(why),
                matches!(why, Undetermined::NothingShared | Undetermined::TooFew(..)),
            ),
        };
        known.insert(*id, known_as);
        if again && !seen.system.is_empty() {
            open.push(*id);
        }
    }
    if wire.is_empty()
        && given.is_empty()
        && let Some(first) = best_connected(sights, assumed)
    {
        known.insert(first, Known::Reference);
        open.retain(|id| *id != first);
    }
    loop {
        let pool = pool(sights, &known, assumed);
        let before = open.len();
        open.retain(|id| {
            let seen = &sights[id];
            match measure(&seen.system, &pool, &seen.steps) {
                Ok(mut measured) => {
                    let theirs = known
                        .values()
                        .filter_map(uncertainty_of)
                        .max()
                        .unwrap_or_default();
                    for segment in &mut measured.segments {
                        segment.uncertainty = segment.uncertainty.plus(theirs);
                    }
                    measured.uncertainty = measured.uncertainty.plus(theirs);
                    known.insert(*id, Known::Measured(Box::new(measured), Against::Hosts));
                    false
                }
                Err(_) => true,
            }
        });
        if open.is_empty() || open.len() == before {
            // With nobody to compare it with, the reference is a host like any other.
            let alone = !known.values().any(|k| matches!(k, Known::Measured(..)));
            if alone {
                known
                    .values_mut()
                    .filter(|k| **k == Known::Reference)
                    .for_each(|k| {
                        *k = Known::Undetermined(Undetermined::NothingShared);
                    });
            }
            return known;
        }
    }
}

fn uncertainty_of(known: &Known) -> Option<Span> {
    match known {
        Known::Measured(measured, _) => Some(measured.uncertainty),
        _ => None,
    }
}

/// What measured hosts saw, on the reference clock. Times cut to seconds bind nobody else.
fn pool(
    sights: &BTreeMap<HostId, HostAnchors>,
    known: &BTreeMap<HostId, Known>,
    assumed: Span,
) -> Vec<Sight> {
    let mut pool = Vec::new();
    for (id, how) in known {
        let Some(host) = sights.get(id) else {
            continue;
        };
        let seen = &host.system;
        if grain(seen.iter().map(|s| s.time)) > 1_000_000 {
            continue;
        }
        match how {
            Known::Measured(measured, _) => pool.extend(seen.iter().map(|s| {
                let mut sight = *s;
                correct(&mut sight.time, measured);
                sight
            })),
            Known::Reference => {
                pool.extend(unturned(seen, stretches(&host.steps, assumed).as_ref()))
            }
            Known::Given(_) | Known::AsRecorded | Known::Undetermined(_) => {}
        }
    }
    pool.sort_unstable();
    pool
}

/// Sights by a clock whose stretches only its own log tells, without those at a time that it showed twice.
fn unturned(seen: &[Sight], stretches: Option<&Measured>) -> Vec<Sight> {
    let Some(stretches) = stretches else {
        return seen.to_vec();
    };
    let placed = |sight: &Sight| {
        let (piece, doubt) = stretches.piece_at(sight.time, None, 0);
        let by = stretches.at(piece, sight.time).0.negated();
        let time = sight.time.shifted(by);
        (doubt == Span::ZERO).then_some(Sight { time, ..*sight })
    };
    let mut placed: Vec<Sight> = seen.iter().filter_map(placed).collect();
    placed.sort_unstable();
    placed
}

/// The host that shares most connections with others; rather one whose clock was not set, unless it shares less
/// than half as many.
fn best_connected(sights: &BTreeMap<HostId, HostAnchors>, assumed: Span) -> Option<HostId> {
    let mut all: Vec<(u64, HostId)> = sights
        .iter()
        .filter(|(_, seen)| grain(seen.system.iter().map(|s| s.time)) <= 1_000_000)
        .flat_map(|(id, seen)| seen.system.iter().map(|s| (s.key, *id)))
        .collect();
    all.sort_unstable();
    all.dedup();
    let mut shared: BTreeMap<HostId, u64> = BTreeMap::new();
    for same in all
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|same| same.len() > 1)
    {
        for (_, id) in same {
            *shared.entry(*id).or_default() += 1;
        }
    }
    let most = shared.values().copied().max()?;
    let was_set = |id: &HostId| {
        let steps = sights.get(id).map(|seen| seen.steps.as_slice());
        let large = |step: &Step| step.size().abs() > assumed;
        steps.unwrap_or_default().iter().any(large)
    };
    shared
        .into_iter()
        .max_by_key(|(id, n)| {
            let steady = !was_set(id) && n.saturating_mul(2) >= most;
            (steady, *n, std::cmp::Reverse(*id))
        })
        .map(|(id, _)| id)
}

/// Sysmon's network clock: against the captures, else against the same host's own rows.
fn network(seen: &HostAnchors, wire: &[Sight], stretches: Option<&Measured>) -> Known {
    if seen.network.is_empty() {
        return Known::Undetermined(Undetermined::NothingShared);
    }
    match measure(&seen.network, wire, &[]) {
        Ok(measured) => Known::Measured(Box::new(measured), Against::Captures),
        Err(why) => match measure(&seen.network, &unturned(&seen.system, stretches), &[]) {
            Ok(measured) => {
                let against = match stretches {
                    Some(_) => Against::OwnStretches,
                    None => Against::OwnSystem,
                };
                Known::Measured(Box::new(measured), against)
            }
            Err(own) => Known::Undetermined(if why == Undetermined::NothingShared {
                own
            } else {
                why
            }),
        },
    }
}

/// A form with local times: against the captures, by the SYNs it names if too few connections
/// agree, else against the same host's own rows.
fn local(local: &LocalAnchors, host: &HostAnchors, wire: &[Sight], exact: &[Sight]) -> Known {
    let why = match measure(&local.sights, wire, &[]) {
        Ok(measured) => return Known::Measured(Box::new(measured), Against::Captures),
        Err(why) => why,
    };
    if let Some(measured) = by_syns(&local.exact, exact) {
        return Known::Measured(Box::new(measured), Against::Captures);
    }
    // It is the same clock, in another zone.
    if let Some(measured) = by_utc(&local.zones, Span::ZERO) {
        return Known::Measured(Box::new(measured), Against::OwnSystem);
    }
    match measure(&local.sights, &host.system, &[]) {
        Ok(measured) => Known::Measured(Box::new(measured), Against::OwnSystem),
        Err(own) if why == Undetermined::NothingShared => Known::Undetermined(own),
        Err(_) => Known::Undetermined(why),
    }
}

/// `HOST@pfirewall` as host and form; `None` for a name alone.
fn whose(name: &str) -> Option<(&str, Timed)> {
    let (host, form) = name.rsplit_once('@')?;
    let timed = Timed::LOCAL.into_iter().find(|t| t.word() == form)?;
    Some((host, timed))
}

/// Names in `choice` that no host has.
pub fn unknown_names<'a>(choice: &'a ClockChoice, identity: &Identity) -> Vec<&'a str> {
    choice
        .given
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| {
            let host = whose(name).map_or(*name, |(host, _)| host);
            identity.called(host).is_none()
        })
        .collect()
}

/// Two names in `choice` that are the same clock, with different offsets: a host by its short and by its
/// whole name.
pub fn given_twice<'a>(choice: &'a ClockChoice, identity: &Identity) -> Option<(&'a str, &'a str)> {
    let clock = |name: &str| {
        let (host, form) = whose(name).map_or((name, None), |(host, form)| (host, Some(form)));
        (identity.called(host), form)
    };
    choice
        .given
        .iter()
        .enumerate()
        .find_map(|(at, (name, offset))| {
            let mut before = choice.given[..at].iter();
            let (other, _) =
                before.find(|(other, held)| clock(other) == clock(name) && held != offset)?;
            Some((other.as_str(), name.as_str()))
        })
}

/// The name of a host, for sentences.
pub fn name_of(id: HostId, identity: &Identity) -> Text {
    identity
        .host(id)
        .map_or_else(|| "a host".into(), |h| h.name.clone())
}
