//! What came near to a scan: the nearest count of a key, told where the key told no scan; and a
//! program that reached a few hosts on ports of administration, far from any threshold.

use super::detect::Hit;
use super::key::most_of_one;
use super::recent::{Probe, Recent, Shares};
use super::scan::actor_of;
use super::settings::EnumerationSettings;
use super::{Enumeration, Key};
use crate::analytics::Analytic;
use crate::analytics::kit::contact::{Fate, Form, answers_lacking};
use crate::analytics::kit::picture::host_words;
use crate::context::{Context, HostId, Place};
use crate::eventlog::normalise::image::image_name;
use crate::model::finding::NearMiss;
use crate::model::{Event, Provenance, Text, Timestamp, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// References told: the first contacts of the count.
const CITED: usize = 4;
/// Internal addresses that one program reaches on one port within a minute, from which its fan-out is
/// named. Of 841 process-minutes measured in lab networks, 99 in 100 had at most two.
const FEW: usize = 3;
/// Addresses of a fan-out that are named.
const NAMED: usize = 4;

/// The nearest count.
#[derive(Clone, Debug)]
pub(super) struct Near {
    count: usize,
    needed: usize,
    text: String,
    time: Timestamp,
    /// The first contacts of it.
    first: Vec<Event>,
    image: Text,
    /// Contacts of it that are tied to a process.
    tied: usize,
}

impl Near {
    /// True from two thirds of what is needed on.
    pub fn is_near(count: usize, needed: u32) -> bool {
        count * 3 >= needed as usize * 2
    }

    /// The count of `probes` where `needed` make a scan; `None` below two thirds of that.
    pub fn of(text: &str, setting: &str, probes: &[&Probe], needed: u32) -> Option<Self> {
        let count = probes.len();
        let last = probes.last()?;
        let near = Self::is_near(count, needed) && count > 1;
        let needed = needed as usize;
        let near = near && count < needed;
        near.then(|| Self {
            count,
            needed,
            text: format!("{count} {text}; {setting} make a finding"),
            time: last.time,
            first: probes.iter().take(CITED).map(|p| p.event.clone()).collect(),
            image: actor_of(&last.event)
                .map(|a| a.process.image.clone())
                .unwrap_or_default(),
            tied: probes.iter().filter(|p| p.strength.is_some()).count(),
        })
    }

    /// What would be a scan, had it not been of usual targets.
    pub fn usual(hit: &Hit, probes: &[&Probe], settings: &EnumerationSettings) -> Option<Self> {
        let last = probes.last()?;
        let asked = &hit.condition;
        Some(Self {
            count: probes.len(),
            needed: probes.len() + 1,
            text: format!(
                "{} ({}; {} make a finding), all of them usual: it completed connections to each on {} earlier days or \
                 more, so they do not count",
                asked.text, asked.measured, asked.setting, settings.usual_days
            ),
            time: last.time,
            first: probes.iter().take(CITED).map(|p| p.event.clone()).collect(),
            image: actor_of(&last.event)
                .map(|a| a.process.image.clone())
                .unwrap_or_default(),
            tied: probes.iter().filter(|p| p.strength.is_some()).count(),
        })
    }

    /// True if that many are twice as many or more.
    pub fn is_doubled_by(&self, count: usize) -> bool {
        count >= self.count * 2
    }

    /// As many as would be a scan had they failed, where nothing tells whether they did; `None` below
    /// that, and below twice of what is `held`, for it is asked for every contact.
    pub fn untold(
        recent: &Recent,
        new: &Probe,
        settings: &EnumerationSettings,
        (from, context): (Place, &Context),
        held: Option<&Self>,
    ) -> Option<Self> {
        let least = held.map_or(0, |held| held.count * 2);
        let (port, address) = (Shares::port(new), Shares::address(new));
        let by = [
            (port, settings.horizontal_failures, "addresses on one port"),
            (address, settings.vertical_failures, "ports of one address"),
        ];
        by.into_iter().find_map(|(shared, needed, words)| {
            let needed = (needed as usize).max(least);
            if recent.counts(shared).contacts < needed {
                return None;
            }
            let soon = recent.sharing(shared, new.time, settings.failure_window);
            let untold = soon.filter(|p| {
                let alike = p.on_wire == new.on_wire && p.transport == new.transport;
                // By records alone, a browser's addresses of the Internet are like that every day.
                p.fate == Fate::Untold && alike && (p.on_wire || p.internal)
            });
            let untold: Vec<&Probe> = untold.collect();
            let lacking = match new.on_wire {
                true => answers_lacking(from, context)?.to_string(),
                false => "records of sockets do not say what became of a connection, and no packets show these"
                    .to_owned(),
            };
            let count = untold.len();
            (count >= needed).then(|| Self {
                count,
                needed: count + 1,
                text: format!(
                    "at least {count} distinct {words} within {}, and whether they failed is not told: {lacking}",
                    settings.failure_window
                ),
                time: new.time,
                first: untold.iter().rev().take(CITED).map(|p| p.event.clone()).collect(),
                image: actor_of(&new.event)
                    .map(|a| a.process.image.clone())
                    .unwrap_or_default(),
                tied: untold.iter().filter(|p| p.strength.is_some()).count(),
            })
        })
    }

    /// True if less is missing, as a share of what is needed.
    pub fn nearer_than(&self, other: &Self) -> bool {
        self.count * other.needed > other.count * self.needed
    }

    /// The near miss of `key`; `None` for a source whose program tells it.
    pub fn tell(self, key: &Key, context: &Context) -> Option<NearMiss> {
        let who = match key {
            Key::Program { host, .. } => format!(
                "{} on {}",
                image_name(&self.image),
                host_words(Place::Host(*host), context)
            ),
            Key::Source(_) if self.is_told_by_program(context) => return None,
            Key::Source(place) => host_words(*place, context),
        };
        Some(NearMiss {
            analytic: Enumeration::ABOUT.id,
            missing: u32::try_from(self.needed - self.count).unwrap_or(u32::MAX),
            time: self.time,
            text: format!("{who} reached {}", self.text),
            references: self.first.iter().map(|event| event.provenance).collect(),
        })
    }

    /// True if most of it is a program's, so far as its first contacts tell.
    fn is_told_by_program(&self, context: &Context) -> bool {
        let (most, all) = most_of_one(self.first.iter(), context);
        self.tied * 5 >= self.count * 4 && most * 2 >= all
    }
}

/// A program's fan-out on ports that are worth finding: who moves from host to host needs no more.
#[derive(Clone, Debug)]
pub(super) struct FanOut {
    /// The most addresses on one port, and how many ports had [`FEW`].
    size: (usize, usize),
    text: String,
    needed: u32,
    time: Timestamp,
    references: Vec<Provenance>,
    image: Text,
    pid: Option<u32>,
}

impl FanOut {
    /// What `recent` holds when `new` comes, if that is larger than `held`; `None` below [`FEW`]
    /// addresses on its port.
    pub fn of(
        recent: &Recent,
        new: &Probe,
        settings: &EnumerationSettings,
        held: Option<&Self>,
    ) -> Option<Self> {
        let worth = |p: &&Probe| {
            p.internal
                && p.form == Form::Connection
                && p.transport == Transport::TCP
                && settings.sensitive_ports.contains(&p.remote.port)
        };
        // Asked for every contact, and nearly always far from anything to tell.
        let port = Shares::port(new);
        let counted = recent.counts(port).internal;
        if !worth(&new) || counted < FEW {
            return None;
        }
        // One more address can only make its own port the widest, or one of those that count.
        let most = held.map_or(0, |held| held.size.0);
        let addresses = |more_than: usize| {
            let of_port = recent.sharing(port, new.time, settings.time_window);
            of_port.filter(|p| p.internal).nth(more_than).is_some()
        };
        let just_few = || addresses(FEW - 1) && !addresses(FEW);
        let widest = counted > most.max(FEW - 1) && addresses(most.max(FEW - 1));
        if !widest && !just_few() {
            return None;
        }
        let mut by_port: BTreeMap<u16, BTreeMap<IpAddr, &Probe>> = BTreeMap::new();
        for probe in recent.within(new.time, settings.time_window).filter(worth) {
            let addresses = by_port.entry(probe.remote.port).or_default();
            addresses.entry(probe.remote.address).or_insert(probe);
        }
        by_port.retain(|_, addresses| addresses.len() >= FEW);
        by_port.get(&new.remote.port)?;
        let actor = actor_of(&new.event)?;
        let mut probes: Vec<&Probe> = by_port
            .values()
            .flat_map(BTreeMap::values)
            .copied()
            .collect();
        probes.sort_by_key(|p| p.event.order());
        let (first, last) = (probes.first()?, probes.last()?);
        let most = by_port.values().map(BTreeMap::len).max().unwrap_or(0);
        let size = (most, by_port.len());
        if held.is_some_and(|held| size <= held.size) {
            return None;
        }
        let addresses: BTreeSet<IpAddr> = probes.iter().map(|p| p.remote.address).collect();
        let named: Vec<String> = addresses
            .iter()
            .take(NAMED)
            .map(IpAddr::to_string)
            .collect();
        let more = if addresses.len() > NAMED { ", …" } else { "" };
        let ports: Vec<String> = by_port
            .iter()
            .map(|(port, of)| format!("{} internal addresses on {port}/tcp", of.len()))
            .collect();
        let failed = probes.iter().filter(|p| p.failed()).count();
        let known = probes.iter().filter(|p| p.fate.failed().is_some()).count();
        let (why, these) = match known * 2 < probes.len() {
            true => ("whether half of them failed is not told", "a finding"),
            false => ("no fan-out of that size is a finding", "one"),
        };
        Some(Self {
            size,
            text: format!(
                "{} in {} ({}{more}), {failed} of {known} known outcomes failed; {why}: {} addresses within {}, \
                 half failing, or {} whatever their outcome make {these}",
                ports.join(" and "),
                last.time.since(first.time),
                named.join(", "),
                settings.scan_rate,
                settings.time_window,
                settings.horizontal_targets,
            ),
            needed: settings.scan_rate,
            time: last.time,
            references: probes
                .iter()
                .take(CITED)
                .map(|p| p.event.provenance)
                .collect(),
            image: actor.process.image.clone(),
            pid: actor.process.pid,
        })
    }

    /// The near miss of a program on `host`.
    pub fn tell(self, host: HostId, context: &Context) -> NearMiss {
        let pid = self
            .pid
            .map_or_else(String::new, |pid| format!(" (pid {pid})"));
        let missing =
            u32::try_from(self.size.0).map_or(1, |n| self.needed.saturating_sub(n).max(1));
        NearMiss {
            analytic: Enumeration::ABOUT.id,
            missing,
            time: self.time,
            text: format!(
                "{}{pid} on {} reached {}",
                image_name(&self.image),
                host_words(Place::Host(host), context),
                self.text
            ),
            references: self.references,
        }
    }
}
