//! What was usual: which programs run and talk, over which ports and to whom, on every host.
//!
//! It holds counts, not judgements, and answers only as of a moment: nothing after it is counted.
//! Own evidence and imported baseline files ([`mod@file`]) are one body of counts. Who had failed
//! connections is not here but in [`contacts`](super::contacts).

mod collect;
pub mod file;
pub mod tally;
pub mod usage;

pub use collect::BaselineBuilder;
pub use tally::{Day, Tally};
pub use usage::{Counted, Counter, ImageUsage, Port, Usage};

use super::identity::{HostId, Identity, Place};
use super::processes::Processes;
use crate::eventlog::normalise::image::image_key;
use crate::model::{Span, Text, Timestamp, Transport};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Pairs of causality owner and program kept of one host.
const PAIRS: usize = 2_048;

/// Whom counts are about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// A host of this case, by name or by address.
    Place(Place),
    /// A host that only an imported baseline knows, by its name in lower case.
    Elsewhere(Text),
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    hosts: BTreeMap<Whose, Usage>,
    // Kept apart until clocks are known: its times are on the reference clock already.
    imported: Vec<(Whose, Usage)>,
    // Process instances that opened a connection, until it is known who started them.
    talked: Vec<(HostId, Counter, u32, Text, Timestamp)>,
    // For each port, when each host, and each program anywhere, first used it; in order.
    port_hosts: BTreeMap<Port, Vec<Timestamp>>,
    port_images: BTreeMap<Port, Vec<Timestamp>>,
    host_first: Vec<Timestamp>,
    // When any host first connected to an address.
    peer_first: HashMap<IpAddr, Timestamp, RandomState>,
    // The first day of any completed connection.
    reached_day: Option<Day>,
    /// Entries left out because a bound was reached: then a count may be too small.
    pub left_out: u64,
    /// The days an imported baseline rests on, each once, in order.
    pub imported_days: Vec<Day>,
    /// The first day of each imported baseline.
    pub imported_begins: BTreeSet<Day>,
}

/// How a program behaved before a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageUse {
    /// Starts: the n of "executed n times".
    pub executions: u64,
    /// Process instances that opened an outgoing connection: the k.
    pub networked: u64,
    /// The first sign of it.
    pub first: Option<Timestamp>,
}

/// How a program used a port before a moment, and how the others did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortUse {
    /// Outgoing connections of the program to the port: c(image, port).
    pub by_image: u64,
    /// Outgoing connections of the program to any port: Σ c(image, ·).
    pub of_image: u64,
    /// Distinct ports the program used.
    pub ports_of_image: u64,
    /// Hosts that used the port.
    pub hosts: u64,
    /// Hosts known.
    pub all_hosts: u64,
    /// Programs, of any host, that used the port.
    pub images: u64,
}

/// How a causality owner and a program went together before a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairUse {
    /// Hosts × days on which the pair opened a connection, today not counted.
    pub host_days: u64,
    /// Process instances of the pair that opened a connection.
    pub pair: u64,
    /// Process instances below this causality owner that opened a connection.
    pub of_causality: u64,
}

/// How much a baseline of one host rests on, before a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// The first sign of the host.
    pub first: Option<Timestamp>,
    /// From then to the moment asked about.
    pub span: Span,
    /// UTC days with signs of it, before the day asked about.
    pub days: u64,
    /// Of these, the days of which its own logs tell: days of processes.
    pub logged: u64,
    /// Process starts.
    pub executions: u64,
}

impl Baseline {
    /// What is known of a host, all of it: as of no moment. For showing, not for judging.
    pub fn usage(&self, whose: &Whose) -> Option<&Usage> {
        self.hosts.get(whose)
    }

    /// Everybody, in order.
    pub fn hosts(&self) -> impl Iterator<Item = (&Whose, &Usage)> {
        self.hosts.iter()
    }

    fn of(&self, place: Place) -> Option<&Usage> {
        self.hosts.get(&Whose::Place(place))
    }

    /// A program on a host; `image` as `image_key` spells it.
    pub fn image(&self, place: Place, image: &str, before: Timestamp) -> ImageUse {
        self.of(place)
            .and_then(|u| u.images.get(image))
            .map_or_else(ImageUse::default, |i| image_use([i], before))
    }

    /// A program on all hosts together.
    pub fn image_anywhere(&self, image: &str, before: Timestamp) -> ImageUse {
        image_use(
            self.hosts.values().filter_map(|u| u.images.get(image)),
            before,
        )
    }

