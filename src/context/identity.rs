//! Which computer had which addresses, and which side of a logged connection is its own.
//!
//! Built from what hosts log about themselves and from what the user states. It does not guess
//! from names, and it does not yet follow an address that moves between hosts: an address that two
//! hosts log as their own belongs to neither, and the conflict is kept to be shown.

use crate::model::net::{FIRST_DYNAMIC_PORT, is_group_or_wildcard};
use crate::model::{Direction, Endpoint, Event, HostEvent, HostWhat, Text, What};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A host that is known by name: an index in sorted name order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);

/// Whom an event is about: a host known by name, or only an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A known host.
    Host(HostId),
    /// An address no known host has.
    Address(IpAddr),
}

/// The order in which a Windows version writes the two sides of inbound 5156 and 5157 rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// Source is the sender, destination the receiver: what newer versions write.
    #[default]
    PacketOrder,
    /// Source is the receiver: what older versions and Microsoft's sample show.
    ReceiverFirst,
}

/// How an orientation was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrientationVotes {
    /// Inbound rows that can only be packet-ordered.
    pub packet_order: u64,
    /// Inbound rows that can only be receiver-first.
    pub receiver_first: u64,
}

/// One host.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Name as most recently written in full.
    pub name: Text,
    /// Its own addresses, as logged or stated.
    pub addresses: Vec<IpAddr>,
    /// How its inbound rows are written.
    pub orientation: Orientation,
    /// What that rests on.
    pub votes: OrientationVotes,
    /// When it started, as logged, in time order; the first few hundred.
    pub starts: Vec<Event>,
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    hosts: Vec<Host>,
    by_name: BTreeMap<String, HostId>,
    // Asked, never walked.
    by_address: HashMap<IpAddr, HostId, RandomState>,
    by_mac: BTreeMap<[u8; 6], Vec<Event>>,
    wakers: BTreeMap<[u8; 6], Vec<IpAddr>>,
    /// Addresses that more than one host logged as its own, with those hosts.
    pub conflicts: Vec<(IpAddr, Vec<HostId>)>,
}

/// How many distinct addresses one host's inbound rows may show before further ones are not
/// counted: they only serve a majority.
const ADDRESS_LIMIT: usize = 4096;
/// Starts kept per host.
const STARTS: usize = 256;
/// Hardware addresses kept, and announcements kept of each.
const MACS: usize = 65_536;
const ANNOUNCEMENTS: usize = 64;

#[derive(Clone, Debug, Default)]
struct Facts {
    name: Text,
    own: Counts,
    inbound_sources: Counts,
    inbound_destinations: Counts,
    starts: Vec<Event>,
}

/// Collects what hosts say about themselves; builders of several readers merge in any order.
#[derive(Clone, Debug, Default)]
pub struct IdentityBuilder {
    facts: BTreeMap<String, Facts>,
    // The computer of the last event, as written, and its key.
    last: (Text, String),
    stated: Vec<(String, IpAddr)>,
    by_mac: BTreeMap<[u8; 6], Vec<Event>>,
    wakers: BTreeMap<[u8; 6], Vec<IpAddr>>,
}

/// The name under which a computer is known: without case, because exports differ in it.
fn key_of(computer: &str) -> String {
    computer.trim().trim_end_matches('.').to_lowercase()
}

/// How often each address was seen. Sorted before it is walked: its own order is random.
type Counts = HashMap<IpAddr, u64, RandomState>;

fn count(table: &mut Counts, address: IpAddr) {
    if let Some(seen) = table.get_mut(&address) {
        *seen += 1;
    } else if table.len() < ADDRESS_LIMIT {
        table.insert(address, 1);
    }
}

/// True for an address that can tell one host from another.
fn telling(address: IpAddr) -> bool {
    !address.is_loopback() && !is_group_or_wildcard(address)
}

impl IdentityBuilder {
    /// States that `name` has `address`; this wins over what logs say.
    pub fn state(&mut self, name: &str, address: IpAddr) {
        self.stated.push((name.to_owned(), address.to_canonical()));
    }

    /// Makes a computer known that logs nothing an analytic wants.
    pub fn name(&mut self, computer: &str) {
        let facts = self.facts.entry(key_of(computer)).or_default();
        if facts.name.is_empty() {
            facts.name = computer.into();
        }
    }

    /// Takes in an event: what a host logs, or how it announces itself.
    pub fn observe(&mut self, event: &Event) {
        match &event.what {
            What::Host(host) => {
                let facts = self.observe_host(host);
                if matches!(host.what, HostWhat::SystemStarted) && facts.starts.len() < STARTS {
                    facts.starts.push(event.clone());
                }
            }
            What::Neighbour(neighbour) => {
                if self.by_mac.len() < MACS || self.by_mac.contains_key(&neighbour.mac) {
                    let held = self.by_mac.entry(neighbour.mac).or_default();
                    if held.len() < ANNOUNCEMENTS {
                        held.push(event.clone());
                    }
                }
            }
            What::Wake(signal) => {
                if let (Some(mac), Some(sender)) = (signal.sender_mac, signal.sender)
                    && (self.wakers.len() < MACS || self.wakers.contains_key(&mac))
                {
                    let held = self.wakers.entry(mac).or_default();
                    if held.len() < ANNOUNCEMENTS && !held.contains(&sender.address) {
                        held.push(sender.address);
                    }
                }
            }
            What::Attempt(_) | What::Solicitation(_) | What::Resolution(_) => {}
        }
    }

    fn observe_host(&mut self, event: &HostEvent) -> &mut Facts {
        // The same computer follows itself thousands of times: its key is made once.
        if self.last.0 != event.computer || self.last.1.is_empty() {
            self.last = (event.computer.clone(), key_of(&event.computer));
        }
        let key = self.last.1.as_str();
        if !self.facts.contains_key(key) {
            self.facts.insert(key.to_owned(), Facts::default());
        }
        let Some(facts) = self.facts.get_mut(key) else {
            unreachable!("it was put there if it was not")
        };
        if facts.name.is_empty() {
            facts.name = event.computer.clone();
        }
        match &event.what {
            HostWhat::Filtered {
                direction,
                source,
                destination,
                ..
            } => match direction {
                Some(Direction::Outbound) if telling(source.address) => {
                    count(&mut facts.own, source.address);
                }
                Some(Direction::Inbound) => {
                    count(&mut facts.inbound_sources, source.address);
                    count(&mut facts.inbound_destinations, destination.address);
                }
                _ => {}
            },
            HostWhat::Connected {
                initiated,
                source,
                destination,
                ..
            } => {
                let local = if *initiated { source } else { destination };
                if telling(local.address) {
                    count(&mut facts.own, local.address);
                }
            }
            HostWhat::Bound { local, .. } | HostWhat::Listening { local, .. }
                if telling(local.address) =>
            {
                count(&mut facts.own, local.address);
            }
            _ => {}
        }
        facts
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (key, theirs) in other.facts {
            let ours = self.facts.entry(key).or_default();
            if ours.name.is_empty() || theirs.name < ours.name && !theirs.name.is_empty() {
                ours.name = theirs.name;
            }
            for (table, from) in [
                (&mut ours.own, theirs.own),
                (&mut ours.inbound_sources, theirs.inbound_sources),
                (&mut ours.inbound_destinations, theirs.inbound_destinations),
            ] {
                for (address, n) in from {
                    *table.entry(address).or_default() += n;
                }
            }
            ours.starts.extend(theirs.starts);
        }
        self.stated.extend(other.stated);
        for (mac, theirs) in other.by_mac {
            self.by_mac.entry(mac).or_default().extend(theirs);
        }
        for (mac, theirs) in other.wakers {
            self.wakers.entry(mac).or_default().extend(theirs);
        }
    }