    /// A port, for a program of a host and for everybody. With the empty image: what packets tell
    /// of the host.
    pub fn port(&self, place: Place, image: &str, port: Port, before: Timestamp) -> PortUse {
        let mut told = PortUse {
            hosts: earlier(self.port_hosts.get(&port), before),
            all_hosts: self.host_first.partition_point(|t| *t < before) as u64,
            images: earlier(self.port_images.get(&port), before),
            ..PortUse::default()
        };
        if let Some(of) = self.of(place).and_then(|u| u.images.get(image)) {
            for (held, count) in &of.ports {
                let n = count.before(before);
                told.of_image += n;
                told.ports_of_image += u64::from(n > 0);
                if *held == port {
                    told.by_image = n;
                }
            }
        }
        told
    }

    /// True if at least `hosts` hosts or `images` programs used the port: a common one here.
    pub fn common_port(&self, port: Port, hosts: u64, images: u64, before: Timestamp) -> bool {
        earlier(self.port_hosts.get(&port), before) >= hosts
            || earlier(self.port_images.get(&port), before) >= images
    }

    /// Connections from a host to an address, and the first of them.
    pub fn peer(
        &self,
        place: Place,
        remote: IpAddr,
        before: Timestamp,
    ) -> (u64, Option<Timestamp>) {
        self.of(place)
            .and_then(|u| u.peers.get(&remote))
            .map_or((0, None), |c| (c.before(before), c.first_before(before)))
    }

    /// True if a host completed connections to a port of an address on at least `days` days before
    /// the one of `time`, and the program used that port on as many (with the empty image: what
    /// packets tell of the host). Without a port: to any of the address, by whatever program.
    pub fn is_usual(
        &self,
        place: Place,
        image: &str,
        (remote, port): (IpAddr, Option<Port>),
        days: u64,
        time: Timestamp,
    ) -> bool {
        // Asked for every contact, and most evidence is of fewer days.
        let today = Day::of(time);
        let passed = |first: Day| u64::try_from(today.0.saturating_sub(first.0)).unwrap_or(0);
        if self.reached_day.map_or(0, passed) < days {
            return false;
        }
        let often = |counted: &Counted| {
            let by = |counter: &Counter| counted.by(*counter).days_before(time) >= days;
            Counter::ALL.iter().any(by)
        };
        let Some(usage) = self.of(place) else {
            return false;
        };
        let Some(port) = port else {
            let from = (remote, (Transport(0), 0));
            let mut of_address = usage.reached.range(from..);
            return of_address
                .by_ref()
                .take_while(|((address, _), _)| *address == remote)
                .any(|(_, counted)| often(counted));
        };
        let used = |image: &ImageUsage| image.ports.get(&port).is_some_and(often);
        usage.reached.get(&(remote, port)).is_some_and(often)
            && usage
                .images
                .get(image_key(image).as_str())
                .is_some_and(used)
    }

    /// The first time any host connected to an address.
    pub fn peer_anywhere(&self, remote: IpAddr, before: Timestamp) -> Option<Timestamp> {
        let first = self.peer_first.get(&remote).copied();
        first.filter(|first| *first < before)
    }