    /// Decides and freezes.
    pub fn freeze(mut self) -> Identity {
        for (name, _) in &self.stated {
            let facts = self.facts.entry(key_of(name)).or_default();
            if facts.name.is_empty() {
                facts.name = name.as_str().into();
            }
        }
        for announcements in self.by_mac.values_mut() {
            announcements.sort_by_key(Event::order);
        }
        let mut identity = Identity {
            by_mac: self.by_mac,
            wakers: self.wakers,
            ..Identity::default()
        };
        let mut claims: BTreeMap<IpAddr, Vec<HostId>> = BTreeMap::new();
        for (i, (key, mut facts)) in self.facts.into_iter().enumerate() {
            let id = HostId(i as u32);
            let [inbound_sources, inbound_destinations] =
                [facts.inbound_sources, facts.inbound_destinations]
                    .map(|counts| counts.into_iter().collect::<BTreeMap<_, _>>());
            let mut own: Vec<IpAddr> = facts.own.keys().copied().collect();
            let stated = self
                .stated
                .iter()
                .filter(|(n, _)| key_of(n) == key)
                .map(|(_, a)| *a);
            own.extend(stated);
            own.sort_unstable();
            own.dedup();
            let sum = |table: &BTreeMap<IpAddr, u64>| {
                own.iter().filter_map(|a| table.get(a)).sum::<u64>()
            };
            let mut votes = OrientationVotes {
                packet_order: sum(&inbound_destinations),
                receiver_first: sum(&inbound_sources),
            };
            if own.is_empty() {
                // No outbound row names the host. Its own side of inbound rows is the one that
                // hardly varies, while remote sides do.
                let distinct =
                    |t: &BTreeMap<IpAddr, u64>| t.keys().filter(|a| telling(**a)).count();
                let (s, d) = (distinct(&inbound_sources), distinct(&inbound_destinations));
                let rows: u64 = inbound_sources.values().sum();
                let side = match s.cmp(&d) {
                    std::cmp::Ordering::Less if s > 0 => {
                        votes.receiver_first = rows;
                        &inbound_sources
                    }
                    _ => {
                        votes.packet_order = rows;
                        &inbound_destinations
                    }
                };
                own.extend(side.keys().copied().filter(|a| telling(*a)).take(64));
            }
            for address in &own {
                claims.entry(*address).or_default().push(id);
            }
            identity.by_name.insert(key, id);
            facts.starts.sort_by_key(Event::order);
            identity.hosts.push(Host {
                starts: facts.starts,
                name: facts.name,
                addresses: own,
                orientation: if votes.receiver_first > votes.packet_order {
                    Orientation::ReceiverFirst
                } else {
                    Orientation::PacketOrder
                },
                votes,
            });
        }
        let stated: BTreeMap<IpAddr, HostId> = self
            .stated
            .iter()
            .filter_map(|(n, a)| identity.by_name.get(&key_of(n)).map(|id| (*a, *id)))
            .collect();
        for (address, mut ids) in claims {
            ids.dedup();
            match (stated.get(&address), ids.as_slice()) {
                (Some(id), _) | (None, [id]) => {
                    identity.by_address.insert(address, *id);
                }
                (None, _) => identity.conflicts.push((address, ids)),
            }
        }
        // Names as written as well, so that asking with them takes no copy in lower case.
        for (host, id) in identity.hosts.iter().zip(0..) {
            let name = host.name.to_string();
            identity.by_name.entry(name).or_insert(HostId(id));
        }
        identity
    }
}

impl Identity {
    /// Gives the events it holds their time on the reference clock.
    pub fn retime(mut self, correct: impl Fn(&mut Event, &Self)) -> Self {
        let mut starts: Vec<Vec<Event>> = self
            .hosts
            .iter_mut()
            .map(|h| std::mem::take(&mut h.starts))
            .collect();
        let mut announced = std::mem::take(&mut self.by_mac);
        let held = starts.iter_mut().chain(announced.values_mut());
        for events in held {
            events.iter_mut().for_each(|event| correct(event, &self));
            events.sort_by_key(Event::order);
        }
        for (host, starts) in self.hosts.iter_mut().zip(starts) {
            host.starts = starts;
        }
        self.by_mac = announced;
        self
    }