    /// What its numbers are counted from, in words.
    pub fn sources(&self) -> &'static str {
        match self.imported_days.is_empty() {
            true => "this evidence",
            false => "this evidence and the imported baselines",
        }
    }

    /// When the host was first seen to listen on a port.
    pub fn listener(&self, place: Place, port: Port, before: Timestamp) -> Option<Timestamp> {
        self.of(place)?.listeners.get(&port)?.first_before(before)
    }

    /// A causality owner and a program, over all hosts; both as `image_key` spells them.
    pub fn pair(&self, causality: &str, actor: &str, before: Timestamp) -> PairUse {
        let mut told = PairUse::default();
        for usage in self.hosts.values() {
            let from = (Text::from(causality), Text::from(""));
            for ((_, image), count) in usage
                .pairs
                .range(from..)
                .take_while(|((owner, _), _)| owner.as_ref() == causality)
            {
                let n = count.before(before);
                told.of_causality += n;
                if image.as_ref() == actor {
                    told.pair += n;
                    told.host_days += Counter::ALL
                        .iter()
                        .map(|c| count.by(*c).days_before(before))
                        .max()
                        .unwrap_or(0);
                }
            }
        }
        told
    }

    /// True if the host was seen on that day.
    pub fn seen_on(&self, place: Place, day: Day) -> bool {
        self.of(place).is_some_and(|usage| {
            Counter::ALL.iter().any(|counter| {
                let days = usage.seen.by(*counter).days();
                days.binary_search_by_key(&day, |(held, _)| *held).is_ok()
            })
        })
    }

    /// How much is known of a host before a moment.
    pub fn depth(&self, place: Place, before: Timestamp) -> Depth {
        let Some(usage) = self.of(place) else {
            return Depth::default();
        };
        let first = usage.seen.first_before(before);
        let days_of = |counters: &[Counter]| -> BTreeSet<Day> {
            let days = counters.iter().flat_map(|c| usage.seen.by(*c).days());
            days.map(|(day, _)| *day)
                .filter(|day| *day < Day::of(before))
                .collect()
        };
        let days = days_of(&Counter::ALL);
        Depth {
            first,
            span: first.map_or(Span::ZERO, |first| before.since(first)),
            days: days.len() as u64,
            logged: days_of(&[Counter::Security, Counter::Sysmon]).len() as u64,
            executions: usage
                .images
                .values()
                .map(|i| i.executions.before(before))
                .sum(),
        }
    }

    /// Gives what hosts logged its time on the reference clock, and takes in imported baselines,
    /// whose times are on it already.
    pub fn retime(mut self, correct: impl Fn(HostId, Timestamp) -> Timestamp) -> Self {
        for (whose, usage) in &mut self.hosts {
            if let Whose::Place(Place::Host(id)) = whose {
                usage.retime(&|time| correct(*id, time));
            }
        }
        for (id, _, _, _, time) in &mut self.talked {
            *time = correct(*id, *time);
        }
        for (whose, usage) in std::mem::take(&mut self.imported) {
            self.hosts.entry(whose).or_default().merge(&usage);
        }
        self.index();
        self
    }

    /// Counts who started the processes that opened connections, as far as that is known.
    pub fn relate(mut self, processes: &Processes) -> Self {
        for (id, counter, pid, image, time) in std::mem::take(&mut self.talked) {
            let Some(instance) = processes.instance_at(id, pid, time, &image) else {
                continue;
            };
            let owner = processes.causality_owner(id, instance);
            let pair = (
                Text::from(image_key(owner.image)),
                Text::from(image_key(&image)),
            );
            let usage = self.hosts.entry(Whose::Place(Place::Host(id))).or_default();
            if usage.pairs.len() < PAIRS || usage.pairs.contains_key(&pair) {
                usage.pairs.entry(pair).or_default().add(counter, time);
            } else {
                self.left_out += 1;
            }
        }
        self
    }

    fn index(&mut self) {
        let mut images: BTreeMap<Port, BTreeMap<Text, Timestamp>> = BTreeMap::new();
        self.port_hosts.clear();
        self.host_first.clear();
        self.peer_first.clear();
        self.reached_day = None;
        for usage in self.hosts.values() {
            for (remote, count) in &usage.peers {
                if let Some(at) = count.first_before(Timestamp::MAX) {
                    let held = self.peer_first.entry(*remote).or_insert(at);
                    *held = at.min(*held);
                }
            }
            for count in usage.reached.values() {
                let days = Counter::ALL
                    .iter()
                    .filter_map(|c| count.by(*c).days().first());
                let first = days.map(|(day, _)| *day).min();
                self.reached_day = self.reached_day.into_iter().chain(first).min();
            }
            self.host_first
                .extend(usage.seen.first_before(Timestamp::MAX));
            let mut first: BTreeMap<Port, Timestamp> = BTreeMap::new();
            for (image, of) in &usage.images {
                for (port, count) in &of.ports {
                    let Some(at) = count.first_before(Timestamp::MAX) else {
                        continue;
                    };
                    let held = first.entry(*port).or_insert(at);
                    *held = at.min(*held);
                    if !image.is_empty() {
                        let by_image = images.entry(*port).or_default();
                        let held = by_image.entry(image.clone()).or_insert(at);
                        *held = at.min(*held);
                    }
                }
            }
            for (port, at) in first {
                self.port_hosts.entry(port).or_default().push(at);
            }
        }
        self.port_hosts.values_mut().for_each(|v| v.sort_unstable());
        self.host_first.sort_unstable();
        self.port_images = images
            .into_iter()
            .map(|(port, by_image)| {
                let mut times: Vec<Timestamp> = by_image.into_values().collect();
                times.sort_unstable();
                (port, times)
            })
            .collect();
    }
}

fn earlier(times: Option<&Vec<Timestamp>>, before: Timestamp) -> u64 {
    times.map_or(0, |times| times.partition_point(|t| *t < before) as u64)
}

fn image_use<'a>(usages: impl IntoIterator<Item = &'a ImageUsage>, before: Timestamp) -> ImageUse {
    let mut told = ImageUse::default();
    for usage in usages {
        told.executions += usage.executions.before(before);
        told.networked += usage.networked.before(before);
        let firsts = [
            usage.executions.first_before(before),
            usage.networked.first_before(before),
        ];
        told.first = firsts.into_iter().flatten().chain(told.first).min();
    }
    told
}

/// Whom a name in an imported baseline means here.
fn whose(name: &str, usage: &Usage, identity: &Identity) -> Whose {
    match (identity.named(name), name.parse::<IpAddr>()) {
        (Some(id), _) => Whose::Place(Place::Host(id)),
        (None, Ok(address)) => Whose::Place(identity.place(address, usage.last_seen())),
        (None, Err(_)) => Whose::Elsewhere(name.to_lowercase().into()),
    }
}