    /// All hosts, in order of `HostId`.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The host with this computer name.
    pub fn named(&self, computer: &str) -> Option<HostId> {
        self.by_name
            .get(computer)
            .or_else(|| self.by_name.get(&key_of(computer)))
            .copied()
    }

    /// The host that has this address.
    pub fn at(&self, address: IpAddr) -> Option<HostId> {
        self.by_address.get(&address).copied()
    }

    /// The host with this address, or the address itself.
    pub fn place(&self, address: IpAddr) -> Place {
        self.at(address)
            .map_or(Place::Address(address), Place::Host)
    }

    /// The place a host event is about.
    pub fn place_of(&self, event: &HostEvent) -> Option<Place> {
        self.named(&event.computer).map(Place::Host)
    }

    /// A host by id.
    pub fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(id.0 as usize)
    }

    /// How a hardware address announced itself, in time order; the first few dozen.
    pub fn announcements(&self, mac: &[u8; 6]) -> &[Event] {
        self.by_mac.get(mac).map_or(&[], Vec::as_slice)
    }

    /// The IP addresses a hardware address announced, each once, in order.
    pub fn addresses_of(&self, mac: &[u8; 6]) -> Vec<IpAddr> {
        let mut addresses: Vec<IpAddr> = self
            .announcements(mac)
            .iter()
            .filter_map(|e| match &e.what {
                What::Neighbour(neighbour) => Some(neighbour.address),
                _ => None,
            })
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// The one IP address a sender of magic packets used: what it announced, else what its signals
    /// over IP show; `None` if that is not one address.
    pub fn waker(&self, mac: &[u8; 6]) -> Option<IpAddr> {
        let mut addresses = self.addresses_of(mac);
        if addresses.is_empty() {
            addresses = self.wakers.get(mac).cloned().unwrap_or_default();
            addresses.sort_unstable();
            addresses.dedup();
        }
        match addresses.as_slice() {
            [address] => Some(*address),
            _ => None,
        }
    }

    /// The host's name, if the place has one.
    pub fn name(&self, place: Place) -> Option<&Text> {
        match place {
            Place::Host(id) => self.host(id).map(|h| &h.name),
            Place::Address(_) => None,
        }
    }

    /// Which side of a `Filtered` row is the host's own: `(local, remote)`; `None` where that
    /// cannot be told.
    ///
    /// The host's own addresses decide; where both or neither side is its own, the group address
    /// is local, then the order in which this host writes its rows.
    pub fn local_and_remote(
        &self,
        host: HostId,
        direction: Option<Direction>,
        source: Endpoint,
        destination: Endpoint,
    ) -> Option<(Endpoint, Endpoint)> {
        let facts = self.host(host)?;
        match direction? {
            Direction::Outbound => Some((source, destination)),
            Direction::Inbound => {
                let mine = |e: &Endpoint| facts.addresses.binary_search(&e.address).is_ok();
                match (mine(&source), mine(&destination)) {
                    (true, false) => return Some((source, destination)),
                    (false, true) => return Some((destination, source)),
                    _ => {}
                }
                match (
                    is_group_or_wildcard(source.address),
                    is_group_or_wildcard(destination.address),
                ) {
                    (true, false) => return Some((source, destination)),
                    (false, true) => return Some((destination, source)),
                    _ => {}
                }
                let votes = facts.votes;
                if votes.packet_order != votes.receiver_first {
                    return Some(match facts.orientation {
                        Orientation::PacketOrder => (destination, source),
                        Orientation::ReceiverFirst => (source, destination),
                    });
                }
                match (
                    source.port < FIRST_DYNAMIC_PORT,
                    destination.port < FIRST_DYNAMIC_PORT,
                ) {
                    (true, false) => Some((source, destination)),
                    (false, true) => Some((destination, source)),
                    _ => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::Transport;
    use crate::model::firewall::Layer;
    use crate::model::host_event::{Process, Verdict};

    fn row(direction: Direction, source: &str, destination: &str) -> Event {
        let host = logged(direction, source, destination);
        Event {
            time: Timestamp(0),
            recorded: Timestamp(0),
            provenance: crate::model::Provenance {
                evidence: crate::model::EvidenceId(1),
                interface: 0,
                kind: crate::model::provenance::Item::Record,
                item: 1,
                offset: 0,
            },
            what: What::Host(Box::new(host)),
        }
    }

    fn logged(direction: Direction, source: &str, destination: &str) -> HostEvent {
        let end = |text: &str| {
            let at: std::net::SocketAddr = text.parse().unwrap();
            Endpoint::new(at.ip(), at.port())
        };
        HostEvent {
            computer: "WS01.corp.example".into(),
            channel: "Security".into(),
            provider: "Microsoft-Windows-Security-Auditing".into(),
            event_id: 5156,
            socket: None,
            written: Timestamp(0),
            what: HostWhat::Filtered {
                verdict: Verdict::Permitted,
                layer: Layer::Accept,
                direction: Some(direction),
                process: Process::default(),
                transport: Transport::TCP,
                source: end(source),
                destination: end(destination),
            },
        }
    }

    fn sides(identity: &Identity, source: &str, destination: &str) -> Option<(Endpoint, Endpoint)> {
        let HostWhat::Filtered {
            source,
            destination,
            ..
        } = logged(Direction::Inbound, source, destination).what
        else {
            unreachable!()
        };
        identity.local_and_remote(HostId(0), Some(Direction::Inbound), source, destination)
    }

    fn built(rows: &[Event]) -> Identity {
        let mut builder = IdentityBuilder::default();
        rows.iter().for_each(|r| builder.observe(r));
        builder.freeze()
    }

    #[test]
    fn the_hosts_own_address_decides_in_either_order() {
        for (s, d) in [
            ("10.0.0.9:50000", "10.0.0.5:445"),
            ("10.0.0.5:445", "10.0.0.9:50000"),
        ] {
            let identity = built(&[
                row(Direction::Outbound, "10.0.0.5:50001", "1.1.1.1:443"),
                row(Direction::Inbound, s, d),
            ]);
            let (local, remote) = sides(&identity, s, d).unwrap();
            assert_eq!(
                (local.to_string().as_str(), remote.to_string().as_str()),
                ("10.0.0.5:445", "10.0.0.9:50000")
            );
        }
    }

    #[test]
    fn the_majority_of_decidable_rows_orients_the_others() {
        let identity = built(&[
            row(Direction::Outbound, "10.0.0.5:50001", "1.1.1.1:443"),
            row(Direction::Inbound, "10.0.0.5:445", "10.0.0.9:50000"),
        ]);
        assert_eq!(identity.hosts()[0].orientation, Orientation::ReceiverFirst);
        let (local, _) = sides(&identity, "172.16.0.1:8080", "172.16.0.2:9090").unwrap();
        assert_eq!(local.port, 8080);
    }

    #[test]
    fn without_outbound_rows_the_side_that_does_not_vary_is_the_hosts() {
        let identity = built(&[
            row(Direction::Inbound, "10.0.0.7:50000", "10.0.0.5:445"),
            row(Direction::Inbound, "10.0.0.8:50000", "10.0.0.5:445"),
        ]);
        assert_eq!(
            identity.hosts()[0].addresses,
            vec!["10.0.0.5".parse::<IpAddr>().unwrap()]
        );
        assert_eq!(identity.at("10.0.0.5".parse().unwrap()), Some(HostId(0)));
    }

    #[test]
    fn an_address_claimed_by_two_hosts_belongs_to_neither_unless_stated() {
        let mut builder = IdentityBuilder::default();
        let mut other = row(Direction::Outbound, "10.0.0.5:50001", "1.1.1.1:443");
        builder.observe(&other);
        if let What::Host(host) = &mut other.what {
            host.computer = "ws02".into();
        }
        builder.observe(&other);
        let address = "10.0.0.5".parse().unwrap();
        assert_eq!(builder.clone().freeze().at(address), None);
        assert_eq!(builder.clone().freeze().conflicts.len(), 1);
        builder.state("WS02", address);
        let identity = builder.freeze();
        assert_eq!(identity.at(address), identity.named("ws02"));
    }
}
